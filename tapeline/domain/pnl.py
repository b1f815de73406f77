"""Profit as exact cash flow, a second way that knows no averages: what came in less what went out, and what is left.

Quote cash flow of all fills, less fees, plus funding, plus open quantity at the last mid.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec

from tapeline.domain.instruments import Market
from tapeline.domain.money import ZERO, minus, plus, times
from tapeline.domain.orders import OurFill

Instrument = tuple[str, Market, str]


class Flow(msgspec.Struct, frozen=True, kw_only=True):
    """What the fills of one instrument moved: exact sums, whatever their order."""

    bought: Decimal = ZERO
    bought_value: Decimal = ZERO
    sold: Decimal = ZERO
    sold_value: Decimal = ZERO
    fees: Decimal = ZERO
    """In quote currency, each at the price of its fill."""

    @property
    def left(self) -> Decimal:
        """Return what is left: above zero long, below short."""
        return minus(self.bought, self.sold)

    @property
    def cash(self) -> Decimal:
        """Return what came in less what went out, in quote currency, before fees."""
        return minus(self.sold_value, self.bought_value)


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """Profit in its parts, in quote currency: net = realized + unrealized - fees + funding, exactly.

    What is open and has no price has no unrealized part, and then there is no net either.
    """

    realized: Decimal
    unrealized: Decimal | None
    fees: Decimal
    funding: Decimal

    @property
    def net(self) -> Decimal | None:
        """Return what is left of it all."""
        return None if self.unrealized is None else minus(plus(self.realized, self.unrealized, self.funding), self.fees)


def result(flow: Flow, *, funding: Decimal, mid: Decimal | None, entry: Decimal | None) -> Result:
    """Return the profit of an instrument's fills; `entry` only parts realized from unrealized, net does not know it.

    Without an entry price all that the open quantity is worth counts as realized.
    """
    if flow.left == ZERO:
        return Result(realized=flow.cash, unrealized=ZERO, fees=flow.fees, funding=funding)
    basis = next((price for price in (entry, mid) if price is not None), ZERO)
    return Result(
        realized=plus(flow.cash, times(flow.left, basis)),
        unrealized=None if mid is None else times(flow.left, minus(mid, basis)),
        fees=flow.fees,
        funding=funding,
    )


def total(results: Iterable[Result]) -> Result:
    """Return the sum; it has no unrealized part where one of them has none."""
    every = tuple(results)
    open_parts = [one.unrealized for one in every if one.unrealized is not None]
    return Result(
        realized=plus(*(one.realized for one in every)),
        unrealized=plus(*open_parts) if len(open_parts) == len(every) else None,
        fees=plus(*(one.fees for one in every)),
        funding=plus(*(one.funding for one in every)),
    )


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
    sides: dict[str, list[Decimal]] = {"buy": [], "sell": []}
    for fill in fills:
        sides[fill.side].append(times(fill.price, fill.quantity))
    return minus(plus(*sides["sell"]), plus(*sides["buy"]))


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
    return minus(plus(cash(every), funding, *left), plus(*(fill.fee_quote for fill in every)))
