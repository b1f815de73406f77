"""A lease that cannot be renewed: its end bounds every request, and nothing is sent after it."""

from __future__ import annotations

from tests.simulation.scene import intent, living
from tests.simulation.virtual import VirtualLoop
from tests.simulation.world import TERMS, World


async def _story() -> World:
    world = World(1, crashes=False, faults=False)
    async with living(world) as body:
        body.store.renews = False
        until_us = world.leases["a"]
        for slot, before_end_s in enumerate((3.5, 1.5, 0.5)):
            left_s = (until_us - world.clock.now_us()) / 1_000_000
            await world.clock.sleep(left_s - before_end_s)
            world.topic.append(intent(world, f"i{slot}", slot=slot))
        await world.clock.sleep(0.4)
    return world


def test_no_request_lives_longer_than_the_lease_less_its_margin() -> None:
    loop = VirtualLoop()
    try:
        world = loop.run_until_complete(_story())
    finally:
        loop.close()
    end_us = world.leases["a"] - TERMS.margin_us
    attempts = world.markets["alpha", "futures"].attempts
    # The third came when less than the margin was left.
    assert len(attempts) == 2
    assert [one.sent_us < end_us for one in attempts] == [True, True]
    # By its own clock the holder's lease ends a little earlier than in the database.
    assert [0 <= end_us - one.until_us < 10_000 for one in attempts] == [True, True]
