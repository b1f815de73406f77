"""DESIGN 6, the fault kill: evenly over all processes, those that all need seldom, never simulator or supervisor."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapeline.cli.demo.kills import APART_S, EVERY_S, NEVER, RARELY, Round, whole
from tapeline.runtime.runfile import Addresses, Brokers, ProcessRecord, ProcessState, RunFile, Secrets

NAMES = (
    "supervisor", "kafka", "postgres", "clickhouse", "registry", "simulator", "producers", "processors", "sinks",
    "gateway", "executor",
)  # fmt: skip


BROKERS = ("kafka-1", "kafka-2", "kafka-3")
CLUSTER = ("supervisor", *BROKERS, *NAMES[2:])


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


def of_a_cluster(seed: int, whole_at: list[bool]) -> list[str]:
    order = Round(CLUSTER, seed)
    return [order.next((number + 1) * EVERY_S, whole=one) for number, one in enumerate(whole_at)]


@given(st.integers(0, 1_000), st.integers(30, 200))
def test_each_broker_of_a_cluster_comes_as_often_as_the_others_and_is_apart_from_itself(seed: int, count: int) -> None:
    found = of_a_cluster(seed, [True] * count)
    for broker in BROKERS:
        times_s = [(number + 1) * EVERY_S for number, name in enumerate(found) if name == broker]
        assert all(later - earlier >= APART_S for earlier, later in pairwise(times_s))
    counts = Counter(found)
    assert set(counts) == set(CLUSTER) - set(NEVER)
    often = set(counts) - set(RARELY)
    assert max(counts[name] for name in often) - min(counts[name] for name in often) <= 1


def test_a_broker_rests_though_it_were_its_turn() -> None:
    order = Round(("kafka-1", "kafka-2", "kafka-3"), 0)
    assert [order.next(now_s) for now_s in (0, 5, 10, 15, 20)] == [*BROKERS, *BROKERS[:2]]
    with pytest.raises(ValueError, match="empty"):
        order.next(24.9)


@given(st.integers(0, 1_000), st.lists(st.booleans(), min_size=1, max_size=60))
def test_no_broker_is_killed_while_another_is_away_or_behind(seed: int, whole_at: list[bool]) -> None:
    found = of_a_cluster(seed, whole_at)
    assert [name for name, one in zip(found, whole_at, strict=True) if not one and name in BROKERS] == []


@pytest.mark.parametrize(
    ("state", "away", "under_replicated", "expected"),
    [
        ("running", (), 0, True),
        ("restarting", (), 0, False),
        ("running", ("kafka-1",), 0, False),
        ("running", ("sinks",), 0, True),
        ("running", (), 1, False),
    ],
)
def test_one_broker_may_be_spared_while_all_run_and_every_copy_is_there(
    state: ProcessState,
    away: tuple[str, ...],
    under_replicated: int,
    expected: bool,  # noqa: FBT001 - a case
) -> None:
    run = RunFile(
        version="1",
        data_dir="/d",
        log_dir="/l",
        started_us=0,
        supervisor=ProcessRecord(name="supervisor", state="running"),
        addresses=Addresses(),
        secrets=Secrets(postgres_password="p", clickhouse_password="c", gateway_token="g"),
        processes={"kafka-1": ProcessRecord(name="kafka-1", state=state)},
        brokers=Brokers(brokers=3, in_service=3, partitions=9, under_replicated=under_replicated, under_min=0),
    )
    assert whole(run, away) is expected
