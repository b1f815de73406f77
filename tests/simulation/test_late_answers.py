"""A venue that answers late, or not at all, for a while: what is not known is known as soon as it can be."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tapeline.domain.orders import OurOrder
from tests.simulation.scene import intent, living
from tests.simulation.virtual import VirtualLoop
from tests.simulation.world import TERMS, World

FOR_EVER_S = 1e6
LATE_S = TERMS.answer_s * 1.5
SOON_S = TERMS.answer_s + TERMS.look_again_s + TERMS.retry_s + 2 * TERMS.busy_pass_s
"""An order without an answer is looked up by then, and one that was just asked for again is asked for anew."""


async def _story(late_by_s: float, late_for_s: float, look_after_s: float) -> OurOrder:
    """Let the answer to an order be lost and all others be late from then on; return its row after a while."""
    world = World(1, crashes=False, faults=False)
    market = world.markets["alpha", "futures"]
    market.rests, market.chance.silent, market.chance.lost_answer = True, 1.0, 1.0
    async with living(world):
        world.topic.append(intent(world, "i"))
        while not market.orders:
            await world.clock.sleep(0.0005)
        market.late_by_s, market.late_until_s = late_by_s, world.clock.monotonic_s() + late_for_s
        await world.clock.sleep(look_after_s)
    (row,) = world.database.tables.orders.values()
    return row


@pytest.mark.parametrize(
    ("late_by_s", "late_for_s", "look_after_s"),
    [
        pytest.param(FOR_EVER_S, 12.0, 12.0 + SOON_S + TERMS.answer_s, id="mute"),
        pytest.param(LATE_S, 12.0, SOON_S + LATE_S, id="later than an answer may be"),
    ],
)
def test_k22_an_order_of_unknown_fate_is_known_as_soon_as_the_venue_tells(
    late_by_s: float, late_for_s: float, look_after_s: float
) -> None:
    loop = VirtualLoop()
    try:
        row = loop.run_until_complete(_story(late_by_s, late_for_s, look_after_s))
    finally:
        loop.close()
    assert (row.status, row.filled) == ("PLACED", Decimal(0))
