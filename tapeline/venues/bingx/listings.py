"""BingX's lists of instruments as our rules: quantities in the base coin; a pair whose rules say too little is skipped.

Spot names steps, swaps name digits behind the point. A list has no base and quote of spot, so both markets cut the
name at its dash, which is how BingX itself writes a pair.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from tapeline.domain.events import Instrument, InstrumentStatus
from tapeline.venues.bingx import wire
from tapeline.venues.contract import Facts

ONLINE: Final = 1
OFFLINE: Final = 0
STOPPED: Final = 25
"""Of a swap: no position may be opened. Of a pair: no trading. Others (5, 10) have not begun."""


def pair(symbol: str) -> tuple[str, str] | None:
    """Return base and quote of a name, None where it is not one of two parts."""
    base, dash, quote = symbol.partition("-")
    return (base, quote) if base and dash and quote and "-" not in quote else None


def settled_in_quote(listing: wire.SwapListing) -> bool:
    """Tell whether a contract is linear: margined in the coin that its price is in."""
    found = pair(listing.symbol)
    return found is None or found[1] == listing.currency


def of_spot(facts: Facts, listing: wire.SpotListing, received_us: int) -> Instrument | None:
    """Return a pair's rules, None where they say too little."""
    names = pair(listing.symbol)
    if names is None or not listing.tick_size or not listing.step_size:
        return None
    return Instrument(
        venue=facts.venue,
        market=facts.market,
        symbol="/".join(names),
        native=listing.symbol,
        base=names[0],
        quote=names[1],
        status=_status(listing.status, opens=listing.api_state_buy, closes=listing.api_state_sell, stopped="halted"),
        price_tick=listing.tick_size,
        quantity_step=listing.step_size,
        contract_size=Decimal(1),
        min_notional=listing.min_notional or None,
        maker_fee=Decimal(facts.maker_fee),
        taker_fee=Decimal(facts.taker_fee),
        received_us=received_us,
        published_us=received_us,
    )


def of_swap(facts: Facts, listing: wire.SwapListing, received_us: int) -> Instrument | None:
    """Return a swap's rules, None where they say too little."""
    names = pair(listing.symbol)
    if names is None or listing.price_precision is None or listing.quantity_precision is None:
        return None
    leverages = [most for most in (listing.max_long_leverage, listing.max_short_leverage) if most]
    maker, taker = listing.maker_fee_rate, listing.taker_fee_rate
    return Instrument(
        venue=facts.venue,
        market=facts.market,
        symbol="/".join(names),
        native=listing.symbol,
        base=names[0],
        quote=names[1],
        status=_status(
            listing.status, opens=listing.api_state_open, closes=listing.api_state_close, stopped="reducing"
        ),
        price_tick=_step(listing.price_precision),
        quantity_step=_step(listing.quantity_precision),
        contract_size=Decimal(1),
        min_quantity=listing.trade_min_quantity or None,
        min_notional=listing.least_value or None,
        max_leverage=min(leverages, default=None),
        maker_fee=Decimal(facts.maker_fee) if maker is None else maker,
        taker_fee=Decimal(facts.taker_fee) if taker is None else taker,
        received_us=received_us,
        published_us=received_us,
    )


def _status(told: int, *, opens: bool, closes: bool, stopped: InstrumentStatus) -> InstrumentStatus:
    if told == OFFLINE:
        return "closed"
    if not closes:
        return "halted"
    if told == ONLINE:
        return "trading" if opens else "reducing"
    return stopped if told == STOPPED else "halted"


def _step(digits: int) -> Decimal:
    return Decimal(1).scaleb(-digits)
