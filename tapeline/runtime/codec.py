"""Values to bytes and back in Confluent's wire format (byte 0, schema id, Avro body), strict in both directions.

What is not exactly a value of the schema raises InvalidMessage naming the field, and no other error: the shell sends
it to the dead letter queue and goes on. Our own schemas become functions, once per process (`tapeline.runtime.avro`);
what was written with another schema is resolved against ours by fastavro.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from decimal import Decimal
from functools import cache, partial
from io import BytesIO
from typing import Any, Final, NamedTuple

import fastavro
import msgspec
from fastavro.read import SchemaResolutionError
from fastavro.schema import SchemaParseException, UnknownType

from schemas import avro_files
from schemas.topics import TOPICS, Topic
from tapeline.domain import events
from tapeline.errors import InvalidMessage, Misconfigured, UnknownSchema
from tapeline.runtime import avro
from tapeline.runtime.avro import strict

Values = dict[str, Any]
"""A record as plain values; the record inside a union names itself under `-type`."""

_HEAD: Final = struct.Struct(">bI")
_MAGIC: Final = 0
# Types that Avro carries as they are, so msgspec must neither turn them into text nor expect text.
_KEPT: Final = (bytes, Decimal)
# All that fastavro raises on bytes that are no value of the schema (found by fuzzing, `tests/properties`).
_BROKEN: Final = (
    EOFError,
    IndexError,
    KeyError,
    ValueError,
    TypeError,
    ArithmeticError,
    MemoryError,
    RecursionError,
    SchemaResolutionError,
)


class _Foreign(NamedTuple):
    """A schema of others: an older or newer one of a record, or one that is not ours at all."""

    record: str
    schema: Values


class Codec:
    """Encodes and decodes records; holds the schema ids that the registry gave."""

    def __init__(self, schema_ids: Mapping[str, int]) -> None:
        """Take the registry's ids, by subject; ids of subjects that are not in the catalogue are left alone."""
        self._heads: dict[str, bytes] = {}
        self._writers: dict[str, tuple[bytes, type[Any], avro.Write]] = {}
        self._readers: dict[bytes, tuple[str, avro.Read]] = {}
        self._ours: dict[bytes, str] = {}
        self._foreign: dict[bytes, _Foreign] = {}
        for topic in TOPICS:
            schema_id = schema_ids.get(topic.subject)
            if schema_id is not None:
                head = self._heads[topic.name] = _HEAD.pack(_MAGIC, schema_id)
                self._ours[head] = topic.record

    def encode(self, topic: Topic, value: msgspec.Struct | Values) -> bytes:
        """Return the bytes of a value of the topic's record: its Struct, or plain values where it has none.

        Raise InvalidMessage naming the first field that does not fit, and Misconfigured when the topic's schema was
        never registered.
        """
        head, kind, write = self._writers.get(topic.name) or self._writer(topic)
        if type(value) is not kind:
            raise TypeError(f"{topic.record} is encoded from {kind.__name__}, not from {type(value).__name__}")
        return write(value, head)

    def decode(self, topic: Topic, data: bytes) -> Any:  # noqa: ANN401 - the Struct differs from topic to topic
        """Return the value in the bytes: the record's Struct, or plain values where it has none.

        A value written with an older or newer schema that was learned is resolved against ours. Raise UnknownSchema
        when the id is not known, InvalidMessage when the bytes are not exactly one value of the topic's record.
        """
        record, read = self._readers.get(data[: _HEAD.size]) or self._reader(data[: _HEAD.size])
        if record != topic.record:
            raise InvalidMessage(f"topic {topic.name} carries {topic.record}", field="record", value=record)
        return read(data, _HEAD.size)

    def decode_any(self, data: bytes) -> tuple[str, Values]:
        """Return the record's name and plain values, as they were written: for people who look into a topic."""
        head = data[: _HEAD.size]
        record = self._ours.get(head)
        if record is not None:
            return record, _plain_reader(record)(data, _HEAD.size)
        foreign = self._written(head)
        values = _read(data, _HEAD.size, foreign.schema, None, tagged=strict.has_tagged_union(foreign.schema))
        _check(strict.reading(foreign.schema), values)
        return foreign.record, values

    def learn(self, schema_id: int, text: str) -> None:
        """Take the schema of an id from the registry; ids that are known stay as they are, for an id never changes."""
        head = _HEAD.pack(_MAGIC, schema_id)
        if head in self._ours or head in self._foreign:
            return
        try:
            schema = _parsed(json.loads(text))
        except (*_BROKEN, SchemaParseException, UnknownType) as error:
            raise InvalidMessage(f"schema {schema_id} is no Avro record: {error}") from error
        self._foreign[head] = _Foreign(schema["name"], schema)

    def _writer(self, topic: Topic) -> tuple[bytes, type[Any], avro.Write]:
        """Return what a topic's values are encoded with; made when the first of them comes."""
        head = self._heads.get(topic.name)
        if head is None:
            raise Misconfigured(
                f"the schema of topic {topic.name} has no id", fix="run `tapeline up`, which registers all schemas"
            )
        found = self._writers[topic.name] = (head, *_writer(topic.record))
        return found

    def _reader(self, head: bytes) -> tuple[str, avro.Read]:
        """Return the record that a head names and what reads its values; made when the first of them comes."""
        record = self._ours.get(head)
        if record is not None:
            found = self._readers[head] = (record, _reader(record))
            return found
        foreign = self._written(head)
        return foreign.record, partial(_resolved, foreign)

    def _written(self, head: bytes) -> _Foreign:
        """Return the schema of others that a head names."""
        found = self._foreign.get(head)
        if found is not None:
            return found
        if len(head) < _HEAD.size:
            raise InvalidMessage(f"{len(head)} bytes are no record: the head alone has {_HEAD.size}")
        magic, schema_id = _HEAD.unpack(head)
        if magic != _MAGIC:
            raise InvalidMessage("this is not Confluent's wire format", field="magic", value=magic)
        raise UnknownSchema(schema_id)


@cache
def _ours(name: str) -> Values:
    """Return the schema of one of our records."""
    return _parsed(avro_files.load(name))


@cache
def _writer(name: str) -> tuple[type[Any], avro.Write]:
    """Return what one of our records is encoded from, and its writer."""
    kind = events.STRUCTS.get(name)
    return dict if kind is None else kind, avro.writer(avro.shape(_ours(name), kind))


@cache
def _reader(name: str) -> avro.Read:
    """Return the reader of one of our records."""
    return avro.reader(avro.shape(_ours(name), events.STRUCTS.get(name)))


@cache
def _plain_reader(name: str) -> avro.Read:
    """Return the reader of one of our records that makes plain values."""
    return avro.reader(avro.shape(_ours(name), None))


@cache
def _checks(name: str) -> tuple[bool, strict.Check | None]:
    """Return how the values of one of our records are read by fastavro: with names in unions, and what to check."""
    return strict.has_tagged_union(_ours(name)), strict.reading(_ours(name))


def _parsed(schema: object) -> Values:
    """Return a schema as fastavro wants it; raise ValueError when it is no record."""
    found = fastavro.parse_schema(schema)  # type: ignore[arg-type]  # parse_schema itself refuses what is no schema
    if not isinstance(found, dict) or found["type"] != "record":
        raise ValueError("it is no record")
    return found


def _resolved(foreign: _Foreign, data: bytes, place: int) -> Any:  # noqa: ANN401 - a Struct or plain values
    """Return the value that was written with another schema of one of our records."""
    name = foreign.record
    tagged, check = _checks(name)
    values = _read(data, place, foreign.schema, _ours(name), tagged=tagged)
    _check(check, values)
    kind = events.STRUCTS.get(name)
    if kind is None:
        return values
    try:
        return msgspec.convert(values, kind, builtin_types=_KEPT)
    except msgspec.ValidationError as error:
        raise InvalidMessage(f"{name}: {error}") from None


def _read(data: bytes, place: int, writer: Values, reader: Values | None, *, tagged: bool) -> Any:  # noqa: ANN401 - see below
    """Read one value that fills the bytes from this place on: plain values, for a record was written."""
    source = BytesIO(data)
    source.seek(place)
    try:
        values = fastavro.schemaless_reader(
            source, writer, reader, return_record_name=tagged, return_record_name_override=tagged
        )
    except _BROKEN as error:
        raise InvalidMessage(f"the body is no {writer['name']}: {type(error).__name__} {error}") from error
    left = len(data) - source.tell()
    if left:
        raise InvalidMessage(f"{left} bytes are left after the {writer['name']}")
    return strict.tagged(values) if tagged else values


def _check(check: strict.Check | None, values: Values) -> None:
    """Refuse numbers that Avro can carry and our contracts do not."""
    if check is not None:
        try:
            check(values)
        except strict.Wrong as wrong:
            raise wrong.settled() from None
