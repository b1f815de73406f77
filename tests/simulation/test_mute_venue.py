"""A venue that answers nothing for a while: a question lasts as long as an answer may, none is put off for longer."""

from __future__ import annotations

from decimal import Decimal

from tapeline.domain.orders import OurOrder
from tests.simulation.scene import intent, living
from tests.simulation.virtual import VirtualLoop
from tests.simulation.world import TERMS, World

MUTE_S = 12.0
ONE_LOOK_S = TERMS.answer_s + TERMS.retry_s + TERMS.look_again_s + 2 * TERMS.busy_pass_s


async def _story(seed: int) -> OurOrder:
    """Let the answer to an order be lost and nothing be answered for long; return its row soon after that ended."""
    world = World(seed, crashes=False, faults=False)
    market = world.markets["alpha", "futures"]
    market.rests, market.chance.silent, market.chance.lost_answer = True, 1.0, 1.0
    async with living(world):
        world.topic.append(intent(world, "i"))
        while not market.orders:
            await world.clock.sleep(0.0005)
        market.mute_until_s = world.clock.monotonic_s() + MUTE_S
        await world.clock.sleep(MUTE_S + ONE_LOOK_S)
    (row,) = world.database.tables.orders.values()
    return row


def test_k22_an_order_of_unknown_fate_is_looked_up_as_soon_as_the_venue_answers_again() -> None:
    loop = VirtualLoop()
    try:
        row = loop.run_until_complete(_story(1))
    finally:
        loop.close()
    assert (row.status, row.filled) == ("PLACED", Decimal(0))
