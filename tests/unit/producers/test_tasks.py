"""C-13, C-14, C-15, K5, K6: which leases a daemon asks for and what is recorded for them."""

from __future__ import annotations

import pytest

from producers.places import Place
from producers.tasks import MOST, Difference, Plan, difference, plan, wanted
from tapeline.domain.tasks import Pair, Task
from tests.support.task_values import monitor, pair, trading

NOW = 1_000
A, B, C = pair("A/USDT"), pair("B/USDT"), pair("C/USDT")
SPOT, FUTURES = Place("bybit", "spot"), Place("bybit", "futures")


def planned(*tasks: Task, most: int = MOST) -> Plan:
    return plan(tasks, "me", NOW, may=lambda _: True, most=most)


def test_k5_what_is_free_or_run_out_is_taken_by_priority() -> None:
    found = planned(
        monitor(A), monitor(B, priority=5), monitor(C, priority=1, daemon="you", until=NOW), trading(pair("D/USDT"))
    )
    assert found == Plan(claim=(B, C, A, pair("D/USDT")), release=(), safe=frozenset(), free_again_us=None)


def test_k5_what_another_holds_is_left_to_it_and_looked_at_when_its_time_is_over() -> None:
    held = [monitor(A, daemon="you", until=NOW + 9), monitor(B, daemon="you", until=NOW + 5)]
    assert planned(*held, monitor(C)) == Plan(claim=(C,), release=(), safe=frozenset(), free_again_us=NOW + 5)


def test_k5_all_rows_of_a_pair_go_together_also_those_that_are_switched_off() -> None:
    found = planned(monitor(A), trading(A, enabled=False, daemon="you", until=NOW + 9))
    assert found == Plan(claim=(), release=(), safe=frozenset(), free_again_us=NOW + 9)


def test_what_is_held_is_renewed_and_safe_while_it_lives() -> None:
    found = planned(monitor(A, daemon="me", until=NOW + 1), trading(A), monitor(B, daemon="me", until=NOW))
    assert found == Plan(claim=(A, B), release=(), safe=frozenset({A}), free_again_us=None)


def test_what_nobody_asks_for_any_more_is_given_up() -> None:
    found = planned(monitor(A, enabled=False, daemon="me", until=NOW + 1), trading(B, daemon="me", until=NOW + 1))
    assert (found.claim, found.release, found.safe) == ((B,), (A,), frozenset({B}))


def test_k5_a_full_daemon_takes_no_more() -> None:
    pairs = [pair(f"S{number:03}/USDT") for number in range(MOST + 1)]
    assert planned(*map(monitor, pairs)).claim == tuple(pairs[:MOST])


def test_a_full_daemon_keeps_what_it_has_unless_something_free_is_more_important() -> None:
    mine = [monitor(one, priority=1, daemon="me", until=NOW + 1) for one in (B, C)]
    assert planned(*mine, monitor(A, priority=1), most=2).claim == (B, C)
    found = planned(*mine, monitor(A, priority=2), most=2)
    assert (found.claim, found.release) == ((A, B), (C,))


def test_what_cannot_be_recorded_here_is_neither_taken_nor_waited_for() -> None:
    tasks = [monitor(A), monitor(pair(venue="other")), monitor(pair(venue="else"), daemon="you", until=NOW + 1)]
    found = plan(tasks, "me", NOW, may=lambda one: one.venue == "bybit")
    assert found == Plan(claim=(A,), release=(), safe=frozenset(), free_again_us=None)


@pytest.mark.parametrize(
    ("tasks", "depth"),
    [
        ([monitor(A, depth=5)], 5),
        ([trading(A)], 20),
        ([monitor(A, depth=5), trading(A)], 5),
        ([monitor(A, depth=5), monitor(A, depth=50)], 50),
        ([monitor(A, depth=50), monitor(A, depth=0)], 0),
        ([monitor(A, depth=50), monitor(A, depth=500, enabled=False)], 50),
        ([monitor(A, depth=50, enabled=False), trading(A)], 20),
    ],
)
def test_k6_a_pair_is_recorded_once_and_the_deepest_row_wins_over_the_settings(tasks: list[Task], depth: int) -> None:
    assert wanted(tasks, {A}, default=20) == {SPOT: {"A/USDT": depth}}


def test_c_13_only_what_is_enabled_and_ours_is_wanted_the_most_important_first() -> None:
    future = Pair("bybit", "futures", "B/USDT")
    tasks = [monitor(A), monitor(B, priority=3), monitor(C, enabled=False), trading(future), monitor(pair("D/USDT"))]
    found = wanted(tasks, {A, B, C, future}, default=50)
    assert found == {SPOT: {"B/USDT": 20, "A/USDT": 20}, FUTURES: {"B/USDT": 50}}
    assert list(found[SPOT]) == ["B/USDT", "A/USDT"]


def test_c_14_only_what_differs_is_touched() -> None:
    found = difference({"gone": 20, "same": 20, "deeper": 20}, {"same": 20, "deeper": 0, "new": 50})
    assert found == Difference(unsubscribe=("gone",), resubscribe={"deeper": 0}, subscribe={"new": 50})
    assert difference({"same": 20}, {"same": 20}) == Difference(unsubscribe=(), resubscribe={}, subscribe={})
