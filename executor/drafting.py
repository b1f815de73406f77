"""An order before it is sent, pure: sized to its instrument's rules, named by its one id, never larger than asked."""

from __future__ import annotations

from decimal import Decimal
from typing import Final, Protocol

import msgspec

from executor.terms import Instrument, Known, stepped
from tapeline.domain.instruments import Side
from tapeline.domain.money import ZERO
from tapeline.domain.order_records import Leg, OrderType, TimeInForce
from tapeline.domain.orders import OurOrder
from tapeline.domain.positions import OurPosition
from tapeline.domain.risk import Refused
from tapeline.venues.calls import OrderRequest
from tapeline.venues.refusals import Refused as Breaks
from tapeline.venues.sizing import is_dust, quantize

OPPOSITE: Final[dict[Side, Side]] = {"buy": "sell", "sell": "buy"}


class Source(Protocol):
    """What an order is sent for: an intent, as it came or as it was taken."""

    @property
    def intent_id(self) -> str:
        """Return which one."""

    @property
    def strategy(self) -> str:
        """Return whose it is."""

    @property
    def symbol(self) -> str:
        """Return the pair."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """One order before it is sized."""

    where: Instrument
    side: Side
    quantity: Decimal
    price: Decimal | None = None
    order_type: OrderType = "limit"
    time_in_force: TimeInForce = "IOC"
    closing: bool = False
    leverage: Decimal | None = None
    tag: str | None = None
    leg: Leg | None = None
    part: int = 1
    attempt: int = 1
    expires_us: int


def drafted(wish: Wish, source: Source, known: Known, now_us: int) -> OurOrder | Refused:
    """Return the order that the instrument takes, or which of its rules forbids it."""
    rules = known.rules.get(wish.where)
    if rules is None or wish.where[:2] not in known.client_ids:
        return Refused(code="unknown_instrument", reason=f"{':'.join(wish.where)} is not traded here")
    reduces = wish.closing and wish.where[:2] in known.reduce_only
    try:
        asked = OrderRequest(
            client_id="",
            native=rules.native,
            side=wish.side,
            kind=wish.order_type,
            quantity=wish.quantity,
            price=wish.price,
            time_in_force="GTC" if wish.order_type == "post_only" else wish.time_in_force,
            reduce_only=reduces,
        )
    except ValueError as error:
        return Refused(code="bad_request", reason=str(error))
    sized = quantize(asked, rules, known.prices.get(wish.where))
    if isinstance(sized, Breaks):
        return Refused(code=str(sized.reason), reason=sized.text)
    venue, market, _ = wish.where
    order = OurOrder(
        client_order_id="",
        account=known.account,
        intent_id=source.intent_id,
        strategy=source.strategy,
        symbol=source.symbol,
        venue=venue,
        market=market,
        leg=wish.leg,
        part=wish.part,
        attempt=wish.attempt,
        side=wish.side,
        order_type=wish.order_type,
        time_in_force=sized.time_in_force,
        price=sized.price,
        quantity=sized.quantity,
        reduce_only=reduces,
        closing=wish.closing,
        leverage=wish.leverage,
        tag=wish.tag,
        expires_us=wish.expires_us,
        created_us=now_us,
        updated_us=now_us,
    )
    return msgspec.structs.replace(order, client_order_id=known.client_id(order))


def again(order: OurOrder, known: Known, now_us: int, *, attempt: int, quantity: Decimal) -> OurOrder | Refused:
    """Return the next attempt of an order that has ended, under a new id."""
    wish = Wish(
        where=(order.venue, order.market, order.symbol),
        side=order.side,
        quantity=quantity,
        price=order.price,
        order_type=order.order_type,
        time_in_force=order.time_in_force,
        closing=order.closing,
        leverage=order.leverage,
        tag=order.tag,
        leg=order.leg,
        part=order.part,
        attempt=attempt,
        expires_us=order.expires_us,
    )
    return drafted(wish, order, known, now_us)


def request(order: OurOrder, native: str) -> OrderRequest:
    """Return the order as the venue is asked for it."""
    return OrderRequest(
        client_id=order.client_order_id,
        native=native,
        side=order.side,
        kind=order.order_type,
        quantity=order.quantity,
        price=order.price,
        time_in_force=order.time_in_force,
        reduce_only=order.reduce_only or (order.closing and order.market == "spot"),
    )


def is_rest(quantity: Decimal, where: Instrument, known: Known) -> bool:
    """Tell whether so little of an instrument cannot be closed by any order."""
    rules = known.rules.get(where)
    reduces = where[:2] in known.reduce_only
    return rules is not None and is_dust(quantity, rules, known.prices.get(where), reduces=reduces)


def sellable(held: OurPosition, known: Known) -> Decimal:
    """Return how much of a position can be closed: on spot fees taken in base currency are not there any more."""
    rules = known.rules.get(held.instrument)
    short_of = held.base_fees if held.market == "spot" and held.net > ZERO else ZERO
    left = max(ZERO, held.quantity - short_of)
    return left if rules is None else stepped(left, rules.quantity_step)
