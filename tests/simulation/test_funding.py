"""Funding in a calm world: looked for soon after a hint, every minute without one, and after a death, each once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal

import msgspec

from executor.terms import Terms
from tapeline.domain.order_records import OrderIntent, PlaceOrder
from tapeline.domain.positions import OurPosition
from tapeline.venues.account import FundingPaid
from tests.simulation.invariants import wrong
from tests.simulation.scene import intent, living
from tests.simulation.venue import FakeMarket
from tests.simulation.virtual import VirtualLoop
from tests.simulation.world import TERMS, World

MINUTE = msgspec.structs.replace(TERMS, funding_every_s=60.0)
SELDOM = msgspec.structs.replace(TERMS, funding_every_s=3600.0)
PAID = Decimal("-0.01")
"""A ten-thousandth of 5 at 20."""
Story = Callable[[World, FakeMarket], Awaitable[None]]


def deal(world: World, name: str, *, slot: int = 0, side: str = "buy") -> OrderIntent:
    """Return the wish for an order that is dealt at once."""
    wish = intent(world, name, slot=slot)
    assert isinstance(wish.command, PlaceOrder)
    changed = {**msgspec.structs.asdict(wish.command), "time_in_force": "IOC", "side": side}
    return msgspec.structs.replace(wish, command=msgspec.convert(changed, PlaceOrder, builtin_types=(Decimal,)))


def lives(world: World) -> list[OurPosition]:
    return sorted(world.database.tables.positions.values(), key=lambda one: one.life)


async def paid_by(world: World, seconds: float) -> list[Decimal]:
    """Return what funding the lives have after some time."""
    await world.clock.sleep(seconds)
    return [one.funding for one in lives(world)]


async def held(world: World, terms: Terms) -> None:
    """Let one executor open a position and die."""
    async with living(world, terms):
        world.topic.append(deal(world, "open"))
        assert await paid_by(world, 1.0) == [0]


def told(story: Story) -> None:
    """Tell a story to its end, at which all must be well."""
    loop = VirtualLoop()

    async def whole() -> None:
        world = World(1, crashes=False, faults=False)
        await story(world, world.markets["alpha", "futures"])
        assert wrong(world) == ()

    try:
        loop.run_until_complete(whole())
    finally:
        loop.close()


async def _hinted(world: World, market: FakeMarket) -> None:
    async with living(world, SELDOM) as body:
        world.topic.append(deal(world, "open"))
        assert await paid_by(world, 1.0) == [0]
        market.pay_funding()
        for queue in market.listeners * 3:
            queue.put_nowait(FundingPaid(payment=market.payments[-1][1]))
        # The fills before it may not be booked yet.
        assert await paid_by(world, SELDOM.funding_settle_s - 2.0) == [0]
        assert await paid_by(world, 5.0) == [PAID]
        assert body.failure is None


def test_a_hint_of_the_stream_is_looked_up_when_the_fills_before_it_are_booked() -> None:
    told(_hinted)


async def _closed(world: World, market: FakeMarket) -> None:
    async with living(world, MINUTE):
        world.topic.append(deal(world, "open"))
        assert await paid_by(world, 1.0) == [0]
        market.pay_funding()
        world.topic.append(deal(world, "close", slot=1, side="sell"))
        assert await paid_by(world, 1.0) == [0]
        assert [one.status for one in lives(world)] == ["CLOSED"]
        world.topic.append(deal(world, "again", slot=2))
        assert await paid_by(world, 70.0) == [PAID, 0]
        market.pay_funding()
        assert await paid_by(world, 130.0) == [PAID, PAID]
    [row] = world.database.tables.portfolios.values()
    fees = lives(world)[0].fees
    assert row.closed_pnl == PAID - fees


def test_a_position_that_was_closed_before_anyone_looked_bears_what_it_paid() -> None:
    told(_closed)


async def _dead(world: World, market: FakeMarket) -> None:
    await held(world, MINUTE)
    for _ in range(3):
        market.pay_funding()
        await world.clock.sleep(2 * 3600.0)
    async with living(world, MINUTE):
        assert await paid_by(world, 5.0) == [3 * PAID]
        market.pay_funding()
        assert await paid_by(world, 80.0) == [4 * PAID]
    async with living(world, MINUTE):
        assert await paid_by(world, 80.0) == [4 * PAID]


def test_what_was_paid_while_nobody_lived_is_booked_at_the_next_start_and_only_once() -> None:
    told(_dead)
