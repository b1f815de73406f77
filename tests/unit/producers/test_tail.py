"""DESIGN 5, a producer dies: its successor knows the last durable change and trades, and which gaps are still open."""

from __future__ import annotations

import msgspec
import pytest

from producers.tail import Tails
from tapeline.domain.book import Hole
from tapeline.domain.events import Book, DeltaBatch, Gap, Trade

S = 1_000_000
KEY = "bybit:spot:BTC/USDT"
CHANGE = DeltaBatch(
    venue="bybit",
    market="spot",
    symbol="BTC/USDT",
    epoch=5,
    kind="change",
    follows=9,
    first=10,
    sequence=10,
    bid_prices=(),
    bid_quantities=(),
    ask_prices=(),
    ask_quantities=(),
    venue_us=100,
    received_us=101,
    published_us=102,
)
GAP = Gap(
    venue="bybit",
    market="spot",
    symbol="BTC/USDT",
    channel="book",
    epoch=5,
    from_id="10",
    start_us=90,
    cause="disconnect",
    detail="cut",
    published_us=1,
)


def trade(number: int, epoch: int = 5) -> Trade:
    return Trade(
        venue="bybit",
        market="spot",
        symbol="BTC/USDT",
        epoch=epoch,
        trade_id=str(number),
        sequence=number,
        price=1.0,
        quantity=1.0,
        side="buy",
        venue_us=number * S,
        received_us=number * S,
        published_us=number * S,
    )


def folded(*records: Book | DeltaBatch | Trade | Gap) -> Tails:
    tails = Tails()
    for record in records:
        tails.fold(record)
    return tails


def change(epoch: int, sequence: int) -> DeltaBatch:
    return msgspec.structs.replace(CHANGE, epoch=epoch, sequence=sequence)


def test_where_nothing_is_durable_there_is_no_hole() -> None:
    tails = folded()
    assert (tails.epoch(KEY), tails.book_hole(KEY), tails.trade_tail(KEY, numbered=True)) == (0, None, None)


def test_the_hole_begins_at_the_last_durable_change_of_the_highest_epoch() -> None:
    tails = folded(change(5, 10), change(6, 3), change(5, 11))
    assert tails.book_hole(KEY) == Hole(epoch=6, from_id="3", start_us=100, cause="restart")
    assert tails.epoch(KEY) == 6


def test_without_the_venues_time_ours_counts() -> None:
    tails = folded(msgspec.structs.replace(CHANGE, venue_us=None))
    assert tails.book_hole(KEY) == Hole(epoch=5, from_id="10", start_us=101, cause="restart")


def test_a_gap_that_was_said_and_not_closed_stays_the_same_gap() -> None:
    tails = folded(CHANGE, GAP)
    assert tails.book_hole(KEY) == Hole(epoch=5, from_id="10", start_us=90, cause="disconnect", detail="cut")


def test_a_closed_gap_is_over_and_its_new_epoch_counts() -> None:
    closed = msgspec.structs.replace(GAP, to_id="20", to_epoch=7, end_us=200)
    tails = folded(CHANGE, GAP, closed)
    assert tails.book_hole(KEY) == Hole(epoch=5, from_id="10", start_us=100, cause="restart")
    assert tails.epoch(KEY) == 7


@pytest.mark.parametrize(("numbered", "last", "at_us"), [(True, 30, 30 * S), (False, None, 18 * S)])
def test_the_newest_trade_counts_also_when_older_ones_were_filled_in_later(
    numbered: bool,  # noqa: FBT001 - a case
    last: int | None,
    at_us: int,
) -> None:
    tail = folded(trade(28), trade(30), trade(29)).trade_tail(KEY, numbered=numbered)
    assert tail is not None
    assert (tail.epoch, tail.trade_id, tail.sequence, tail.at_us, tail.ids) == (
        5,
        "30",
        last,
        at_us,
        ("28", "30", "29"),
    )


@pytest.mark.parametrize(("numbered", "last"), [(True, 28), (False, None)])
def test_trades_behind_an_open_gap_do_not_close_it(numbered: bool, last: int | None) -> None:  # noqa: FBT001 - a case
    gap = msgspec.structs.replace(GAP, channel="trade", from_id="28" if numbered else None, start_us=28 * S)
    tail = folded(trade(28), gap, trade(30)).trade_tail(KEY, numbered=numbered)
    assert tail is not None
    assert (tail.epoch, tail.trade_id, tail.sequence, tail.at_us) == (5, "30", last, 28 * S)


def test_an_instrument_whose_book_was_recorded_had_its_trades_asked_for() -> None:
    tail = folded(change(7, 1)).trade_tail(KEY, numbered=True)
    assert tail is not None
    assert (tail.epoch, tail.trade_id, tail.sequence, tail.at_us, tail.ids) == (7, None, None, 7, ())


def test_a_book_raises_the_epoch_alone() -> None:
    book = Book(
        venue="bybit",
        market="spot",
        symbol="BTC/USDT",
        epoch=9,
        sequence=1,
        state="valid",
        depth=20,
        bid_prices=(),
        bid_quantities=(),
        ask_prices=(),
        ask_quantities=(),
        first_received_us=1,
        received_us=1,
        published_us=1,
    )
    tails = folded(book)
    assert (tails.epoch(KEY), tails.book_hole(KEY)) == (9, None)


def test_instruments_do_not_mix() -> None:
    other = msgspec.structs.replace(CHANGE, symbol="ETH/USDT", sequence=77)
    hole = folded(CHANGE, other).book_hole("bybit:spot:ETH/USDT")
    assert hole is not None
    assert hole.from_id == "77"
