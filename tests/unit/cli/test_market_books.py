"""Books side by side: what a record changes, how an instrument stands at a moment, and its JSON, value for value."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tapeline.cli.market_books import Books, Holes, between, standing
from tapeline.cli.market_plan import Plan
from tapeline.cli.render import to_json
from tapeline.domain.events import Book, Gap, GapCause, Market
from tapeline.domain.spread import Best, Quote

NOW_US = 1_790_000_010_000_000
SECOND_US = 1_000_000

BOOK = Book(
    venue="bybit",
    market="spot",
    symbol="BTC/USDT",
    epoch=5,
    sequence=7,
    state="valid",
    depth=20,
    bid_prices=(100.1, 100.0, 99.5),
    bid_quantities=(1.0, 2.0, 4.0),
    ask_prices=(100.4, 100.5),
    ask_quantities=(3.0, 0.5),
    first_received_us=NOW_US - 9 * SECOND_US,
    received_us=NOW_US - 9 * SECOND_US,
    published_us=NOW_US - SECOND_US // 4,
)


def book(**changes: Any) -> Book:  # noqa: ANN401 - fields of a book
    return msgspec.structs.replace(BOOK, **changes)


def gap(*, epoch: int = 5, start_us: int = 1, cause: GapCause = "sequence", **changes: Any) -> Gap:  # noqa: ANN401 - fields
    made = Gap(
        venue="bybit", market="spot", symbol="BTC/USDT", channel="book", epoch=epoch, start_us=start_us, cause=cause,
        published_us=NOW_US,
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)


def taken(*values: Book | Gap, venue: str | None = None, market: Market | None = None, depth: int = 10) -> Books:
    books = Books("BTC/USDT", Plan(text="BTC/USDT", venue=venue, market=market, depth=depth))
    for value in values:
        books.take(value)
    return books


def shown(books: Books, now_us: int = NOW_US) -> list[tuple[str, int, int, str]]:
    return [(one.name, one.book.epoch, one.book.sequence, one.state) for one in books.standings(now_us)]


def test_the_json_of_an_instrument_value_for_value() -> None:
    (one,) = taken(BOOK, gap(), depth=2).standings(NOW_US)
    assert to_json(one.row) == (
        '{"venue":"bybit","market":"spot","symbol":"BTC/USDT","state":"valid",'
        '"bids":[["100.1","1.0"],["100.0","2.0"]],"asks":[["100.4","3.0"],["100.5","0.5"]],'
        '"spread":"0.3","spread_bps":"29.925187032418954","imbalance":"0.4605939682296063",'
        '"age_ms":250,"epoch":5,"sequence":7,"gaps":1,"last_gap":"sequence"}'
    )


def test_a_number_that_no_double_holds_is_shown_as_the_venue_wrote_it() -> None:
    exact = {"bid_prices[1]": "100.0000000000000000001", "ask_quantities[0]": "3.0000000000000000001"}
    (one,) = taken(book(exact=exact), depth=2).standings(NOW_US)
    assert (one.bids, one.asks) == (
        (("100.1", "1.0"), ("100.0000000000000000001", "2.0")),
        (("100.4", "3.0000000000000000001"), ("100.5", "0.5")),
    )


@pytest.mark.parametrize(
    ("sides", "numbers"),
    [
        ({"bid_prices": (), "bid_quantities": ()}, (None, None, 0.0)),
        ({"ask_prices": (), "ask_quantities": ()}, (None, None, 1.0)),
        ({"bid_prices": (), "bid_quantities": (), "ask_prices": (), "ask_quantities": ()}, (None, None, None)),
    ],
)
def test_an_empty_side_has_no_spread(sides: dict[str, Any], numbers: tuple[float | None, ...]) -> None:
    one = standing(book(**sides), Holes(), depth=10, now_us=NOW_US)
    assert (one.spread, one.spread_bps, one.imbalance) == numbers


@pytest.mark.parametrize(
    ("bid", "ask", "apart"),
    [(0.1, 0.3, (0.2, 10_000.0)), (100.0, 99.0, (-1.0, -100.50251256281408)), (1.0, 1.0, (0.0, 0.0)),
     (0.0, 1.0, (None, None))],
)  # fmt: skip
def test_what_lies_between_two_prices_is_computed_on_decimals(
    bid: float, ask: float, apart: tuple[float | None, float | None]
) -> None:
    assert between(bid, ask) == apart


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"published_us": NOW_US - 2 * SECOND_US}, "valid"),
        ({"published_us": NOW_US - 2 * SECOND_US - 1}, "stale"),
        ({"published_us": NOW_US + SECOND_US}, "valid"),
        ({"state": "stale", "published_us": NOW_US}, "stale"),
        # A quiet book is old by the receipt of its last frame and lives: it is published again each second.
        ({"received_us": 0}, "valid"),
    ],
)
def test_stale_is_what_says_so_or_has_not_been_published_for_two_seconds(changes: dict[str, Any], state: str) -> None:
    assert [one.state for one in taken(book(**changes)).standings(NOW_US)] == [state]


def test_a_stale_book_is_stale_since_its_last_word_or_since_it_said_so() -> None:
    def since(*values: Book) -> list[int | None]:
        return [one.since_us for one in taken(*values).standings(NOW_US)]

    silent = book(published_us=NOW_US - 9 * SECOND_US)
    said, again = book(state="stale", published_us=NOW_US - 5), book(state="stale", sequence=8, published_us=NOW_US)
    assert (since(BOOK), since(silent), since(silent, said, again)) == (
        [None], [NOW_US - 9 * SECOND_US], [NOW_US - 5],
    )  # fmt: skip
    assert since(silent, said, again, book(sequence=9, published_us=NOW_US)) == [None]


def test_a_copy_is_not_changed_by_what_comes() -> None:
    books = taken(BOOK)
    before = books.standings(NOW_US)
    held = books.copied()
    books.take(book(sequence=8))
    books.take(gap())
    assert (held.standings(NOW_US), shown(books)) == (before, [("bybit spot", 5, 8, "valid")])


def test_a_clock_that_is_ahead_gives_no_age_below_zero() -> None:
    assert [one.age_us for one in taken(book(published_us=NOW_US + 5)).standings(NOW_US)] == [0]


@pytest.mark.parametrize(
    ("later", "kept"),
    [
        ({"sequence": 8}, (5, 8, "valid")),
        ({"sequence": 7, "state": "stale"}, (5, 7, "stale")),
        ({"sequence": 6, "state": "stale"}, (5, 7, "valid")),
        ({"epoch": 4, "sequence": 900, "state": "stale"}, (5, 7, "valid")),
        ({"epoch": 6, "sequence": 1}, (6, 1, "valid")),
    ],
)
def test_what_is_older_changes_nothing(later: dict[str, Any], kept: tuple[int, int, str]) -> None:
    assert shown(taken(BOOK, book(**later))) == [("bybit spot", *kept)]


def test_only_what_was_asked_for_is_kept_in_the_order_of_venue_and_market() -> None:
    every = (
        book(venue="okx"), BOOK, book(market="futures"), book(venue="binance"), book(symbol="ETH/USDT"),
    )  # fmt: skip

    def names(**asked: Any) -> list[str]:  # noqa: ANN401 - venue and market
        return [one.name for one in taken(*every, **asked).standings(NOW_US)]

    assert names() == ["binance spot", "bybit futures", "bybit spot", "okx spot"]
    assert names(venue="bybit") == ["bybit futures", "bybit spot"]
    assert names(market="spot") == ["binance spot", "bybit spot", "okx spot"]
    assert names(venue="okx", market="futures") == []


def test_a_gap_is_counted_once_with_the_newest_cause() -> None:
    opened, again = gap(start_us=10), gap(start_us=20, cause="disconnect")
    closed = msgspec.structs.replace(opened, end_us=15, to_id="9")
    other = gap(start_us=30, channel="trade")
    elsewhere = gap(start_us=40, venue="okx")
    (one,) = taken(BOOK, opened, closed, other, again, closed, elsewhere).standings(NOW_US)
    assert one.holes == Holes(count=2, newest=(5, 20), cause="disconnect")


def test_d_02_the_best_prices_are_those_of_books_that_are_not_stale() -> None:
    books = taken(
        BOOK,
        book(venue="okx", bid_prices=(100.2, 1.0, 1.0), ask_prices=(100.9, 101.0)),
        book(venue="htx", bid_prices=(999.0, 1.0, 1.0), ask_prices=(0.5, 1.0), state="stale"),
        book(venue="mexc", bid_prices=(999.0, 1.0, 1.0), ask_prices=(0.5, 1.0), published_us=0),
    )
    bid = Quote(venue="okx", market="spot", price=100.2, quantity=1.0, epoch=5, sequence=7)
    ask = Quote(venue="bybit", market="spot", price=100.4, quantity=3.0, epoch=5, sequence=7)
    assert books.best(NOW_US) == Best(symbol="BTC/USDT", bid=bid, ask=ask)
