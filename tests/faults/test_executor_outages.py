"""The executor without Postgres, and with every ambiguous answer of a venue: nothing doubled, closes finish."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import psutil
import pytest

from tapeline.domain.order_records import CancelOrder, ClosePosition
from tapeline.runtime import clock
from tests.support.eventually import eventually
from tests.support.executor_process import Bench
from tests.support.executor_truth import assert_same
from tests.support.executor_wishes import ALONE, LEGS, PAIR, WAITING, order, trade, waiting
from tests.support.running import pid_of

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


async def dealt(bench: Bench, more: int) -> None:
    """Wait until so many more fills are booked, while Postgres is there."""
    query = "SELECT count(*) FROM trades WHERE account = $1"
    goal = await eventually(lambda: _count(bench, query), within_s=30) + more
    await eventually(lambda: _reached(bench, query, goal), within_s=60)


async def _count(bench: Bench, query: str) -> int:
    return int(await bench.pool.fetchval(query, bench.account)) + 1


async def _reached(bench: Bench, query: str, goal: int) -> bool:
    return await _count(bench, query) >= goal


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
async def test_postgres_goes_away_while_two_leg_trades_run(bench: Bench, outage: str) -> None:
    one = bench.start("never")
    await one.ready()
    postgres = psutil.Process(pid_of(bench.settings, "postgres"))
    async with going_on(lambda: trade(bench, PAIR), lambda: trade(bench, ALONE)):
        await dealt(bench, 10)
        if outage == "pause":
            await paused(postgres)
        else:
            postgres.kill()
        began_s = clock.monotonic_s()
        await dealt(bench, 1)
        back_s = clock.monotonic_s() - began_s
        await dealt(bench, 10)
    await bench.quiet()
    print(f"{outage} of Postgres: the next fill was booked after {back_s:.1f} s")  # noqa: T201 - the measure
    assert not one.is_dead, one.said()[-3000:]
    _ = await bench.halt()
    found = await assert_same(bench)
    assert found.held == {}
    await one.end()


@pytest.mark.timeout(240)
async def test_every_ambiguous_outcome_ends_in_equal_states(bench: Bench) -> None:
    one = bench.start("never")
    await one.ready()

    async def single() -> None:
        bought = await bench.want(order(), ALONE, round_=await bench.round(ALONE))
        await bench.settled(bought)
        await bench.settled(await bench.want(ClosePosition(venue="binance", market="futures"), ALONE))

    async def cancelled() -> None:
        placed = await bench.want(waiting(), WAITING, round_=await bench.round(WAITING))
        query = "SELECT client_order_id FROM orders WHERE intent_id = $1 AND status = 'PLACED'"

        async def rests() -> str:
            if await bench.status(placed) in ("SETTLED", "REFUSED"):
                return "over"
            return str(await bench.pool.fetchval(query, placed.intent_id) or "")

        name = await eventually(rests, within_s=60)
        if name != "over":
            await bench.settled(placed, await bench.want(CancelOrder(client_order_id=name), WAITING))

    async with going_on(lambda: trade(bench, PAIR), single, cancelled):
        for name, wish in AMBIGUOUS:
            await bench.fault(name, *LEGS, **wish)
            await seconds(EACH_S)
        await bench.calm()
    await bench.quiet()
    happened = await bench.halt()
    found = await assert_same(bench)
    counts = {name: sum(happened[place].get(name, 0) for place in LEGS) for name, _ in AMBIGUOUS}
    print(f"ambiguous outcomes: {counts}, {found.orders} orders, {found.fills} fills, {found.events} events")  # noqa: T201 - the measure
    assert [name for name, count in counts.items() if count == 0] == []
    await one.end()
