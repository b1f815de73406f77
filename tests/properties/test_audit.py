"""The audit itself: whatever was dropped is counted, inside a gap or lost, to the last level change and trade."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from simulator.audit.compare import Counts
from tests.unit.simulator.audit.run import FIRST, Run, gap, played_run

MESSAGES = 30
LEVELS = 2
"""Level changes of a message."""

places = st.integers(1, MESSAGES)
stretches = st.tuples(places, places).map(sorted).map(tuple)
"""First and last of some numbers that follow one another."""


def spoiled(dropped: tuple[int, ...]) -> Run:
    """Return a run without these messages and trades."""
    run = played_run(MESSAGES, traded=MESSAGES)
    gone = range(dropped[0], dropped[1] + 1)
    run.lose(*gone)
    run.lose_trades(*gone)
    return run


@given(dropped=stretches)
def test_a_stretch_that_no_gap_covers_is_lost_whole(dropped: tuple[int, ...]) -> None:
    found = spoiled(dropped).audit()
    count = dropped[1] - dropped[0] + 1
    left = Counts(trades=MESSAGES - count, deltas=LEVELS * (MESSAGES - count))
    assert (found.stored, found.in_gaps, found.lost, found.balanced) == (left, 0, (LEVELS + 1) * count, False)


@given(dropped=stretches, by_numbers=st.booleans())
def test_a_stretch_that_a_gap_with_a_cause_covers_is_balanced(dropped: tuple[int, ...], *, by_numbers: bool) -> None:
    first, last = dropped
    run = spoiled(dropped)
    run.cut(first - 0.5, last + 0.5)
    run.repaired(last + 0.5, last, connection=2)
    of_book = (FIRST + first - 1, FIRST + last) if by_numbers else (None, None)
    of_trades = (5000 + first - 1, 5000 + last + 1) if by_numbers else (None, None)
    run.gaps = [
        gap(first - 1, last + 0.5, ids=of_book),
        gap(first - 1, last + 0.5, channel="trade", ids=of_trades),
    ]
    count = last - first + 1
    found = run.audit()
    assert (found.in_gaps, found.lost, found.problems, found.balanced) == ((LEVELS + 1) * count, 0, (), True)


@given(dropped=stretches, covered=st.lists(stretches, max_size=3), by_numbers=st.booleans())
def test_what_lies_in_a_gap_and_what_is_lost_is_told_apart_message_by_message(
    dropped: tuple[int, ...], covered: list[tuple[int, ...]], *, by_numbers: bool
) -> None:
    run = spoiled(dropped)
    run.gaps = [
        gap(
            begin if not by_numbers else begin - 1,
            end,
            ids=(FIRST + begin - 1, FIRST + end) if by_numbers else (None, None),
        )
        for begin, end in covered
    ]
    missing = set(range(dropped[0], dropped[1] + 1))
    hidden = {number for begin, end in covered for number in range(begin, end + 1)}
    found = run.audit()
    # No gap of the book hides a trade.
    assert found.in_gaps == LEVELS * len(missing & hidden)
    assert found.lost == LEVELS * len(missing - hidden) + len(missing)
    assert found.gap_records == len(covered)


@given(dropped=stretches, doubled=st.lists(places, unique=True))
def test_rows_above_one_for_each_identity_are_duplicates(dropped: tuple[int, ...], doubled: list[int]) -> None:
    run = spoiled(dropped)
    again = {FIRST + number for number in doubled}
    run.levels += [row for row in run.levels if row.sequence in again and row.kind == "change"]
    run.trades += [row for row in run.trades if int(row.id) - 5000 in set(doubled)]
    there = len([number for number in doubled if not dropped[0] <= number <= dropped[1]])
    assert run.audit().duplicates == (LEVELS + 1) * there
