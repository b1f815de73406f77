"""A producer under load: what waited, what is missing and how late it was, from times and records alone (C-30, K8)."""

from __future__ import annotations

import msgspec
import pytest

from benchmarks.loads import (
    Book,
    Change,
    Cost,
    Log,
    Notes,
    Pause,
    Seen,
    Shown,
    answered,
    is_sustained,
    latencies,
    load,
    seen,
    shares,
    waiting,
)
from benchmarks.measure import Latency, Load

SENT = {("A", 1): 1_000_000, ("B", 1): 1_500_000, ("A", 2): 2_000_000}
LOG = Log(
    changes=[
        Change("A", 1, 1_000_100, 1_000_200),
        Change("B", 1, 1_500_100, 1_500_200),
        Change("A", 2, 2_000_100, 2_000_200),
    ],
    wholes=[("B", 1_600_000)],
    books=[Book(0, 7, "A", 1, 0), Book(1, 3, "B", 1, 2), Book(0, 8, "A", 2, 0)],
    gaps=["B"],
)
NOTES = Notes(
    books=[0, 6, 900_000, 0, 7, 1_002_000, 1, 3, 1_504_000, 0, 8, 2_006_000],
    changes=[4, 900_000, 1, 1_001_000, 2, 1_700_000, 1, 2_001_000],
    pauses=[2, 999_999, 50, 0, 1_200_000, 400, 2, 1_900_000, 12_000, 0, 2_000_001, 5],
)
COST = Cost(cores=0.256, resident_mb=201.4)
SEEN = Seen(
    sent=SENT,
    changes=LOG.changes,
    wholes_us=[1_600_000],
    books=[Shown("A", 1, 0, 1_002_000), Shown("B", 1, 2, 1_504_000), Shown("A", 2, 0, 2_006_000)],
    gaps=1,
    acknowledged=[(1_001_000, 1), (1_700_000, 2), (2_001_000, 1)],
    pauses=[Pause(0, 1_200_000, 400), Pause(2, 1_900_000, 12_000)],
    cost=COST,
)
LOAD = Load(
    what="it",
    sent_a_second=3,
    taken_a_second=2,
    cores=0.26,
    resident_mb=201,
    socket_most=1,
    outbox_most=2,
    left=1,
    lost=0,
    twice=0,
    gaps=1,
    conflated=2,
    longest_pause_ms=12.0,
    paused=0.0124,
)


def test_what_was_noted_outside_of_the_measured_time_does_not_count() -> None:
    assert seen(SENT, LOG, NOTES, COST) == SEEN


def test_the_row_tells_rates_costs_queues_and_pauses() -> None:
    assert load("it", SEEN) == LOAD


def test_a_frame_without_its_change_is_lost_and_a_change_that_comes_again_is_twice() -> None:
    changes = [LOG.changes[0], LOG.changes[0], LOG.changes[2]]
    row = load("it", msgspec.structs.replace(SEEN, changes=changes))
    assert (row.lost, row.twice) == (1, 1)


def test_latencies_are_told_of_each_hop_that_there_is() -> None:
    assert latencies("it", SEEN) == [
        Latency(what="it: frame to producer", ours_ms=(0.1, 0.1, 0.1), ours_count=3),
        Latency(what="it: frame to acknowledged book", ours_ms=(4.0, 6.0, 6.0), ours_count=3),
        Latency(what="it: collector, generation 0", ours_ms=(0.4, 0.4, 0.4), ours_count=1),
        Latency(what="it: collector, generation 2", ours_ms=(12.0, 12.0, 12.0), ours_count=1),
    ]


def test_a_frame_is_answered_by_the_first_book_that_has_its_news() -> None:
    sent = {("A", 1): 10, ("A", 2): 20, ("A", 3): 30, ("B", 1): 40}
    books = [Shown("A", 2, 1, 25), Shown("A", 2, 0, 900), Shown("B", 1, 0, 47)]
    assert answered(sent, books) == [15, 5, 7]  # the third is in no book


@pytest.mark.parametrize(
    ("came_us", "went", "expected"),
    [
        ([], [], (0, 0)),
        ([1, 2, 3], [(4, 3)], (3, 3)),
        ([1, 2, 3], [(2, 1), (3, 2)], (1, 0)),
        ([1, 5, 6, 7], [(2, 1)], (3, 0)),
    ],
    ids=["nothing", "all at once", "each at its time", "more at the end"],
)
def test_what_waits_has_come_and_not_gone(
    came_us: list[int], went: list[tuple[int, int]], expected: tuple[int, int]
) -> None:
    assert waiting(came_us, went, until_us=3) == expected


KEPT_UP = msgspec.structs.replace(LOAD, sent_a_second=1_000, taken_a_second=990, left=500, gaps=0)


def test_a_rate_is_sustained_when_nothing_is_missing_and_little_is_left() -> None:
    assert is_sustained(1_000, KEPT_UP)


@pytest.mark.parametrize(
    "differs",
    [{"sent_a_second": 970}, {"taken_a_second": 970}, {"left": 501}, {"lost": 1}, {"twice": 1}, {"gaps": 1}],
    ids=str,
)
def test_a_rate_is_not_sustained_when(differs: dict[str, int]) -> None:
    assert not is_sustained(1_000, msgspec.structs.replace(KEPT_UP, **differs))


def test_who_has_acknowledged_the_books_of_a_symbol_has_its_frames() -> None:
    notes = [Notes(books=[0, 7, 1, 0, 8, 2], changes=[], pauses=[]), Notes(books=[1, 3, 3], changes=[], pauses=[])]
    assert shares(SENT, LOG, notes) == [
        (
            {("A", 1): 1_000_000, ("A", 2): 2_000_000},
            Log(changes=[LOG.changes[0], LOG.changes[2]], books=LOG.books),
        ),
        (
            {("B", 1): 1_500_000},
            Log(changes=[LOG.changes[1]], wholes=LOG.wholes, books=LOG.books, gaps=["B"]),
        ),
    ]
