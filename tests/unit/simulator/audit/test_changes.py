"""DESIGN 5, the audit of changes: each level that the market changed is stored once, as it was, or lies in a gap."""

from __future__ import annotations

import msgspec
import pytest

from simulator.audit.compare import Counts
from tests.unit.simulator.audit.run import (
    FIRST,
    OF,
    START_US,
    STEP_US,
    S,
    at,
    balanced,
    book_row,
    change_rows,
    gap,
    message,
    played_run,
    told,
    whole_rows,
)


def test_what_is_stored_as_it_was_made_is_balanced() -> None:
    assert played_run().audit() == balanced()


def test_a_missing_message_in_no_gap_is_lost() -> None:
    run = played_run()
    run.lose(4)
    assert run.audit() == balanced(
        stored=Counts(trades=5, deltas=18),
        lost=2,
        books_checked=10,
        conflated=1,
        problems=(f"{OF} book: 2 changes of 104 at {told(4)} are neither stored nor in a gap",),
    )


def test_messages_that_are_lost_one_after_the_other_are_said_once() -> None:
    run = played_run()
    run.lose(3, 4, 5, 8)
    assert run.audit().problems == (
        f"{OF} book: 6 changes of 103 to 105 from {told(3)} to {told(5)} are neither stored nor in a gap",
        f"{OF} book: 2 changes of 108 at {told(8)} are neither stored nor in a gap",
    )


def test_a_missing_message_in_a_gap_is_not_lost() -> None:
    run = played_run()
    run.lose(4, 5)
    run.dropped(4)
    run.repaired(5.2, 5)
    run.gaps.append(gap(3, 5.2, ids=(FIRST + 3, FIRST + 5)))
    assert run.audit() == balanced(
        stored=Counts(trades=5, deltas=16),
        gap_records=1,
        in_gaps=4,
        books_checked=9,
        faults={"gap": {"bybit:spot": 1}},
    )


def test_one_level_of_a_message_may_be_missing_alone() -> None:
    run = played_run()
    run.levels = [row for row in run.levels if (row.sequence, row.side, row.kind) != (FIRST + 4, "ask", "change")]
    assert run.audit() == balanced(
        stored=Counts(trades=5, deltas=19),
        lost=1,
        problems=(f"{OF} book: 1 changes of 104 at {told(4)} are neither stored nor in a gap",),
    )


def test_a_row_that_stands_there_twice_is_a_duplicate() -> None:
    run = played_run()
    run.levels += [change_rows(message(4))[1]]
    assert run.audit() == balanced(
        duplicates=1,
        problems=(f"{OF} book: 1 changes are stored more than once, first that of 104 (ask 101.0) at {told(4)}",),
    )


def test_the_same_change_of_another_epoch_is_a_duplicate_too() -> None:
    run = played_run()
    run.levels += [msgspec.structs.replace(row, epoch=START_US + 1) for row in change_rows(message(4))]
    assert run.audit().duplicates == 2


def test_rows_of_whole_books_are_no_changes() -> None:
    run = played_run()
    run.levels += [*whole_rows(FIRST + 4, received_us=at(4)), *whole_rows(FIRST + 4, received_us=at(4))]
    assert run.audit() == balanced()


def test_another_quantity_is_a_problem() -> None:
    run = played_run()
    bid = change_rows(message(4))[0]
    run.levels = [msgspec.structs.replace(row, quantity=4.6) if row == bid else row for row in run.levels]
    assert run.audit() == balanced(
        problems=(f"{OF} book: change 104 (bid 98.0) at {told(4)} is 4.5 and stands as 4.6",)
    )


def test_a_duplicate_with_another_quantity_is_said_as_well() -> None:
    run = played_run()
    run.levels += [msgspec.structs.replace(change_rows(message(4))[0], quantity=4.6)]
    assert run.audit().problems == (
        f"{OF} book: change 104 (bid 98.0) at {told(4)} is 4.5 and stands as 4.6",
        f"{OF} book: 1 changes are stored more than once, first that of 104 (bid 98.0) at {told(4)}",
    )


def test_another_price_is_one_change_lost_and_one_invented() -> None:
    run = played_run()
    bid = change_rows(message(4))[0]
    run.levels = [msgspec.structs.replace(row, price=98.5) if row == bid else row for row in run.levels]
    assert run.audit() == balanced(
        stored=Counts(trades=5, deltas=19),
        lost=1,
        problems=(
            f"{OF} book: 1 changes of 104 at {told(4)} are neither stored nor in a gap",
            f"{OF} book: 1 changes of 104 at {told(4)} are stored and were never emitted",
        ),
    )


def test_a_stored_change_that_the_market_never_made_is_a_problem() -> None:
    run = played_run()
    run.levels += change_rows(message(12))
    assert run.audit() == balanced(
        problems=(f"{OF} book: 2 changes of 112 at {told(12)} are stored and were never emitted",)
    )


def test_what_is_in_the_first_book_does_not_count_and_may_be_stored_or_not() -> None:
    run = played_run()
    run.levels = [row for row in run.levels if row.kind == "change" and row.sequence > FIRST + 1]
    run.levels += whole_rows(FIRST + 2, received_us=at(2.5))
    run.books = run.books[2:]
    assert run.audit() == balanced(
        emitted=Counts(trades=5, deltas=16), stored=Counts(trades=5, deltas=16), books_checked=9
    )


def test_the_first_book_is_that_of_the_lowest_epoch() -> None:
    run = played_run()
    # A later connection, whose book has an older number: nothing between them is forgiven.
    run.levels += whole_rows(FIRST, received_us=at(5), epoch=START_US + 1)
    run.levels = [row for row in run.levels if (row.kind, row.epoch) != ("snapshot", START_US)]
    run.levels += whole_rows(FIRST + 3, received_us=at(0.1))
    found = run.audit()
    assert found.emitted == Counts(trades=5, deltas=14)


def test_a_first_book_that_came_late_is_a_problem() -> None:
    run = played_run()
    run.levels = [row for row in run.levels if row.kind == "change"]
    run.levels += whole_rows(FIRST, received_us=at(0) + 10 * S + 1)
    said = f"{OF} book: subscribed at {told(0)}, and the first stored book, 100, was received at "
    assert run.audit() == balanced(
        problems=(f"{said}{told(10 * S / STEP_US)[:-2]}1Z, more than 10 s later",),
    )
    run.levels = [msgspec.structs.replace(row, received_us=at(0) + 10 * S) for row in run.levels]
    assert run.audit() == balanced()


def test_without_any_stored_book_all_since_the_subscription_counts() -> None:
    run = played_run()
    run.levels, run.books = [], []
    # One message before the subscription: the file's order decides.
    run.records.insert(1, msgspec.structs.replace(message(0), at_us=at(0)))
    assert run.audit() == balanced(
        stored=Counts(trades=5, deltas=0),
        lost=20,
        books_checked=0,
        conflated=10,
        problems=(
            f"{OF} book: subscribed at {told(0)}, and no book was ever stored",
            f"{OF} book: 20 changes of 101 to 110 from {told(1)} to {told(10)} are neither stored nor in a gap",
        ),
    )


def test_changes_of_a_book_that_nobody_subscribed_to_are_invented() -> None:
    run = played_run(1)
    run.records = [one for one in run.records if getattr(one, "type", "") != "book"]
    run.books = []
    assert run.audit() == balanced(
        emitted=Counts(trades=5, deltas=0),
        stored=Counts(trades=5, deltas=0),
        books_checked=0,
        problems=(f"{OF} book: 2 changes of 101 at {told(1)} are stored and were never emitted",),
    )


@pytest.mark.parametrize("lost", [False, True])
def test_in_the_middle_of_a_run_what_came_later_does_not_count(lost: bool) -> None:  # noqa: FBT001 - a case
    run = played_run()
    run.lose(9)
    run.levels += change_rows(message(12))
    run.books.append(book_row(FIRST + 12))
    if lost:
        run.lose(4)
    found = run.audit(until_us=at(5))
    assert found == balanced(
        emitted=Counts(trades=5, deltas=10),
        stored=Counts(trades=5, deltas=8 if lost else 10),
        lost=2 if lost else 0,
        books_checked=5 if lost else 6,
        conflated=1 if lost else 0,
        problems=(f"{OF} book: 2 changes of 104 at {told(4)} are neither stored nor in a gap",) if lost else (),
    )


def test_in_the_first_seconds_of_a_run_a_book_may_still_come() -> None:
    run = played_run()
    run.levels, run.books, run.trades = [], [], []
    assert run.audit(until_us=at(0) + 10 * S - 1).problems[0].startswith(f"{OF} book: 20 changes")
    assert run.audit(until_us=at(0) + 10 * S).problems[0] == (
        f"{OF} book: subscribed at {told(0)}, and no book was ever stored"
    )


def test_an_audit_of_nothing_is_not_balanced() -> None:
    run = played_run(0, traded=0)
    run.books = []
    assert run.audit() == balanced(
        emitted=Counts(trades=0, deltas=0),
        stored=Counts(trades=0, deltas=0),
        books_checked=0,
        problems=("no journal has a message of a book or a trade that a client had subscribed to",),
    )
