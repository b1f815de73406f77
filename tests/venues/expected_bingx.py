"""What our own frames of bingx must become, value by value."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from tapeline.domain.book import BookDelta, BookSnapshot
from tapeline.domain.events import Instrument
from tapeline.venues.contract import (
    Answer,
    FundingUpdate,
    InstrumentPage,
    PublicTrade,
    ServerPing,
    Unexpected,
)

RECEIVED_US = 1_700_000_000_000_005

BITCOIN = Instrument(
    venue="bingx",
    market="spot",
    symbol="BTC/USDT",
    native="BTC-USDT",
    base="BTC",
    quote="USDT",
    status="trading",
    price_tick=Decimal("0.01"),
    quantity_step=Decimal("0.00001"),
    contract_size=Decimal(1),
    min_notional=Decimal(5),
    maker_fee=Decimal("0.001"),
    taker_fee=Decimal("0.001"),
    received_us=RECEIVED_US,
    published_us=RECEIVED_US,
)
PERPETUAL = Instrument(
    venue="bingx",
    market="futures",
    symbol="BTC/USDT",
    native="BTC-USDT",
    base="BTC",
    quote="USDT",
    status="trading",
    price_tick=Decimal("0.1"),
    quantity_step=Decimal("0.0001"),
    contract_size=Decimal(1),
    min_quantity=Decimal("0.0001"),
    min_notional=Decimal(2),
    max_leverage=Decimal(100),
    maker_fee=Decimal("0.0002"),
    taker_fee=Decimal("0.0005"),
    received_us=RECEIVED_US,
    published_us=RECEIVED_US,
)


def _listed(of: Instrument, symbol: str, **fields: object) -> Instrument:
    base, quote = symbol.split("/")
    names = {"symbol": symbol, "native": f"{base}-{quote}", "base": base, "quote": quote}
    return msgspec.structs.replace(of, **names, **fields)


BOOK = BookSnapshot(
    native="BTC-USDT",
    sequence=42173,
    replaces=True,
    bid_prices=(86378.9, 86377.5),
    bid_quantities=(0.0001, 0.0003),
    ask_prices=(86379.1, 86379.3),
    ask_quantities=(87.123, 9.6687),
    venue_us=1790127586998000,
    received_us=RECEIVED_US,
)

SPOT: dict[str, object] = {
    "book_all": (BOOK,),
    "book_update": (
        BookDelta(
            native="BTC-USDT",
            follows=None,
            first=42178,
            sequence=42178,
            bid_prices=(86378.9, 86378.0),
            bid_quantities=(0.0, 0.5),
            ask_prices=(),
            ask_quantities=(),
            venue_us=1790127587498000,
            received_us=RECEIVED_US,
        ),
    ),
    "book_update_null": (
        BookDelta(
            native="BTC-USDT",
            follows=None,
            first=42179,
            sequence=42179,
            bid_prices=(),
            bid_quantities=(),
            ask_prices=(86379.1,),
            ask_quantities=(1.0,),
            venue_us=1790127587998000,
            received_us=RECEIVED_US,
        ),
    ),
    "book_exact": (
        BookDelta(
            native="BTC-USDT",
            follows=None,
            first=42180,
            sequence=42180,
            bid_prices=(86378.5, 86377.5),
            bid_quantities=(12345678901.123457, 1.0),
            ask_prices=(1.2345678901234567e-07, 0.1),
            ask_quantities=(2.0, 3.0),
            received_us=RECEIVED_US,
            exact={"bid_quantities[0]": "12345678901.1234567", "ask_prices[0]": "0.00000012345678901234567"},
        ),
    ),
    "book_whole": (
        BookSnapshot(
            native="BTC-USDT",
            sequence=RECEIVED_US,
            replaces=True,
            routine=True,
            bid_prices=(57780.95, 57780.94),
            bid_quantities=(0.94976, 0.00085),
            ask_prices=(57781.46, 57781.66),
            ask_quantities=(1.79634, 0.00002),
            received_us=RECEIVED_US,
        ),
    ),
    "trade": (
        PublicTrade(
            native="BTC-USDT",
            trade_id="33685717",
            price=40125.48,
            quantity=0.007146,
            side="sell",
            venue_us=1649832413512000,
            received_us=RECEIVED_US,
        ),
    ),
    "trades": (
        PublicTrade(
            native="BTC-USDT",
            trade_id="33685718",
            price=40125.48,
            quantity=1.0,
            side="sell",
            venue_us=1649832413512000,
            received_us=RECEIVED_US,
        ),
        PublicTrade(
            native="BTC-USDT",
            trade_id="33685719",
            price=40125.49,
            quantity=0.1234567890123456,
            side="buy",
            venue_us=1649832413513000,
            received_us=RECEIVED_US,
            exact={"quantity": "0.1234567890123456"},
        ),
    ),
    "ack": (Answer(request_id=7),),
    "refusal": (Answer(request_id=8, error="80015 dataType not support"),),
    "refusal_with_code_0": (Answer(request_id=9, error="0 symbol is offline"),),
    "ping": (ServerPing(reply=b'{"pong":"2177c68e4d0e45679965f482929b59c2","time":"2022-06-07T16:27:36.323+0800"}'),),
    "unexpected": (Unexpected(kind="BTC-USDT@bookTicker"),),
    "account": (Unexpected(kind="ACCOUNT_UPDATE"),),
    "rest_book": BookSnapshot(
        native="BTC-USDT",
        sequence=1702720487674,
        replaces=False,
        limit=100,
        bid_prices=(42182.22, 42182.19),
        bid_quantities=(0.99114, 1.00643),
        ask_prices=(42183.17, 42183.23),
        ask_quantities=(4.14752, 3.57139),
        venue_us=1702720487674000,
        received_us=RECEIVED_US,
    ),
    "rest_trades": (
        PublicTrade(
            native="BTC-USDT",
            trade_id="76909152",
            price=42195.48,
            quantity=0.00177,
            side="buy",
            venue_us=1702720325552000,
            received_us=RECEIVED_US,
        ),
        PublicTrade(
            native="BTC-USDT",
            trade_id="76909153",
            price=42195.31,
            quantity=0.1234567890123456,
            side="sell",
            venue_us=1702720325552000,
            received_us=RECEIVED_US,
            exact={"quantity": "0.1234567890123456"},
        ),
        PublicTrade(
            native="BTC-USDT",
            trade_id="76909154",
            price=42195.21,
            quantity=0.00195,
            side="sell",
            venue_us=1702720325553000,
            received_us=RECEIVED_US,
        ),
    ),
    "rest_instruments": InstrumentPage(
        instruments=(
            BITCOIN,
            _listed(
                BITCOIN,
                "OLD/USDT",
                status="closed",
                price_tick=Decimal("0.1"),
                quantity_step=Decimal(1),
                min_notional=None,
            ),
            _listed(
                BITCOIN,
                "SELL/USDC",
                status="reducing",
                price_tick=Decimal("0.00001"),
                quantity_step=Decimal("0.1"),
                min_notional=Decimal("2.5"),
            ),
            _listed(BITCOIN, "STOP/USDT", status="halted", quantity_step=Decimal("0.01")),
        ),
        skipped=("NEW-USDT", "NODASH"),
    ),
}


def _swap_trade(trade_id: str, **fields: object) -> PublicTrade:
    trade = PublicTrade(
        native="BTC-USDT",
        trade_id=f"BTC-USDT-{trade_id}",
        price=2983.92,
        quantity=0.01,
        side="sell",
        venue_us=1714650252641000,
        received_us=RECEIVED_US,
    )
    return msgspec.structs.replace(trade, **fields)


LAST = _swap_trade(
    "1714650253104-2983.48-1.92-buy-0", price=2983.48, quantity=1.92, side="buy", venue_us=1714650253104000
)

FUTURES: dict[str, object] = {
    "book_all": (msgspec.structs.replace(BOOK, sequence=857550007),),
    "book_update": (
        BookDelta(
            native="BTC-USDT",
            follows=None,
            first=857550012,
            sequence=857550012,
            bid_prices=(86377.2,),
            bid_quantities=(18.0499,),
            ask_prices=(87169.0, 87169.5),
            ask_quantities=(0.0, 0.0),
            venue_us=1790127587285000,
            received_us=RECEIVED_US,
        ),
    ),
    "book_exact": (
        BookDelta(
            native="BTC-USDT",
            follows=None,
            first=857550013,
            sequence=857550013,
            bid_prices=(),
            bid_quantities=(),
            ask_prices=(87169.0, 87169.5),
            ask_quantities=(12345678901.123457, 1.0),
            venue_us=1790127587485000,
            received_us=RECEIVED_US,
            exact={"ask_quantities[0]": "12345678901.1234567"},
        ),
    ),
    "book_whole": (
        BookSnapshot(
            native="BTC-USDT",
            sequence=1761327444754000,
            replaces=True,
            routine=True,
            bid_prices=(110267.6, 110267.5),
            bid_quantities=(5.4305, 0.0434),
            ask_prices=(110267.8, 110275.2),
            ask_quantities=(2.5786, 0.2302),
            venue_us=1761327444754000,
            received_us=RECEIVED_US,
        ),
    ),
    "trade": (
        _swap_trade("1714650252641-2983.92-0.01-buy-0", side="buy"),
        _swap_trade("1714650252641-2983.92-0.01-sell-0"),
        _swap_trade("1714650252641-2983.92-0.01-sell-1"),
        LAST,
    ),
    "funding": (
        FundingUpdate(
            native="BTC-USDT", whole=False, mark_price=2999.63, venue_us=1714650884021000, received_us=RECEIVED_US
        ),
    ),
    "funding_exact": (
        FundingUpdate(
            native="BTC-USDT",
            whole=False,
            mark_price=2999.6312345678903,
            venue_us=1714650884022000,
            received_us=RECEIVED_US,
            exact={"mark_price": "2999.6312345678901"},
        ),
    ),
    "ack": (Answer(request_id=7),),
    "ack_of_a_stranger": (Answer(request_id=None),),
    "refusal": (Answer(request_id=8, error="80403 your topic num over max 200"),),
    "refusal_of_a_channel": (
        Answer(
            request_id=None,
            error="100400 code:100400:incrDepth dataType is not supported",
            streams=(("book", None),),
        ),
    ),
    "refusal_of_a_topic": (
        Answer(request_id=None, error="80015 dataType not support", streams=(("trade", "NOPE-USDT"),)),
    ),
    "ping": (ServerPing(reply=b'{"pong":"x1","time":1790126693749}'),),
    "unexpected": (Unexpected(kind="BTC-USDT@kline_1m"),),
    "account": (Unexpected(kind="ORDER_TRADE_UPDATE"),),
    "rest_book": BookSnapshot(
        native="BTC-USDT",
        sequence=1702719083983,
        replaces=False,
        limit=100,
        bid_prices=(0.000009854, 0.000009853),
        bid_quantities=(483909.0, 824851.0),
        ask_prices=(0.000009856, 0.00000986),
        ask_quantities=(687669.0, 578208.0),
        venue_us=1702719083983000,
        received_us=RECEIVED_US,
    ),
    "rest_trades": (
        _swap_trade("1714650252641-2983.92-0.01-sell-0"),
        _swap_trade("1714650252641-2983.92-0.01-sell-1"),
        LAST,
    ),
    "rest_funding": FundingUpdate(
        native="BTC-USDT",
        whole=True,
        rate=0.000251,
        mark_price=42216.4,
        index_price=42219.9,
        next_us=1702742400000000,
        interval_us=28_800_000_000,
        received_us=RECEIVED_US,
    ),
    "rest_instruments": InstrumentPage(
        instruments=(
            PERPETUAL,
            _listed(
                PERPETUAL,
                "1000PEPE/USDC",
                status="reducing",
                price_tick=Decimal("0.0000001"),
                quantity_step=Decimal(1),
                min_quantity=None,
                min_notional=None,
                max_leverage=None,
            ),
            _listed(
                PERPETUAL,
                "NEW/USDT",
                status="halted",
                price_tick=Decimal("0.0001"),
                quantity_step=Decimal("0.1"),
                min_quantity=None,
                min_notional=None,
                max_leverage=None,
            ),
        ),
        skipped=("BARE-USDT",),
    ),
}
