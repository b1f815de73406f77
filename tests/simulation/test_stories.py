"""The shipped executor in virtual time: whatever dies, hangs, lies or is lost, no order is doubled and none forgotten.

A failure names its seed; `--seeds 1 --seed-base N` tells that story again.
"""

from __future__ import annotations

import pytest

from tests.simulation.invariants import wrong
from tests.simulation.world import World, told

_CHUNKS = 10
_CALM = 7
"""In each story whose seed is a multiple of it nobody dies."""


def _tell(seed: int, *, crashes: bool, faults: bool) -> World:
    world = told(seed, crashes=crashes, faults=faults)
    found = wrong(world)
    assert not found, f"seed {seed} (crashes {crashes}, faults {faults}):\n" + "\n".join(found)
    return world


@pytest.mark.parametrize("chunk", range(_CHUNKS))
def test_every_story_ends_well_whatever_dies_or_is_lost(chunk: int, seeds: range) -> None:
    for seed in seeds[chunk::_CHUNKS]:
        if seed % _CALM:
            _ = _tell(seed, crashes=True, faults=True)


def test_no_leg_stands_alone_for_long_where_the_executor_lives(seeds: range) -> None:
    for seed in seeds:
        if seed % _CALM == 0:
            _ = _tell(seed, crashes=False, faults=True)


def test_without_faults_everything_is_dealt_and_nothing_is_tried_twice() -> None:
    # In this story no part comes so late that its time is over on the way.
    world = _tell(2, crashes=False, faults=False)
    rows = world.database.tables.orders.values()
    assert rows
    assert {row.status for row in rows} <= {"FILLED", "CANCELLED"}
    assert {row.attempt for row in rows} == {1}
    assert not any(body.alarms for body in world.bodies)


def test_the_same_seed_tells_the_same_story() -> None:
    first, second = told(3), told(3)
    assert first.database.tables.orders == second.database.tables.orders
    assert [one.record for one in first.topic.published] == [one.record for one in second.topic.published]
