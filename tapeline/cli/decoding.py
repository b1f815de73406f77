"""Turns a record into what is shown: decoded by our codec, unknown schemas learned; an invalid one says why."""

from __future__ import annotations

from typing import Any

import msgspec

from schemas.topics import TOPICS
from tapeline.errors import InvalidMessage, TapelineError, UnknownSchema
from tapeline.runtime import clock
from tapeline.runtime.codec import Codec
from tapeline.runtime.kafka import Record
from tapeline.runtime.registry import RegistryClient

_OURS = frozenset(topic.name for topic in TOPICS)
_HEAD_BYTES = 32


class Invalid(msgspec.Struct, frozen=True, kw_only=True):
    """Why a record could not be decoded, and its first bytes."""

    kind: str
    problem: str
    size: int
    head: str


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """One record: `value` is null when it is invalid (see `error`) or deletes its key (then `error` is null too)."""

    topic: str
    partition: int
    offset: int
    time: str
    timestamp_us: int
    key: str | None
    record: str | None
    value: dict[str, Any] | None
    error: Invalid | None

    @property
    def place(self) -> dict[str, object]:
        """What a filter can ask of any record."""
        return {"key": self.key, "partition": self.partition, "offset": self.offset, "record": self.record}


class Decoder:
    """Decodes records of any topic, asking the registry once for each schema id that it has not seen."""

    def __init__(self, codec: Codec, registry: RegistryClient | None) -> None:
        """Use this codec, and this registry for what it does not know."""
        self.codec = codec
        self._registry = registry
        self._unknown: dict[int, str] = {}

    async def shown(self, record: Record) -> Shown:
        """Return the record decoded, or with the reason why it cannot be."""
        name, value, error = None, None, None
        if record.value is not None:
            try:
                name, value = await self._decoded(record.topic, record.value)
            except InvalidMessage as found:
                error = invalid(record.value, str(found))
        timestamp_us = record.timestamp * 1_000
        return Shown(
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            time=clock.iso(timestamp_us),
            timestamp_us=timestamp_us,
            key=None if record.key is None else record.key.decode("utf-8", "backslashreplace"),
            record=name,
            value=value,
            error=error,
        )

    async def value(self, data: bytes) -> tuple[str, dict[str, Any]]:
        """Return record name and fields of bytes of ours; raise InvalidMessage with the reason."""
        try:
            return self.codec.decode_any(data)
        except UnknownSchema as error:
            await self.learn(error.schema_id)
            return self.codec.decode_any(data)

    async def _decoded(self, topic: str, data: bytes) -> tuple[str | None, dict[str, Any]]:
        try:
            return await self.value(data)
        except InvalidMessage:
            if topic in _OURS:
                raise
            return None, plain(data)

    async def learn(self, schema_id: int) -> None:
        """Take a schema from the registry; raise InvalidMessage when it does not have it or is away."""
        reason = self._unknown.get(schema_id)
        if reason is None and self._registry is not None:
            try:
                self.codec.learn(schema_id, await self._registry.schema(schema_id))
            except TapelineError as error:
                reason = self._unknown[schema_id] = str(error)
            else:
                return
        raise InvalidMessage(f"schema id {schema_id} is not known here and could not be learned ({reason})")


def invalid(data: bytes, problem: str) -> Invalid:
    """Describe bytes that could not be decoded."""
    return Invalid(kind="invalid_message", problem=problem, size=len(data), head=data[:_HEAD_BYTES].hex())


def plain(data: bytes) -> dict[str, Any]:
    """Return a record of a topic that is not ours: its JSON object, else its text, else its bytes in hex."""
    try:
        found = msgspec.json.decode(data)
    except msgspec.DecodeError:
        found = None
    if isinstance(found, dict):
        return found
    try:
        return {"text": data.decode("utf-8")}
    except UnicodeDecodeError:
        return {"hex": data.hex()}
