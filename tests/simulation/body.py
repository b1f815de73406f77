"""One executor's process in simulation: it can be paused and killed at any request, and leaves nothing running."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any

import msgspec

from executor.ports import Fenced, Lease, LeaseHeld, Waiting
from executor.running import Executor, Ports
from executor.store.steps import Wanted, Work
from executor.terms import Known, Terms
from tapeline.domain.account import AccountState
from tapeline.domain.changes import Place
from tapeline.domain.funding import Exposed
from tapeline.domain.reconcile import Booked
from tapeline.errors import Unavailable
from tests.simulation.link import FakeLink
from tests.simulation.memory_log import MemoryLog, MemoryTopic
from tests.simulation.memory_store import MemoryDatabase, MemoryStore
from tests.simulation.venue import FakeMarket
from tests.simulation.virtual import VirtualClock

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
        self.slow_s = 0.001
        self.renews = True

    async def open_lease(self, account: str, holder: str, *, for_us: int) -> Lease | LeaseHeld:
        """Open, and note until when."""
        await self._pass()
        found = await super().open_lease(account, holder, for_us=for_us)
        if isinstance(found, Lease):
            self._leases[found.holder] = found.until_us
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

    async def transact(
        self, lease: Lease, wanted: Wanted, work: Work, *, place: Place | None = None, urgent: bool = False
    ) -> None:
        """Do one transaction."""
        await self._pass()
        await super().transact(lease, wanted, work, place=place, urgent=urgent)
        await self._compare(lease.account)
        await self._pass()

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
            assert _sorted(remembered) == _sorted(read)

    async def _pass(self) -> None:
        await self._gate()
        await self._clock.sleep(self.slow_s)
        if self._database.away:
            raise Unavailable("the database is away")


def _sorted(state: AccountState) -> AccountState:
    rows = {name: tuple(sorted(found, key=repr)) for name, found in msgspec.structs.asdict(state).items()
            if isinstance(found, tuple)}  # fmt: skip
    return msgspec.structs.replace(state, now_us=0, **rows)


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
        """Run until it is killed, loses its lease or breaks; a break is kept as `failure`."""
        run = asyncio.get_running_loop().create_task(self.executor.run())
        died = asyncio.get_running_loop().create_task(_until(self.gate.died))
        try:
            await asyncio.wait({run, died}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (run, died, *self.tasks):
                task.cancel()
            results = await asyncio.gather(run, died, *self.tasks, return_exceptions=True)
            await self.store.close()
        broken = results[0]
        if isinstance(broken, BaseException) and not isinstance(broken, Fenced | asyncio.CancelledError):
            self.failure = broken

    def _spawn(self, name: str, work: Coroutine[Any, Any, None]) -> object:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task


async def _until(event: asyncio.Event) -> None:
    _ = await event.wait()
