"""Profit as exact cash flow, a second way that knows no averages: what came in less what went out, and what is left.

Quote cash flow of all fills, less fees, plus funding, plus open quantity at the last mid.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from tapeline.domain.instruments import Market
from tapeline.domain.money import ZERO, minus, plus, times
from tapeline.domain.orders import OurFill

Instrument = tuple[str, Market, str]


def fee_in_quote(
    fee: Decimal,
    fee_currency: str,
    *,
    price: Decimal,
    base: str,
    quote: str,
    prices: Mapping[str, Decimal],
) -> Decimal | None:
    """Return a fee in quote currency at the price of its fill; another coin by its price in quote, None without one."""
    if fee == 0 or fee_currency == quote:
        return fee
    if fee_currency == base:
        return times(fee, price)
    other = prices.get(fee_currency)
    return None if other is None else times(fee, other)


def cash(fills: Iterable[OurFill]) -> Decimal:
    """Return what the fills brought in less what they cost, in quote currency, before fees."""
    return plus(*(times(fill.price, fill.quantity if fill.side == "sell" else -fill.quantity) for fill in fills))


def open_quantities(fills: Iterable[OurFill]) -> dict[Instrument, Decimal]:
    """Return what is left of each instrument: above zero long, below short."""
    found: dict[Instrument, Decimal] = {}
    for fill in fills:
        where = (fill.venue, fill.market, fill.symbol)
        before = found.get(where, ZERO)
        found[where] = plus(before, fill.quantity) if fill.side == "buy" else minus(before, fill.quantity)
    return found


def profit(fills: Iterable[OurFill], *, funding: Decimal, mids: Mapping[Instrument, Decimal]) -> Decimal:
    """Return the profit of all fills in quote currency; KeyError where something is open and has no mid."""
    every = tuple(fills)
    left = [times(quantity, mids[where]) for where, quantity in open_quantities(every).items() if quantity]
    return plus(cash(every), -plus(*(fill.fee_quote for fill in every)), funding, *left)
