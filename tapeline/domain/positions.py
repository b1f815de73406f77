"""Fills make a position: exact sums of what was bought and sold in one life, from flat to flat, in whatever order told.

The average entry price is for display; profit is `cash + net x mark - fees + funding` whatever that price is.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from tapeline.domain.instruments import Market
from tapeline.domain.machines.position import POSITION, PositionHappening, PositionState
from tapeline.domain.money import ZERO, minus, per, plus, times
from tapeline.domain.order_records import PositionSide
from tapeline.domain.orders import OurFill


class OurPosition(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is held at one instrument of an account in one life, which one strategy owns (K25)."""

    account: str
    venue: str
    market: Market
    symbol: str
    life: int = 1
    strategy: str
    status: PositionState = "OPENING"
    bought: Decimal = ZERO
    bought_value: Decimal = ZERO
    sold: Decimal = ZERO
    sold_value: Decimal = ZERO
    fees: Decimal = ZERO
    """All fees in quote currency."""
    base_fees: Decimal = ZERO
    """Fees that were taken in base currency: on spot so much less is there to be sold."""
    funding: Decimal = ZERO
    """Received above zero, paid below."""
    mark_price: Decimal | None = None
    leverage: Decimal | None = None
    margin: Decimal | None = None
    liquidation_price: Decimal | None = None
    entry_reason: str | None = None
    exit_reason: str | None = None
    opened_us: int | None = None
    closed_us: int | None = None
    trace_id: str | None = None
    updated_us: int
    version: int = 1

    @property
    def instrument(self) -> tuple[str, Market, str]:
        """Return where it is held."""
        return (self.venue, self.market, self.symbol)

    @property
    def net(self) -> Decimal:
        """Return what is held: above zero long, below short."""
        return minus(self.bought, self.sold)

    @property
    def quantity(self) -> Decimal:
        """Return the size, never negative."""
        return self.net.copy_abs()

    @property
    def side(self) -> PositionSide:
        """Return the direction."""
        net = self.net
        return "flat" if net == 0 else "long" if net > 0 else "short"

    @property
    def entry_price(self) -> Decimal | None:
        """Return the average price of all that was dealt in its direction, None when flat."""
        net = self.net
        if net == 0:
            return None
        return per(self.bought_value, self.bought) if net > 0 else per(self.sold_value, self.sold)

    @property
    def value(self) -> Decimal:
        """Return the gross value at the mark, at the entry price where there is no mark."""
        return times(self.quantity, self.mark_price or self.entry_price or ZERO)

    @property
    def unrealized_pnl(self) -> Decimal:
        """Return the profit of what is open at the mark, 0 without one."""
        entry = self.entry_price
        if entry is None or self.mark_price is None:
            return ZERO
        return times(self.net, minus(self.mark_price, entry))

    @property
    def realized_pnl(self) -> Decimal:
        """Return the profit of what was closed, net of fees and funding: exact when flat."""
        kept = times(self.net, self.entry_price or ZERO)
        return minus(plus(self.sold_value, kept, self.funding), plus(self.bought_value, self.fees))


class OurFunding(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Funding that the account received or, below zero, paid; booked once by its identity."""

    account: str
    venue: str
    market: Market
    symbol: str
    payment_id: str
    amount: Decimal
    """In quote currency."""
    currency: str
    """What it was paid in."""
    paid_us: int
    life: int | None = None
    """The life that bears it; None where none of ours was open then, as far as is known."""

    @property
    def identity(self) -> tuple[str, str, Market, str, str]:
        """Return what makes it one payment."""
        return (self.account, self.venue, self.market, self.symbol, self.payment_id)


def filled(
    position: OurPosition | None, fill: OurFill, *, strategy: str, base: str, at_us: int, reason: str | None = None
) -> tuple[OurPosition, ...]:
    """Return the lives that a fill changes: one, or two where it goes through zero (its fee goes to the one it ends).

    `position` is the newest life; None or a closed one begins the next.
    """
    if position is None or position.status == "CLOSED":
        position = begun(position, fill, strategy=strategy, at_us=at_us, reason=reason)
    else:
        position = msgspec.structs.replace(position, version=position.version + 1)
    fee = msgspec.structs.replace(
        position,
        fees=plus(position.fees, fill.fee_quote),
        base_fees=plus(position.base_fees, fill.fee if fill.fee_currency == base else ZERO),
    )
    against = (position.net > 0) == (fill.side == "sell") and position.net != 0
    through = minus(fill.quantity, position.quantity) if against else ZERO
    if through <= 0:
        return (_dealt(fee, fill, fill.quantity, at_us, reason),)
    ended = _dealt(fee, fill, position.quantity, at_us, reason)
    return (
        ended,
        _dealt(begun(ended, fill, strategy=strategy, at_us=at_us, reason=reason), fill, through, at_us, None),
    )


def begun(before: OurPosition | None, fill: OurFill, *, strategy: str, at_us: int, reason: str | None) -> OurPosition:
    """Return the next life at the instrument of a fill, with nothing dealt yet; versions go on rising."""
    return OurPosition(
        account=fill.account,
        venue=fill.venue,
        market=fill.market,
        symbol=fill.symbol,
        life=1 if before is None else before.life + 1,
        strategy=strategy,
        mark_price=None if before is None else before.mark_price,
        entry_reason=reason,
        updated_us=at_us,
        version=1 if before is None else before.version + 1,
    )


def _dealt(position: OurPosition, fill: OurFill, quantity: Decimal, at_us: int, reason: str | None) -> OurPosition:
    value = times(fill.price, quantity)
    buys = fill.side == "buy"
    found = msgspec.structs.replace(
        position,
        bought=plus(position.bought, quantity if buys else ZERO),
        bought_value=plus(position.bought_value, value if buys else ZERO),
        sold=plus(position.sold, ZERO if buys else quantity),
        sold_value=plus(position.sold_value, ZERO if buys else value),
        opened_us=fill.filled_us if position.opened_us is None else min(position.opened_us, fill.filled_us),
        updated_us=at_us,
    )
    event: PositionHappening = "closed" if found.net == 0 else "opened"
    status = found.status
    if POSITION.knows(status, event):
        status = POSITION.next(status, event)
    if status != "CLOSED":
        return msgspec.structs.replace(found, status=status)
    return msgspec.structs.replace(
        found, status=status, closed_us=fill.filled_us, exit_reason=found.exit_reason or reason
    )
