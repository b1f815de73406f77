"""K14, K22: a leg's fill is told so late that the other is rolled back, and that rollback is corrected in its turn."""

from __future__ import annotations

import random
from decimal import Decimal

import msgspec
import pytest

from executor.terms import US_PER_S
from tapeline.domain.order_records import EnterPair, Place
from tests.simulation.actors import PAIRS, PRICES
from tests.simulation.invariants import wrong
from tests.simulation.scene import intent, living
from tests.simulation.venue import BEHIND_S
from tests.simulation.virtual import VirtualLoop
from tests.simulation.world import World

SYMBOL = "BTC/USDT"
BOUGHT, SOLD = PAIRS[SYMBOL]
QUANTITY = Decimal(5)


class Late(random.Random):
    """Draws by which a venue's books lie behind for as long as they ever do, and tell nothing meanwhile."""

    def random(self) -> float:
        """Return a draw that is below no part but the whole."""
        return 0.9

    def uniform(self, a: float, b: float) -> float:
        """Return the longest."""
        return max(a, b)


async def _story(late: tuple[str, ...]) -> World:
    world = World(1, crashes=False, faults=False)
    for where in (BOUGHT, SOLD):
        if where[0] in late:
            market = world.markets[where]
            market.delays, market.chance.behind, market.chance.silent = Late(), 1.0, 1.0
    price = PRICES[SYMBOL]
    command = EnterPair(
        pair_id="p", quantity=QUANTITY, parts=1, min_net=Decimal(0), target_profit=Decimal(0), stop_loss=Decimal(9),
        leverage=Decimal(1),
        buy=Place(venue=BOUGHT[0], market="futures", limit_price=price),
        sell=Place(venue=SOLD[0], market="futures", limit_price=price),
    )  # fmt: skip
    async with living(world):
        wanted = msgspec.structs.replace(intent(world, "i"), command=command, symbol=SYMBOL)
        world.topic.append(msgspec.structs.replace(wanted, expires_us=world.clock.now_us() + 2 * US_PER_S))
        await world.clock.sleep(6.0)
    return world


def _told(late: tuple[str, ...]) -> World:
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(_story(late))
    finally:
        loop.close()


@pytest.mark.parametrize("late", [BOUGHT[0], SOLD[0]])
def test_a_rollback_that_a_missing_fill_began_is_itself_corrected(late: str) -> None:
    world = _told((late,))
    assert wrong(world) == ()
    rows = world.database.tables.orders.values()
    assert sorted((one.leg, one.closing, one.status, one.filled) for one in rows) == [
        ("buy", False, "FILLED", QUANTITY), ("buy", True, "FILLED", QUANTITY),
        ("sell", False, "FILLED", QUANTITY), ("sell", True, "FILLED", QUANTITY),
    ]  # fmt: skip
    assert {one.net for one in world.database.tables.positions.values()} == {Decimal(0)}
    assert [(one.state, one.event) for one in world.database.tables.pairs.values()] == [("READY", "rolled_back")]
    # Each leg stood alone at most as long as it may, and the late one was closed without a further wait.
    begun_us = min(at_us for market in world.markets.values() for at_us, _, _ in market.moves)
    ended_us = max(at_us for market in world.markets.values() for at_us, _, _ in market.moves)
    assert (ended_us - begun_us) / US_PER_S < BEHIND_S + 0.5


def test_where_both_legs_are_told_late_they_end_even() -> None:
    world = _told((BOUGHT[0], SOLD[0]))
    assert wrong(world) == ()
    net = {one.venue: one.net for one in world.database.tables.positions.values()}
    assert net[BOUGHT[0]] == -net[SOLD[0]]
