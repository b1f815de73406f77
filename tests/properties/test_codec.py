"""The codec on values and bytes that nobody thought of: whole values come back, broken bytes are refused, no more."""

from __future__ import annotations

import struct

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.topics import TOPICS, Topic
from tapeline.domain import events
from tapeline.errors import InvalidMessage
from tapeline.runtime.codec import Codec
from tests.support.records import IDS, plain, values

CODEC = Codec(IDS)
every_topic = pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)


def assert_of_the_record(topic: Topic, value: object) -> None:
    """Check that a decoded value is one that may be encoded again, and that nothing is lost on the way."""
    kind = events.STRUCTS.get(topic.record, dict)
    assert type(value) is kind
    assert isinstance(value, msgspec.Struct | dict)
    assert CODEC.decode(topic, CODEC.encode(topic, value)) == value


@every_topic
@given(data=st.data())
def test_a_whole_value_comes_back_as_it_was(topic: Topic, data: st.DataObject) -> None:
    """X-10: round trip of every type."""
    value = data.draw(values(topic.record))
    encoded = CODEC.encode(topic, value)
    assert CODEC.decode(topic, encoded) == value
    assert CODEC.decode_any(encoded) == (topic.record, plain(value))


@every_topic
@given(data=st.data())
def test_mutated_bytes_are_a_valid_value_or_an_invalid_message_and_no_other_error(
    topic: Topic, data: st.DataObject
) -> None:
    encoded = bytearray(CODEC.encode(topic, data.draw(values(topic.record))))
    places = st.integers(0, len(encoded) - 1)
    for place, byte in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), min_size=1, max_size=4)):
        encoded[place] = byte
    cut = data.draw(st.one_of(st.just(len(encoded)), places))
    broken = bytes(encoded[:cut]) + data.draw(st.binary(max_size=3))
    try:
        value = CODEC.decode(topic, broken)
    except InvalidMessage:
        return
    assert_of_the_record(topic, value)


@every_topic
@given(body=st.binary(max_size=300))
def test_any_bytes_after_a_right_head_are_a_valid_value_or_an_invalid_message(topic: Topic, body: bytes) -> None:
    try:
        value = CODEC.decode(topic, struct.pack(">bI", 0, IDS[topic.subject]) + body)
    except InvalidMessage:
        return
    assert_of_the_record(topic, value)


@given(data=st.binary(max_size=64))
def test_any_bytes_at_all_are_a_valid_value_or_an_invalid_message(data: bytes) -> None:
    try:
        name, _ = CODEC.decode_any(data)
    except InvalidMessage:
        return
    assert name in {topic.record for topic in TOPICS}
