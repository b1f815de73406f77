"""What our own frames of mexc spot must become, value by value."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from tapeline.domain.book import BookDelta, BookSnapshot
from tapeline.domain.events import Instrument, InstrumentStatus
from tapeline.venues.contract import (
    Answer,
    InstrumentPage,
    Pong,
    PublicTrade,
    StreamChannel,
    Unexpected,
)

RECEIVED_US = 1_700_000_000_000_005
BOTH: tuple[tuple[StreamChannel, str | None], ...] = (("book", "BTCUSDT"), ("trade", "BTCUSDT"))
DEPTH = "spot@public.aggre.depth.v3.api.pb@100ms@BTCUSDT"
DEALS = "spot@public.aggre.deals.v3.api.pb@100ms@BTCUSDT"


def pair(base: str, status: InstrumentStatus, **other: Decimal | None) -> Instrument:
    rules = Instrument(
        venue="mexc",
        market="spot",
        symbol=f"{base}/USDT",
        native=f"{base}USDT",
        base=base,
        quote="USDT",
        status=status,
        price_tick=Decimal("0.00001"),
        quantity_step=Decimal("0.01"),
        contract_size=Decimal(1),
        min_notional=Decimal(1),
        maker_fee=Decimal("0.0004"),
        taker_fee=Decimal("0.0005"),
        received_us=RECEIVED_US,
        published_us=RECEIVED_US,
    )
    return msgspec.structs.replace(rules, **other)


SPOT: dict[str, object] = {
    "book_delta": (
        BookDelta(
            native="BTCUSDT",
            follows=10589632358,
            first=10589632359,
            sequence=10589632359,
            bid_prices=(92876.99,),
            bid_quantities=(0.5,),
            ask_prices=(92877.58,),
            ask_quantities=(0.0,),
            venue_us=1736411507002000,
            received_us=RECEIVED_US,
        ),
    ),
    "book_exact": (
        BookDelta(
            native="BTCUSDT",
            follows=10589632359,
            first=10589632360,
            sequence=10589632379,
            bid_prices=(),
            bid_quantities=(),
            ask_prices=(92877.58,),
            ask_quantities=(12345678901.123457,),
            venue_us=1736411507001000,
            received_us=RECEIVED_US,
            exact={"ask_quantities[0]": "12345678901.1234567"},
        ),
    ),
    "book_whole": (
        BookSnapshot(
            native="BTCUSDT",
            sequence=36913565463,
            replaces=True,
            routine=True,
            bid_prices=(92876.99, 92876.98),
            bid_quantities=(0.5, 1.0),
            ask_prices=(92877.58,),
            ask_quantities=(0.25,),
            venue_us=1736411507002000,
            received_us=RECEIVED_US,
        ),
    ),
    "trade": (
        PublicTrade(
            native="BTCUSDT",
            trade_id="1736409765051-sell-93220.0-0.04438243",
            price=93220.0,
            quantity=0.04438243,
            side="sell",
            venue_us=1736409765051000,
            received_us=RECEIVED_US,
        ),
    ),
    "trades": (
        PublicTrade(
            native="BTCUSDT",
            trade_id="1736409765051-buy-93220.0-0.1",
            price=93220.0,
            quantity=0.1,
            side="buy",
            venue_us=1736409765051000,
            received_us=RECEIVED_US,
        ),
        PublicTrade(
            native="BTCUSDT",
            trade_id="1736409765051-buy-93220.0-0.1-2",
            price=93220.0,
            quantity=0.1,
            side="buy",
            venue_us=1736409765051000,
            received_us=RECEIVED_US,
        ),
        PublicTrade(
            native="BTCUSDT",
            trade_id="7712345",
            price=93220.0,
            quantity=0.1234567890123456,
            side="sell",
            venue_us=1736409765051000,
            received_us=RECEIVED_US,
            exact={"quantity": "0.1234567890123456"},
        ),
    ),
    "bbo": (Unexpected(kind="spot@public.aggre.bookTicker.v3.api.pb@100ms@BTCUSDT"),),
    "empty": (Unexpected(kind=f"{DEPTH} without a body"),),
    "ack": (Answer(request_id=None, streams=BOTH),),
    "ack_of_another": (Unexpected(kind="spot@public.limit.depth.v3.api.pb@BTCUSDT@5"),),
    "refusal": (
        Answer(
            request_id=None,
            error=f"Not Subscribed successfully! [{DEPTH},{DEALS}].  Reason\uff1a Blocked!",
            streams=BOTH,
        ),
    ),
    "refusal_of_one": (
        Answer(
            request_id=None,
            error=f"{DEPTH},Not Subscribed successfully! [{DEALS}].  Reason\uff1a Blocked!",
            streams=BOTH[1:],
        ),
        Answer(request_id=None, streams=BOTH[:1]),
    ),
    "refusal_by_code": (Answer(request_id=None, error="1 Invalid listen key"),),
    "pong": (Pong(),),
    "old_socket": (Unexpected(kind="spot@public.bookTicker.v3.api@ETHUSDT"),),
    "rest_book": BookSnapshot(
        native="BTCUSDT",
        sequence=1112416,
        replaces=False,
        limit=100,
        bid_prices=(14.0, 13.9),
        bid_quantities=(1.0, 12345678901.123457),
        ask_prices=(15.0,),
        ask_quantities=(49999.0,),
        venue_us=1736411507002000,
        received_us=RECEIVED_US,
        exact={"bid_quantities[1]": "12345678901.1234567"},
    ),
    "rest_trades": (
        PublicTrade(
            native="BTCUSDT",
            trade_id="1737623988876-sell-3219.58-0.5",
            price=3219.58,
            quantity=0.5,
            side="sell",
            venue_us=1737623988876000,
            received_us=RECEIVED_US,
        ),
        PublicTrade(
            native="BTCUSDT",
            trade_id="1737623988876-sell-3219.58-0.09293",
            price=3219.58,
            quantity=0.09293,
            side="sell",
            venue_us=1737623988876000,
            received_us=RECEIVED_US,
        ),
        PublicTrade(
            native="BTCUSDT",
            trade_id="1737623988876-sell-3219.58-0.09293-2",
            price=3219.58,
            quantity=0.09293,
            side="sell",
            venue_us=1737623988876000,
            received_us=RECEIVED_US,
        ),
        PublicTrade(
            native="BTCUSDT",
            trade_id="1737623988881-buy-3219.58-0.04757",
            price=3219.58,
            quantity=0.04757,
            side="buy",
            venue_us=1737623988881000,
            received_us=RECEIVED_US,
        ),
    ),
    "rest_instruments": InstrumentPage(
        instruments=(
            pair("BROCK", "trading"),
            pair("A", "reducing", min_notional=None, min_quantity=Decimal("0.5"), maker_fee=Decimal(0)),
            pair("B", "halted"),
            pair("C", "closed"),
            pair("D", "halted"),
            pair("E", "halted"),
        ),
        skipped=("FUSDT",),
    ),
}
