"""D-13, K22: the legs of a trade go out when the leverage of both is set, or neither does."""

from __future__ import annotations

from typing import Final

import pytest

from tapeline.domain.instruments import Market
from tapeline.errors import TapelineError, Unavailable, VenueRefused
from tests.simulation import scene
from tests.simulation.closing_scene import entry, states, told
from tests.simulation.invariants import wrong
from tests.simulation.world import World

SLOW_S = 0.9
ALPHA: Final[tuple[str, Market]] = ("alpha", "futures")
BETA: Final[tuple[str, Market]] = ("beta", "futures")


async def _entered(world: World) -> dict[str, list[float]]:
    """Let a trade be entered; return when, in seconds after the wish, each leg's requests were sent."""
    async with scene.living(world):
        began_us = world.clock.now_us()
        world.topic.append(entry(world, parts=1))
        await world.clock.sleep(6.0)
    return {
        where[0]: [(one.sent_us - began_us) / 1e6 for one in world.markets[where].attempts] for where in (ALPHA, BETA)
    }


@pytest.mark.parametrize("slow", [ALPHA, BETA])
def test_d_13_the_quick_leg_waits_for_the_slow_one(slow: tuple[str, Market]) -> None:
    async def story(world: World) -> tuple[dict[str, list[float]], list[str], tuple[str, ...]]:
        world.markets[slow].leverage = SLOW_S
        return await _entered(world), states(world), wrong(world)

    sent, pairs, broken = told(story)
    assert {venue: len(times) for venue, times in sent.items()} == {"alpha": 1, "beta": 1}
    assert all(times[0] > SLOW_S for times in sent.values()), sent
    assert (pairs, broken) == (["POSITION_OPEN"], ())


@pytest.mark.parametrize("error", [VenueRefused("no such leverage"), Unavailable("503")])
def test_d_13_neither_leg_goes_without_the_leverage_of_both(error: TapelineError) -> None:
    async def story(world: World) -> tuple[dict[str, list[float]], list[str], tuple[str, ...]]:
        world.markets[BETA].leverage = error
        return await _entered(world), states(world), wrong(world)

    sent, pairs, broken = told(story)
    assert (sent, pairs, broken) == ({"alpha": [], "beta": []}, ["READY"], ())
