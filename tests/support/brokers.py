"""Load on a cluster of brokers, a writer for each partition and a group's reader, and what befalls the brokers.

Each number is written until it is acknowledged. Stored must be: each number, in order; again only such whose outcome
the writer was not told (it published them again, which a reader knows by their identity). A member whose group lost its
commit reads again what stands there.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import psutil
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import AlterPartitionReassignmentsRequest
from confluent_kafka import ElectionType
from confluent_kafka import TopicPartition as PeersPartition
from confluent_kafka.admin import AdminClient

from tapeline.errors import Unavailable
from tapeline.runtime import endpoints, kafka, lifecycle, runfile
from tapeline.runtime.endpoints import KafkaEndpoint
from tapeline.runtime.kafka.records import Outgoing
from tapeline.runtime.runfile import Brokers, RunFile
from tapeline.runtime.settings import Settings
from tests.support.eventually import eventually, pause
from tests.support.running import pid_of

PARTITIONS = 3
AT_ONCE = 10
WITHIN_S = 60.0


@dataclass(slots=True)
class Written:
    """What a partition's writer was told, and what its reader has seen."""

    acknowledged: int = 0
    unknown: set[int] = field(default_factory=set)
    refusals: int = 0
    stored: list[int] = field(default_factory=list)
    newest: int = -1

    def read(self, offset: int, number: int) -> None:
        """Take a record in: the next one, or one that was read before a commit was lost; never one behind a hole."""
        assert offset <= len(self.stored), f"a hole before {offset}"
        if offset < len(self.stored):
            assert self.stored[offset] == number, f"another record at {offset} than before"
            return
        self.stored.append(number)
        self.newest = max(self.newest, number)


@dataclass(slots=True)
class Load:
    """Writers and a group's reader on one topic, which go on until the end of the block that opened them."""

    place: KafkaEndpoint
    topic: str
    parts: tuple[Written, ...] = field(default_factory=lambda: tuple(Written() for _ in range(PARTITIONS)))
    over: bool = False
    written: bool = False

    async def goes_on(self, count: int = 100, *, within_s: float = WITHIN_S) -> None:
        """Wait until in each partition so many more are acknowledged and read."""
        goals = [part.acknowledged + count for part in self.parts]

        def reached() -> bool:
            return all(
                part.acknowledged >= goal and part.newest >= goal - 1
                for part, goal in zip(self.parts, goals, strict=True)
            )

        await eventually(reached, within_s=within_s)

    async def write(self, publisher: kafka.Publisher, partition: int) -> None:
        """Write numbers, some at once, each until it is acknowledged."""
        part = self.parts[partition]
        while not self.over:
            numbers = range(part.acknowledged, part.acknowledged + AT_ONCE)
            try:
                await publisher.publish_many(
                    self.topic, partition, [Outgoing(None, str(number).encode()) for number in numbers]
                )
            except Unavailable:
                part.unknown.update(numbers)
                part.refusals += 1
            else:
                part.acknowledged = numbers.stop
            await pause()

    async def read(self, reader: kafka.Reader) -> None:
        """Read and commit as a group's member, until all that was written is seen."""
        while not (self.written and all(part.newest >= part.acknowledged - 1 for part in self.parts)):
            found = await reader.batches(wait_s=0.2)
            for where, records in found.items():
                for record in records:
                    self.parts[where.partition].read(record.offset, int(record.value or b""))
            if found:
                try:
                    await reader.commit({where: records[-1].offset + 1 for where, records in found.items()})
                except Unavailable:
                    # Committed with what comes next: a member that was not replaced has lost nothing by it.
                    continue

    def whole(self) -> None:
        """Check that each acknowledged number is stored, in order, and only such twice whose outcome was unknown."""
        for part in self.parts:
            assert list(dict.fromkeys(part.stored))[: part.acknowledged] == list(range(part.acknowledged))
            assert {number for number, count in Counter(part.stored).items() if count > 1} <= part.unknown


@asynccontextmanager
async def load(settings: Settings, topic: str) -> AsyncIterator[Load]:
    """Make a topic, put load on it for the length of the block, then wait until all is read, and check it."""
    place = endpoints.resolve(settings).kafka
    async with kafka.admin(place) as admin:
        config = {"min.insync.replicas": "2"}
        await admin.create(topic, partitions=PARTITIONS, replication=3, config=config)
    work = Load(place, topic)
    async with AsyncExitStack() as stack:
        reader = await stack.enter_async_context(kafka.Reader.in_group(place, [topic], group=topic, member="reader"))
        publishers = [
            await stack.enter_async_context(kafka.Publisher(place, client_id=f"writer-{number}"))
            for number in range(PARTITIONS)
        ]
        reading = await stack.enter_async_context(lifecycle.background("reader", work.read(reader)))
        writing = [
            await stack.enter_async_context(lifecycle.background(f"writer-{number}", work.write(publisher, number)))
            for number, publisher in enumerate(publishers)
        ]
        await work.goes_on()
        yield work
        work.over = True
        await eventually(lambda: all(one.done() for one in writing), within_s=WITHIN_S)
        # What is under way at the end is acknowledged late: only now is known up to where is to be read.
        work.written = True
        await eventually(reading.done, within_s=WITHIN_S)
    work.whole()


def run_of(settings: Settings) -> RunFile:
    """Return the run file."""
    found = runfile.read(settings.data.dir)
    assert found is not None
    return found


def counted(settings: Settings) -> Brokers:
    """Return what the supervisor counted last."""
    found = run_of(settings).brokers
    assert found is not None
    return found


async def all_whole(settings: Settings) -> None:
    """Wait until all brokers run and every partition has all its copies."""

    def whole() -> bool:
        now, processes = counted(settings), run_of(settings).processes
        here = all(record.state == "running" for name, record in processes.items() if name.startswith("kafka-"))
        return here and (now.in_service, now.under_replicated, now.under_min) == (3, 0, 0)

    await eventually(whole, within_s=WITHIN_S)


@contextmanager
def gone(settings: Settings, name: str) -> Iterator[None]:
    """Kill a broker for the length of the block: without its configuration the supervisor starts it in vain."""
    file = settings.data.dir / name / "server.properties"
    aside = file.with_suffix(".aside")
    file.rename(aside)
    try:
        os.kill(pid_of(settings, name), signal.SIGKILL)
        yield
    finally:
        aside.rename(file)


@contextmanager
def paused(settings: Settings, name: str) -> Iterator[None]:
    """Hold a broker for the length of the block; its connections stay open."""
    held = psutil.Process(pid_of(settings, name))
    held.suspend()
    try:
        yield
    finally:
        held.resume()


async def leaders(place: KafkaEndpoint, topic: str) -> tuple[int | None, ...]:
    """Return who leads each partition."""
    async with kafka.admin(place) as admin:
        return (await admin.topics([topic]))[topic].leaders


async def move_leaders(place: KafkaEndpoint, topic: str) -> None:
    """Give each partition another leader, its second copy, by a reassignment and a preferred election."""
    async with kafka.admin(place) as admin:
        replicas = (await admin.topics([topic]))[topic].replicas
    turned: list[Any] = [(number, [*copies[1:], copies[0]], {}) for number, copies in enumerate(replicas)]
    client = AIOKafkaAdminClient(bootstrap_servers=place.bootstrap.split(","))
    await client.start()
    try:
        wish = AlterPartitionReassignmentsRequest(10_000, [(topic, turned, {})], {})
        await client._send_request(wish)  # noqa: SLF001 - the library has the request and no method for it
    finally:
        await client.close()
    wanted = tuple(copies[1] for copies in replicas)
    peer = AdminClient({"bootstrap.servers": place.bootstrap})
    places = [PeersPartition(topic, number) for number in range(len(replicas))]

    async def moved() -> bool:
        peer.elect_leaders(ElectionType.PREFERRED, places).result(10)
        return await leaders(place, topic) == wanted

    await eventually(moved, within_s=WITHIN_S)
