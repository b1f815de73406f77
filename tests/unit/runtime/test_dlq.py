"""A letter is the record as it was, its mark says that it was replayed, and folding shows each letter once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import pytest

from tapeline.domain.events import DeadLetter, Header
from tapeline.errors import InvalidMessage
from tapeline.runtime import dlq


@dataclass(frozen=True, kw_only=True)
class Read:
    """A record as a reader gives it."""

    topic: str = "md.trade"
    partition: int = 2
    offset: int = 7
    timestamp: int = 1_700_000_000_123
    key: bytes | None = b"k"
    value: bytes | None = b"\x00\x00\x00\x00\x2abody"
    headers: Sequence[tuple[str, bytes]] = (("trace", b"1"), ("trace", b"2"))


def letter(record: Read) -> DeadLetter:
    return dlq.letter_of(record, InvalidMessage("no", field="price", value=1), process="worker-1", at_us=5)


def test_a_letter_holds_all_of_the_record_and_why() -> None:
    assert letter(Read()) == DeadLetter(
        origin_topic="md.trade",
        origin_partition=2,
        origin_offset=7,
        origin_us=1_700_000_000_123_000,
        key=b"k",
        value=b"\x00\x00\x00\x00\x2abody",
        headers=(Header(name="trace", value=b"1"), Header(name="trace", value=b"2")),
        error="no",
        field="price",
        schema_id=42,
        process="worker-1",
        at_us=5,
        replays=0,
        replayed_us=None,
    )


@pytest.mark.parametrize("value", [None, b"", b"\x00\x00\x00\x00", b"\x01\x00\x00\x00\x2abody"])
def test_what_is_not_our_wire_has_no_schema_id(value: bytes | None) -> None:
    found = letter(Read(value=value))

    assert (found.value, found.schema_id) == (value, None)


@pytest.mark.parametrize(("text", "replays"), [(b"1", 1), (b"12", 12), (b"x", 0), (b"", 0)])
def test_a_replayed_record_says_how_often_and_keeps_its_own_headers(text: bytes, replays: int) -> None:
    found = letter(Read(headers=(("trace", b"1"), (dlq.REPLAYS_HEADER, text))))

    assert (found.replays, found.headers) == (replays, (Header(name="trace", value=b"1"),))


def test_a_mark_has_the_letters_identity_and_no_value() -> None:
    whole = letter(Read())

    assert dlq.mark_of(whole, at_us=9) == msgspec.structs.replace(whole, value=None, replayed_us=9)
    assert dlq.mark_of(whole, at_us=9).origin == whole.origin


def test_folding_shows_each_letter_once_with_its_last_replay() -> None:
    one, two = letter(Read(offset=1)), letter(Read(offset=2))

    found = dlq.folded([one, two, dlq.mark_of(one, at_us=9), one, dlq.mark_of(one, at_us=11)])

    assert list(found.values()) == [msgspec.structs.replace(one, replayed_us=11), two]


def test_the_same_record_set_aside_again_stays_replayed() -> None:
    one = letter(Read())

    assert dlq.folded([one, dlq.mark_of(one, at_us=9), one]) == {
        one.origin: msgspec.structs.replace(one, replayed_us=9)
    }


def test_a_mark_alone_is_shown_as_it_is() -> None:
    mark = dlq.mark_of(letter(Read()), at_us=9)

    assert dlq.folded([mark]) == {mark.origin: mark}
