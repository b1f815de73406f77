"""DESIGN 5, the audit of books: no reader sees a crossed or a wrong book as valid; what was conflated is counted."""

from __future__ import annotations

import msgspec
import pytest

from simulator.audit.books import Book, Side, Whole, check_books
from simulator.audit.findings import Findings
from simulator.audit.rows import BookRow
from simulator.journal import Delta
from tests.unit.simulator.audit.run import (
    FIRST,
    OF,
    START_US,
    Run,
    at,
    balanced,
    book_row,
    gap,
    played_run,
    told,
    whole_rows,
)


def with_book(row: BookRow) -> Run:
    """Return an honest run but for this book, which stands in the place of its own."""
    run = played_run()
    run.books = [row if one.sequence == row.sequence else one for one in run.books]
    return run


def said(sequence: int, what: str) -> str:
    return f"{OF} book: the valid book {sequence} of epoch {START_US} at {told(sequence - FIRST)} {what}"


WRONG = "is not what the market's book was"


def test_a_valid_book_whose_best_prices_meet_is_crossed() -> None:
    row = msgspec.structs.replace(book_row(104), ask_prices=(99.0, 101.0, 102.0))
    assert with_book(row).audit() == balanced(
        crossed_valid_books=1,
        wrong_valid_books=1,
        problems=(said(104, "is crossed: bid 99.0 meets ask 99.0"), said(104, WRONG)),
    )


def test_a_stale_book_is_not_judged() -> None:
    row = msgspec.structs.replace(book_row(104), ask_prices=(99.0, 101.0, 102.0), state="stale")
    assert with_book(row).audit() == balanced(books_checked=10, conflated=1)


@pytest.mark.parametrize(
    ("side", "value"),
    [
        ("bid_prices", (99.0, 98.0, 96.0)),
        ("bid_quantities", (3.5, 4.5, 2.0)),
        ("ask_prices", (102.0, 103.0, 105.0)),
        ("ask_quantities", (1.25, 2.25, 3.5)),
        ("bid_prices", (98.0, 99.0, 97.0)),
    ],
)
def test_a_book_with_another_price_or_quantity_is_wrong(side: str, value: tuple[float, ...]) -> None:
    row = msgspec.structs.replace(book_row(104), **{side: value})
    assert row != book_row(104)
    assert with_book(row).audit() == balanced(wrong_valid_books=1, problems=(said(104, WRONG),))


def test_a_book_that_leaves_out_a_known_level_is_wrong() -> None:
    row = book_row(104)
    short = msgspec.structs.replace(row, bid_prices=row.bid_prices[:2], bid_quantities=row.bid_quantities[:2])
    assert with_book(short).audit() == balanced(wrong_valid_books=1, problems=(said(104, WRONG),))


def test_a_book_deeper_than_was_asked_for_is_wrong() -> None:
    row = msgspec.structs.replace(book_row(104), depth=2)
    assert with_book(row).audit().wrong_valid_books == 1


def test_depth_zero_asks_for_all_levels() -> None:
    assert with_book(msgspec.structs.replace(book_row(103, depth=20), depth=0)).audit() == balanced()
    assert with_book(msgspec.structs.replace(book_row(103), depth=0)).audit().wrong_valid_books == 1


def test_the_book_of_another_moment_is_wrong() -> None:
    row = msgspec.structs.replace(book_row(103), sequence=104, at_us=at(4))
    assert with_book(row).audit() == balanced(wrong_valid_books=1, problems=(said(104, WRONG),))


def test_a_book_before_any_whole_one_cannot_be_right() -> None:
    run = played_run()
    run.levels = [row for row in run.levels if row.kind == "change"] + whole_rows(FIRST + 2, received_us=at(2.1))
    found = run.audit()
    assert found.wrong_valid_books == 2
    assert found.problems == (
        said(100, "has no whole book before it"),
        said(101, "has no whole book before it"),
    )


def test_only_the_journal_tells_what_a_book_was() -> None:
    """The pipeline stored a wrong change and published a book that agrees with it."""
    run = with_book(msgspec.structs.replace(book_row(104), bid_quantities=(3.5, 4.6, 2.5)))
    run.levels = [
        msgspec.structs.replace(row, quantity=4.6)
        if (row.sequence, row.side, row.kind) == (FIRST + 4, "bid", "change")
        else row
        for row in run.levels
    ]
    assert run.audit().wrong_valid_books == 1


def test_after_a_gap_books_are_rebuilt_from_the_book_that_repaired_it() -> None:
    run = played_run()
    run.lose(4, 5)
    run.dropped(4)
    run.repaired(5.2, 5)
    run.gaps.append(gap(3, 5.2, ids=(FIRST + 3, FIRST + 5)))
    run.books.append(book_row(FIRST + 5))
    run.books.sort(key=lambda row: row.sequence)
    found = run.audit()
    assert (found.books_checked, found.wrong_valid_books, found.conflated, found.problems) == (10, 0, 0, ())


def test_a_later_whole_book_that_is_not_the_markets_is_a_problem() -> None:
    run = played_run()
    later = whole_rows(FIRST + 6, received_us=at(6))
    run.levels += [msgspec.structs.replace(later[0], quantity=9.9), *later[1:]]
    found = run.audit()
    # From here on our own book is the stored one: rows that are right no longer agree with it.
    assert found.wrong_valid_books > 0
    assert found.problems[0] == f"{OF} book: the whole book 106 of epoch {START_US} at {told(6)} {WRONG}"


def test_a_wrong_whole_book_behind_the_last_row_is_seen_too() -> None:
    run = played_run()
    later = whole_rows(FIRST + 10, received_us=at(10))
    run.levels += [msgspec.structs.replace(later[0], quantity=9.9), *later[1:]]
    run.books.pop()
    assert run.audit() == balanced(
        books_checked=10,
        conflated=1,
        problems=(f"{OF} book: the whole book 110 of epoch {START_US} at {told(10)} {WRONG}",),
    )


def test_a_thin_whole_book_is_compared_as_far_as_it_reaches() -> None:
    """Asked for with a limit it may go on beyond its last level: what the changes tell there is not all."""
    run = played_run()
    run.levels = [row for row in run.levels if row.kind == "change" or row.price not in {97.0, 104.0}]
    thin = [
        msgspec.structs.replace(row, bid_prices=row.bid_prices[:2], bid_quantities=row.bid_quantities[:2])
        for row in run.books
    ]
    run.books = [*thin[:-1], run.books[-1]]
    run.levels += whole_rows(FIRST + 10, received_us=at(10))
    assert run.audit() == balanced()


def test_messages_without_a_book_of_their_own_are_conflated() -> None:
    run = played_run()
    run.books = [row for row in run.books if row.sequence not in {FIRST + 3, FIRST + 7, FIRST + 8}]
    assert run.audit() == balanced(books_checked=8, conflated=3)


def test_a_side_knows_how_far_it_is_known() -> None:
    bids = Side(-1, (10.0, 9.0, 8.0), (1.0, 1.0, 1.0))
    bids.change((("6", "1"), ("9", "0"), ("11", "2")))
    assert bids.known() == 3
    assert bids.shown((11.0, 10.0, 8.0), (2.0, 1.0, 1.0), 5)
    assert bids.shown((11.0, 10.0, 8.0, 6.0), (2.0, 1.0, 1.0, 1.0), 5)
    assert not bids.shown((11.0, 10.0), (2.0, 1.0), 5)
    bids.change((("8", "0"),))
    assert bids.known() == 2
    assert Side(1, (), ()).known() == 0


def test_two_whole_books_agree_as_far_as_both_are_known() -> None:
    thin = Whole(1, 1, 0, (10.0,), (1.0,), (11.0, 12.0), (1.0, 1.0))
    deep = Whole(1, 2, 0, (10.0, 9.0), (1.0, 1.0), (11.0, 12.0, 13.0), (1.0, 1.0, 1.0))
    assert (Book(thin).became(Book(deep)), Book(deep).became(Book(thin))) == (True, True)
    for field in ("bid_prices", "bid_quantities"):
        other = msgspec.structs.replace(thin, **{field: (9.5,)})
        assert (Book(other).became(Book(deep)), Book(deep).became(Book(other))) == (False, False)


@pytest.mark.parametrize(("quantity", "problems"), [(5.0, 0), (6.0, 1)])
def test_a_whole_book_inside_a_message_is_compared_after_it(quantity: float, problems: int) -> None:
    """Some venues' REST shows a part of what one message will tell: only what it does not tell must be the same."""
    begun = Whole(1, 10, 0, (10.0, 9.0), (5.0, 1.0), (11.0,), (1.0,))
    inside = Whole(2, 13, 0, (10.0, 9.0), (quantity, 7.0), (11.0,), (1.0,))
    message = Delta(
        at_us=1, symbol="BTC/USDT", channel="c", sequence=15, first=11, follows=10, bids=(("9", "8"),), asks=()
    )
    findings = Findings()
    check_books(OF, [message], [begun, inside], [], findings)
    assert len(findings.problems()) == problems
