"""What our own frames of coinex must become, value by value."""

from __future__ import annotations

from decimal import Decimal

from tapeline.domain.book import BookDelta, BookSnapshot
from tapeline.domain.checksum import Check
from tapeline.domain.events import Instrument
from tapeline.venues.contract import Answer, FundingUpdate, InstrumentPage, Pong, PublicTrade, Unexpected

RECEIVED_US = 1_700_000_000_000_005

_WHOLE = Check(
    value=3701548920,
    bids=(("86690", "0.61130406"), ("86682", "1.49973466"), ("86669", "1.15381508")),
    asks=(("86760", "0.58242844"), ("86768", "1.49824820"), ("86788", "1.15223302")),
)
_TRADES = (
    PublicTrade(
        native="BTCUSDT",
        trade_id="3514376758",
        price=30718.41,
        quantity=1234567.1234567892,
        side="sell",
        venue_us=1689152421692000,
        received_us=RECEIVED_US,
        exact={"quantity": "1234567.1234567891"},
    ),
    PublicTrade(
        native="BTCUSDT",
        trade_id="3514376759",
        price=30718.42,
        quantity=0.00000325,
        side="buy",
        venue_us=1689152421693000,
        received_us=RECEIVED_US,
    ),
)
_BOTH: dict[str, object] = {
    "book_snapshot": (
        BookSnapshot(
            native="BTCUSDT",
            sequence=1790133816976,
            replaces=True,
            routine=True,
            bid_prices=(86690.0, 86682.0, 86669.0),
            bid_quantities=(0.61130406, 1.49973466, 1.15381508),
            ask_prices=(86760.0, 86768.0, 86788.0),
            ask_quantities=(0.58242844, 1.4982482, 1.15223302),
            venue_us=1790133816976000,
            received_us=RECEIVED_US,
            check=_WHOLE,
        ),
    ),
    "book_delta": (
        BookDelta(
            native="BTCUSDT",
            follows=None,
            first=1790133817176,
            sequence=1790133817176,
            bid_prices=(86682.0, 86680.5),
            bid_quantities=(0.0, 0.4),
            ask_prices=(86760.0,),
            ask_quantities=(0.6,),
            venue_us=1790133817176000,
            received_us=RECEIVED_US,
            check=Check(
                value=325907212,
                bids=(("86682", "0"), ("86680.5", "0.40000000")),
                asks=(("86760", "0.60000000"),),
            ),
        ),
    ),
    "book_exact": (
        BookDelta(
            native="BTCUSDT",
            follows=None,
            first=1790133817376,
            sequence=1790133817376,
            bid_prices=(86690.0,),
            bid_quantities=(12345678.123456789,),
            ask_prices=(),
            ask_quantities=(),
            venue_us=1790133817376000,
            received_us=RECEIVED_US,
            exact={"bid_quantities[0]": "12345678.123456789"},
            check=Check(value=3783420404, bids=(("86690", "12345678.123456789"),), asks=()),
        ),
    ),
    "trade": _TRADES,
    "ack": (Answer(request_id=1),),
    "refusal": (Answer(request_id=8, error="30002 unknown method"),),
    "refusal_of_code_0": (Answer(request_id=9, error="invalid market"),),
    "pong": (Pong(request_id=4),),
    "unexpected": (Unexpected(kind="bbo.update"),),
    # Its checksum is written signed.
    "rest_book": BookSnapshot(
        native="BTCUSDT",
        sequence=1790133816976,
        replaces=False,
        bid_prices=(86690.0, 86682.0, 86669.0),
        bid_quantities=(0.61130406, 1.49973466, 1.15381508),
        ask_prices=(86760.0, 86768.0, 86788.0),
        ask_quantities=(0.58242844, 1.4982482, 1.15223302),
        venue_us=1790133816976000,
        received_us=RECEIVED_US,
        check=_WHOLE,
    ),
    "rest_trades": _TRADES,
}
SPOT: dict[str, object] = {
    **_BOTH,
    "unexpected_state": (Unexpected(kind="state.update"),),
    "rest_instruments": InstrumentPage(
        instruments=(
            Instrument(
                venue="coinex",
                market="spot",
                symbol="BTC/USDT",
                native="BTCUSDT",
                base="BTC",
                quote="USDT",
                status="trading",
                price_tick=Decimal("0.01"),
                quantity_step=Decimal("0.00000001"),
                contract_size=Decimal(1),
                min_quantity=Decimal("0.0005"),
                maker_fee=Decimal("0.0015"),
                taker_fee=Decimal("0.002"),
                received_us=RECEIVED_US,
                published_us=RECEIVED_US,
            ),
            Instrument(
                venue="coinex",
                market="spot",
                symbol="OLD/USDT",
                native="OLDUSDT",
                base="OLD",
                quote="USDT",
                status="halted",
                price_tick=Decimal("0.000000000001"),
                quantity_step=Decimal(1),
                contract_size=Decimal(1),
                maker_fee=Decimal("0.002"),
                taker_fee=Decimal("0.002"),
                received_us=RECEIVED_US,
                published_us=RECEIVED_US,
            ),
        ),
        skipped=("ODDUSDT",),
    ),
}
FUTURES: dict[str, object] = {
    **_BOTH,
    "funding": (
        FundingUpdate(
            native="BTCUSDT",
            whole=True,
            rate=-0.00012,
            mark_price=83154.0,
            index_price=85618.24,
            next_us=1790092800000000,
            interval_us=28800000000,
            received_us=RECEIVED_US,
        ),
        FundingUpdate(
            native="ETHUSDT",
            whole=True,
            rate=0.1234567890123456,
            next_us=1790092800000000,
            received_us=RECEIVED_US,
            exact={"rate": "0.1234567890123456"},
        ),
    ),
    "rest_funding": FundingUpdate(
        native="BTCUSDT",
        whole=True,
        rate=-0.00012,
        mark_price=83154.0,
        next_us=1790092800000000,
        interval_us=28800000000,
        received_us=RECEIVED_US,
    ),
    "rest_instruments": InstrumentPage(
        instruments=(
            Instrument(
                venue="coinex",
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
                max_leverage=Decimal(100),
                maker_fee=Decimal("0.0003"),
                taker_fee=Decimal("0.0005"),
                received_us=RECEIVED_US,
                published_us=RECEIVED_US,
            ),
            Instrument(
                venue="coinex",
                market="futures",
                symbol="ETH/USDT",
                native="ETHUSDT",
                base="ETH",
                quote="USDT",
                status="halted",
                price_tick=Decimal("0.01"),
                quantity_step=Decimal("0.001"),
                contract_size=Decimal(1),
                min_quantity=Decimal("0.005"),
                maker_fee=Decimal("0.0003"),
                taker_fee=Decimal("0.0005"),
                received_us=RECEIVED_US,
                published_us=RECEIVED_US,
            ),
            Instrument(
                venue="coinex",
                market="futures",
                symbol="LTC/USDT",
                native="LTCUSDT",
                base="LTC",
                quote="USDT",
                status="closed",
                price_tick=Decimal("0.01"),
                quantity_step=Decimal("0.01"),
                contract_size=Decimal(1),
                min_quantity=Decimal("0.1"),
                maker_fee=Decimal("0.0003"),
                taker_fee=Decimal("0.0005"),
                received_us=RECEIVED_US,
                published_us=RECEIVED_US,
            ),
        )
    ),
}
