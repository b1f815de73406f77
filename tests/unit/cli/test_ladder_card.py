"""A card of the ladder, value for value: marks, bars, shading, why and since when; all lines are equally wide."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapeline.cli.ladder_card import Card, bar, card, width_of
from tapeline.cli.market_books import Books
from tapeline.cli.view import Cell
from tapeline.domain.events import BookState
from tests.unit.cli.laddered import DEAR, NOW_US, PLAIN, book, books, gap

SECOND_US = 1_000_000


def of(found: Books, at: int = 0, *, levels: int = 1, width: int = 25, now_us: int = NOW_US) -> Card:
    one = found.standings(now_us, levels)[at]
    return card(one, found.best(now_us), levels=levels, width=width, now_us=now_us)


def text(cells: tuple[Cell, ...]) -> str:
    return "".join(cell.text for cell in cells).rstrip()


def test_a_valid_card_value_for_value() -> None:
    assert of(books(PLAIN, gap("binance")), levels=2) == (
        (Cell("● binance spot      ", "name"), Cell("1 gap", "warn")),
        (Cell("valid, gap: sequence     ", "dim"),),
        (Cell("venue 0.1s recv 0.1s     ", "dim"),),
        (Cell(" " * 25),),
        (Cell("★ ", "warn"), Cell("100.50", "best"), Cell("       4.0 "), Cell("██████", "ask")),
        (Cell("  spread 0.25 24.91 bps  ", "bold"),),
        (Cell("  bids  47% "), Cell("━" * 6, "bid"), Cell("━" * 7, "ask")),
        (Cell("★ ", "warn"), Cell("100.25", "best"), Cell("       1.0 "), Cell("█▌    ", "bid")),
        (Cell("  ", "warn"), Cell("100.00", ""), Cell("       2.5 "), Cell("███▊  ", "bid")),
    )


def test_a_price_that_crosses_another_venues_best_is_marked_and_deeper_ones_are_not() -> None:
    found = books(PLAIN, DEAR, book(venue="okx", bid_prices=(100.75, 100.7)))
    marks = [[row[0].text for row in of(found, at, levels=2) if len(row) == 4] for at in range(3)]
    # Asks down, bids down: Binance and OKX sell below Bybit's bid, OKX buys above Binance's ask; of equal asks the
    # first is the best.
    assert marks == [["★✕", "  ", "  "], ["  ", "★✕"], ["✕ ", "✕ ", "  "]]


@pytest.mark.parametrize(
    ("changes", "gaps", "told"),
    [
        ({"state": "stale"}, ["sequence"], "stale 14:13:29 sequence"),
        ({"state": "stale"}, [], "stale 14:13:29 says so"),
        ({"published_us": NOW_US - 5 * SECOND_US}, [], "stale 14:13:25 no word"),
        ({"published_us": NOW_US - 5 * SECOND_US}, ["checksum"], "stale 14:13:25 no word"),
    ],
)
def test_a_stale_card_is_shaded_whole_and_says_why_and_since_when(
    changes: dict[str, Any], gaps: list[Any], told: str
) -> None:
    made = of(books(book(**changes), *(gap("binance", cause=cause) for cause in gaps)))
    assert text(made[1]) == told
    assert text(made[0]).startswith("○ binance spot")
    assert {cell.style for row in made for cell in row} == {"shade"}


def test_a_book_is_stale_since_it_turned_and_not_since_its_last_word() -> None:
    turned = book(state="stale", published_us=NOW_US - 3 * SECOND_US)
    later = book(state="stale", sequence=8, published_us=NOW_US)
    assert text(of(books(PLAIN, turned, later))[1]) == "stale 14:13:27 says so"


def test_a_side_without_levels_and_a_venue_without_times_leave_their_places_empty() -> None:
    made = of(books(book(ask_prices=(), ask_quantities=(), venue_us=None)))
    assert [text(row) for row in made[2:5]] == ["venue - recv 0.1s", "", "  spread -"]
    empty = {"bid_prices": (), "bid_quantities": (), "ask_prices": (), "ask_quantities": ()}
    assert text(of(books(book(**empty)))[5]) == "  bids -"


@pytest.mark.parametrize(
    ("quantities", "bars"),
    [
        ((4.0, 2.0), ["██████", "███"]),
        ((4.0, 0.0), ["██████", ""]),
        ((0.0, 0.0), ["", ""]),
        ((8.0, 1.0), ["██████", "▊"]),
    ],
)
def test_the_largest_level_of_a_book_is_a_whole_bar(quantities: tuple[float, ...], bars: list[str]) -> None:
    (one,) = books(book(bid_quantities=quantities, ask_prices=(), ask_quantities=())).standings(NOW_US, 2)
    assert [bar(one, "bid", place) for place in (0, 1)] == bars


PRICES = st.floats(1e-8, 1e7, allow_nan=False).map(lambda value: round(value, 8) or 1e-8)


@given(
    prices=st.lists(PRICES, max_size=4),
    quantities=st.lists(st.floats(0, 1e9), min_size=4, max_size=4),
    state=st.sampled_from(["valid", "stale"]),
    levels=st.integers(1, 6),
)
def test_every_line_of_every_card_is_as_wide_as_its_neighbours(
    prices: list[float],
    quantities: list[float],
    state: BookState,
    levels: int,
) -> None:
    sides = {"bid_prices": tuple(prices), "bid_quantities": tuple(quantities[: len(prices)])}
    found = books(book(state=state, **sides), DEAR)
    standings = found.standings(NOW_US, levels)
    width = width_of(standings)
    made = [card(one, found.best(NOW_US), levels=levels, width=width, now_us=NOW_US) for one in standings]
    assert {len(one) for one in made} == {5 + 2 * levels}
    assert {sum(len(cell.text) for cell in row) for one in made for row in one} == {width}
