"""Stops: what rests is cancelled, what is held is closed in its time, and what is left is said (K1, X-04)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal

import msgspec

from executor.closing import NOT_CLOSED
from tests.simulation import scene
from tests.simulation.actors import ACCOUNT
from tests.simulation.body import Body
from tests.simulation.closing_scene import (
    FLAT,
    SOL,
    bought,
    closers,
    desire,
    entry,
    held,
    states,
    told,
    wanted,
)
from tests.simulation.invariants import wrong
from tests.simulation.world import TERMS, World


async def stopped(
    world: World, weather: Callable[[World], Awaitable[None]] | None = None, **terms: object
) -> tuple[Body, float]:
    """Hold a two-leg trade, a position and an order that rests, then ask for the stop; return how long that took."""
    own = msgspec.structs.replace(TERMS, **terms)
    body = Body("a", world.database, world.topic, world.markets, world.known, own, world.leases)
    life = asyncio.get_running_loop().create_task(body.live())
    try:
        await world.clock.sleep(1.0)
        world.topic.append(entry(world))
        world.topic.append(bought(world))
        await world.clock.sleep(2.0)
        world.markets["alpha", "futures"].rests = True
        world.topic.append(scene.intent(world, "rests", slot=1))
        await world.clock.sleep(1.0)
        assert (states(world), held(world)["alpha futures SOL/USDT"]) == (["POSITION_OPEN"], Decimal(5))
        assert [one.is_open for one in world.database.tables.orders.values()].count(True) == 1
        if weather is not None:
            await weather(world)
        began_s = world.clock.monotonic_s()
        body.asked_to_stop.set()
        await world.clock.sleep(0.001)
        world.topic.append(wanted(world, SOL, bought(world).command, round_=1))
        await life
    finally:
        life.cancel()
        _ = await asyncio.gather(life, return_exceptions=True)
    return body, world.clock.monotonic_s() - began_s


def test_a_stop_cancels_what_rests_and_closes_all_that_is_held() -> None:
    async def story(world: World) -> None:
        body, took_s = await stopped(world)
        assert held(world) == FLAT | {"alpha futures SOL/USDT": Decimal(0)}
        assert (states(world), wrong(world), body.failure, body.alarms) == (["READY"], (), None, [])
        assert set(closers(world)) == {("executor", "ExitPair", "SETTLED"), ("executor", "Flatten", "SETTLED")}
        assert took_s < 3.0
        # The lease is given up, and what came after the signal waits for the next executor.
        assert world.database.tables.accounts[ACCOUNT].lease_until_us == 0
        assert world.database.tables.offsets[ACCOUNT, 0] == 3

    told(story)


def test_a_stop_that_keeps_positions_cancels_what_rests_all_the_same() -> None:
    async def story(world: World) -> None:
        body, took_s = await stopped(world, on_stop="keep")
        assert (states(world), closers(world), body.alarms) == (["POSITION_OPEN"], [], [])
        assert held(world)["alpha futures SOL/USDT"] == Decimal(5)
        assert not any(one.is_open for one in world.database.tables.orders.values())
        assert took_s < 3.0

    told(story)


def test_a_stop_under_the_kill_switch_closes_nothing_and_says_what_is_left() -> None:
    async def story(world: World) -> None:
        body, took_s = await stopped(world, lambda world: desire(world, "HALTED"))
        assert (states(world), closers(world)) == (["POSITION_OPEN"], [])
        assert body.alarms == [
            (
                NOT_CLOSED,
                "the stop leaves behind: p round 0 is POSITION_OPEN; s holds 5 at alpha:futures:SOL/USDT",
            )
        ]
        assert took_s < 3.0

    told(story)


def test_what_cannot_be_closed_in_its_time_stays_in_the_rows_and_is_said() -> None:
    async def refusing(world: World) -> None:
        for market in world.markets.values():
            market.chance.refuse = 1.0

    async def story(world: World) -> None:
        body, took_s = await stopped(world, refusing, stop_s=6.0)
        assert 6.0 <= took_s < 12.0
        assert [code for code, _ in body.alarms if code == NOT_CLOSED] == [NOT_CLOSED]
        assert "s holds 5 at alpha:futures:SOL/USDT" in body.alarms[-1][1]
        assert "p round 0 is " in body.alarms[-1][1]
        assert 4 <= len(closers(world)) <= 14
        # What is left is for the next start, which closes the two-leg trade.
        for market in world.markets.values():
            market.chance.refuse = 0.0
        async with scene.living(world):
            await world.clock.sleep(20.0)
            assert set(states(world)) <= {"READY", "ERROR"}
            assert wrong(world) == ()

    told(story)


def test_a_stop_without_the_database_ends_in_its_time_and_says_so() -> None:
    async def away(world: World) -> None:
        world.database.away = True

    async def story(world: World) -> None:
        body, took_s = await stopped(world, away, stop_s=6.0)
        assert 6.0 <= took_s < 12.0
        assert body.alarms == [
            (NOT_CLOSED, "what is held could not be read before the stop; the next start looks again")
        ]

    told(story)
