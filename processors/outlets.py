"""What the agents of one worker share: codec, publisher, dead letters, registry; open as long as the worker runs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import msgspec

from schemas import topics
from schemas.topics import Topic
from tapeline.errors import InvalidMessage, Misconfigured, Unavailable
from tapeline.runtime import retry
from tapeline.runtime.codec import Codec
from tapeline.runtime.dlq import DeadLetters
from tapeline.runtime.endpoints import Endpoints
from tapeline.runtime.kafka import Outgoing, Publisher, Record
from tapeline.runtime.registry import RegistryClient, register_all

_OURS = ("dlq", "heartbeat", "alert")
"""What every worker writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlets:
    """Where outputs go; everything returns when the broker has acknowledged it, however long that takes."""

    codec: Codec
    publisher: Publisher
    dead_letters: DeadLetters
    registry: RegistryClient

    async def publish(self, topic: str, partition: int, records: Sequence[Outgoing]) -> None:
        """Publish records of one partition in their order; while the broker is away this waits.

        After a broken session they are sent again, so readers may see some twice, with the same identity.
        """

        async def attempt() -> None:
            await self.publisher.publish_many(topic, partition, records)

        try:
            await attempt()
        except Unavailable:
            await retry.reach("Kafka", attempt, None)

    async def set_aside(self, record: Record, error: InvalidMessage) -> None:
        """Put a record into the dead letters; raises Misconfigured when they are too many."""
        await self.dead_letters.put(record, error)

    def passed(self, topic: str, count: int) -> None:
        """Count records that were processed, against which the dead letters are weighed."""
        self.dead_letters.passed(topic, count)

    async def learn(self, schema_id: int) -> None:
        """Ask the registry for a schema that a record names; UnknownSchema when it has no such id."""
        self.codec.learn(schema_id, await self.registry.schema(schema_id))

    async def say(self, topic: str, key: str, value: msgspec.Struct) -> None:
        """Publish a heartbeat or an alert, once."""
        await self.publisher.publish(topic, key, self.codec.encode(topics.by_name(topic), value), partition=0)


@asynccontextmanager
async def opened(endpoints: Endpoints, names: Iterable[str], *, process: str) -> AsyncIterator[Outlets]:
    """Open all for a worker that reads and writes these topics; `process` is its name in heartbeats and letters."""
    wanted = [topics.by_name(name) for name in dict.fromkeys((*names, *_OURS))]
    async with AsyncExitStack() as stack:
        registry = await stack.enter_async_context(RegistryClient(endpoints.registry))
        codec = Codec(await _schema_ids(endpoints, registry, wanted))
        publisher = await stack.enter_async_context(Publisher(endpoints.kafka, client_id=process))
        dead_letters = DeadLetters(publisher, codec, process=process)
        yield Outlets(codec=codec, publisher=publisher, dead_letters=dead_letters, registry=registry)


async def same_partitions(publisher: Publisher, names: Iterable[str]) -> None:
    """Refuse topics that cannot be joined by partition: an output goes to the partition of its inputs.

    Raises Misconfigured for a topic that does not exist, too, which Faust itself would wait for without a word.
    """
    counts = {name: await publisher.partitions(name) for name in names}
    if len(set(counts.values())) > 1:
        told = ", ".join(f"{name} has {count}" for name, count in counts.items())
        raise Misconfigured(
            f"topics that are read and written together need the same number of partitions, and {told}",
            fix="create them anew with one value of kafka.partitions",
        )


async def _schema_ids(endpoints: Endpoints, registry: RegistryClient, wanted: Sequence[Topic]) -> dict[str, int]:
    """Return the ids from the run file where our own registry gave them, else from the registry."""
    known = {} if endpoints.run is None else endpoints.run.schema_ids
    found = {topic.subject: known[topic.subject] for topic in wanted if topic.subject in known}
    missing = [topic for topic in wanted if topic.subject not in found]
    return found | (await register_all(registry, missing) if missing else {})
