"""What the stories of starts and stops share: a two-leg trade, a crash, what is held, who closed what."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import TypeVar

import msgspec

from tapeline.domain.ids import intent_id
from tapeline.domain.order_records import (
    Command,
    DesiredState,
    EnterPair,
    OrderIntent,
    Place,
    PlaceOrder,
)
from tapeline.runtime.desired_state import Wish
from tests.simulation import scene
from tests.simulation.actors import ACCOUNT
from tests.simulation.body import Body
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
