"""One executor's process in simulation: it can be paused and killed at any request, and leaves nothing running."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any

import msgspec

from executor.__main__ import LAST_ANSWERS_S
from executor.ports import Fenced, Lease, LeaseHeld, Waiting
from executor.running import Executor, Ports
from executor.store.remembering import Done, Told
from executor.store.steps import Task
from executor.terms import Known, Terms
from tapeline.domain.account import AccountState
from tapeline.domain.changes import Changes, Place
from tapeline.domain.funding import Exposed
from tapeline.domain.reconcile import Booked
from tapeline.errors import Unavailable
from tests.simulation.link import FakeLink
from tests.simulation.memory_log import MemoryLog, MemoryTopic
from tests.simulation.memory_store import MemoryDatabase, MemoryStore
from tests.simulation.venue import FakeMarket
from tests.simulation.virtual import VirtualClock
from tests.support.trader_values import in_order

Where = tuple[str, Any]


class Gate:
    """Where an executor's requests pass: here it stands still while it is paused, and here it dies."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.passed = 0
        self.dies_at: int | None = None
        self.paused_until_s = 0.0
        self.died = asyncio.Event()

    async def __call__(self) -> None:
        """Pass, now or when the pause is over."""
        self.passed += 1
        if self.passed == self.dies_at:
            self.died.set()
        await asyncio.sleep(0)
        while self.clock.monotonic_s() < self.paused_until_s:
            await self.clock.sleep(self.paused_until_s - self.clock.monotonic_s() + 0.001)


class PausedClock(VirtualClock):
    """The clock of a process that may be paused."""

    def __init__(self, loop: asyncio.AbstractEventLoop, gate: Gate) -> None:
        super().__init__(loop)
        self._gate = gate

    async def sleep(self, seconds: float) -> None:
        """Wait, and longer where the process stands still."""
        await super().sleep(seconds)
        await self._gate()


class GatedStore(MemoryStore):
    """The store of one process: each operation takes its time, before it happens and after."""

    def __init__(self, database: MemoryDatabase, clock: VirtualClock, gate: Gate, leases: dict[str, int]) -> None:
        super().__init__(database, clock)
        self._gate = gate
        self._leases = leases
        self.found: frozenset[tuple[str, int]] = frozenset()
        """Two-leg trades that were not over when the lease was taken, but for such that the kill switch holds."""
        self.slow_s = 0.001
        self.renews = True

    async def open_lease(self, account: str, holder: str, *, for_us: int) -> Lease | LeaseHeld:
        """Open, and note until when."""
        await self._pass()
        found = await super().open_lease(account, holder, for_us=for_us)
        if isinstance(found, Lease):
            self._leases[found.holder] = found.until_us
            halted = any(one.desired == "HALTED" for one in self._database.tables.controls.values())
            self.found = frozenset() if halted else unfinished(self._database)
        await self._pass()
        return found

    async def renew(self, lease: Lease, *, for_us: int) -> Lease:
        """Renew, and note until when."""
        await self._pass()
        if not self.renews:
            raise Unavailable("the lease cannot be renewed just now")
        found = await super().renew(lease, for_us=for_us)
        self._leases[found.holder] = found.until_us
        await self._pass()
        return found

    async def transact(self, lease: Lease, *tasks: Task, urgent: bool = False) -> int:
        """Do one transaction."""
        done = await super().transact(lease, *tasks, urgent=urgent)
        await self._compare(lease.account)
        return done

    async def on_rows(self, lease: Lease, task: Task) -> Done:
        """Do it on the rows; others wait meanwhile."""
        await self._pass()
        found = await super().on_rows(lease, task)
        await self._pass()
        return found

    async def book(self, lease: Lease, before: AccountState, changes: Changes, places: tuple[Place, ...]) -> Told:
        """Write; others wait meanwhile."""
        await self._pass()
        found = await super().book(lease, before, changes, places)
        await self._pass()
        return found

    async def state(self, account: str, *, orders: tuple[str, ...] = ()) -> AccountState:
        """Read."""
        await self._pass()
        found = await super().state(account, orders=orders)
        await self._pass()
        return found

    async def booked(self, account: str) -> Booked:
        """Read."""
        await self._pass()
        return await super().booked(account)

    async def exposed(self, account: str) -> tuple[Exposed, ...]:
        """Read."""
        await self._pass()
        found = await super().exposed(account)
        await self._pass()
        return found

    async def outbox(self, stream: str, *, most: int) -> tuple[Waiting, ...]:
        """Read."""
        await self._pass()
        return await super().outbox(stream, most=most)

    async def published(self, stream: str, up_to: int) -> None:
        """Note."""
        await self._pass()
        await super().published(stream, up_to)

    async def offsets(self, account: str) -> Mapping[int, int]:
        """Read."""
        await self._pass()
        return await super().offsets(account)

    async def _compare(self, account: str) -> None:
        """Fail where what is remembered is not what the rows say; both of one version, for others may write between."""
        remembered, read = await MemoryStore.state(self, account), await self.whole(account, ())
        if (remembered.epoch, remembered.version, remembered.controls) == (read.epoch, read.version, read.controls):
            assert in_order(msgspec.structs.replace(remembered, now_us=read.now_us)) == in_order(read)

    async def _pass(self) -> None:
        await self._gate()
        await self._clock.sleep(self.slow_s)
        if self._database.away:
            raise Unavailable("the database is away")


def unfinished(database: MemoryDatabase) -> frozenset[tuple[str, int]]:
    """Return the two-leg trades that hold something, or are about to."""
    held = ("ENTERING", "POSITION_OPEN", "EXITING")
    return frozenset((one.pair_id, one.round) for one in database.tables.pairs.values() if one.state in held)


class Body:
    """A process with one executor, and everything that runs for it."""

    def __init__(
        self,
        name: str,
        database: MemoryDatabase,
        topic: MemoryTopic,
        markets: Mapping[Where, FakeMarket],
        known: Known,
        terms: Terms,
        leases: dict[str, int],
    ) -> None:
        loop = asyncio.get_running_loop()
        self.name = name
        self.gate = Gate(VirtualClock(loop))
        clock = PausedClock(loop, self.gate)
        self.store = GatedStore(database, clock, self.gate, leases)
        self.alarms: list[tuple[str, str]] = []
        self.tasks: set[asyncio.Task[None]] = set()
        self.failure: BaseException | None = None
        self.asked_to_stop = asyncio.Event()
        ports = Ports(
            store=self.store,
            log=MemoryLog(topic),
            links={where: FakeLink(market, name, self.gate) for where, market in markets.items()},
            clock=clock,
            spawn=self._spawn,
            alarm=lambda code, sentence: self.alarms.append((code, sentence)),
        )
        self.executor = Executor(ports, known, terms, holder=name)

    async def live(self) -> None:
        """Run until it is stopped or killed, loses its lease or breaks; a break is kept as `failure`."""
        loop = asyncio.get_running_loop()
        run = loop.create_task(self.executor.run())
        died = loop.create_task(_until(self.gate.died))
        stop = loop.create_task(self._stop())
        try:
            await asyncio.wait({run, died, stop}, return_when=asyncio.FIRST_COMPLETED)
            if stop.done() and not run.done() and not died.done():
                run.cancel()
                last = loop.create_task(self._last_answers())
                await asyncio.wait({last, died}, return_when=asyncio.FIRST_COMPLETED)
                last.cancel()
        finally:
            for task in (run, died, stop, *self.tasks):
                task.cancel()
            results = await asyncio.gather(run, stop, died, *self.tasks, return_exceptions=True)
            await self.store.close()
        for broken in results[:2]:
            if isinstance(broken, BaseException) and not isinstance(broken, Fenced | asyncio.CancelledError):
                self.failure = broken

    async def _stop(self) -> None:
        """Do what the process does at a signal; one that is not ready yet has nothing to wind down."""
        await self.asked_to_stop.wait()
        await self.executor.wind_down()

    async def _last_answers(self) -> None:
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=LAST_ANSWERS_S)
        if self.executor.ready.is_set():
            await self.executor.stop()

    def _spawn(self, name: str, work: Coroutine[Any, Any, None]) -> object:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task


async def _until(event: asyncio.Event) -> None:
    _ = await event.wait()
