"""Fills that a venue lists late: they are asked for with pauses between, so that its limit is left for other things."""

from __future__ import annotations

import math
from decimal import Decimal

import msgspec
import pytest

from tapeline.domain.order_records import CancelOrder, PlaceOrder
from tapeline.domain.orders import OurOrder
from tests.simulation.scene import intent, living
from tests.simulation.virtual import VirtualLoop
from tests.simulation.world import TERMS, World

HIDDEN_S = 10.0
SEED = 3
"""One in which the answer to the order does not tell the fill either."""


async def _story(seed: int) -> tuple[int, Decimal]:
    """Let an order be dealt whose fill no list shows; return how often it was asked for, and what was booked."""
    world = World(seed, crashes=False, faults=False)
    market = world.markets["alpha", "futures"]
    market.chance.silent = 1.0
    async with living(world):
        wanted = intent(world, "i")
        assert isinstance(wanted.command, PlaceOrder)
        at_once = msgspec.structs.replace(wanted.command, time_in_force="IOC")
        world.topic.append(msgspec.structs.replace(wanted, command=at_once))
        while not market.orders:
            await world.clock.sleep(0.0005)
        (held,) = market.orders.values()
        shown_s = world.clock.monotonic_s() + HIDDEN_S
        held.fills = [(shown_s, fill) for _, fill in held.fills]
        await world.clock.sleep(HIDDEN_S - 1)
        asked = market.fills_asked
        await world.clock.sleep(8.0)
    (row,) = world.database.tables.orders.values()
    return asked, row.filled


async def _after_the_end(*, heard: bool) -> tuple[OurOrder, World]:
    """Let a cancelled order be dealt all the same when its intent has settled, with or without a stream to tell it."""
    world = World(SEED, crashes=False, faults=False)
    market = world.markets["alpha", "futures"]
    market.rests = True
    async with living(world):
        world.topic.append(intent(world, "i"))
        await world.clock.sleep(1.0)
        (row,) = world.database.tables.orders.values()
        cancel = CancelOrder(client_order_id=row.client_order_id)
        world.topic.append(msgspec.structs.replace(intent(world, "cancel", slot=1), command=cancel))
        await world.clock.sleep(3.0)
        assert {one.status for one in world.database.tables.intents.values()} == {"SETTLED"}
        market.chance.silent = 0.0 if heard else 1.0
        market.deal_after_the_end(row.client_order_id)
        if not heard:
            market.cut()
        await world.clock.sleep(3 * TERMS.poll_every_s)
    (row,) = world.database.tables.orders.values()
    return row, world


@pytest.mark.parametrize("heard", [True, False])
def test_k14_a_fill_after_the_end_is_booked_also_when_the_stream_that_told_it_was_cut(heard: bool) -> None:  # noqa: FBT001 - a case
    loop = VirtualLoop()
    try:
        row, world = loop.run_until_complete(_after_the_end(heard=heard))
    finally:
        loop.close()
    assert (row.status, row.filled, row.complete) == ("CANCELLED", Decimal(5), True)
    assert [one.net for one in world.database.tables.positions.values()] == [Decimal(5)]
    assert world.database.tables.blocks == {}


def test_a_fill_that_is_listed_late_is_asked_for_with_pauses() -> None:
    loop = VirtualLoop()
    try:
        asked, booked = loop.run_until_complete(_story(SEED))
    finally:
        loop.close()
    # As often as anything is looked at again, and once with each poll.
    doublings = math.ceil(math.log2(TERMS.look_longest_s / TERMS.look_again_s))
    slowly = HIDDEN_S / TERMS.look_longest_s
    most = TERMS.look_often + doublings + slowly + HIDDEN_S / TERMS.poll_every_s + 1
    assert TERMS.look_often <= asked <= most
    assert booked == Decimal(5)
