"""Starts and stops: what is open from before is closed once whatever dies, a stop closes what is held (D-20, K1)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import TypeVar

import msgspec
import pytest

from executor.closing import NOT_CLOSED
from tapeline.domain.ids import intent_id
from tapeline.domain.order_records import (
    Command,
    DesiredState,
    EnterPair,
    ExitPair,
    OrderEvent,
    OrderIntent,
    Place,
    PlaceOrder,
)
from tapeline.runtime.desired_state import Wish
from tests.simulation import scene
from tests.simulation.actors import ACCOUNT
from tests.simulation.body import Body
from tests.simulation.invariants import wrong
from tests.simulation.memory_store import MemoryStore
from tests.simulation.virtual import VirtualLoop
from tests.simulation.world import TERMS, World

T = TypeVar("T")
BTC, SOL = "BTC/USDT", "SOL/USDT"
FLAT = {"alpha futures BTC/USDT": Decimal(0), "beta futures BTC/USDT": Decimal(0)}


def told(story: Callable[[World], Awaitable[T]]) -> T:
    """Return what a story in a calm world ends with."""
    loop = VirtualLoop()

    async def whole() -> T:
        return await story(World(1, crashes=False, faults=False))

    try:
        return loop.run_until_complete(whole())
    finally:
        loop.close()


def wanted(world: World, symbol: str, command: Command, round_: int = 0) -> OrderIntent:
    now_us = world.clock.now_us()
    return OrderIntent(
        intent_id=intent_id("s", symbol, 0, round_, command, str(now_us)),
        strategy="s",
        account=ACCOUNT,
        symbol=symbol,
        slot=0,
        round=round_,
        command=command,
        cause=(),
        reason="a test wants it",
        evidence={},
        decided_us=now_us,
        expires_us=now_us + 60_000_000,
        published_us=now_us,
    )


def entry(world: World, parts: int = 2) -> OrderIntent:
    place = Place(venue="alpha", market="futures", limit_price=Decimal(100))
    command = EnterPair(
        pair_id="p",
        buy=place,
        sell=msgspec.structs.replace(place, venue="beta"),
        quantity=Decimal(4),
        parts=parts,
        min_net=Decimal(0),
        target_profit=Decimal(0),
        stop_loss=Decimal(1),
        leverage=Decimal(1),
    )
    return wanted(world, BTC, command)


def bought(world: World) -> OrderIntent:
    command = PlaceOrder(
        venue="alpha", market="futures", side="buy", order_type="market", time_in_force="IOC", quantity=Decimal(5),
        leverage=Decimal(1),
    )  # fmt: skip
    return wanted(world, SOL, command)


async def desire(world: World, state: DesiredState) -> None:
    wish = Wish(scope="system", target="all", desired=state, actor="test", reason="a test wants it")
    _ = await MemoryStore(world.database, world.clock).desire(wish)


@asynccontextmanager
async def after_a_crash(world: World, **terms: object) -> AsyncIterator[Body]:
    """Let an executor enter a two-leg trade and die, then let its successor live."""
    async with scene.living(world):
        world.topic.append(entry(world))
        await world.clock.sleep(2.0)
        assert states(world) == ["POSITION_OPEN"]
    async with scene.living(world, msgspec.structs.replace(TERMS, **terms)) as successor:
        yield successor


def states(world: World) -> list[str]:
    return [one.state for one in world.database.tables.pairs.values()]


def held(world: World) -> dict[str, Decimal]:
    """Return what the venues hold of us, by instrument."""
    return {
        f"{' '.join(where)} {native}": quantity
        for where, market in sorted(world.markets.items())
        for native, quantity in sorted(market.positions.items())
    }


def closers(world: World) -> list[tuple[str, str, str]]:
    """Return who wanted something closed, what, and how it was answered."""
    rows = sorted(world.database.tables.intents.values(), key=lambda one: one.taken_us)
    return [(one.actor, one.command, one.status) for one in rows if not one.opening]


def test_a_two_leg_trade_of_before_is_closed_at_the_start_before_the_first_intent() -> None:
    async def story(world: World) -> None:
        async with after_a_crash(world) as successor:
            assert states(world) == ["READY"]
            assert closers(world) == [("executor", "ExitPair", "SETTLED")]
            assert held(world) == FLAT
            assert (wrong(world), successor.failure, successor.alarms) == ((), None, [])
            await world.clock.sleep(1.0)
            (row,) = [one for one in world.database.tables.intents.values() if one.actor == "executor"]
            events = [one.record.value for one in world.topic.published if isinstance(one.record.value, OrderEvent)]
            kinds = [one.kind for one in events if one.intent_id == row.intent_id]
            assert (kinds[0], kinds[-1]) == ("intent_approved", "intent_settled")
            assert kinds.count("order_filled") >= 4
            entries = [one for one in world.database.tables.audit if one.entity_id == row.intent_id]
            assert [(one.action, one.actor) for one in entries] == [
                ("INTENT_APPROVE", "executor"), ("INTENT_SETTLE", "executor"),
            ]  # fmt: skip
            assert (entries[0].reason, entries[0].context, {one.trace_id for one in entries}) == (
                "restart: it stood open from before", '{"buy_held":4.0,"sell_held":4.0}', {row.trace_id},
            )  # fmt: skip

    told(story)


def test_where_it_is_to_be_resumed_nothing_is_closed() -> None:
    async def story(world: World) -> None:
        async with after_a_crash(world, on_restart="resume"):
            await world.clock.sleep(5.0)
            assert (states(world), closers(world)) == (["POSITION_OPEN"], [])

    told(story)


def test_one_that_was_entering_is_closed_when_it_has_entered() -> None:
    async def story(world: World) -> None:
        async with scene.living(world):
            world.topic.append(entry(world, parts=4))
            while states(world) != ["ENTERING"]:
                await world.clock.sleep(0.001)
        assert states(world) == ["ENTERING"]
        async with scene.living(world):
            await world.clock.sleep(10.0)
            assert set(states(world)) == {"READY"}
            assert not any(held(world).values())
            assert wrong(world) == ()

    told(story)


def test_two_trades_of_one_slot_are_closed_both() -> None:
    """The second was entered while the first stood open; what leaves one is not taken for what leaves the other."""

    async def story(world: World) -> None:
        async with scene.living(world):
            world.topic.append(entry(world))
            await world.clock.sleep(2.0)
            other = msgspec.structs.replace(entry(world).command, pair_id="q")
            world.topic.append(wanted(world, BTC, other, round_=1))
            await world.clock.sleep(2.0)
        assert states(world) == ["POSITION_OPEN", "POSITION_OPEN"]
        async with scene.living(world):
            await world.clock.sleep(5.0)
            assert (states(world), held(world), wrong(world)) == (["READY", "READY"], FLAT, ())

    told(story)


def test_what_is_entered_after_the_start_is_left_to_its_strategy() -> None:
    async def story(world: World) -> None:
        async with after_a_crash(world):
            world.topic.append(wanted(world, BTC, entry(world).command, round_=1))
            await world.clock.sleep(5.0)
            assert states(world) == ["READY", "POSITION_OPEN"]

    told(story)


def test_the_kill_switch_holds_for_it_and_a_person_is_told_until_it_is_taken_back() -> None:
    async def story(world: World) -> None:
        await desire(world, "RUNNING")
        async with scene.living(world):
            world.topic.append(entry(world))
            await world.clock.sleep(2.0)
        await desire(world, "HALTED")
        async with scene.living(world) as successor:
            await world.clock.sleep(5.0)
            assert (states(world), closers(world)) == (["POSITION_OPEN"], [])
            assert [code for code, _ in successor.alarms] == [NOT_CLOSED]
            assert "s on BTC/USDT is not closed" in successor.alarms[0][1]
            await desire(world, "REDUCING")
            await world.clock.sleep(3.0)
            assert (states(world), held(world)) == (["READY"], FLAT)

    told(story)


def test_an_exit_of_its_strategy_that_comes_meanwhile_closes_nothing_twice() -> None:
    async def story(world: World) -> None:
        async with scene.living(world):
            world.topic.append(entry(world))
            await world.clock.sleep(2.0)
        world.topic.append(wanted(world, BTC, ExitPair(pair_id="p", round=0, parts=1), round_=1))
        async with scene.living(world):
            await world.clock.sleep(3.0)
            assert closers(world) == [("executor", "ExitPair", "SETTLED"), ("s", "ExitPair", "REFUSED")]
            assert (states(world), held(world), wrong(world)) == (["READY"], FLAT, ())

    told(story)


@pytest.mark.parametrize("first", range(4))
def test_it_is_closed_once_wherever_the_closing_executor_dies(first: int) -> None:
    async def story(world: World, dies_at: int) -> bool:
        async with scene.living(world):
            world.topic.append(entry(world))
            await world.clock.sleep(2.0)
        dying = Body("b", world.database, world.topic, world.markets, world.known, TERMS, world.leases)
        dying.gate.dies_at = dies_at
        life = asyncio.get_running_loop().create_task(dying.live())
        await world.clock.sleep(3.0)
        died = life.done()
        life.cancel()
        _ = await asyncio.gather(life, return_exceptions=True)
        async with scene.living(world):
            await world.clock.sleep(15.0)
            assert (dies_at, states(world), held(world), wrong(world)) == (dies_at, ["READY"], FLAT, ())
            assert all(actor == "executor" for actor, _, _ in closers(world))
        return died

    deaths = [told(lambda world, at=at: story(world, at)) for at in range(1 + first, 160, 4)]  # type: ignore[misc]  # a lambda with a default
    assert sum(deaths) > 20


def test_a_venue_that_refuses_every_close_is_asked_ever_less_often_and_a_person_is_told() -> None:
    async def story(world: World) -> None:
        async with scene.living(world):
            world.topic.append(entry(world))
            await world.clock.sleep(2.0)
        for market in world.markets.values():
            market.chance.refuse = 1.0
        async with scene.living(world) as successor:
            await world.clock.sleep(40.0)
            assert 8 <= len(closers(world)) <= 25
            (told_once,) = [sentence for code, sentence in successor.alarms if code == NOT_CLOSED]
            assert told_once.startswith(
                "s on BTC/USDT is not closed whole (restart: it stood open from before) after 7"
            )
            for market in world.markets.values():
                market.chance.refuse = 0.0
            await world.clock.sleep(5.0)
            assert (states(world), held(world), wrong(world)) == (["READY"], FLAT, ())

    told(story)


def test_what_is_not_ours_is_not_touched_and_said_once_and_the_rest_is_closed() -> None:
    async def story(world: World) -> None:
        async with scene.living(world):
            world.topic.append(entry(world))
            await world.clock.sleep(2.0)
        world.markets["alpha", "futures"].positions[SOL] = Decimal(7)
        async with scene.living(world) as successor:
            await world.clock.sleep(10.0)
            assert held(world) == FLAT | {"alpha futures SOL/USDT": Decimal(7)}
            assert [one.symbol for one in world.database.tables.blocks.values()] == [SOL]
            (alarm,) = successor.alarms
            assert alarm[0] == "not_ours"
            assert alarm[1].startswith("alpha:futures:SOL/USDT has a position of 7 that is not ours: it is not touched")

    told(story)


# ---------------------------------------------------------------- stops
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
