"""KuCoin's recorded frames, samples and lists: whole values, or the name of what nobody asked for."""

from __future__ import annotations

import json
from decimal import Decimal

import msgspec
import pytest

from tapeline.domain.book import BookDelta, BookKeeper, BookSnapshot, Restored
from tapeline.domain.events import Instrument
from tapeline.venues.contract import Event, FundingUpdate, PublicTrade, Unexpected
from tapeline.venues.kucoin import FUTURES, SPOT
from tests.venues.expected_kucoin import RECEIVED_US
from tests.venues.recorded import Recorded, stretch


def spoken(line: Recorded) -> str | Event:
    """Return what a sample means: the kind of what is unexpected, else the event."""
    (event,) = (FUTURES if line.market == "futures" else SPOT).decode(line.data, RECEIVED_US)
    return event.kind if isinstance(event, Unexpected) else event


def answer(name: str, call: str) -> bytes:
    """Return the recorded body of a call of REST."""
    return next(line.data for line in stretch(f"kucoin/{name}.rest-jkorf") if line.channel == f"rest:{call}")


def test_c_03_samples_of_spot_are_books_and_trades_or_named() -> None:
    assert [spoken(line) for line in stretch("kucoin/spot.samples-jkorf")] == [
        BookDelta(
            native="BTC-USDT",
            follows=14103843,
            first=14103844,
            sequence=14103847,
            bid_prices=(18891.9,),
            bid_quantities=(0.15688,),
            ask_prices=(18907.3, 18906.0),
            ask_quantities=(0.58751503, 0.00331),
            venue_us=1663747970273000,
            received_us=RECEIVED_US,
        ),
        "/account/balance",
        "/spotMarket/level1:ETH-USDT",
        BookSnapshot(
            native="BTC-USDT",
            sequence=1586948108193000,
            replaces=True,
            routine=True,
            bid_prices=(9988.0, 9987.0, 9986.0, 9985.0, 9984.0),
            bid_quantities=(56.0, 15.0, 100.0, 10.0, 10.0),
            ask_prices=(9989.0, 9990.0, 9991.0, 9992.0, 9993.0),
            ask_quantities=(8.0, 32.0, 47.0, 3.0, 3.0),
            venue_us=1586948108193000,
            received_us=RECEIVED_US,
        ),
        "/margin/fundingBook:BTC",
        "/indicator/index:USDT-BTC",
        "/margin/loan:BTC",
        "/margin/loan:BTC",
        "/margin/loan:BTC",
        "/indicator/markPrice:USDT-BTC",
        "/spotMarket/tradeOrdersV2",
        "/spotMarket/tradeOrdersV2",
        "/spotMarket/advancedOrders",
        "/market/ticker:BTC-USDT",
        "/market/ticker:all",
        PublicTrade(
            native="BTC-USDT",
            trade_id="5c24c5da03aa673885cd67aa",
            sequence=1545896669145,
            price=0.082,
            quantity=0.01022222,
            side="buy",
            venue_us=1545913818099033,
            received_us=RECEIVED_US,
        ),
    ]


def test_c_03_samples_of_futures_are_books_and_trades_or_named() -> None:
    assert [spoken(line) for line in stretch("kucoin/futures.samples-jkorf")] == [
        "/contractAccount/wallet",
        BookDelta(
            native="XBTUSDM",
            follows=17,
            first=18,
            sequence=18,
            bid_prices=(),
            bid_quantities=(),
            ask_prices=(5000.0,),
            ask_quantities=(83.0,),
            venue_us=1551770400000000,
            received_us=RECEIVED_US,
        ),
        "/contract/instrument:XBTUSDM",
        "/contractMarket/tradeOrders:XBTUSDM",
        "/contractAccount/wallet",
        BookSnapshot(
            native="XBTUSDM",
            sequence=1590634672060667,
            replaces=True,
            routine=True,
            bid_prices=(9988.0, 9987.0, 9986.0, 9985.0, 9984.0),
            bid_quantities=(56.0, 15.0, 100.0, 10.0, 10.0),
            ask_prices=(9993.0, 9992.0, 9991.0, 9990.0, 9989.0),
            ask_quantities=(3.0, 3.0, 47.0, 32.0, 8.0),
            venue_us=1590634672060667,
            received_us=RECEIVED_US,
        ),
        "/contractMarket/advancedOrders",
        "/contractMarket/tickerV2:XBTUSDM",
        PublicTrade(
            native="XBTUSDTM",
            trade_id="1743169228057",
            sequence=1743169228057,
            price=72137.3,
            quantity=5.0,
            side="buy",
            venue_us=1712570590399000,
            received_us=RECEIVED_US,
        ),
        "/contractAccount/wallet",
    ]


def test_c_03_samples_of_the_unified_sockets_are_books_and_trades_or_named() -> None:
    assert [spoken(line) for line in stretch("kucoin/unified.samples-jkorf")] == [
        "balance.FUTURES",
        "orderAll.SPOT",
        BookSnapshot(
            native="ETH-USDT",
            sequence=25984468414,
            replaces=True,
            bid_prices=(90701.1,),
            bid_quantities=(0.13918404,),
            ask_prices=(90701.2,),
            ask_quantities=(0.5771583,),
            venue_us=1768217874986000,
            received_us=RECEIVED_US,
        ),
        "ticker.SPOT",
        PublicTrade(
            native="ETH-USDT",
            trade_id="20631804219899904",
            sequence=20631804219899904,
            price=92525.6,
            quantity=0.00008036,
            side="sell",
            venue_us=1768802538480000,
            received_us=RECEIVED_US,
        ),
    ]


def test_recorded_books_of_the_unified_rest_are_read() -> None:
    assert SPOT.read_book(answer("unified", "GetOrderBook"), "BTC-USDT", 20, RECEIVED_US) == BookSnapshot(
        native="BTC-USDT",
        sequence=20133903260,
        replaces=False,
        limit=20,
        bid_prices=(104563.8, 104563.7),
        bid_quantities=(1.1641935, 0.00956354),
        ask_prices=(104563.9, 104564.0, 104564.1),
        ask_quantities=(1.58548081, 0.00956352, 0.00098414),
        received_us=RECEIVED_US,
    )


def test_recorded_trades_of_rest_are_read_in_either_form() -> None:
    spot = SPOT.read_trades(answer("spot", "GetTradeHistory"), "KCS-BTC", RECEIVED_US)
    futures = FUTURES.read_trades(answer("futures", "GetTradeHistory"), "XBTUSDM", RECEIVED_US)
    unified = SPOT.read_trades(answer("unified", "GetRecentTrades"), "BTC-USDT", RECEIVED_US)
    told = [
        (trade.trade_id, trade.sequence, trade.price, trade.quantity, trade.side, trade.venue_us)
        for trade in (*spot, *futures, *unified)
    ]
    assert told == [
        # Classic answers of spot have no id: the number is what the sockets of today call the id.
        ("1545896668571", 1545896668571, 0.07, 0.004, "buy", 1545904567062140),
        ("1545896668578", 1545896668578, 0.054, 0.066, "buy", 1545904581619888),
        ("5cbd7377a6ffab0c7ba98b26", 102, 7000.0, 1.0, "buy", 1545904567062140),
        ("15748767627100161", 15748767627100161, 104608.2, 0.00071698, "sell", 1750391995574000),
        ("15748767627493377", 15748767627493377, 104605.5, 0.00096, "sell", 1750391995574000),
        ("15748770969174017", 15748770969174017, 104599.5, 0.00206982, "buy", 1750392018365000),
    ]


def test_recorded_funding_of_rest_is_read() -> None:
    # A contract of before `nextFundingRateDateTime`: the countdown beside it is no time.
    assert FUTURES.read_funding(answer("futures", "GetContract"), RECEIVED_US) == FundingUpdate(
        native="DASHUSDTM", whole=True, rate=0.0001, mark_price=101.6, index_price=101.59, received_us=RECEIVED_US
    )


def test_recorded_trades_are_what_their_frames_say() -> None:
    for line in stretch("kucoin/spot.trade-202104a"):
        told = json.loads(line.frame)["data"]
        assert SPOT.decode(line.data, RECEIVED_US) == (
            PublicTrade(
                native=told["symbol"],
                trade_id=told["tradeId"],
                sequence=int(told["sequence"]),
                price=float(told["price"]),
                quantity=float(told["size"]),
                side=told["side"],
                venue_us=int(told["time"]) // 1_000,
                received_us=RECEIVED_US,
            ),
        )


def test_recorded_tickers_are_unexpected() -> None:
    for line in stretch("kucoin/spot.bbo-202104a"):
        assert SPOT.decode(line.data, RECEIVED_US) == (Unexpected(kind=json.loads(line.frame)["topic"]),)


@pytest.mark.parametrize(
    ("pair", "native"),
    [("bchsvusdt", "BCHSV-USDT"), ("cappbtc", "CAPP-BTC"), ("dapptbtc", "DAPPT-BTC"), ("covbtc", "COV-BTC")],
)
def test_c_02_the_top_is_what_the_ticker_says_at_the_same_number(pair: str, native: str) -> None:
    best: dict[int, tuple[float, ...]] = {}
    for line in stretch("kucoin/spot.bbo-202104a"):
        frame = json.loads(line.frame)
        if frame["topic"] == f"/market/ticker:{native}":
            told = frame["data"]
            best[int(told["sequence"])] = tuple(
                float(told[name]) for name in ("bestBid", "bestBidSize", "bestAsk", "bestAskSize")
            )
    keeper, compared = BookKeeper(epoch=1), 0
    for line in stretch(f"kucoin/spot.book-202104a-{pair}"):
        if line.channel == "book_snapshot":
            assert isinstance(keeper.snapshot(SPOT.read_book(line.data, native, 0, line.recv_us or 0)), Restored)
        else:
            (delta,) = SPOT.decode(line.data, line.recv_us or 0)
            assert isinstance(delta, BookDelta)
            keeper.delta(delta)
        if keeper.state == "valid" and keeper.sequence in best:
            top = keeper.top(1)
            ours = (*top.bid_prices, *top.bid_quantities, *top.ask_prices, *top.ask_quantities)
            assert ours == best[keeper.sequence]
            compared += 1
    assert compared > 30


def rules(one: Instrument) -> tuple[object, ...]:
    return (one.native, one.symbol, one.status, one.price_tick, one.quantity_step, one.contract_size, one.min_quantity)


@pytest.mark.parametrize("name", ["spot.instruments-cf-202104", "spot.instruments-raw-202505"])
def test_recorded_pairs_are_read_whole(name: str) -> None:
    (line,) = stretch(f"kucoin/{name}")
    told = json.loads(line.frame)
    listed = told["data"] if isinstance(told, dict) else told
    page = SPOT.read_instruments(msgspec.json.encode({"code": "200000", "data": listed}), RECEIVED_US)
    assert page.skipped == ()
    assert [rules(one) for one in page.instruments] == [
        (
            one["symbol"],
            f"{one['baseCurrency']}/{one['quoteCurrency']}",
            "trading" if one["enableTrading"] else "halted",
            Decimal(one["priceIncrement"]),
            Decimal(one["baseIncrement"]),
            Decimal(1),
            Decimal(one["baseMinSize"]),
        )
        for one in listed
    ]
    # A pair keeps its id when a coin of it is renamed, so that the list alone knows the native name.
    renamed = [(one.symbol, one.native) for one in page.instruments if SPOT.native(one.symbol) != one.native]
    assert renamed == [(one["name"].replace("-", "/"), one["symbol"]) for one in listed if one["name"] != one["symbol"]]
    assert ("BSV/BTC", "BCHSV-BTC") in renamed


def test_recorded_contracts_are_read_whole() -> None:
    (line,) = stretch("kucoin/futures.instruments-raw-202505")
    listed = json.loads(line.frame, parse_float=Decimal)
    body = b'{"code":"200000","data":' + line.data + b"}"
    page = FUTURES.read_instruments(body, RECEIVED_US)
    assert page.skipped == ()
    assert [rules(one) for one in page.instruments] == [
        (
            one["symbol"],
            "BTC/USDT" if one["symbol"] == "XBTUSDTM" else f"{one['baseCurrency']}/USDT",
            "trading",
            one["tickSize"],
            one["lotSize"] * one["multiplier"],
            one["multiplier"],
            one["lotSize"] * one["multiplier"],
        )
        for one in listed
    ]
    assert [one.max_quantity for one in page.instruments] == [one["maxOrderQty"] * one["multiplier"] for one in listed]
    assert all(FUTURES.native(one.symbol) == one.native for one in page.instruments)
