"""DESIGN 6, the fault kill: evenly over all processes, those that all need seldom, never simulator or supervisor."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapeline.cli.demo.kills import APART_S, EVERY_S, NEVER, RARELY, Round

NAMES = (
    "supervisor", "kafka", "postgres", "clickhouse", "registry", "simulator", "producers", "processors", "sinks",
    "gateway", "executor",
)  # fmt: skip


def turns(seed: int, count: int) -> list[str]:
    order = Round(NAMES, seed)
    return [order.next((number + 1) * EVERY_S) for number in range(count)]


def test_who_was_killed_least_often_comes_next_unless_it_is_spared() -> None:
    assert turns(0, 10) == [
        "kafka", "registry", "producers", "postgres", "processors", "sinks", "clickhouse", "gateway", "registry",
        "executor",
    ]  # fmt: skip


@pytest.mark.parametrize("seed", range(8))
def test_a_minute_takes_every_kind_of_process(seed: int) -> None:
    assert set(turns(seed, 12)) == set(NAMES) - set(NEVER)


@given(st.integers(0, 1_000), st.integers(20, 200))
def test_the_shared_ones_are_apart_and_each_kind_comes_equally_often(seed: int, count: int) -> None:
    found = turns(seed, count)
    rare_s = [(number + 1) * EVERY_S for number, name in enumerate(found) if name in RARELY]
    assert all(later - earlier >= APART_S for earlier, later in pairwise(rare_s))
    counts = Counter(found)
    assert set(counts) == set(NAMES) - set(NEVER)
    for kind in (set(RARELY) & set(NAMES), set(counts) - set(RARELY)):
        assert max(counts[name] for name in kind) - min(counts[name] for name in kind) <= 1
