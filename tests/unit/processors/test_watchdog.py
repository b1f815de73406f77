"""A partition is stalled when work waits in it and nothing is committed for too long."""

from __future__ import annotations

from faust.types import TP

from processors.watchdog import Progress

A, B = TP("md.book", 0), TP("md.book", 1)


def test_work_that_waits_without_a_commit_is_stalled() -> None:
    progress = Progress(60)

    assert progress.observe(0, {A: (5, 9), B: (5, 5)}) == ()
    assert progress.observe(59, {A: (5, 12), B: (5, 6)}) == ()
    assert progress.observe(60, {A: (5, 20), B: (5, 6)}) == (A,)
    assert progress.observe(119, {A: (6, 20), B: (5, 6)}) == (B,)


def test_a_quiet_partition_is_never_stalled() -> None:
    progress = Progress(60)

    assert [progress.observe(at, {A: (7, 7)}) for at in (0, 100, 200)] == [(), (), ()]


def test_what_was_seen_before_a_broker_went_away_says_nothing() -> None:
    progress = Progress(60)
    progress.observe(0, {A: (5, 9)})

    progress.forget()

    assert progress.observe(100, {A: (5, 9)}) == ()
    assert progress.observe(160, {A: (5, 9)}) == (A,)


def test_a_partition_that_was_away_begins_anew() -> None:
    progress = Progress(60)
    progress.observe(0, {A: (5, 9)})
    progress.observe(30, {})

    assert progress.observe(90, {A: (5, 9)}) == ()
