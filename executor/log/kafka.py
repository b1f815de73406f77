"""The real Log: reads `order.intent` from offsets of our own, without a group; publishes the outbox by partition.

A record that cannot be read is with the dead letters, acknowledged, before it is told. What the broker has of a
partition is at any time a beginning of what the outbox has for it; partitions do not wait for one another.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Final, NamedTuple, Self

from executor.log.records import INTENTS, decode_intent, encode_outgoing, headers_of, partition_for, trace_of
from executor.ports import LoggedIntent, Waiting
from schemas import topics
from schemas.topics import Topic
from tapeline.domain.changes import Place
from tapeline.domain.order_records import OrderIntent
from tapeline.errors import InvalidMessage, Unavailable, UnknownSchema
from tapeline.runtime import retry
from tapeline.runtime.codec import Codec
from tapeline.runtime.dlq import DeadLetters
from tapeline.runtime.endpoints import KafkaEndpoint
from tapeline.runtime.kafka import Outgoing, Partition, Publisher, Reader, Record, Start

MOST_RECORDS: Final = 100
_WAIT_S: Final = 1.0

Learn = Callable[[int], Awaitable[str]]
"""Asks the registry for the schema of an id."""


class _Ready(NamedTuple):
    """A record of the outbox as it goes to the broker."""

    topic: str
    partition: int
    record: Outgoing


class KafkaLog:
    """Kafka as the executor sees it; `async with` it."""

    def __init__(self, endpoint: KafkaEndpoint, codec: Codec, learn: Learn, *, process: str) -> None:
        """Prepare; `process` is the name under which the executor sends heartbeats."""
        self._endpoint, self._codec, self._learn, self._process = endpoint, codec, learn, process
        self._publisher = Publisher(endpoint, client_id=process)
        self._letters = DeadLetters(self._publisher, codec, process=process)
        self._stack = AsyncExitStack()
        self._reader: Reader | None = None
        self._fetched: deque[Record] = deque()
        self._logged: list[LoggedIntent] = []

    async def __aenter__(self) -> Self:
        """Wait for the broker and open what publishes."""
        await self._stack.enter_async_context(self._publisher)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for what is being published and close."""
        self._reader = None
        await self._stack.aclose()

    async def intents(self, offsets: Mapping[int, int]) -> None:
        """Read every partition of `order.intent` from these offsets on, one that is not named from its begin."""
        self._fetched.clear()
        self._logged.clear()
        count = await self._publisher.partitions(INTENTS.name)
        starts: dict[Partition | str, Start] = {
            Partition(INTENTS.name, number): offsets.get(number, "beginning") for number in range(count)
        }
        if self._reader is None:
            reader = Reader.assigned(self._endpoint, starts, client_id=self._process)
            self._reader = await self._stack.enter_async_context(reader)
            return
        for number in range(count):
            place = Partition(INTENTS.name, number)
            await self._reader.seek(place, starts[place])

    async def next_batch(self) -> tuple[LoggedIntent, ...]:
        """Return what has come, in the order of each partition; wait for the first.

        Whoever gives up waiting loses nothing: what was fetched comes with the next batch.
        """
        if self._reader is None:
            raise Unavailable("it was not said from where intents are to be read")
        while not self._logged:
            if not self._fetched:
                batches = await self._reader.batches(max_records=MOST_RECORDS, wait_s=_WAIT_S)
                self._fetched.extend(record for records in batches.values() for record in records)
            while self._fetched:
                self._logged.append(await self._read(self._fetched[0]))
                self._fetched.popleft()
        found, self._logged = tuple(self._logged), []
        return found

    async def publish(self, records: tuple[Waiting, ...]) -> None:
        """Publish each partition in order; returns when the broker has all, raises Unavailable otherwise."""
        ready = [await self._ready(one) for one in records]
        sending = (self._publisher.publish_many(*place, run) for place, run in _by_partition(ready).items())
        # All are waited for: one that were still under way when this raises would come after its own repetition.
        for found in await asyncio.gather(*sending, return_exceptions=True):
            if isinstance(found, BaseException):
                raise found

    async def _read(self, record: Record) -> LoggedIntent:
        place = Place(partition=record.partition, offset=record.offset)
        try:
            intent = await self._decoded(record.value)
        except InvalidMessage as error:
            await self._letters.put(record, error)
            return LoggedIntent(place=place, intent=None)
        self._letters.passed(INTENTS.name)
        return LoggedIntent(place=place, intent=intent, trace_id=trace_of(record.headers))

    async def _decoded(self, value: bytes | None) -> OrderIntent:
        try:
            return decode_intent(self._codec, value)
        except UnknownSchema as error:
            # A writer that was updated before us.
            schema_id = error.schema_id
        text = await retry.reach("the schema registry", lambda: self._learn(schema_id), None)
        self._codec.learn(schema_id, text)
        return decode_intent(self._codec, value)

    async def _ready(self, waiting: Waiting) -> _Ready:
        topic: Topic = topics.by_name(waiting.record.topic)
        partition = partition_for(topic, waiting.record.symbol, await self._publisher.partitions(topic.name))
        data = encode_outgoing(self._codec, topic, waiting)
        return _Ready(topic.name, partition, Outgoing(waiting.record.key.encode(), data, headers_of(topic, waiting)))


def _by_partition(ready: Iterable[_Ready]) -> dict[tuple[str, int], list[Outgoing]]:
    """Return what goes to each partition, in its order."""
    found: dict[tuple[str, int], list[Outgoing]] = {}
    for one in ready:
        found.setdefault((one.topic, one.partition), []).append(one.record)
    return found
