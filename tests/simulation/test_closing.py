"""Starts: a two-leg trade that is open from before is closed once, whatever dies (D-20, K1)."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import msgspec
import pytest

from executor.closing import NOT_CLOSED
from tapeline.domain.order_records import (
    ExitPair,
    OrderEvent,
)
from tests.simulation import scene
from tests.simulation.body import Body
from tests.simulation.closing_scene import (
    BTC,
    FLAT,
    SOL,
    after_a_crash,
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
