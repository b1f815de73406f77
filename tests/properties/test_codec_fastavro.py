"""The generated readers and writers against fastavro, for every record: the same bytes, the same values, no more."""

from __future__ import annotations

import io
from functools import cache
from typing import Any

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import avro_files
from schemas.topics import TOPICS, Topic
from tapeline.errors import InvalidMessage
from tapeline.runtime.avro import strict
from tapeline.runtime.codec import Codec
from tests.support.records import IDS, plain, values

CODEC = Codec(IDS)
HEAD = 5
every_topic = pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)


@cache
def parsed(record: str) -> Any:  # noqa: ANN401 - a schema as fastavro has it
    return fastavro.parse_schema(avro_files.load(record))


def written(record: str, value: object) -> bytes:
    """Return the body that fastavro writes."""
    out = io.BytesIO()
    fastavro.schemaless_writer(out, parsed(record), plain(value))
    return out.getvalue()


def read(record: str, body: bytes) -> Any:  # noqa: ANN401 - plain values
    """Return what fastavro reads, in our form of plain values, and refuse what our contracts do not allow."""
    names = strict.has_tagged_union(parsed(record))
    found = fastavro.schemaless_reader(
        io.BytesIO(body), parsed(record), None, return_record_name=names, return_record_name_override=names
    )
    value = strict.tagged(found) if names else found
    check = strict.reading(parsed(record))
    if check is not None:
        check(value)
    return value


@every_topic
@given(data=st.data())
def test_the_bytes_are_those_that_fastavro_writes(topic: Topic, data: st.DataObject) -> None:
    value = data.draw(values(topic.record))
    assert CODEC.encode(topic, value)[HEAD:] == written(topic.record, value)


@every_topic
@given(data=st.data())
def test_what_fastavro_writes_comes_back_as_the_value_and_as_what_fastavro_reads(
    topic: Topic, data: st.DataObject
) -> None:
    value = data.draw(values(topic.record))
    body = written(topic.record, value)
    whole = CODEC.encode(topic, value)[:HEAD] + body
    assert CODEC.decode(topic, whole) == value
    assert CODEC.decode_any(whole) == (topic.record, read(topic.record, body))


@every_topic
@given(data=st.data())
def test_broken_bytes_read_as_fastavro_reads_them_or_not_at_all(topic: Topic, data: st.DataObject) -> None:
    encoded = bytearray(CODEC.encode(topic, data.draw(values(topic.record))))
    for _ in range(data.draw(st.integers(1, 3))):
        begin = data.draw(st.integers(HEAD, len(encoded)))
        end = data.draw(st.integers(begin, min(begin + 2, len(encoded))))
        encoded[begin:end] = data.draw(st.binary(max_size=3))
    broken = bytes(encoded)
    try:
        value = CODEC.decode(topic, broken)
    except InvalidMessage:
        with pytest.raises(InvalidMessage):
            CODEC.decode_any(broken)
        return
    found = read(topic.record, broken[HEAD:])
    assert plain(value) == found
    assert CODEC.decode_any(broken) == (topic.record, found)
