"""Agents are killed, joined, left and cut off from the broker during a flow: each input's output is there, 0 lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

import msgspec

from schemas import topics
from tapeline.domain.partition import partition_of
from tapeline.runtime import clock, runfile
from tapeline.runtime.codec import Codec
from tapeline.runtime.endpoints import Endpoints, resolve
from tapeline.runtime.kafka import Outgoing, Publisher, Reader, admin
from tapeline.runtime.settings import Settings, child_environment
from tests.support.eventually import eventually
from tests.support.records import BOOK

BOOKS, SPREADS = topics.by_name("md.book"), topics.by_name("signal.spread")
PARTITIONS = 4
BACK_WITHIN_S = 10.0


class Flow:
    """Books of one run that go in, and the spreads that come out of them."""

    def __init__(self, endpoints: Endpoints, publisher: Publisher, reader: Reader) -> None:
        self.endpoints = endpoints
        self.group = f"echo-{uuid.uuid4().hex[:8]}"
        self.inputs: set[str] = set()
        self.outputs: set[str] = set()
        self.copies = 0
        assert endpoints.run is not None
        self._codec = Codec(endpoints.run.schema_ids)
        self._publisher = publisher
        self._reader = reader
        self._run = uuid.uuid4().hex[:6].upper()
        self._symbols = [self._symbol_in(partition) for partition in range(PARTITIONS)]

    async def feed(self, count: int) -> None:
        """Publish so many more books, a fourth of them to each partition."""
        first = len(self.inputs) // PARTITIONS
        for partition, symbol in enumerate(self._symbols):
            books = [
                msgspec.structs.replace(BOOK, symbol=symbol, sequence=first + number, exact=None)
                for number in range(count // PARTITIONS)
            ]
            records = [Outgoing(book.key.encode(), self._codec.encode(BOOKS, book)) for book in books]
            await self._publisher.publish_many(BOOKS.name, partition, records)
            self.inputs |= {f"{book.symbol}@{book.sequence}" for book in books}

    async def read(self, *, wait_s: float = 0.05) -> int:
        """Read the outputs that have come and return how many of this run there are."""
        for records in (await self._reader.batches(wait_s=wait_s, max_records=20_000)).values():
            for record in records:
                assert record.value is not None
                found = self._codec.decode(SPREADS, record.value)["signal_id"]
                if found in self.inputs:
                    self.copies += found in self.outputs
                    self.outputs.add(found)
        return len(self.outputs)

    async def reach(self, count: int, *, within_s: float = 30.0) -> float:
        """Read until so many outputs are there; return how long it took."""
        began_s = clock.monotonic_s()

        async def there() -> bool:
            return await self.read() >= count

        await eventually(there, within_s=within_s)
        return clock.monotonic_s() - began_s

    async def committed(self) -> dict[int, int]:
        """Return what the group has committed of the inputs."""
        async with admin(self.endpoints.kafka) as found:
            return {place.partition: commit.offset for place, commit in (await found.commits(self.group)).items()}

    async def ends(self) -> dict[int, int]:
        """Return the ends of the inputs."""
        async with Reader.assigned(self.endpoints.kafka, {BOOKS.name: "end"}, client_id="test") as reader:
            return {place.partition: end for place, end in (await reader.ends()).items()}

    def _symbol_in(self, partition: int) -> str:
        names = (f"{self._run}{number}/USDT" for number in range(1_000))
        return next(name for name in names if partition_of(name, PARTITIONS) == partition)


@asynccontextmanager
async def flowing(settings: Settings) -> AsyncIterator[Flow]:
    endpoints = resolve(settings)
    async with AsyncExitStack() as stack:
        publisher = await stack.enter_async_context(Publisher(endpoints.kafka, client_id="test", ack_within_s=10))
        reader = Reader.assigned(endpoints.kafka, {SPREADS.name: "end"}, client_id="test")
        yield Flow(endpoints, publisher, await stack.enter_async_context(reader))


@contextmanager
def echoing(settings: Settings, group: str) -> Iterator[subprocess.Popen[bytes]]:
    env = child_environment(
        TAPELINE_DATA__DIR=str(settings.data.dir), TAPELINE_LOG__DIR=str(settings.log.dir), TAPELINE_LOG__LEVEL="info"
    )
    process = subprocess.Popen([sys.executable, "-m", "tests.support.echoing", group], env=env)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=20)


async def assert_nothing_lost(flow: Flow) -> None:
    """Every input has its output, and all that is committed has."""
    await flow.reach(len(flow.inputs))
    ends = await flow.ends()
    await eventually(lambda: same(flow, ends), within_s=10)
    assert flow.inputs - flow.outputs == set()


async def same(flow: Flow, ends: dict[int, int]) -> bool:
    return await flow.committed() == ends


async def test_no_input_is_lost_when_the_worker_is_killed_again_and_again(system: Settings) -> None:
    async with flowing(system) as flow:
        await flow.feed(20_000)
        silences = []
        for share in (3_000, 8_000, 13_000):
            with echoing(system, flow.group) as worker:
                silences.append(await flow.reach(share))
                worker.kill()
                worker.wait()
            await flow.read()
        with echoing(system, flow.group):
            await assert_nothing_lost(flow)

    assert max(silences) < BACK_WITHIN_S


async def test_no_input_is_lost_when_workers_join_and_leave_under_load(system: Settings) -> None:
    async with flowing(system) as flow, AsyncExitStack() as stack:
        stack.enter_context(echoing(system, flow.group))
        await flow.feed(2_000)
        await flow.reach(1_000)
        with echoing(system, flow.group):
            await feed_until(flow, lambda: members(flow, 2))
        await feed_until(flow, lambda: members(flow, 1))
        await assert_nothing_lost(flow)


async def fed(flow: Flow, count: int) -> bool:
    await flow.feed(count)
    return True


async def feed_until(flow: Flow, done: Callable[[], Awaitable[bool]]) -> None:
    """Keep the flow going until the group has changed."""

    async def changed() -> bool:
        await flow.feed(400)
        await flow.read(wait_s=0.1)
        return await done()

    await eventually(changed, within_s=30)


async def members(flow: Flow, count: int) -> bool:
    async with admin(flow.endpoints.kafka) as found:
        state, all_of_them = await found.members(flow.group)
    return state == "Stable" and len(all_of_them) == count


async def test_the_broker_is_killed_and_comes_back_and_nothing_is_lost(system: Settings) -> None:
    async with flowing(system) as flow:
        with echoing(system, flow.group) as worker:
            await flow.feed(4_000)
            await flow.reach(500)
            run = runfile.read(system.data.dir)
            assert run is not None
            pid = run.processes["kafka"].pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            await eventually(lambda: fed(flow, 2_000), within_s=30)
            await flow.reach(len(flow.inputs), within_s=40)
            await assert_nothing_lost(flow)
            assert worker.poll() is None

    lines = (system.log.dir / "error.log").read_text("utf-8").splitlines()
    assert len([line for line in lines if '"service":"echo"' in line]) < 60
