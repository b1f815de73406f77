"""What our own frames of bitget must become, value by value."""

from __future__ import annotations

from decimal import Decimal

from tapeline.domain.events import Instrument
from tapeline.venues.contract import Answer, FundingUpdate, InstrumentPage, PublicTrade, Unexpected
from tests.venues.expected_bitget_books import BOOKS, RECEIVED_US

TRADES: dict[str, object] = {
    "trade": (
        PublicTrade(
            native="BTCUSDT",
            trade_id="1260903622036942849",
            price=100000.0,
            quantity=0.00118,
            side="buy",
            venue_us=1736348770627000,
            received_us=RECEIVED_US,
        ),
        PublicTrade(
            native="BTCUSDT",
            trade_id="1260903622036942850",
            price=100000.5,
            quantity=0.1234567890123456,
            side="sell",
            venue_us=1736348770628000,
            received_us=RECEIVED_US,
            exact={"quantity": "0.1234567890123456"},
        ),
    ),
    "trade_history": (
        PublicTrade(
            native="BTCUSDT",
            trade_id="1000000000",
            price=26293.3,
            quantity=0.2,
            side="sell",
            venue_us=1695709835822000,
            received_us=RECEIVED_US,
        ),
        PublicTrade(
            native="BTCUSDT",
            trade_id="1000000001",
            price=26293.4,
            quantity=0.0013,
            side="buy",
            venue_us=1695709835822000,
            received_us=RECEIVED_US,
        ),
    ),
    "rest_trades": (
        PublicTrade(
            native="BTCUSDT",
            trade_id="1483256148527923200",
            price=215.22,
            quantity=0.4,
            side="sell",
            venue_us=1789361744052000,
            received_us=RECEIVED_US,
        ),
        PublicTrade(
            native="BTCUSDT",
            trade_id="1483256148527923201",
            price=215.23,
            quantity=1.5,
            side="buy",
            venue_us=1789361744052000,
            received_us=RECEIVED_US,
        ),
    ),
}
ANSWERS: dict[str, object] = {
    "ack": (Answer(request_id=None, streams=(("trade", "BTCUSDT"),)),),
    "ack_classic": (Answer(request_id=None, streams=(("book", "BTCUSDT"),)),),
    "gone": (Unexpected(kind="unsubscribe"),),
    "refusal_bare": (Answer(request_id=None, error="30007 over frequency"),),
    "refusal_good_code": (Answer(request_id=None, error="0 busy"),),
}
SPOT: dict[str, object] = {
    **BOOKS,
    **TRADES,
    **ANSWERS,
    "refusal": (
        Answer(
            request_id=None,
            error='30001 {"instType":"spot","symbol":"NOPEUSDT","topic":"books"} doesn\'t exist',
            streams=(("book", "NOPEUSDT"),),
        ),
    ),
    "refusal_classic": (
        Answer(
            request_id=None,
            error="30001 instType:SPOT,channel:books,instId:NOPEUSDT,precision:null doesn't exist",
            streams=(("book", "NOPEUSDT"),),
        ),
    ),
    "unexpected": (Unexpected(kind="spot kline"),),
    "other_market": (Unexpected(kind="usdt-futures books"),),
    "ticker": (Unexpected(kind="spot ticker"),),
    "rest_instruments": InstrumentPage(
        instruments=(
            Instrument(
                venue="bitget",
                market="spot",
                symbol="BTC/USDT",
                native="BTCUSDT",
                base="BTC",
                quote="USDT",
                status="trading",
                price_tick=Decimal("0.01"),
                quantity_step=Decimal("0.000001"),
                contract_size=Decimal(1),
                min_quantity=Decimal("0.000001"),
                min_notional=Decimal(1),
                maker_fee=Decimal("0.001"),
                taker_fee=Decimal("0.001"),
                received_us=RECEIVED_US,
                published_us=RECEIVED_US,
            ),
            Instrument(
                venue="bitget",
                market="spot",
                symbol="SHIB/USDC",
                native="SHIBUSDC",
                base="SHIB",
                quote="USDC",
                status="halted",
                price_tick=Decimal("0.000000001"),
                quantity_step=Decimal(1),
                contract_size=Decimal(1),
                max_quantity=Decimal(100000000),
                min_notional=Decimal("1.5"),
                maker_fee=Decimal("0.001"),
                taker_fee=Decimal("0.001"),
                received_us=RECEIVED_US,
                published_us=RECEIVED_US,
            ),
        ),
        skipped=("NOTICKUSDT",),
    ),
}
FUTURES: dict[str, object] = {
    **BOOKS,
    **TRADES,
    **ANSWERS,
    "refusal": (
        Answer(
            request_id=None,
            error='30001 {"instType":"usdt-futures","symbol":"NOPEUSDT","topic":"books"} doesn\'t exist',
            streams=(("book", "NOPEUSDT"),),
        ),
    ),
    "refusal_classic": (
        Answer(
            request_id=None,
            error="30001 instType:USDT-FUTURES,channel:books,instId:NOPEUSDT,precision:null doesn't exist",
            streams=(("book", "NOPEUSDT"),),
        ),
    ),
    "unexpected": (Unexpected(kind="usdt-futures kline"),),
    "other_market": (Unexpected(kind="spot books"),),
    "ticker": (
        FundingUpdate(
            native="BTCUSDT",
            whole=False,
            rate=0.00001,
            mark_price=27000.0,
            index_price=25702.4,
            next_us=1695722400000000,
            venue_us=1695715383039000,
            received_us=RECEIVED_US,
        ),
    ),
    "ticker_classic": (
        FundingUpdate(
            native="BTCUSDT",
            whole=False,
            mark_price=27000.25,
            index_price=25702.412345678901,
            venue_us=1695715383039000,
            received_us=RECEIVED_US,
            exact={"index_price": "25702.412345678901"},
        ),
    ),
    "rest_funding": FundingUpdate(
        native="BTCUSDT",
        whole=False,
        rate=0.00001,
        next_us=1750924800000000,
        interval_us=28800000000,
        venue_us=1750897372153000,
        received_us=RECEIVED_US,
    ),
    "rest_instruments": InstrumentPage(
        instruments=(
            Instrument(
                venue="bitget",
                market="futures",
                symbol="BTC/USDT",
                native="BTCUSDT",
                base="BTC",
                quote="USDT",
                status="trading",
                price_tick=Decimal("0.5"),
                quantity_step=Decimal("0.0001"),
                contract_size=Decimal(1),
                min_quantity=Decimal("0.0001"),
                max_quantity=Decimal(1200),
                max_market_quantity=Decimal(220),
                min_notional=Decimal(5),
                max_leverage=Decimal(125),
                maker_fee=Decimal("0.0002"),
                taker_fee=Decimal("0.0006"),
                funding_interval_us=28800000000,
                received_us=RECEIVED_US,
                published_us=RECEIVED_US,
            ),
            Instrument(
                venue="bitget",
                market="futures",
                symbol="1000BONK/USDT",
                native="1000BONKUSDT",
                base="1000BONK",
                quote="USDT",
                status="reducing",
                price_tick=Decimal("0.00001"),
                quantity_step=Decimal(1),
                contract_size=Decimal(1),
                min_quantity=Decimal(1),
                min_notional=Decimal(5),
                max_leverage=Decimal(50),
                maker_fee=Decimal(0),
                taker_fee=Decimal("0.0006"),
                funding_interval_us=14400000000,
                received_us=RECEIVED_US,
                published_us=RECEIVED_US,
            ),
        ),
        skipped=("NOTICKUSDT",),
    ),
}
