"""The ladder's choice and its screen as plain values: what keys change, what stands where, what is said when."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tapeline.cli import ladder
from tapeline.cli.ladder import Choice, Moment, Shown, Trouble
from tapeline.cli.market_books import Books
from tapeline.cli.view import Cell, Line, line
from tests.unit.cli.laddered import DEAR, NOW_US, PLAIN, book, books, gap, twenty

CHOICE = Choice(levels=1)
SECOND_US = 1_000_000


def laid_out(found: Books, choice: Choice = CHOICE, columns: int = 120, **moment: Any) -> Shown:  # noqa: ANN401 - its fields
    return ladder.shown(Moment(books=found, now_us=NOW_US, **moment), choice, columns)


def texts(lines: tuple[Line, ...]) -> list[str]:
    return ["".join(cell.text for cell in one.cells).rstrip() for one in lines]


def names(shown: Shown) -> list[str]:
    """Return the instruments in the order in which their cards stand."""
    cells = [cell.text.rstrip() for one in shown.body for cell in one.cells]
    return [cell[2:] for cell in cells if cell[:1] in {"●", "○"}]


def test_d_02_two_venues_that_cross_side_by_side_value_for_value() -> None:
    shown = laid_out(books(PLAIN, DEAR))
    assert shown.head == (
        line(
            Cell("BTC/USDT", "bold"),
            Cell("  best bid ", "dim"), Cell("101.0", "best"), " at bybit futures",
            Cell("  best ask ", "dim"), Cell("100.5", "best"), " at binance spot",
        ),
        line(
            Cell("✕ crossed by 0.5 (49.63 bps before fees): ", "bad"),
            Cell("buy at binance spot, sell at bybit futures", "warn"),
        ),
        line(Cell("2 books, 0 stale · all markets · by name · 1 level", "dim")),
    )  # fmt: skip
    assert texts(shown.body) == [
        "● binance spot     0 gaps  ● bybit futures    0 gaps",
        "valid                      valid",
        "venue 0.1s recv 0.1s       venue - recv 0.1s",
        "★✕100.50         4 ██████    101.5          4 ██████",
        "  spread 0.25 24.91 bps      spread 0.5 49.38 bps",
        "  bids  20% ━━━━━━━━━━━━━    bids  20% ━━━━━━━━━━━━━",
        "  100.25         1 █▌      ★✕101.0          1 █▌",
    ]


def test_without_a_crossing_the_best_prices_are_apart_and_without_a_price_there_is_none() -> None:
    assert texts(laid_out(books(PLAIN)).head)[:2] == [
        "BTC/USDT  best bid 100.25 at binance spot  best ask 100.5 at binance spot",
        "apart 0.25 (24.91 bps)",
    ]
    assert texts(laid_out(books(book(state="stale"))).head)[:2] == [
        "BTC/USDT  best bid none  best ask none",
        "no best price on both sides",
    ]


def test_so_many_cards_stand_beside_one_another_as_there_is_room_for() -> None:
    found = books(PLAIN, DEAR, book(venue="okx"))
    # A card has 25 columns, between two of them are 2.
    for columns, beside in ((24, 1), (51, 1), (52, 2), (78, 2), (79, 3), (500, 3)):
        first = texts(laid_out(found, columns=columns).body)[0]
        assert (columns, first.count("●")) == (columns, beside)


@pytest.mark.parametrize(
    ("order", "sorted_as"),
    [
        ("name", ["binance spot", "bybit futures", "htx spot", "okx spot"]),
        # What is stale has no price that counts.
        ("bid", ["bybit futures", "okx spot", "binance spot", "htx spot"]),
        ("ask", ["okx spot", "binance spot", "bybit futures", "htx spot"]),
        ("age", ["htx spot", "binance spot", "bybit futures", "okx spot"]),
    ],
)
def test_cards_are_sorted_as_chosen(order: ladder.Order, sorted_as: list[str]) -> None:
    okx = book(venue="okx", bid_prices=(100.3, 1.0), ask_prices=(100.4,), published_us=NOW_US)
    htx = book(venue="htx", bid_prices=(999.0, 1.0), published_us=NOW_US - 9 * SECOND_US)
    assert names(laid_out(books(okx, htx, PLAIN, DEAR), replace(CHOICE, order=order), columns=300)) == sorted_as


def test_one_market_alone_has_its_own_best_and_none_is_said() -> None:
    found = books(PLAIN, DEAR)
    spot = laid_out(found, replace(CHOICE, market="spot"))
    assert names(spot) == ["binance spot"]
    assert texts(spot.head)[1:] == ["apart 0.25 (24.91 bps)", "1 book, 0 stale · spot · by name · 1 level"]
    assert texts(laid_out(books(PLAIN), replace(CHOICE, market="futures")).body) == [
        "no book of futures; m shows the others"
    ]


def test_keys_go_round_and_levels_stay_within_their_bounds() -> None:
    choice = Choice(levels=1)
    assert (choice.fewer(), choice.more().levels, Choice(levels=50).more().levels) == (choice, 2, 50)
    orders, markets = [choice], [choice]
    for _ in range(4):
        orders.append(orders[-1].next_order())
        markets.append(markets[-1].next_market())
    assert [one.order for one in orders] == ["name", "bid", "ask", "age", "name"]
    assert [one.market for one in markets] == [None, "spot", "futures", None, "spot"]


@pytest.mark.parametrize(("depth", "rows", "levels"), [(10, 24, 7), (3, 24, 3), (10, 100, 10), (10, 5, 1)])
def test_at_first_there_are_as_many_levels_as_the_screen_has_room_for(depth: int, rows: int, levels: int) -> None:
    assert ladder.first_choice(depth, rows) == Choice(levels=levels)


def test_pause_trouble_and_what_could_not_be_read_are_said_in_the_head() -> None:
    trouble = Trouble(since_us=NOW_US - 3 * SECOND_US, reason="no broker answers at 127.0.0.1:9092")
    shown = laid_out(books(PLAIN), paused=True, trouble=trouble, unread="2 records could not be read")
    assert texts(shown.head)[2:] == [
        "1 book, 0 stale · all markets · by name · 1 level  paused at 14:13:30",
        "away since 14:13:27, trying again: no broker answers at 127.0.0.1:9092",
        "2 records could not be read",
    ]


def test_without_any_book_it_says_what_it_waits_for() -> None:
    assert texts(laid_out(books(), missing="no book: start it").body) == ["no book: start it; waiting for it"]


def test_ten_venues_on_two_markets_are_all_there() -> None:
    shown = laid_out(twenty(), columns=79)
    assert len(names(shown)) == 20
    assert texts(shown.head)[2] == "20 books, 0 stale · all markets · by name · 1 level"
    # Bands of three cards: seven lines each and one between.
    assert len(shown.body) == 7 * 8 - 1


def test_a_stale_book_is_counted_and_its_price_is_not_the_best() -> None:
    shown = laid_out(books(PLAIN, book(venue="htx", state="stale", bid_prices=(999.0, 1.0)), gap("htx")))
    assert texts(shown.head) == [
        "BTC/USDT  best bid 100.25 at binance spot  best ask 100.5 at binance spot",
        "apart 0.25 (24.91 bps)",
        "2 books, 1 stale · all markets · by name · 1 level",
    ]
    assert shown.head[2] == line(Cell("2 books, 1 stale · all markets · by name · 1 level", "warn"))
