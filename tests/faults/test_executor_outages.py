"""The executor without Postgres, and with every ambiguous answer of a venue: nothing doubled, closes finish."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from tapeline.domain.order_records import CancelOrder, ClosePosition
from tapeline.runtime import clock, runfile
from tapeline.runtime.settings import Settings
from tests.support.eventually import eventually
from tests.support.executor_process import Bench, bench, publish_rules
from tests.support.executor_truth import assert_same
from tests.support.executor_wishes import ALONE, LEGS, PAIR, WAITING, order, trade, waiting
from tests.support.running import running, settings_in

PAUSED_S = 10.0
EACH_S = 1.0
AMBIGUOUS: tuple[tuple[str, dict[str, object]], ...] = (
    ("late-fill", {"kind": "cancel"}), ("lost-answer", {"count": 2, "duration_s": 0}), ("partial", {}),
    ("leg-refused", {}), ("refuse", {"count": 2}), ("lost-answer", {"duration_s": 12, "visible_after_ms": 700}),
    ("duplicate-id", {}), ("429", {"duration_s": 1}), ("duplicate-id", {}),
    ("slow", {"kind": "rest", "duration_s": 2}), ("late-fill", {"kind": "taker", "count": 2}),
    ("ban", {"duration_s": 1}), ("partial", {"count": 2}),
)  # fmt: skip
"""What each futures market does, one after the other."""


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    settings = settings_in(tmp_path_factory.mktemp("executor"))
    with running(settings):
        asyncio.run(publish_rules(settings, tmp_path_factory.mktemp("rules")))
        yield settings


@pytest.fixture
async def own(system: Settings, tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(system, tmp_path / "own") as made:
        yield made


@asynccontextmanager
async def going_on(*works: Callable[[], Awaitable[object]]) -> AsyncIterator[None]:
    """Do each again and again beside the block; at its end each is finished."""
    over = asyncio.Event()

    async def again(work: Callable[[], Awaitable[object]]) -> None:
        while not over.is_set():
            _ = await work()

    async with asyncio.TaskGroup() as running_works:
        for work in works:
            _ = running_works.create_task(again(work))
        try:
            yield
        finally:
            over.set()


async def seconds(count: float) -> None:
    """Let the works go on for so long."""
    end_s = clock.monotonic_s() + count
    await eventually(lambda: clock.monotonic_s() >= end_s, within_s=count + 5)


async def dealt(own: Bench, more: int) -> None:
    """Wait until so many more fills are booked, while Postgres is there."""
    query = "SELECT count(*) FROM trades WHERE account = $1"
    goal = await eventually(lambda: _count(own, query), within_s=30) + more
    await eventually(lambda: _reached(own, query, goal), within_s=60)


async def _count(own: Bench, query: str) -> int:
    return int(await own.pool.fetchval(query, own.account)) + 1


async def _reached(own: Bench, query: str, goal: int) -> bool:
    return await _count(own, query) >= goal


def postgres(system: Settings) -> psutil.Process:
    run = runfile.read(system.data.dir)
    assert run is not None
    return psutil.Process(run.processes["postgres"].pid)


async def paused(victim: psutil.Process) -> None:
    """Let all processes of Postgres stand still for a while."""
    every = [victim, *victim.children(recursive=True)]
    for one in every:
        one.suspend()
    try:
        await seconds(PAUSED_S)
    finally:
        for one in every:
            one.resume()


@pytest.mark.timeout(240)
@pytest.mark.parametrize("outage", ["kill -9", "pause"])
async def test_postgres_goes_away_while_two_leg_trades_run(system: Settings, own: Bench, outage: str) -> None:
    one = own.start("never")
    await one.ready()
    async with going_on(lambda: trade(own, PAIR), lambda: trade(own, ALONE)):
        await dealt(own, 10)
        if outage == "pause":
            await paused(postgres(system))
        else:
            os.kill(postgres(system).pid, signal.SIGKILL)
        began_s = clock.monotonic_s()
        await dealt(own, 1)
        back_s = clock.monotonic_s() - began_s
        await dealt(own, 10)
    await own.quiet()
    print(f"{outage} of Postgres: the next fill was booked after {back_s:.1f} s")  # noqa: T201 - the measure
    assert not one.is_dead, one.said()[-3000:]
    _ = await own.halt()
    found = await assert_same(own)
    assert found.held == {}
    await one.end()


@pytest.mark.timeout(240)
async def test_every_ambiguous_outcome_ends_in_equal_states(own: Bench) -> None:
    one = own.start("never")
    await one.ready()

    async def single() -> None:
        bought = await own.want(order(), ALONE, round_=await own.round(ALONE))
        await own.settled(bought)
        await own.settled(await own.want(ClosePosition(venue="binance", market="futures"), ALONE))

    async def cancelled() -> None:
        placed = await own.want(waiting(), WAITING, round_=await own.round(WAITING))
        query = "SELECT client_order_id FROM orders WHERE intent_id = $1 AND status = 'PLACED'"

        async def rests() -> str:
            if await own.status(placed) in ("SETTLED", "REFUSED"):
                return "over"
            return str(await own.pool.fetchval(query, placed.intent_id) or "")

        name = await eventually(rests, within_s=60)
        if name != "over":
            await own.settled(placed, await own.want(CancelOrder(client_order_id=name), WAITING))

    async with going_on(lambda: trade(own, PAIR), single, cancelled):
        for name, wish in AMBIGUOUS:
            await own.fault(name, *LEGS, **wish)
            await seconds(EACH_S)
        await own.calm()
    await own.quiet()
    happened = await own.halt()
    found = await assert_same(own)
    counts = {name: sum(happened[place].get(name, 0) for place in LEGS) for name, _ in AMBIGUOUS}
    print(f"ambiguous outcomes: {counts}, {found.orders} orders, {found.fills} fills, {found.events} events")  # noqa: T201 - the measure
    assert [name for name, count in counts.items() if count == 0] == []
    await one.end()
