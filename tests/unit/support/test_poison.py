"""What poison is made of a real record: each kind once, each refused by the codec, none the record itself."""

from __future__ import annotations

import pytest

from schemas import topics
from simulator import chance
from tapeline.errors import InvalidMessage, UnknownSchema
from tapeline.runtime.codec import Codec
from tests.support.poison import LARGE_BYTES, kinds_of
from tests.support.records import BOOK, IDS

TOPIC = topics.by_name("md.book")
CODEC = Codec(IDS)


def test_each_kind_is_refused_by_the_codec() -> None:
    real = CODEC.encode(TOPIC, BOOK)
    found = {one.kind: one.value for one in kinds_of(real, BOOK, chance.stream(1, "poison"))}
    assert list(found) == ["random bytes", "unknown id", "truncated", "10 MB", "NaN"]
    assert (len(found["10 MB"]), len(found["NaN"])) == (LARGE_BYTES, len(real))
    for data in found.values():
        with pytest.raises((InvalidMessage, UnknownSchema)):
            CODEC.decode(TOPIC, data)


def test_of_a_record_without_doubles_there_is_no_nan() -> None:
    found = [one.kind for one in kinds_of(b"\x00" * 40, None, chance.stream(1, "poison"))]
    assert found == ["random bytes", "unknown id", "truncated", "10 MB"]
