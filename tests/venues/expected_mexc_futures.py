"""What our own frames of mexc futures must become, value by value."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from tapeline.domain.book import BookDelta, BookSnapshot
from tapeline.domain.events import Instrument, InstrumentStatus
from tapeline.venues.contract import (
    Answer,
    FundingUpdate,
    InstrumentPage,
    Pong,
    PublicTrade,
    ServerClosing,
    Unexpected,
)
from tests.venues.expected_mexc import RECEIVED_US


def perpetual(base: str, quote: str, status: InstrumentStatus, **other: Decimal) -> Instrument:
    rules = Instrument(
        venue="mexc",
        market="futures",
        symbol=f"{base}/{quote}",
        native=f"{base}_{quote}",
        base=base,
        quote=quote,
        status=status,
        price_tick=Decimal("0.5"),
        quantity_step=Decimal("0.0001"),
        contract_size=Decimal("0.0001"),
        min_quantity=Decimal("0.0001"),
        max_quantity=Decimal(100),
        max_market_quantity=Decimal(100),
        max_leverage=Decimal(125),
        maker_fee=Decimal("0.0002"),
        taker_fee=Decimal("0.0006"),
        received_us=RECEIVED_US,
        published_us=RECEIVED_US,
    )
    return msgspec.structs.replace(rules, **other)


FUTURES: dict[str, object] = {
    "book_delta": (
        BookDelta(
            native="DOGE_USDT",
            follows=8752807947,
            first=8752807948,
            sequence=8752808003,
            bid_prices=(0.08003, 0.07969),
            bid_quantities=(8905.0, 0.0),
            ask_prices=(0.0801, 0.08009),
            ask_quantities=(2868.0, 2700.0),
            venue_us=1789498405531000,
            received_us=RECEIVED_US,
        ),
    ),
    "book_delta_of_one_version": (
        BookDelta(
            native="BTC_USDT",
            follows=96801926,
            first=96801927,
            sequence=96801927,
            bid_prices=(),
            bid_quantities=(),
            ask_prices=(6859.5,),
            ask_quantities=(3251.0,),
            venue_us=1587442022003000,
            received_us=RECEIVED_US,
        ),
    ),
    "book_exponent": (
        BookDelta(
            native="BTC_USDT",
            follows=8752808003,
            first=8752808004,
            sequence=8752808005,
            bid_prices=(),
            bid_quantities=(),
            ask_prices=(75480.0,),
            ask_quantities=(0.0,),
            venue_us=1789498405531000,
            received_us=RECEIVED_US,
        ),
    ),
    "book_exact": (
        BookDelta(
            native="X_USDT",
            follows=7,
            first=8,
            sequence=8,
            bid_prices=(0.1,),
            bid_quantities=(5.0,),
            ask_prices=(0.12345678901234566,),
            ask_quantities=(12345678901234568.0,),
            venue_us=1789498405534000,
            received_us=RECEIVED_US,
            exact={"ask_prices[0]": "0.12345678901234567", "ask_quantities[0]": "12345678901234567"},
        ),
    ),
    "book_whole": (
        BookSnapshot(
            native="RIF_USDT",
            sequence=5220571685,
            replaces=True,
            routine=True,
            bid_prices=(0.08049,),
            bid_quantities=(46.0,),
            ask_prices=(0.08055,),
            ask_quantities=(48.0,),
            venue_us=1789498322165000,
            received_us=RECEIVED_US,
        ),
    ),
    "trade": (
        PublicTrade(
            native="BTC_USDT",
            trade_id="77",
            price=6866.5,
            quantity=2096.0,
            side="buy",
            venue_us=1587442049632000,
            received_us=RECEIVED_US,
        ),
        PublicTrade(
            native="BTC_USDT",
            trade_id="1587442049632-sell-6866.5-5.0",
            price=6866.5,
            quantity=5.0,
            side="sell",
            venue_us=1587442049632000,
            received_us=RECEIVED_US,
        ),
        PublicTrade(
            native="BTC_USDT",
            trade_id="1587442049632-sell-6866.5-5.0-2",
            price=6866.5,
            quantity=5.0,
            side="sell",
            venue_us=1587442049632000,
            received_us=RECEIVED_US,
        ),
    ),
    "trade_alone": (
        PublicTrade(
            native="BTC_USDT",
            trade_id="1587442049632-buy-6866.5123456789015-2096.0",
            price=6866.5123456789015,
            quantity=2096.0,
            side="buy",
            venue_us=1587442049632000,
            received_us=RECEIVED_US,
            exact={"price": "6866.512345678901234"},
        ),
    ),
    "funding": (
        FundingUpdate(
            native="BTC_USDT",
            whole=False,
            rate=0.000081,
            next_us=1789516800000000,
            venue_us=1789498561049000,
            received_us=RECEIVED_US,
        ),
    ),
    "funding_mark": (
        FundingUpdate(
            native="BTC_USDT",
            whole=False,
            mark_price=75986.0,
            venue_us=1789498540821000,
            received_us=RECEIVED_US,
        ),
    ),
    "funding_index": (
        FundingUpdate(
            native="BTC_USDT",
            whole=False,
            index_price=76027.12345678901,
            venue_us=1789498540911000,
            received_us=RECEIVED_US,
            exact={"index_price": "76027.123456789012345"},
        ),
    ),
    "ack": (Answer(request_id=None, streams=(("book", None),)),),
    "ack_of_funding": (Answer(request_id=None, streams=(("funding", None),)),),
    "ack_of_a_part": (),
    "ack_of_giving_up": (),
    "ack_of_another": (Unexpected(kind="rs.sub.ticker: success"),),
    "refusal": (
        Answer(
            request_id=None,
            error="Contract [NOPE_USDT] not exists",
            streams=(("book", "NOPE_USDT"), ("trade", "NOPE_USDT"), ("funding", "NOPE_USDT")),
        ),
    ),
    "refusal_of_no_contract": (Answer(request_id=None, error="Not support limit"),),
    "refusal_in_an_answer": (Answer(request_id=None, error="too many", streams=(("trade", None),)),),
    "closing": (ServerClosing(reason="more than 60 seconds no response, close the channel"),),
    "pong": (Pong(),),
    "ticker": (Unexpected(kind="push.ticker"),),
    "rest_book": BookSnapshot(
        native="BTC_USDT",
        sequence=41770922520,
        replaces=False,
        limit=100,
        bid_prices=(75479.9, 75479.8),
        bid_quantities=(3.0, 4.0),
        ask_prices=(75480.0,),
        ask_quantities=(10.0,),
        venue_us=1789498322169000,
        received_us=RECEIVED_US,
    ),
    "rest_trades": (
        PublicTrade(
            native="BTC_USDT",
            trade_id="1609831234759-sell-31199.0-15.0",
            price=31199.0,
            quantity=15.0,
            side="sell",
            venue_us=1609831234759000,
            received_us=RECEIVED_US,
        ),
        PublicTrade(
            native="BTC_USDT",
            trade_id="1609831235985-buy-31199.0-18.0",
            price=31199.0,
            quantity=18.0,
            side="buy",
            venue_us=1609831235985000,
            received_us=RECEIVED_US,
        ),
    ),
    "rest_funding": FundingUpdate(
        native="BTC_USDT",
        whole=True,
        rate=0.000014,
        mark_price=75986.0,
        index_price=76027.1,
        next_us=1643241600000000,
        interval_us=28_800_000_000,
        venue_us=1643240373359000,
        received_us=RECEIVED_US,
    ),
    "rest_instruments": InstrumentPage(
        instruments=(
            perpetual("BTC", "USDT", "trading"),
            perpetual(
                "DOGE",
                "USDC",
                "reducing",
                price_tick=Decimal("0.00001"),
                quantity_step=Decimal(10),
                contract_size=Decimal(10),
                min_quantity=Decimal(20),
                max_quantity=Decimal(5000),
                max_market_quantity=Decimal(10_000_000),
            ),
            perpetual("OFF", "USDT", "halted"),
            perpetual("END", "USDT", "closed"),
            perpetual("PAUSE", "USDT", "halted", maker_fee=Decimal(0), taker_fee=Decimal("0.0002")),
        ),
        skipped=("BAD_USDT",),
    ),
}
