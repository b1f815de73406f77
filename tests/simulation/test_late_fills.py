"""Fills that a venue lists late: they are asked for with pauses between, so that its limit is left for other things."""

from __future__ import annotations

import math
from decimal import Decimal

import msgspec

from tapeline.domain.order_records import PlaceOrder
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
