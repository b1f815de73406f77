"""Records as entries of a batch: decoded and checked, or set aside with the broker's acknowledgement."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, Protocol

from schemas import topics
from sinks.batching import Entry
from tapeline.errors import InvalidMessage, UnknownSchema

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from schemas.topics import Topic
    from sinks.known import Key
    from tapeline.runtime.codec import Codec
    from tapeline.runtime.dlq import DeadLetters
    from tapeline.runtime.kafka import Record

_US_PER_MS: Final = 1_000
# Others get their turn after so many records: heartbeats must not wait for a large fetch.
_TURN: Final = 500


class Kept(Protocol):
    """What must be known of a table to take records in for it."""

    @property
    def topic(self) -> str:
        """Return the topic that fills it."""

    @property
    def check(self) -> Callable[[Any], None]:
        """Return what refuses, with InvalidMessage, a value that its columns cannot hold."""

    @property
    def rows(self) -> Callable[[Any], int]:
        """Return what tells how many rows a value is."""

    @property
    def key(self) -> Callable[[Any], Key | None]:
        """Return what tells a value from all others; None where the store knows that by itself."""


class Intake:
    """Decodes what comes; what breaks its contract goes to the dead letters and leaves an empty entry."""

    def __init__(self, codec: Codec, letters: DeadLetters, learn: Callable[[int], Awaitable[str]]) -> None:
        """Take the codec, where invalid records go, and who knows other writers' schemas.

        `learn` raises UnknownSchema when there is no such id, and Unavailable when that cannot be told now.
        """
        self._codec = codec
        self._letters = letters
        self._learn = learn

    async def entries(self, table: Kept, records: Sequence[Record]) -> list[Entry]:
        """Return one entry a record, in order; Misconfigured when too many of the topic were set aside."""
        topic = topics.by_name(table.topic)
        found: list[Entry] = []
        good = 0
        for record in records:
            if len(found) % _TURN == _TURN - 1:
                await asyncio.sleep(0)
            at_us, size = record.timestamp * _US_PER_MS, len(record.value or b"")
            try:
                value = await self._decoded(topic, record.value or b"")
                table.check(value)
            except InvalidMessage as error:
                self._letters.passed(topic.name, good)
                good = 0
                await self._letters.put(record, error)
                found.append(Entry(record.offset, at_us, size))
            else:
                good += 1
                found.append(Entry(record.offset, at_us, size, table.rows(value), table.key(value), value))
        self._letters.passed(topic.name, good)
        return found

    async def _decoded(self, topic: Topic, data: bytes) -> Any:  # noqa: ANN401 - the record differs by topic
        try:
            return self._codec.decode(topic, data)
        except UnknownSchema as error:
            self._codec.learn(error.schema_id, await self._learn(error.schema_id))
            return self._codec.decode(topic, data)
