"""OKX's instruments: which of a list are ours, and their rules in base units, whatever a contract holds."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Final

import msgspec

from tapeline.domain.events import Instrument, Market
from tapeline.errors import InvalidMessage
from tapeline.venues.contract import Facts, Milliseconds
from tapeline.venues.okx import wire

US_PER_MS: Final = 1_000


def symbol(listing: wire.Listing, market: Market) -> str | None:
    """Return the symbol of a spot pair, or of a linear perpetual that settles in its quote; None for all others."""
    if market == "spot":
        return f"{listing.base_ccy}/{listing.quote_ccy}"
    base, _, quote = listing.uly.partition("-")
    return f"{base}/{quote}" if listing.ct_type == "linear" and listing.settle_ccy == quote else None


def instrument(listing: wire.Listing, symbol: str, facts: Facts, received_us: int) -> Instrument | None:
    """Return the instrument; None where its rules say too little to trade by."""
    base, _, quote = symbol.partition("/")
    futures = facts.market == "futures"
    size = _contract(listing, base) if futures else Decimal(1)
    step, tick = _decimal(listing.lot_sz, "lotSz"), _decimal(listing.tick_sz, "tickSz")
    if not step or not tick or not size:
        return None
    return Instrument(
        venue=facts.venue,
        market=facts.market,
        symbol=symbol,
        native=listing.native,
        base=base,
        quote=quote,
        # All other states (suspend, preopen, post_only, rebase, test) take no plain orders now.
        status="trading" if listing.state == "live" else "halted",
        price_tick=tick,
        quantity_step=step * size,
        contract_size=size,
        min_quantity=_times(_decimal(listing.min_sz, "minSz"), size),
        max_quantity=_times(_decimal(listing.max_lmt_sz, "maxLmtSz"), size),
        # On spot it is a value in USDT.
        max_market_quantity=_times(_decimal(listing.max_mkt_sz, "maxMktSz"), size) if futures else None,
        # On spot it is that of borrowing.
        max_leverage=_decimal(listing.lever, "lever") if futures else None,
        maker_fee=Decimal(facts.maker_fee),
        taker_fee=Decimal(facts.taker_fee),
        changes_us=_changes_us(listing),
        received_us=received_us,
        published_us=received_us,
    )


def _contract(listing: wire.Listing, base: str) -> Decimal | None:
    """Return how much of the base one contract is, None where that is not said."""
    value, multiplier = _decimal(listing.ct_val, "ctVal"), _decimal(listing.ct_mult, "ctMult")
    if not value or not multiplier or listing.ct_val_ccy != base:
        return None
    return value * multiplier


def _changes_us(listing: wire.Listing) -> int | None:
    """Return when the first of the announced changes comes."""
    times = [change.eff_time for change in listing.upc_chg if change.eff_time]
    try:
        return min(msgspec.convert(text, Milliseconds, strict=False) for text in times) * US_PER_MS if times else None
    except msgspec.ValidationError as error:
        raise InvalidMessage("no such time", field="upcChg.effTime", value=times) from error


def _decimal(text: str, name: str) -> Decimal | None:
    """Return a rule's number, None where there is no such rule: OKX writes "" or 0."""
    try:
        number = Decimal(text or 0)
    except InvalidOperation as error:
        raise InvalidMessage("no such number", field=name, value=text) from error
    if not number.is_finite() or number < 0:
        raise InvalidMessage("no such number", field=name, value=text)
    return number or None


def _times(count: Decimal | None, size: Decimal) -> Decimal | None:
    return None if count is None else count * size
