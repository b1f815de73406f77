"""What our own frames of OKX must become, value by value."""

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
    ServerClosing,
    Unexpected,
)

RECEIVED_US = 1_700_000_000_000_005


PAIR, SWAP = "BTC-USDT", "BTC-USDT-SWAP"

BOTH: dict[str, object] = {
    "book_snapshot": (
        BookSnapshot(
            native=PAIR,
            sequence=123456,
            replaces=True,
            bid_prices=(8476.97, 8475.55),
            bid_quantities=(256.0, 101.0),
            ask_prices=(8476.98, 8477.0),
            ask_quantities=(415.0, 7.0),
            venue_us=1597026383085000,
            received_us=RECEIVED_US,
        ),
    ),
    "book_delta": (
        BookDelta(
            native=PAIR,
            follows=123456,
            first=123460,
            sequence=123460,
            bid_prices=(8476.97,),
            bid_quantities=(250.5,),
            ask_prices=(8477.0,),
            ask_quantities=(0.0,),
            venue_us=1597026383185000,
            received_us=RECEIVED_US,
        ),
    ),
    "book_idle": (
        BookDelta(
            native=PAIR,
            follows=123460,
            first=123460,
            sequence=123460,
            bid_prices=(),
            bid_quantities=(),
            ask_prices=(),
            ask_quantities=(),
            received_us=RECEIVED_US,
        ),
    ),
    "book_anew": (
        BookDelta(
            native=PAIR,
            follows=123460,
            first=3,
            sequence=3,
            bid_prices=(),
            bid_quantities=(),
            ask_prices=(8478.0,),
            ask_quantities=(1.0,),
            venue_us=1597026443285000,
            received_us=RECEIVED_US,
        ),
    ),
    "book_exact": (
        BookDelta(
            native=PAIR,
            follows=3,
            first=5,
            sequence=5,
            bid_prices=(8476.97,),
            bid_quantities=(12345678901.123457,),
            ask_prices=(),
            ask_quantities=(),
            venue_us=1597026443385000,
            received_us=RECEIVED_US,
            exact={"bid_quantities[0]": "12345678901.1234567"},
        ),
    ),
    "book_five": (
        BookSnapshot(
            native=PAIR,
            sequence=363996337,
            replaces=True,
            routine=True,
            bid_prices=(111.05,),
            bid_quantities=(57745.0,),
            ask_prices=(111.06,),
            ask_quantities=(55154.0,),
            venue_us=1670324386802000,
            received_us=RECEIVED_US,
        ),
    ),
    "book_2022": (
        BookDelta(
            native=PAIR,
            follows=None,
            first=1652459225453,
            sequence=1652459225453,
            bid_prices=(30243.4,),
            bid_quantities=(1.5,),
            ask_prices=(30243.5,),
            ask_quantities=(0.0,),
            venue_us=1652459225453000,
            received_us=RECEIVED_US,
        ),
    ),
    "trade": (
        PublicTrade(
            native=PAIR,
            trade_id="130639474",
            sequence=130639474,
            price=42219.9,
            quantity=0.1234567890123456,
            side="buy",
            venue_us=1630048897897000,
            received_us=RECEIVED_US,
            exact={"quantity": "0.1234567890123456"},
        ),
    ),
    "trade_joined": (
        PublicTrade(
            native=PAIR,
            trade_id="130639474",
            sequence=130639474,
            price=42219.9,
            quantity=0.12060306,
            side="buy",
            venue_us=1630048897897000,
            received_us=RECEIVED_US,
        ),
    ),
    "ack": (Answer(request_id=1512, streams=(("book", PAIR),)),),
    "unsubscribed": (Answer(request_id=1513, streams=(("trade", PAIR),)),),
    "refusal": (
        Answer(
            request_id=None,
            error="60018 Wrong URL or channel:books,instId:NOPE-USDT doesn't exist. Please use the correct URL, "
            "channel and parameters referring to API document.",
            streams=(("book", "NOPE-USDT"),),
        ),
    ),
    "error": (
        Answer(
            request_id=1512,
            error='60012 Invalid request: {"op": "subscribe", "argss":[{ "channel" : "books", "instId" : "BTC-USDT"}]}',
        ),
    ),
    "closing": (
        ServerClosing(
            reason="The connection will soon be closed for a service upgrade. Please reconnect.",
        ),
    ),
    "counted": (Unexpected(kind="channel-conn-count"),),
    "unexpected": (Unexpected(kind="bbo-tbt"),),
    "unexpected_book": (Unexpected(kind="books-rpi"),),
    "rest_book": BookSnapshot(
        native=PAIR,
        sequence=1629966436396,
        replaces=False,
        limit=100,
        bid_prices=(41006.3,),
        bid_quantities=(0.30178218,),
        ask_prices=(41006.8,),
        ask_quantities=(0.60038921,),
        venue_us=1629966436396000,
        received_us=RECEIVED_US,
    ),
    "rest_trades": (
        PublicTrade(
            native=PAIR,
            trade_id="242720719",
            sequence=242720719,
            price=29964.1,
            quantity=0.1234567890123456,
            side="buy",
            venue_us=1654161641568000,
            received_us=RECEIVED_US,
            exact={"quantity": "0.1234567890123456"},
        ),
        PublicTrade(
            native=PAIR,
            trade_id="242720720",
            sequence=242720720,
            price=29963.2,
            quantity=0.00001,
            side="sell",
            venue_us=1654161646974000,
            received_us=RECEIVED_US,
        ),
    ),
}


def of_swap(value: object) -> object:
    """Return what stands for the swap where this stands for the pair."""
    if isinstance(value, tuple):
        return tuple(of_swap(one) for one in value)
    if isinstance(value, Answer):
        streams = tuple((channel, SWAP if name == PAIR else name) for channel, name in value.streams)
        return msgspec.structs.replace(value, streams=streams)
    return msgspec.structs.replace(value, native=SWAP) if isinstance(value, OF_ONE) else value


OF_ONE = (BookDelta, BookSnapshot, PublicTrade)
SPOT: dict[str, object] = {
    **BOTH,
    "rest_instruments": InstrumentPage(
        instruments=(
            Instrument(
                venue="okx",
                market="spot",
                symbol="BTC/USDT",
                native="BTC-USDT",
                base="BTC",
                quote="USDT",
                status="trading",
                price_tick=Decimal("0.1"),
                quantity_step=Decimal("0.00000001"),
                contract_size=Decimal(1),
                min_quantity=Decimal("0.00001"),
                max_quantity=Decimal(9999999999),
                maker_fee=Decimal("0.0008"),
                taker_fee=Decimal("0.001"),
                changes_us=1704876000000000,
                received_us=RECEIVED_US,
                published_us=RECEIVED_US,
            ),
            Instrument(
                venue="okx",
                market="spot",
                symbol="NEW/USDC",
                native="NEW-USDC",
                base="NEW",
                quote="USDC",
                status="halted",
                price_tick=Decimal("0.001"),
                quantity_step=Decimal(1),
                contract_size=Decimal(1),
                maker_fee=Decimal("0.0008"),
                taker_fee=Decimal("0.001"),
                received_us=RECEIVED_US,
                published_us=RECEIVED_US,
            ),
        ),
        skipped=("ODD-USDT",),
    ),
}
FUTURES: dict[str, object] = {
    **{name: of_swap(value) for name, value in BOTH.items()},
    "funding": (
        FundingUpdate(
            native="BTC-USDT-SWAP",
            whole=False,
            rate=-0.000069181086383,
            next_us=1706169600000000,
            interval_us=28_800_000_000,
            venue_us=1706148300320000,
            received_us=RECEIVED_US,
        ),
    ),
    "funding_none": (
        FundingUpdate(native="NEW-USDT-SWAP", whole=False, next_us=1706169600000000, received_us=RECEIVED_US),
    ),
    "mark": (
        FundingUpdate(
            native="BTC-USDT-SWAP",
            whole=False,
            mark_price=42310.6,
            venue_us=1630049139746000,
            received_us=RECEIVED_US,
        ),
    ),
    "index": (
        FundingUpdate(
            native="BTC-USDT-SWAP",
            whole=False,
            index_price=42310.12345678901,
            venue_us=1597026383085000,
            received_us=RECEIVED_US,
            exact={"index_price": "42310.123456789012345"},
        ),
    ),
    "ack_index": (Answer(request_id=1514, streams=(("funding", "BTC-USDT-SWAP"),)),),
    "ack_mark": (Answer(request_id=1514, streams=(("funding", "BTC-USDT-SWAP"),)),),
    "refusal_index": (
        Answer(
            request_id=None,
            error="60018 channel:index-tickers,instId:NOPE-USDT doesn't exist",
            streams=(("funding", "NOPE-USDT-SWAP"),),
        ),
    ),
    "rest_funding": FundingUpdate(
        native="BTC-USDT-SWAP",
        whole=False,
        rate=0.000079238688534,
        next_us=1703088000000000,
        interval_us=14_400_000_000,
        venue_us=1703070685309000,
        received_us=RECEIVED_US,
    ),
    "rest_instruments": InstrumentPage(
        instruments=(
            Instrument(
                venue="okx",
                market="futures",
                symbol="BTC/USDT",
                native="BTC-USDT-SWAP",
                base="BTC",
                quote="USDT",
                status="trading",
                price_tick=Decimal("0.1"),
                quantity_step=Decimal("0.0001"),
                contract_size=Decimal("0.01"),
                min_quantity=Decimal("0.0001"),
                max_quantity=Decimal(1000000),
                max_market_quantity=Decimal(120),
                max_leverage=Decimal(100),
                maker_fee=Decimal("0.0002"),
                taker_fee=Decimal("0.0005"),
                received_us=RECEIVED_US,
                published_us=RECEIVED_US,
            ),
            Instrument(
                venue="okx",
                market="futures",
                symbol="DOGE/USDC",
                native="DOGE-USDC-SWAP",
                base="DOGE",
                quote="USDC",
                status="halted",
                price_tick=Decimal("0.00001"),
                quantity_step=Decimal(10),
                contract_size=Decimal(1000),
                min_quantity=Decimal(50),
                max_quantity=Decimal(1000000),
                maker_fee=Decimal("0.0002"),
                taker_fee=Decimal("0.0005"),
                received_us=RECEIVED_US,
                published_us=RECEIVED_US,
            ),
        ),
        skipped=("ODD-USDT-SWAP",),
    ),
}
