"""Our orders and their fills as values: an answer moves the state by its table, a fill adds, nothing counts twice."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

from tapeline.domain.instruments import Market, Side
from tapeline.domain.machines.order import OPEN, ORDER, OrderHappening, way
from tapeline.domain.money import ZERO, per, plus, times
from tapeline.domain.order_records import Leg, Liquidity, OrderStatus, OrderType, TimeInForce

FillCause = Literal["order", "liquidation", "deleveraging", "settlement"]


class OurOrder(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One order of ours, from before it is sent until it is final; quantities in base currency."""

    client_order_id: str
    account: str
    intent_id: str
    strategy: str
    symbol: str
    venue: str
    market: Market
    leg: Leg | None = None
    part: int = 1
    attempt: int = 1
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    price: Decimal | None = None
    quantity: Decimal
    reduce_only: bool = False
    closing: bool = False
    """Whether it makes a position smaller: no cap holds for it, and on spot no venue knows."""
    leverage: Decimal | None = None
    tag: str | None = None
    expires_us: int
    """Not sent for the first time after this."""
    status: OrderStatus = "PENDING"
    filled: Decimal = ZERO
    filled_value: Decimal = ZERO
    """Exact sum of price times quantity over the fills that are booked."""
    told_filled: Decimal = ZERO
    """How much the venue says is filled: fills that it has not told one by one are still to come."""
    commission: Decimal = ZERO
    venue_order_id: str | None = None
    code: str | None = None
    reason: str | None = None
    trace_id: str | None = None
    created_us: int
    sent_us: int | None = None
    cancel_us: int | None = None
    """When its cancel was asked for; it is tried until the order is final."""
    answered_us: int | None = None
    venue_us: int | None = None
    updated_us: int
    version: int = 1

    @property
    def is_open(self) -> bool:
        """Tell whether it may still be dealt."""
        return self.status in OPEN

    @property
    def complete(self) -> bool:
        """Tell whether it is final and every fill that the venue counts is booked."""
        return not self.is_open and self.filled >= self.told_filled

    @property
    def average_price(self) -> Decimal | None:
        """Return the average price of the fills, None without any."""
        return per(self.filled_value, self.filled)


class OurFill(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One execution; (venue, market, symbol, fill_id) is its identity (E-16)."""

    account: str
    venue: str
    market: Market
    symbol: str
    fill_id: str
    client_order_id: str | None
    """None for what the venue did by itself, as a liquidation."""
    side: Side
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_currency: str
    fee_quote: Decimal
    """The fee in quote currency, at the price of this fill."""
    liquidity: Liquidity = "unknown"
    cause: FillCause = "order"
    filled_us: int

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """Return what no two executions share."""
        return (self.venue, self.market, self.symbol, self.fill_id)


class Answer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is known of an order after the venue answered, told or was asked; UNKNOWN when nothing is."""

    status: OrderStatus
    looked_up: bool = False
    """Whether it was asked for by its client id: only that leads out of UNKNOWN (K14)."""
    venue_order_id: str | None = None
    filled: Decimal | None = None
    code: str | None = None
    reason: str | None = None
    venue_us: int | None = None
    sent_us: int | None = None
    answered_us: int | None = None


def answered(order: OurOrder, answer: Answer, at_us: int) -> OurOrder:
    """Return the order after an answer; the very same one where the answer tells nothing new."""
    steps = way(order.status, answer.status, looked_up=answer.looked_up)
    status = order.status
    for event in steps:
        status = ORDER.next(status, event)
    found = msgspec.structs.replace(
        order,
        status=status,
        venue_order_id=order.venue_order_id or answer.venue_order_id,
        told_filled=max(order.told_filled, answer.filled or ZERO),
        code=answer.code if steps and answer.code else order.code,
        reason=answer.reason if steps and answer.reason else order.reason,
        # The first answer says when the request really went out; before it stands when it was noted.
        sent_us=order.sent_us if order.answered_us is not None else answer.sent_us or order.sent_us,
        answered_us=order.answered_us or answer.answered_us,
        venue_us=max((us for us in (order.venue_us, answer.venue_us) if us is not None), default=None),
    )
    return order if found == order else _changed(found, at_us)


def sent(order: OurOrder, at_us: int) -> OurOrder:
    """Return the order with the time it first went out."""
    return order if order.sent_us is not None else _changed(msgspec.structs.replace(order, sent_us=at_us), at_us)


def cancelling(order: OurOrder, at_us: int) -> OurOrder:
    """Return the order with its cancel asked for, the first time counts."""
    return order if order.cancel_us is not None else _changed(msgspec.structs.replace(order, cancel_us=at_us), at_us)


def filled(order: OurOrder, fill: OurFill, at_us: int) -> OurOrder:
    """Return the order with one more fill; a fill after the end corrects the amounts and leaves the state (K14)."""
    total = plus(order.filled, fill.quantity)
    event: OrderHappening = "filled" if total >= order.quantity else "partly_filled"
    legal = ORDER.knows(order.status, event)
    return _changed(
        msgspec.structs.replace(
            order,
            status=ORDER.next(order.status, event) if legal else order.status,
            filled=total,
            filled_value=plus(order.filled_value, times(fill.price, fill.quantity)),
            told_filled=max(order.told_filled, total),
            commission=plus(order.commission, fill.fee_quote),
        ),
        at_us,
    )


def _changed(order: OurOrder, at_us: int) -> OurOrder:
    return msgspec.structs.replace(order, updated_us=at_us, version=order.version + 1)
