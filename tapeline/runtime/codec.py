"""Values to bytes and back in Confluent's wire format (byte 0, schema id, Avro body), strict in both directions.

What is not exactly a value of the schema raises InvalidMessage naming the field, and no other error: the shell sends
it to the dead letter queue and goes on. Schemas are compiled once.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from io import BytesIO
from typing import Any, Final, NamedTuple, cast

import fastavro
import msgspec
from fastavro.read import SchemaResolutionError
from fastavro.schema import SchemaParseException, UnknownType

from schemas import avro_files
from schemas.topics import TOPICS, Topic
from tapeline.domain import events
from tapeline.errors import InvalidMessage, Misconfigured, UnknownSchema
from tapeline.runtime import avro_strict

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


class _Record(NamedTuple):
    """One of our records, compiled: how its values become what fastavro writes, and the other way round."""

    name: str
    schema: Values
    struct: type[msgspec.Struct] | None
    plain: Callable[[Any], Values]
    check_write: avro_strict.Check
    check_read: avro_strict.Check | None
    tagged: bool


class _Written(NamedTuple):
    """The schema a record was written with: ours, or an older or newer one."""

    record: str
    schema: Values
    ours: bool


class Codec:
    """Encodes and decodes records; holds the schema ids that the registry gave."""

    def __init__(self, schema_ids: Mapping[str, int]) -> None:
        """Take the registry's ids, by subject; ids of subjects that are not in the catalogue are left alone."""
        self._heads: dict[str, bytes] = {}
        self._written: dict[int, _Written] = {}
        for topic in TOPICS:
            schema_id = schema_ids.get(topic.subject)
            if schema_id is not None:
                self._heads[topic.name] = _HEAD.pack(_MAGIC, schema_id)
                self._written[schema_id] = _Written(topic.record, compiled(topic.record).schema, ours=True)

    def encode(self, topic: Topic, value: msgspec.Struct | Values) -> bytes:
        """Return the bytes of a value of the topic's record: its Struct, or plain values where it has none.

        Raise InvalidMessage naming the first field that does not fit, and Misconfigured when the topic's schema was
        never registered.
        """
        head = self._heads.get(topic.name)
        if head is None:
            raise Misconfigured(
                f"the schema of topic {topic.name} has no id", fix="run `tapeline up`, which registers all schemas"
            )
        record = compiled(topic.record)
        values = record.plain(value)
        out = BytesIO()
        out.write(head)
        try:
            record.check_write(values)
            fastavro.schemaless_writer(out, record.schema, values)
        except avro_strict.Wrong as wrong:
            raise wrong.settled() from None
        return out.getvalue()

    def decode(self, topic: Topic, data: bytes) -> Any:  # noqa: ANN401 - the Struct differs from topic to topic
        """Return the value in the bytes: the record's Struct, or plain values where it has none.

        A value written with an older or newer schema that was learned is resolved against ours. Raise UnknownSchema
        when the id is not known, InvalidMessage when the bytes are not exactly one value of the topic's record.
        """
        written = self._writer(data)
        record = compiled(topic.record)
        if written.record != record.name:
            raise InvalidMessage(f"topic {topic.name} carries {record.name}", field="record", value=written.record)
        values = _read(data, written.schema, None if written.ours else record.schema, tagged=record.tagged)
        _check(record.check_read, values)
        if record.struct is None:
            return values
        try:
            return msgspec.convert(values, record.struct, builtin_types=_KEPT)
        except msgspec.ValidationError as error:
            raise InvalidMessage(f"{record.name}: {error}") from None

    def decode_any(self, data: bytes) -> tuple[str, Values]:
        """Return the record's name and plain values, as they were written: for people who look into a topic."""
        written = self._writer(data)
        values = _read(data, written.schema, None, tagged=avro_strict.has_tagged_union(written.schema))
        _check(avro_strict.reading(written.schema), values)
        return written.record, values

    def learn(self, schema_id: int, text: str) -> None:
        """Take the schema of an id from the registry; ids that are known stay as they are, for an id never changes."""
        if schema_id in self._written:
            return
        try:
            schema = _parsed(json.loads(text))
        except (*_BROKEN, SchemaParseException, UnknownType) as error:
            raise InvalidMessage(f"schema {schema_id} is no Avro record: {error}") from error
        self._written[schema_id] = _Written(schema["name"], schema, ours=False)

    def _writer(self, data: bytes) -> _Written:
        """Return the schema that the bytes name."""
        if len(data) < _HEAD.size:
            raise InvalidMessage(f"{len(data)} bytes are no record: the head alone has {_HEAD.size}")
        magic, schema_id = _HEAD.unpack_from(data)
        if magic != _MAGIC:
            raise InvalidMessage("this is not Confluent's wire format", field="magic", value=magic)
        written = self._written.get(schema_id)
        if written is None:
            raise UnknownSchema(schema_id)
        return written


@cache
def compiled(name: str) -> _Record:
    """Return one of our records, compiled once per process."""
    schema = _parsed(avro_files.load(name))
    kind = events.STRUCTS.get(name)
    return _Record(
        name=name,
        schema=schema,
        struct=kind,
        plain=_plainer(name, schema, kind),
        check_write=avro_strict.writing(schema),
        check_read=avro_strict.reading(schema),
        tagged=avro_strict.has_tagged_union(schema),
    )


def _parsed(schema: object) -> Values:
    """Return a schema as fastavro wants it; raise ValueError when it is no record."""
    found = fastavro.parse_schema(schema)  # type: ignore[arg-type]  # parse_schema itself refuses what is no schema
    if not isinstance(found, dict) or found["type"] != "record":
        raise ValueError("it is no record")
    return found


def _plainer(name: str, schema: Values, kind: type[msgspec.Struct] | None) -> Callable[[Any], Values]:
    """Return the function that turns a value of the record into plain values; a value of another type is a bug."""
    expected: type = dict if kind is None else kind
    flat = sum(map(avro_strict.is_record, avro_strict.nodes(schema))) == 1

    def plain(value: Any) -> Values:  # noqa: ANN401 - what a caller hands in
        if type(value) is not expected:
            raise TypeError(f"{name} is encoded from {expected.__name__}, not from {type(value).__name__}")
        found: Any = value
        if kind is not None:
            found = msgspec.structs.asdict(found) if flat else msgspec.to_builtins(found, builtin_types=_KEPT)
        return cast("Values", found)

    return plain


def _read(data: bytes, writer: Values, reader: Values | None, *, tagged: bool) -> Any:  # noqa: ANN401 - see below
    """Read one value that fills the bytes after the head: plain values, for a record was written."""
    source = BytesIO(data)
    source.seek(_HEAD.size)
    try:
        values = fastavro.schemaless_reader(
            source, writer, reader, return_record_name=tagged, return_record_name_override=tagged
        )
    except _BROKEN as error:
        raise InvalidMessage(f"the body is no {writer['name']}: {type(error).__name__} {error}") from error
    left = len(data) - source.tell()
    if left:
        raise InvalidMessage(f"{left} bytes are left after the {writer['name']}")
    return avro_strict.tagged(values) if tagged else values


def _check(check: avro_strict.Check | None, values: Values) -> None:
    """Refuse numbers that Avro can carry and our contracts do not."""
    if check is not None:
        try:
            check(values)
        except avro_strict.Wrong as wrong:
            raise wrong.settled() from None
