"""Hand-made views of one symbol: two futures and a spot instrument, one of them dear enough to trade against."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

import msgspec

from tapeline.domain.account_records import Holding, Portfolio, Slot
from tapeline.domain.events import Book, Instrument, Market
from tapeline.domain.order_records import Cause
from tapeline.strategies.contract import Nothing, View
from tapeline.strategies.holdings import empty
from tapeline.strategies.two_leg import TwoLegParameters

NOW: Final = 1_790_000_000_000_000
SYMBOL: Final = "BTC/USDT"
FEES: Final[dict[tuple[str, Market], float]] = {
    ("binance", "spot"): 0.0002,
    ("binance", "futures"): 0.0001,
    ("bybit", "futures"): 0.0001,
}
SPOT, CHEAP, DEAR = "binance:spot:BTC/USDT", "binance:futures:BTC/USDT", "bybit:futures:BTC/USDT"


def book(venue: str, market: Market, bid: float, ask: float, **changed: Any) -> Book:  # noqa: ANN401 - any field
    """Return a valid book of two levels on each side, published now."""
    found = Book(
        venue=venue,
        market=market,
        symbol=SYMBOL,
        epoch=7,
        sequence=11,
        state="valid",
        depth=2,
        bid_prices=(bid, bid - 1.0),
        bid_quantities=(1.0, 2.0),
        ask_prices=(ask, ask + 1.0),
        ask_quantities=(1.0, 2.0),
        first_received_us=NOW - 3_000,
        received_us=NOW - 2_000,
        published_us=NOW - 1_000,
    )
    return msgspec.structs.replace(found, **changed)


def rules(venue: str, market: Market, step: str, **changed: Any) -> Instrument:  # noqa: ANN401 - any field
    """Return the rules of an instrument that trades."""
    found = Instrument(
        venue=venue,
        market=market,
        symbol=SYMBOL,
        native="BTCUSDT",
        base="BTC",
        quote="USDT",
        status="trading",
        price_tick=Decimal("0.1"),
        quantity_step=Decimal(step),
        contract_size=Decimal(1),
        min_quantity=Decimal(step),
        min_notional=Decimal(5),
        received_us=NOW,
        published_us=NOW,
    )
    return msgspec.structs.replace(found, **changed)


BOOKS: Final = {
    SPOT: book("binance", "spot", 999.0, 1_000.5),
    CHEAP: book("binance", "futures", 999.0, 1_000.0),
    DEAR: book("bybit", "futures", 1_005.0, 1_006.0, first_received_us=NOW - 4_000),
}
RULES: Final = {
    SPOT: rules("binance", "spot", "0.0001"),
    CHEAP: rules("binance", "futures", "0.002"),
    DEAR: rules("bybit", "futures", "0.003"),
}
PLACES: Final = {
    name: Cause(topic="md.book", partition=3, offset=offset) for offset, name in enumerate((SPOT, CHEAP, DEAR))
}


def portfolio(**changed: Any) -> Portfolio:  # noqa: ANN401 - any field
    """Return a portfolio that holds nothing and has rested."""
    return msgspec.structs.replace(empty("two-leg-1", SYMBOL, "main"), **changed)


def held(**changed: Any) -> Portfolio:  # noqa: ANN401 - any field
    """Return a portfolio with an open pair: long 0.3 on the cheap one at 1000, short 0.3 on the dear one at 1005."""
    long = Holding(
        venue="binance",
        market="futures",
        side="long",
        quantity=Decimal("0.3"),
        entry_price=Decimal(1_000),
        unrealized_pnl=Decimal(0),
        opened_us=NOW - 10_000_000,
    )
    short = msgspec.structs.replace(long, venue="bybit", side="short", entry_price=Decimal(1_005))
    found = portfolio(
        version=9,
        pair_state="POSITION_OPEN",
        pair_round=4,
        positions=(long, short),
        # The entry has settled, so its slot is in the next round.
        slots=(Slot(slot=0, round=5),),
        at_us=NOW - 1,
    )
    return msgspec.structs.replace(found, **changed)


def view(**changed: Any) -> View[TwoLegParameters, Nothing]:  # noqa: ANN401 - any field
    """Return a view in which entering pays."""
    found: dict[str, Any] = {
        "strategy": "two-leg-1",
        "account": "main",
        "symbol": SYMBOL,
        "now_us": NOW,
        "books": BOOKS,
        "instruments": RULES,
        "fees": FEES,
        "portfolio": portfolio(),
        "parameters": TwoLegParameters(),
        "memory": Nothing(),
        "places": PLACES,
        "news": frozenset({DEAR}),
    }
    return View(**(found | changed))
