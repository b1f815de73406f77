"""A transaction that is cancelled stays cancelled, whatever becomes of its connection to the real Postgres meanwhile.

Who is cancelled and hears only that the database is away tries again, and whoever waits for its end waits for ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest

from tapeline.errors import Unavailable
from tapeline.runtime import endpoints, postgres
from tapeline.runtime.runfile import RunFile
from tapeline.runtime.settings import Settings
from tapeline.runtime.transactions import Session, Transactions
from tests.support.eventually import eventually
from tests.support.fault_proxy import FaultProxy, fault_proxy
from tests.support.network_faults import Blackhole

AT_ONCE_S = 5.0
LET_GO_S = 15.0
"""A connection that stands in no block of a transaction is given back first, for which the pool takes 10 s at most."""


class Line:
    """Transactions over a wire that the test holds, and works that stand still at one point each."""

    def __init__(self, wire: FaultProxy, transactions: Transactions) -> None:
        self.wire = wire
        self.transactions = transactions
        self.inside = asyncio.Event()

    async def at_its_begin(self) -> None:
        self.wire.fault(Blackhole())
        async with self.transactions.begin():
            pass

    async def at_a_statement(self) -> None:
        async with self.transactions.begin() as session:
            await self._ask(session)

    async def in_its_block(self) -> None:
        async with self.transactions.begin() as session:
            await session.fetchval("SELECT 1")
            self.inside.set()
            await asyncio.Event().wait()

    async def at_its_commit(self) -> None:
        async with self.transactions.begin() as session:
            await session.fetchval("SELECT 1")
            self.wire.fault(Blackhole())

    async def at_a_statement_alone(self) -> None:
        async with self.transactions.at_once() as session:
            await self._ask(session)

    async def _ask(self, session: Session) -> None:
        self.wire.fault(Blackhole())
        await session.fetchval("SELECT 1")

    async def waits(self) -> None:
        """Wait until the work stands where it is to be cancelled."""
        await eventually(lambda: self.inside.is_set() or self.wire.swallowed > 0)


Work = Callable[[Line], Awaitable[None]]


@pytest.fixture
async def line(tapeline_settings: Settings, tapeline_up: RunFile) -> AsyncIterator[Line]:
    found = endpoints.endpoints_from(tapeline_settings, tapeline_up).postgres
    async with fault_proxy(found.host, found.port) as wire:
        through = replace(found, host="127.0.0.1", port=wire.port, pool_idle=1)
        pool = await postgres.connect(through)
        yield Line(wire, Transactions(pool, through))
        pool.terminate()


async def ended(line: Line, work: Work, then: Callable[[], None], *, within_s: float) -> str:
    """Cancel a work at its point, let something happen, and return how it ended."""

    async def tries() -> str:
        try:
            await work(line)
        except Unavailable as error:
            return f"told {error}"
        return "done"

    async with asyncio.TaskGroup() as group:
        task = group.create_task(tries())
        await line.waits()
        task.cancel()
        then()
        await asyncio.wait({task}, timeout=within_s)
        if not task.done():
            line.wire.cut()
            return "hung"
    return "cancelled" if task.cancelled() else task.result()


@pytest.mark.parametrize(
    "work",
    [Line.at_its_begin, Line.at_a_statement, Line.in_its_block, Line.at_its_commit, Line.at_a_statement_alone],
    ids=lambda work: work.__name__,
)
async def test_a_connection_that_breaks_beside_a_cancellation_does_not_swallow_it(line: Line, work: Work) -> None:
    assert await ended(line, work, line.wire.cut, within_s=AT_ONCE_S) == "cancelled"


@pytest.mark.parametrize(
    ("work", "within_s"),
    [
        (Line.at_a_statement, AT_ONCE_S),
        (Line.in_its_block, AT_ONCE_S),
        (Line.at_its_commit, LET_GO_S),
    ],
    ids=lambda given: getattr(given, "__name__", ""),
)
async def test_a_server_that_does_not_answer_neither_swallows_a_cancellation_nor_holds_it_up(
    line: Line, work: Work, within_s: float
) -> None:
    assert await ended(line, work, lambda: line.wire.fault(Blackhole()), within_s=within_s) == "cancelled"
