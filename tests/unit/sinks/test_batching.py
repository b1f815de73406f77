"""A lane records a range before it is written, replays what was left pending, and lets nothing happen out of turn."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from sinks.batching import NEXT, Bounds, Commit, Decision, Entry, Event, Insert, Lane, Range, State, Wait, opened, token

BOUNDS = Bounds(rows=4, size=1_000, wait_s=1.0)


def entries(offsets: Iterable[int], *, rows: int = 1, size: int = 10) -> list[Entry]:
    return [Entry(offset, 1_000 + offset, size, rows) for offset in offsets]


def taken(decision: Decision) -> list[int]:
    assert isinstance(decision, Insert)
    return [entry.offset for entry in decision.entries]


@pytest.mark.parametrize("state", list(NEXT))
@pytest.mark.parametrize("event", ["cut", "committed", "inserted", "complete"])
def test_what_the_table_does_not_allow_is_refused(state: State, event: Event) -> None:
    lane = Lane(BOUNDS, expected=0)
    lane.state = state
    if event in NEXT[state]:
        lane._go(event)  # noqa: SLF001 - the table itself is what is tested
        assert lane.state == NEXT[state][event]
    else:
        with pytest.raises(RuntimeError, match=f"{event} cannot happen while {state}"):
            lane._go(event)  # noqa: SLF001 - as above


def test_a_range_is_recorded_then_written_then_settled_together_with_the_next() -> None:
    lane = Lane(BOUNDS, expected=7)
    lane.offer(entries(range(7, 16)), now_s=0.0)
    first, second, third = Range(7, 10, 1_007), Range(11, 14, 1_011), Range(15, 15, 1_015)

    assert lane.decide(0.0) == Commit(7, first)
    lane.committed()
    assert taken(lane.decide(0.0)) == [7, 8, 9, 10]
    lane.inserted()
    assert lane.decide(0.0) == Commit(11, second)
    lane.committed()
    assert taken(lane.decide(0.0)) == [11, 12, 13, 14]
    lane.inserted()
    assert lane.decide(0.0) == Commit(15, None)
    lane.committed()
    assert lane.decide(0.0) == Wait(1.0)
    assert lane.decide(1.0) == Commit(15, third)


def test_a_decision_stands_until_it_is_done() -> None:
    lane = Lane(BOUNDS, expected=0)
    lane.offer(entries([0]), now_s=0.0)
    wanted = lane.decide(0.0, flush=True)
    lane.offer(entries([1, 2]), now_s=0.5)

    assert lane.decide(9.0) == wanted == Commit(0, Range(0, 0, 1_000))
    lane.committed()
    assert taken(lane.decide(9.0)) == taken(lane.decide(10.0, flush=True)) == [0]
    assert lane.renewal() == wanted


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        pytest.param(entries(range(4)), [0, 1, 2, 3], id="exactly the rows"),
        pytest.param(entries(range(3), rows=3), [0], id="a record that no longer fits waits"),
        pytest.param(entries([0], rows=99), [0], id="one record may exceed the rows"),
        pytest.param(entries(range(3), size=600), [0], id="bytes"),
        pytest.param(entries(range(4), rows=0), [0, 1, 2, 3], id="what stores nothing counts as a row"),
    ],
)
def test_a_range_ends_at_its_bounds(given: list[Entry], wanted: list[int]) -> None:
    lane = Lane(BOUNDS, expected=0)
    lane.offer(given, now_s=0.0)
    assert isinstance(lane.decide(0.0), Commit)
    lane.committed()
    assert taken(lane.decide(0.0)) == wanted


def test_less_than_a_range_waits_for_its_time_or_a_flush() -> None:
    lane = Lane(BOUNDS, expected=0)
    assert lane.decide(5.0, flush=True) == Wait(None)
    lane.offer(entries([0, 1]), now_s=5.0)
    assert lane.decide(5.9) == Wait(6.0)
    assert lane.decide(5.9, flush=True, hold=True) == Wait(6.0)
    assert lane.decide(5.9, flush=True) == Commit(0, Range(0, 1, 1_000))


def test_what_is_held_begins_nothing_and_settles_what_was_begun() -> None:
    lane = Lane(BOUNDS, expected=0)
    lane.offer(entries(range(9)), now_s=0.0)
    assert isinstance(lane.decide(0.0), Commit)
    lane.committed()
    assert taken(lane.decide(0.0, hold=True)) == [0, 1, 2, 3]
    lane.inserted()
    assert lane.decide(0.0, hold=True) == Commit(4, None)


def test_a_pending_range_is_replayed_exactly_whatever_the_bounds() -> None:
    pending = Range(10, 15, 1_010)
    lane, gone = opened(BOUNDS, 10, pending, oldest=0, end=40)
    assert (list(gone), lane.expected) == ([], 10)

    lane.offer(entries(range(10, 14)), now_s=0.0)
    assert lane.decide(9.0, flush=True) == Wait(None)
    lane.offer(entries(range(14, 20)), now_s=0.0)
    assert lane.decide(0.0, hold=True) == Wait(None)
    assert taken(lane.decide(0.0)) == [10, 11, 12, 13, 14, 15]
    lane.inserted()
    assert lane.decide(0.0) == Commit(16, Range(16, 19, 1_016))


@pytest.mark.parametrize(
    ("offset", "pending", "oldest", "end", "expected", "gone", "state"),
    [
        pytest.param(None, None, 3, 9, 3, range(0), "reading", id="nothing committed yet"),
        pytest.param(5, None, 3, 9, 5, range(0), "reading", id="as it was left"),
        pytest.param(5, None, 7, 9, 7, range(5, 7), "settling", id="retention ran ahead"),
        pytest.param(5, Range(5, 7, 0), 3, 9, 5, range(0), "replaying", id="pending"),
        pytest.param(5, Range(5, 7, 0), 7, 9, 7, range(5, 7), "replaying", id="part of the pending range is left"),
        pytest.param(5, Range(5, 7, 0), 8, 9, 8, range(5, 8), "settling", id="the pending range is gone"),
        pytest.param(5, Range(5, 9, 0), 3, 9, 5, range(0), "reading", id="the log was cut within the range"),
        pytest.param(50, None, 3, 9, 3, range(0), "reading", id="the log is another one"),
    ],
)
def test_a_partition_is_taken_over(
    offset: int | None, pending: Range | None, oldest: int, end: int, expected: int, gone: range, state: State
) -> None:
    lane, told = opened(BOUNDS, offset, pending, oldest=oldest, end=end)
    assert (lane.expected, told, lane.state) == (expected, gone, state)


def test_what_was_gone_is_settled_though_nothing_follows() -> None:
    lane, _ = opened(BOUNDS, 5, Range(5, 7, 0), oldest=8, end=8)
    assert lane.decide(0.0) == Commit(8, None)
    lane.committed()
    assert lane.decide(0.0) == Wait(None)


def test_records_come_once_and_a_jump_is_seen() -> None:
    lane = Lane(BOUNDS, expected=5)
    lane.offer(entries([3, 4, 5, 6]), now_s=0.0)
    assert (lane.expected, lane.jumped(7), lane.jumped(8)) == (7, False, True)
    lane.skip_to(8)
    assert lane.jumped(8) is False
    assert lane.decide(0.0, flush=True) == Commit(5, Range(5, 6, 1_005))


def test_a_lane_that_holds_two_ranges_is_full_until_one_is_taken() -> None:
    lane = Lane(BOUNDS, expected=0)
    lane.offer(entries(range(7)), now_s=0.0)
    seen = [lane.full]
    lane.offer(entries([7]), now_s=0.0)
    seen.append(lane.full)
    lane.decide(0.0)
    assert [*seen, lane.full] == [False, True, False]


def test_a_token_names_topic_partition_and_range() -> None:
    assert token("md.trade", 3, Range(7, 10, 99)) == "md.trade/3/7-10"
