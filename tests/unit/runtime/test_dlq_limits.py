"""A broken record is nothing, a broken worker is stopped."""

from __future__ import annotations

import pytest

from tapeline.runtime.dlq_limits import Limits, Tally


def test_single_bad_records_never_stop() -> None:
    tally = Tally(Limits(streak=3, ratio=0.05, window=1_000, least=5))

    for _ in range(500):
        tally.good(99)
        assert tally.bad() is None


def test_a_streak_stops_at_its_length_and_a_good_record_ends_it() -> None:
    tally = Tally(Limits(streak=3, ratio=1.0))

    assert [tally.bad(), tally.bad()] == [None, None]
    tally.good()
    assert [tally.bad(), tally.bad()] == [None, None]
    assert tally.bad() == "3 records in a row could not be processed"


def test_passing_nothing_does_not_end_a_streak() -> None:
    tally = Tally(Limits(streak=2, ratio=1.0))

    tally.bad()
    tally.good(0)

    assert tally.bad() == "2 records in a row could not be processed"


def test_the_share_stops_only_above_the_ratio_and_from_the_least_number_on() -> None:
    tally = Tally(Limits(streak=100, ratio=0.5, window=100, least=4))

    told = []
    for _ in range(4):
        tally.good()
        told += [tally.bad(), tally.bad()]

    assert told == [None, None, None, "4 of the last 6 records could not be processed"] + [
        f"{bad} of the last {seen} records could not be processed" for bad, seen in ((5, 8), (6, 9), (7, 11), (8, 12))
    ]


def test_what_is_out_of_the_window_is_forgotten() -> None:
    tally = Tally(Limits(streak=100, ratio=0.1, window=50, least=2))
    assert tally.bad() is None

    tally.good(50)

    assert tally.bad() is None


@pytest.mark.parametrize("run", [1, 7, 10_000])
def test_the_size_of_batches_does_not_matter(run: int) -> None:
    tally = Tally(Limits(streak=100, ratio=0.01, window=1_000, least=2))
    tally.bad()

    for _ in range(0, 10_000, run):
        tally.good(run)

    assert tally.bad() is None


def test_a_worker_that_was_good_for_long_is_stopped_within_its_window() -> None:
    tally = Tally(Limits(streak=1_000, ratio=0.5, window=100, least=4))
    tally.good(1_000_000)

    told = [tally.bad() for _ in range(101)]

    assert told == [None] * 99 + ["100 of the last 100 records could not be processed"] * 2
