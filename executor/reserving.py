"""What a plan reserves, pure: exposure at the worst price, margin by leverage; what only closes reserves nothing."""

from __future__ import annotations

from decimal import Decimal

from executor.terms import Instrument, Known
from tapeline.domain.account_records import Pair
from tapeline.domain.booking import Plan
from tapeline.domain.money import ZERO, per
from tapeline.domain.order_records import OrderIntent
from tapeline.domain.orders import OurOrder
from tapeline.domain.risk import Claim, Reservation


def claim(order: OurOrder, value: Decimal) -> Claim:
    """Return what an opening order may come to hold, and what it binds in its wallet."""
    if order.market == "futures":
        bound = per(value, order.leverage or Decimal(1)) or value
    else:
        # What is sold on spot is there already and binds no money.
        bound = value if order.side == "buy" else ZERO
    return Claim(venue=order.venue, market=order.market, exposure=value, margin=bound)


def closing_only(intent: OrderIntent, orders: tuple[OurOrder, ...] = (), pair: Pair | None = None) -> Plan:
    """Return the plan of what can only make smaller what is held."""
    nothing = Reservation(intent_id=intent.intent_id, strategy=intent.strategy, symbol=intent.symbol)
    return Plan(reservation=nothing, orders=orders, pair=pair)


def minimum(known: Known, where: Instrument) -> Decimal:
    """Return the least value of an order at an instrument."""
    rules = known.rules.get(where)
    return ZERO if rules is None or rules.min_notional is None else rules.min_notional
