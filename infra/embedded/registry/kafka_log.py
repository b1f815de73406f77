"""The log in Kafka: one compacted topic of one partition, made here when it is not there yet."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from infra.embedded.registry.records import PARTITION, TOPIC, Entry
from schemas.topics import least_in_step
from tapeline.errors import Misconfigured, Unavailable
from tapeline.runtime.endpoints import KafkaEndpoint
from tapeline.runtime.kafka import Partition, Publisher, Reader, admin

CLIENT_ID: Final = "tapeline-registry"
_WAIT_S: Final = 0.2
_ACKNOWLEDGED_WITHIN_S: Final = 4.0
"""Less than a request may take, so that it learns why it failed."""


class KafkaLog:
    """Reads and appends with the clients of `tapeline.runtime.kafka`."""

    def __init__(self, topic: str, publisher: Publisher, reader: Reader, asker: Reader) -> None:
        """Keep the open clients; `kafka_log` makes and closes them.

        `asker` fetches nothing: a broker answers one connection in order, and a fetch may wait half a second there.
        """
        self.publisher = publisher
        self._reader = reader
        self._asker = asker
        self._partition = Partition(topic, PARTITION)
        self._position: int | None = None

    async def end(self) -> int:
        """Ask the broker for the offset that the next record will have."""
        return (await self._asker.ends())[self._partition]

    async def read(self, start: int) -> Sequence[Entry]:
        """Fetch records from `start` on."""
        if self._position != start:
            await self._reader.seek(self._partition, start)
        # Not known again until the batch is in our hands: a request that runs out of time cuts this off anywhere.
        self._position = None
        found = (await self._reader.batches(wait_s=_WAIT_S)).get(self._partition, ())
        self._position = found[-1].offset + 1 if found else start
        return [Entry(offset=record.offset, key=record.key, value=record.value) for record in found]

    async def append(self, key: bytes, value: bytes) -> None:
        """Publish a record and wait for its acknowledgement by all replicas in sync."""
        await self.publisher.publish(self._partition.topic, key, value, partition=PARTITION)


@asynccontextmanager
async def kafka_log(endpoint: KafkaEndpoint, topic: str = TOPIC) -> AsyncIterator[KafkaLog]:
    """Make the topic if need be and open it for the time of the block."""
    await _ensure_topic(endpoint, topic)
    # Each process reads as itself: the state is its own, so there is no group.
    partition = Partition(topic, PARTITION)
    reader = Reader.assigned(endpoint, {partition: "beginning"}, client_id=CLIENT_ID)
    asker = Reader.assigned(endpoint, {partition: "beginning"}, client_id=f"{CLIENT_ID}-end")
    publisher = Publisher(endpoint, client_id=CLIENT_ID, ack_within_s=_ACKNOWLEDGED_WITHIN_S)
    async with publisher, reader, asker:
        asker.pause(partition)
        yield KafkaLog(topic, publisher, reader, asker)


async def _ensure_topic(endpoint: KafkaEndpoint, topic: str) -> None:
    """Make the topic, or see that the one that stands there keeps every id."""
    async with admin(endpoint) as cluster:
        copies = endpoint.replication
        found = len(await cluster.brokers())
        if found < copies and topic not in await cluster.topics([topic]):
            # The others are still starting: a topic is made once, with all its copies.
            raise Unavailable(f"Kafka has {found} of {copies} brokers in service, too few for the topic {topic}")
        wanted = {"cleanup.policy": "compact", "min.insync.replicas": str(least_in_step(copies))}
        if await cluster.create(topic, partitions=1, replication=copies, config=wanted):
            return
        known = (await cluster.topics([topic])).get(topic)
        partitions = 0 if known is None else known.partitions
        policy = (await cluster.config([topic])).get(topic, {}).get("cleanup.policy", "")
    if partitions > 1 or policy not in {"", "compact"}:
        raise Misconfigured(
            f"the topic {topic} has {partitions} partitions and cleanup.policy {policy!r}, so schema ids would be lost",
            fix="set registry.url to the registry that owns the topic, or delete the topic if none does",
        )
