"""Whatever books come: of each pair the newest spread is told, none that is not true, and the rest is counted."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.plain_spreads import PlainBoard
from processors.spread_board import HELD_US, REST_US, Board
from tapeline.domain.events import Book, Market
from tapeline.domain.spread import Fees, Spread, tradable

PLACES: tuple[tuple[str, Market], ...] = tuple(
    (venue, market) for venue in ("a", "b", "c") for market in ("spot", "futures")
)
FEES: Fees = {place: 0.0005 * number for number, place in enumerate(PLACES, 1)}
BEGAN_US = 50_000_000
REPUBLISHED_US = 1_000_000

Change = tuple[int, float, float, str]
"""Of a book: which one, its best bid, how much stands there, its state."""
changes = st.tuples(
    st.integers(0, len(PLACES) - 1),
    st.sampled_from((500.0, 500.1, 500.4, 505.0, 510.0)),
    st.sampled_from((50.0, 50.0, 50.0, 0.5)),
    st.sampled_from(("valid", "valid", "valid", "valid", "stale")),
)
batches = st.lists(
    st.tuples(st.sampled_from((0, 10_000, 300_000, 999_999, 1_000_000)), st.lists(changes, max_size=4)), max_size=25
)


class Books:
    """What producers publish: every change, and each book again before it is two seconds old."""

    def __init__(self) -> None:
        self.newest: dict[str, Book] = {}
        self.now_us = BEGAN_US

    def batch(self, later_us: int, made: list[Change]) -> list[Book]:
        self.now_us += later_us
        found = [self._changed(*change) for change in made]
        for key, book in self.newest.items():
            if self.now_us - book.published_us >= REPUBLISHED_US:
                self.newest[key] = msgspec.structs.replace(book, published_us=self.now_us)
                found.append(self.newest[key])
        return found

    def _changed(self, number: int, bid: float, quantity: float, state: str) -> Book:
        venue, market = PLACES[number]
        known = self.newest.get(f"{venue}:{market}:BTC/USDT")
        book = Book(
            venue=venue,
            market=market,
            symbol="BTC/USDT",
            epoch=1,
            sequence=1 if known is None else known.sequence + 1,
            state="valid" if state == "valid" else "stale",
            depth=1,
            bid_prices=(bid,),
            bid_quantities=(quantity,),
            ask_prices=(bid + 0.1,),
            ask_quantities=(50.0,),
            first_received_us=self.now_us - 2,
            received_us=self.now_us - 1,
            published_us=self.now_us,
        )
        self.newest[book.key] = book
        return book


Told = list[tuple[int, Spread]]


def run(board: Board | PlainBoard, steps: list[tuple[int, list[Change]]]) -> tuple[Told, Books]:
    """Return every spread with the number of its batch; the last batch comes when all that is held is due."""
    books, told = Books(), Told()
    for number, (later_us, made) in enumerate((*steps, (HELD_US, []))):
        for book in books.batch(later_us, made):
            board.take(book)
        told += [(number, one) for one in board.conclude()]
    return told, books


def value(one: Spread) -> Spread:
    """Return a spread without when it was told and of whose receipt."""
    return msgspec.structs.replace(one, first_received_us=0, published_us=0)


def legs(one: Spread) -> frozenset[str]:
    """Return the two instruments of a spread, whichever is bought."""
    return frozenset((f"{one.buy_venue}:{one.buy_market}", f"{one.sell_venue}:{one.sell_market}"))


@given(batches)
def test_of_each_pair_the_newest_is_told_and_all_others_are_counted(steps: list[tuple[int, list[Change]]]) -> None:
    board = Board(FEES)
    told, books = run(board, steps)
    plain, _ = run(PlainBoard(FEES), steps)

    assert [value(one) for _, one in told if value(one) not in [value(other) for _, other in plain]] == []
    assert len(told) + board.conflated == len(plain)
    alive = {key.rpartition(":")[0] for key, book in books.newest.items() if true_at_the_end(book, books.now_us)}
    last, expected = ({legs(one): value(one) for _, one in found} for found in (told, plain))
    assert {pair: last.get(pair) for pair in expected if pair <= alive} == {
        pair: one for pair, one in expected.items() if pair <= alive
    }


def true_at_the_end(book: Book, now_us: int) -> bool:
    """Tell whether a book has both prices of the size; a spread of one that has not may have been true once."""
    return tradable(book, now_us) and book.bid_quantities[0] >= 1.0


@given(batches)
def test_a_spread_that_pays_and_has_changed_is_told_in_its_batch(steps: list[tuple[int, list[Change]]]) -> None:
    told, _ = run(Board(FEES), steps)
    plain, _ = run(PlainBoard(FEES), steps)
    at_once = {(number, value(one)) for number, one in told}

    known: dict[frozenset[str], tuple[object, ...]] = {}
    late = []
    for number, one in plain:
        prices = (one.buy_venue, one.buy_market, one.buy_price, one.sell_price)
        if one.net >= 0 and known.get(legs(one)) != prices and (number, value(one)) not in at_once:
            late.append(one)
        if (number, value(one)) in at_once:
            known[legs(one)] = prices
    assert late == []


@given(batches)
def test_a_pair_that_does_not_pay_is_told_once_a_second(steps: list[tuple[int, list[Change]]]) -> None:
    told, _ = run(Board(FEES), steps)

    known: dict[frozenset[str], Spread] = {}
    early = []
    for _, one in told:
        before = known.get(legs(one))
        if before is not None and max(before.net, one.net) < 0 and one.published_us - before.published_us < REST_US:
            early.append((before, one))
        known[legs(one)] = one
    assert early == []
