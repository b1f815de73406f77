"""What a channel shows: its image, changed by every message, is always the best levels of the book."""

from __future__ import annotations

import pytest

from simulator.instruments import listed
from simulator.ladder import ASK, BID, Ladder
from simulator.market import STEP_MS, Market
from simulator.view import Level, View


def best(ladder: Ladder, side: int, depth: int) -> list[Level]:
    """Return the best levels of a book."""
    prices = sorted(ladder.levels[side], reverse=side == BID)[:depth]
    return [(price, ladder.levels[side][price]) for price in prices]


def replayed(book: dict[int, int], changes: list[Level]) -> None:
    """Apply changes as a client does."""
    for price, lots in changes:
        if lots:
            book[price] = lots
        else:
            del book[price]


@pytest.mark.parametrize(("depth", "every_ms"), [(500, 100), (50, 20), (200, 100), (500, 200), (50, 1000), (5, 250)])
def test_image_and_messages_make_the_book_at_any_depth_and_pace(depth: int, every_ms: int) -> None:
    market = Market(11, "bybit:spot", listed(1))
    listing = market.listings[0]
    view = View(listing.ladder, depth=depth, every_ms=every_ms)
    books = tuple(dict(side) for side in view.image())
    told = 0
    for _ in range(3000):
        for step in market.tick():
            view.note(step.listing.ladder.changes)
            if view.is_due(listing.steps * STEP_MS, STEP_MS):
                for book, changes in zip(books, view.flush(), strict=True):
                    replayed(book, changes)
                told += 1
                assert books == (dict(best(listing.ladder, BID, depth)), dict(best(listing.ladder, ASK, depth)))
            assert tuple(dict(side) for side in view.image()) == books
    assert told == 600 * STEP_MS // max(STEP_MS, every_ms)


def test_a_change_that_is_taken_back_is_not_told() -> None:
    listing = Market(11, "bybit:spot", listed(1)).listings[0]
    view, ladder = View(listing.ladder, depth=50, every_ms=100), listing.ladder
    before = ladder.levels[BID][ladder.bid]
    ladder.put(BID, ladder.bid, before + 1)
    ladder.put(BID, ladder.bid, before)
    view.note(ladder.changes)
    assert view.flush() == ([], [])


def test_a_change_that_is_taken_back_is_told_where_all_that_was_touched_is() -> None:
    listing = Market(11, "bybit:spot", listed(1)).listings[0]
    view, ladder = View(listing.ladder, depth=50, every_ms=100, touched=True), listing.ladder
    before = ladder.levels[BID][ladder.bid]
    view.note([(BID, ladder.bid, before)])
    assert view.flush() == ([(ladder.bid, before)], [])
    assert view.flush() == ([], [])


def test_an_image_is_cut_to_its_limit() -> None:
    listing = Market(11, "bybit:spot", listed(1)).listings[0]
    view = View(listing.ladder, depth=1000, every_ms=100)
    assert [len(side) for side in view.image(7)] == [7, 7]
    assert [len(side) for side in view.image()] == [500, 500]
