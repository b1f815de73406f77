"""What our own frames of bybit must become, value by value."""

from __future__ import annotations

from decimal import Decimal

from tapeline.domain.book import BookDelta, BookSnapshot
from tapeline.domain.events import Instrument
from tapeline.venues.contract import Answer, FundingUpdate, InstrumentPage, Pong, PublicTrade, Unexpected

RECEIVED_US = 1_700_000_000_000_005

SPOT: dict[str, object] = {
    "book_snapshot": (
        BookSnapshot(
            native="BTCUSDT",
            sequence=18521288,
            replaces=True,
            bid_prices=(16493.5, 16493.0),
            bid_quantities=(0.006, 0.1),
            ask_prices=(16611.0, 16612.0),
            ask_quantities=(0.029, 0.213),
            venue_us=1672304484976000,
            received_us=RECEIVED_US,
        ),
    ),
    "book_delta": (
        BookDelta(
            native="BTCUSDT",
            follows=177400506,
            first=177400507,
            sequence=177400507,
            bid_prices=(30247.2, 30240.0),
            bid_quantities=(30.028, 0.0),
            ask_prices=(30248.7,),
            ask_quantities=(0.0,),
            venue_us=1687940967464000,
            received_us=RECEIVED_US,
        ),
    ),
    "book_restart": (
        BookSnapshot(
            native="BTCUSDT",
            sequence=1,
            replaces=True,
            bid_prices=(30247.2,),
            bid_quantities=(30.028,),
            ask_prices=(30248.7,),
            ask_quantities=(1.0,),
            venue_us=1687940967466000,
            received_us=RECEIVED_US,
        ),
    ),
    "book_exact": (
        BookDelta(
            native="BTCUSDT",
            follows=177400507,
            first=177400508,
            sequence=177400508,
            bid_prices=(30247.2,),
            bid_quantities=(12345678901.123457,),
            ask_prices=(),
            ask_quantities=(),
            venue_us=1687940967464000,
            received_us=RECEIVED_US,
            exact={"bid_quantities[0]": "12345678901.1234567"},
        ),
    ),
    "trade": (
        PublicTrade(
            native="BTCUSDT",
            trade_id="20f43950-d8dd-5b31-9112-a178eb6023af",
            sequence=1783284617,
            price=16578.5,
            quantity=0.001,
            side="buy",
            venue_us=1672304486865000,
            received_us=RECEIVED_US,
        ),
        PublicTrade(
            native="BTCUSDT",
            trade_id="2290000000068683805",
            price=16578.0,
            quantity=0.1234567890123456,
            side="sell",
            venue_us=1672304486866000,
            received_us=RECEIVED_US,
            exact={"quantity": "0.1234567890123456"},
        ),
    ),
    "ack": (Answer(request_id=1),),
    "refusal": (Answer(request_id=None, error="Invalid topic: invalid.topic.BTCUSDT"),),
    "pong": (Pong(request_id=3),),
    "unexpected": (Unexpected(kind="kline.1.BTCUSDT"),),
    "rest_book": BookSnapshot(
        native="BTCUSDT",
        sequence=230704,
        replaces=False,
        limit=100,
        bid_prices=(65485.47,),
        bid_quantities=(47.081829,),
        ask_prices=(65557.7,),
        ask_quantities=(16.606555,),
        venue_us=1716863718905000,
        received_us=RECEIVED_US,
    ),
    "rest_trades": (
        PublicTrade(
            native="BTCUSDT",
            trade_id="2100000000007764263",
            price=16618.49,
            quantity=0.00012,
            side="buy",
            venue_us=1672052955758000,
            received_us=RECEIVED_US,
        ),
        PublicTrade(
            native="BTCUSDT",
            trade_id="2100000000007764264",
            sequence=123,
            price=16618.5,
            quantity=0.5,
            side="sell",
            venue_us=1672052955758000,
            received_us=RECEIVED_US,
        ),
    ),
    "rest_instruments": InstrumentPage(
        instruments=(
            Instrument(
                venue="bybit",
                market="spot",
                symbol="BTC/USDT",
                native="BTCUSDT",
                base="BTC",
                quote="USDT",
                status="trading",
                price_tick=Decimal("0.01"),
                quantity_step=Decimal("0.000001"),
                contract_size=Decimal(1),
                max_quantity=Decimal(83),
                max_market_quantity=Decimal("41.5"),
                min_notional=Decimal(5),
                maker_fee=Decimal("0.001"),
                taker_fee=Decimal("0.001"),
                received_us=RECEIVED_US,
                published_us=RECEIVED_US,
            ),
        )
    ),
}
FUTURES: dict[str, object] = {
    **{name: value for name, value in SPOT.items() if name != "rest_instruments"},
    "funding": (
        FundingUpdate(
            native="BTCUSDT",
            whole=True,
            rate=-0.000212,
            mark_price=17217.33,
            index_price=17227.36,
            next_us=1673280000000000,
            venue_us=1673272861686000,
            received_us=RECEIVED_US,
        ),
    ),
    "funding_change": (
        FundingUpdate(
            native="BTCUSDT", whole=False, mark_price=17218.0, venue_us=1673272861786000, received_us=RECEIVED_US
        ),
    ),
    "rest_funding": FundingUpdate(
        native="BTCUSDT",
        whole=True,
        rate=-0.000212,
        mark_price=17217.33,
        index_price=17227.36,
        next_us=1673280000000000,
        venue_us=1673272861700000,
        received_us=RECEIVED_US,
    ),
    "rest_instruments": InstrumentPage(
        instruments=(
            Instrument(
                venue="bybit",
                market="futures",
                symbol="BTC/USDT",
                native="BTCUSDT",
                base="BTC",
                quote="USDT",
                status="trading",
                price_tick=Decimal("0.10"),
                quantity_step=Decimal("0.001"),
                contract_size=Decimal(1),
                min_quantity=Decimal("0.001"),
                max_quantity=Decimal("1190.000"),
                max_market_quantity=Decimal("500.000"),
                min_notional=Decimal(5),
                max_leverage=Decimal("100.00"),
                maker_fee=Decimal("0.0002"),
                taker_fee=Decimal("0.00055"),
                funding_interval_us=28800000000,
                received_us=RECEIVED_US,
                published_us=RECEIVED_US,
            ),
        ),
        cursor="first%3DBTC",
    ),
}
