"""Notices keep the newest record of each key in order; what is deleted is gone, what is broken is set aside."""

from __future__ import annotations

from typing import Any, cast

import msgspec

from processors.notices import Notices
from processors.outlets import Outlets
from schemas import topics
from tapeline.errors import InvalidMessage
from tapeline.runtime.codec import Codec
from tapeline.runtime.kafka import Reader
from tests.support.records import BOOK, IDS
from tests.unit.processors.test_batch import Kept

CODEC = Codec(IDS)


class Aside:
    """The outlets that notices use."""

    codec = CODEC

    def __init__(self) -> None:
        self.offsets: list[int] = []

    async def set_aside(self, record: Kept, error: InvalidMessage) -> None:
        assert error.reason
        self.offsets.append(record.offset)


def record(offset: int, key: bytes, sequence: int | None) -> Kept:
    made = msgspec.structs.replace(BOOK, sequence=sequence or 0)
    return Kept(offset, key, None if sequence is None else CODEC.encode(topics.by_name("md.book"), made))


def told(notices: Notices, number: int) -> tuple[int, list[Any]]:
    last, found = notices.since(number)
    return last, [(one.value.sequence, one.offset) for one in found]


async def test_a_later_listener_is_told_only_the_newest_of_each_key() -> None:
    notices = Notices(cast("Reader", None), cast("Outlets", Aside()))
    for offset, (key, sequence) in enumerate([(b"a", 1), (b"b", 2), (b"a", 3), (b"b", None), (b"c", 4)]):
        await notices.take(record(offset, key, sequence), live=True)

    assert told(notices, 0) == (4, [(3, 2), (4, 4)])
    assert told(notices, 3) == (4, [(4, 4)])
    assert told(notices, 4) == (4, [])


async def test_what_is_broken_is_set_aside_once_when_it_comes() -> None:
    aside = Aside()
    notices = Notices(cast("Reader", None), cast("Outlets", aside))

    await notices.take(Kept(0, b"a", b"?"), live=False)
    await notices.take(Kept(1, b"a", b"?"), live=True)

    assert aside.offsets == [1]
    assert told(notices, 0) == (0, [])
