"""Which of Bitget's instruments are ours and their rules, exact: multiples where it names them, else digits."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Final

from tapeline.domain.events import Instrument, InstrumentStatus, Market
from tapeline.errors import InvalidMessage
from tapeline.venues.bitget import wire
from tapeline.venues.contract import Facts

US_PER_HOUR: Final = 3_600_000_000
SETTLES: Final = "USDT"
STATUSES: Final[Mapping[str, InstrumentStatus]] = {
    "online": "trading",
    "normal": "trading",
    "limit_open": "reducing",
    "offline": "closed",
    "off": "closed",
}
"""All others (listed, gray, halt, maintain, limit_close, restrictedAPI ..) take no orders of ours now."""
MOST_DIGITS: Final = 40
LARGEST: Final = Decimal(10) ** MOST_DIGITS


def ours(listing: wire.Listing, market: Market) -> bool:
    """Tell whether this is a plain pair, or a perpetual that USDT settles; real shares are no pairs."""
    if market == "spot":
        return (listing.is_reality or "").lower() != "yes"
    return listing.quote_coin == SETTLES and "perpetual" in {listing.contract_type, listing.symbol_type}


def instrument(listing: wire.Listing, facts: Facts, received_us: int) -> Instrument | None:
    """Return the rules of an instrument, None where they say too little to trade by."""
    futures = facts.market == "futures"
    tick, step = _tick(listing, futures=futures), _step(listing, futures=futures)
    if tick is None or step is None:
        return None
    return Instrument(
        venue=facts.venue,
        market=facts.market,
        symbol=f"{listing.base_coin}/{listing.quote_coin}",
        native=listing.symbol,
        base=listing.base_coin,
        quote=listing.quote_coin,
        status=STATUSES.get(listing.status or listing.symbol_status or "", "halted"),
        price_tick=tick,
        quantity_step=step,
        contract_size=Decimal(1),
        min_quantity=_least(listing),
        max_quantity=_rule(listing.max_order_qty, "maxOrderQty") or _rule(listing.max_trade_amount, "maxTradeAmount"),
        max_market_quantity=_rule(listing.max_market_order_qty, "maxMarketOrderQty"),
        min_notional=_least_value(listing),
        max_leverage=_leverage(listing) if futures else None,
        maker_fee=_fee(listing.maker_fee_rate, "makerFeeRate", facts.maker_fee),
        taker_fee=_fee(listing.taker_fee_rate, "takerFeeRate", facts.taker_fee),
        funding_interval_us=hours(listing.fund_interval, "fundInterval") if futures else None,
        received_us=received_us,
        published_us=received_us,
    )


def hours(told: wire.Text, name: str) -> int | None:
    """Return an interval that is told in hours, None where there is none."""
    found = _rule(told, name)
    return None if found is None else int(found * US_PER_HOUR)


def _tick(listing: wire.Listing, *, futures: bool) -> Decimal | None:
    if listing.price_multiplier:
        return _rule(listing.price_multiplier, "priceMultiplier")
    if not futures:
        return _digits(listing.price_precision, "pricePrecision")
    # v2: so many of the last digit. Digits alone are no rule here: a tick may be several of them.
    last, steps = _digits(listing.price_place, "pricePlace"), _rule(listing.price_end_step, "priceEndStep")
    return None if last is None or steps is None else last * steps


def _step(listing: wire.Listing, *, futures: bool) -> Decimal | None:
    if listing.quantity_multiplier:
        return _rule(listing.quantity_multiplier, "quantityMultiplier")
    if futures:
        return _rule(listing.size_multiplier, "sizeMultiplier")
    return _digits(listing.quantity_precision, "quantityPrecision")


def _least(listing: wire.Listing) -> Decimal | None:
    return (
        _rule(listing.min_order_qty, "minOrderQty")
        or _rule(listing.min_trade_num, "minTradeNum")
        or _rule(listing.min_trade_amount, "minTradeAmount")
    )


def _least_value(listing: wire.Listing) -> Decimal | None:
    """Return the least value of an order; v2 tells it in USDT, which is no rule for other quotes."""
    in_usdt = _rule(listing.min_trade_usdt, "minTradeUSDT") if listing.quote_coin == SETTLES else None
    return _rule(listing.min_order_amount, "minOrderAmount") or in_usdt


def _leverage(listing: wire.Listing) -> Decimal | None:
    return _rule(listing.max_leverage, "maxLeverage") or _rule(listing.max_lever, "maxLever")


def _fee(told: wire.Text, name: str, usual: str) -> Decimal:
    """Return a fee; 0 is one, "" is none."""
    return Decimal(usual) if told in {None, ""} else _rule(told, name) or Decimal(0)


def _digits(told: wire.Text, name: str) -> Decimal | None:
    """Return the unit of the last of so many digits; 0 digits are whole numbers."""
    if told in {None, ""}:
        return None
    text = str(told)
    if not (text.isascii() and text.isdigit() and len(text) <= 2 and int(text) <= MOST_DIGITS):  # noqa: PLR2004 - as MOST_DIGITS has
        raise InvalidMessage("no such number of digits", field=name, value=told)
    return Decimal(1).scaleb(-int(text))


def _rule(told: wire.Text, name: str) -> Decimal | None:
    """Return a rule's number, None where there is no such rule: Bitget writes "" or 0."""
    if told in {None, ""}:
        return None
    try:
        found = Decimal(str(told))
        if 0 <= found < LARGEST:
            return found or None
    except InvalidOperation as error:
        raise InvalidMessage("no such number", field=name, value=told) from error
    raise InvalidMessage("no such number", field=name, value=told)
