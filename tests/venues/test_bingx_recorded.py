"""What was recorded of BingX, and single samples: all of it is read, or named as what nobody asked for."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal

import msgspec
import pytest

from tapeline.domain.book import BookKeeper, BookSnapshot, Restored
from tapeline.venues.bingx import FUTURES, SPOT
from tapeline.venues.contract import (
    Answer,
    Event,
    FundingUpdate,
    InstrumentPage,
    PublicTrade,
    ServerPing,
    Unexpected,
)
from tests.venues import expected_bingx
from tests.venues.recorded import Recorded, stretch

NOW_US = expected_bingx.RECEIVED_US
FEEDS = {"spot": SPOT, "futures": FUTURES}


def decoded(name: str) -> list[tuple[Recorded, tuple[Event, ...]]]:
    feed = FEEDS["spot" if "/spot." in name else "futures"]
    return [(line, feed.decode(line.data, line.recv_us or NOW_US)) for line in stretch(name)]


def test_each_recorded_book_is_whole_and_best_first() -> None:
    keeper = BookKeeper(epoch=1)
    for line, events in decoded("bingx/futures.book-202510a"):
        (event,) = events
        frame = json.loads(line.frame)
        bids, asks = (
            sorted((float(price), float(quantity)) for price, quantity in frame["data"][name])
            for name in ("bids", "asks")
        )
        bids.reverse()
        assert event == BookSnapshot(
            native="BTC-USDT",
            sequence=frame["ts"] * 1000,
            replaces=True,
            routine=True,
            bid_prices=tuple(price for price, _ in bids),
            bid_quantities=tuple(quantity for _, quantity in bids),
            ask_prices=tuple(price for price, _ in asks),
            ask_quantities=tuple(quantity for _, quantity in asks),
            venue_us=frame["ts"] * 1000,
            received_us=line.recv_us or 0,
        )
        outcome = keeper.snapshot(event)
        assert isinstance(outcome, Restored)
        assert outcome.hole is None
        top = keeper.top(0)
        assert (top.bid_prices, top.ask_prices) == (event.bid_prices, event.ask_prices)
    assert keeper.epoch == 1


@pytest.mark.parametrize("name", ["bbo", "kline"])
def test_recorded_frames_that_nobody_asks_for_are_unexpected(name: str) -> None:
    for line, events in decoded(f"bingx/futures.{name}-202510a"):
        assert events == (Unexpected(kind=json.loads(line.frame)["dataType"]),)


def test_recorded_answers_and_pings_are_such() -> None:
    for line, events in decoded("bingx/futures.control-202510a"):
        ping = line.channel == "ping"
        assert events == ((ServerPing(reply=b"Pong") if ping else Answer(request_id=None)),)


@pytest.mark.parametrize("market", FEEDS)
def test_sample_frames_are_read_or_named(market: str) -> None:
    books_and_trades = []
    others: list[Event] = []
    for line, events in decoded(f"bingx/{market}.samples-jkorf"):
        if line.channel in {"book", "trade"}:
            books_and_trades.append((line.channel, {type(one) for one in events}))
        else:
            others += events
    assert books_and_trades == [("book", {BookSnapshot}), ("trade", {PublicTrade})]
    assert others == UNASKED[market]


UNASKED: dict[str, list[Event]] = {
    "spot": [
        Unexpected(kind="ACCOUNT_UPDATE"),
        Unexpected(kind="BTC-USDT@bookTicker"),
        Unexpected(kind="spot.executionReport"),
        Unexpected(kind="BTC-USDT@lastPrice"),
        Unexpected(kind="BTC-USDT@ticker"),
    ],
    "futures": [
        Unexpected(kind="ETH-USDT@bookTicker"),
        FundingUpdate(
            native="ETH-USDT", whole=False, mark_price=2999.63, venue_us=1714650884021000, received_us=NOW_US
        ),
        Unexpected(kind="ETH-USDT@lastPrice"),
        Unexpected(kind="ETH-USDT@ticker"),
    ],
}


def answered(market: str, call: str) -> Recorded:
    return next(one for one in stretch(f"bingx/{market}.rest-jkorf") if one.channel == f"rest:{call}")


@pytest.mark.parametrize("market", FEEDS)
def test_a_sample_book_is_read_best_first(market: str) -> None:
    line = answered(market, "GetOrderBook")
    data = json.loads(line.frame)["data"]
    book = FEEDS[market].read_book(line.data, "BTC-USDT", 5, NOW_US)
    bids, asks = ([(float(price), float(size)) for price, size in data[name]] for name in ("bids", "asks"))
    assert list(zip(book.bid_prices, book.bid_quantities, strict=True)) == sorted(bids, reverse=True)
    assert list(zip(book.ask_prices, book.ask_quantities, strict=True)) == sorted(asks)
    assert book.sequence == data.get("ts", data.get("T"))
    assert (book.limit, FEEDS[market].refusal(200, {}, line.data)) == (5, None)


@pytest.mark.parametrize(("market", "maker"), [("spot", "buyerMaker"), ("futures", "isBuyerMaker")])
def test_sample_trades_are_read_oldest_first(market: str, maker: str) -> None:
    line = answered(market, "GetRecentTrades")
    rows = json.loads(line.frame)["data"][::-1]
    trades = FEEDS[market].read_trades(line.data, "BTC-USDT", NOW_US)
    assert [(one.venue_us // 1000, one.price, one.quantity, one.side) for one in trades] == [
        (row["time"], float(row["price"]), float(row["qty"]), "sell" if row[maker] else "buy") for row in rows
    ]
    if market == "spot":
        assert [one.trade_id for one in trades] == [str(row["id"]) for row in rows]


def test_sample_instruments_are_read_whole() -> None:
    ether = msgspec.structs.replace(
        expected_bingx.PERPETUAL,
        symbol="ETH/USDT",
        native="ETH-USDT",
        base="ETH",
        price_tick=Decimal("0.01"),
        quantity_step=Decimal("0.01"),
        min_quantity=Decimal("0.01"),
        max_leverage=Decimal(125),
    )
    bitcoin = msgspec.structs.replace(expected_bingx.PERPETUAL, max_leverage=Decimal(125))
    page = FUTURES.read_instruments(answered("futures", "GetContracts").data, NOW_US)
    assert page == InstrumentPage(instruments=(bitcoin, ether))
    page = SPOT.read_instruments(answered("spot", "GetSymbols").data, NOW_US)
    assert page == InstrumentPage(instruments=(expected_bingx.BITCOIN,))


def test_many_equal_trades_have_an_id_each() -> None:
    line = next(line for line in stretch("bingx/futures.samples-jkorf") if line.channel == "trade")
    trades = [one for one in FUTURES.decode(line.data, NOW_US) if isinstance(one, PublicTrade)]
    rows = json.loads(line.frame)["data"][::-1]
    assert [(one.venue_us // 1000, one.price, one.quantity, one.side) for one in trades] == [
        (row["T"], float(row["p"]), float(row["q"]), "sell" if row["m"] else "buy") for row in rows
    ]
    seen: Counter[str] = Counter()
    for trade in trades:
        made = f"ETH-USDT-{trade.venue_us // 1000}-{trade.price}-{trade.quantity}-{trade.side}"
        assert trade.trade_id == f"{made}-{seen[made]}"
        seen[made] += 1
    assert max(seen.values()) == 11
