"""From an intent to a plan or a refusal, pure: orders with their ids, what is reserved, the two-leg trade it begins."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from executor.drafting import OPPOSITE, Wish, drafted, sellable
from executor.pair_planning import enter, leave
from executor.reserving import claim, closing_only, minimum
from executor.terms import Known
from tapeline.domain import risk
from tapeline.domain.account import AccountState
from tapeline.domain.booking import Plan
from tapeline.domain.ids import opens
from tapeline.domain.instruments import Side
from tapeline.domain.money import ZERO, times
from tapeline.domain.order_records import (
    CancelOrder,
    ClosePosition,
    EnterPair,
    ExitPair,
    Flatten,
    OrderIntent,
    PlaceOrder,
)
from tapeline.domain.orders import OurOrder
from tapeline.domain.positions import OurPosition
from tapeline.domain.risk import Refused, Request, Reservation


def decider(
    intent: OrderIntent, known: Known, *, halted: Callable[[], bool]
) -> Callable[[AccountState], Plan | Refused]:
    """Return the pure decision on an intent; `halted` is the kill switch that stands in memory alone."""

    def decide(state: AccountState) -> Plan | Refused:
        if halted() and opens(intent.command):
            return Refused(code="halted", reason="this executor was told to halt")
        return plan(state, intent, known)

    return decide


def plan(state: AccountState, intent: OrderIntent, known: Known) -> Plan | Refused:
    """Return what an intent becomes."""
    found: Plan | Refused
    match intent.command:
        case PlaceOrder(reduce_only=False) as command:
            found = _open(state, intent, command, known)
        case PlaceOrder() as command:
            found = _reduce(state, intent, command, known)
        case ClosePosition() as command:
            found = _close(state, intent, command, known)
        case Flatten(venue=venue):
            found = _flatten(state, intent, venue, known)
        case CancelOrder(client_order_id=name):
            found = _cancel(state, intent, name)
        case EnterPair() as command:
            found = enter(state, intent, command, known)
        case ExitPair() as command:
            found = leave(state, intent, command, known)
        case _:
            # A memory is stored with the intent.
            found = closing_only(intent)
    return found


def _wish(intent: OrderIntent, command: PlaceOrder, *, closing: bool) -> Wish:
    return Wish(
        where=(command.venue, command.market, intent.symbol),
        side=command.side,
        quantity=command.quantity,
        price=command.price,
        order_type=command.order_type,
        time_in_force=command.time_in_force,
        closing=closing,
        leverage=command.leverage,
        tag=command.tag,
        expires_us=intent.expires_us,
    )


def _open(state: AccountState, intent: OrderIntent, command: PlaceOrder, known: Known) -> Plan | Refused:
    order = drafted(_wish(intent, command, closing=False), intent, known, state.now_us)
    if isinstance(order, Refused):
        return order
    where = (order.venue, order.market, order.symbol)
    price = order.price if order.price is not None else known.prices.get(where)
    if price is None:
        return Refused(code="no_price", reason=f"there is no fresh price of {':'.join(where)}")
    value = times(order.quantity, price)
    wanted = Reservation(
        intent_id=intent.intent_id,
        strategy=intent.strategy,
        symbol=intent.symbol,
        claims=(claim(order, value),),
        orders=1,
    )
    asked = Request(reservation=wanted, smallest_order=value, venue_minimum=minimum(known, where))
    verdict = risk.check(state.standing(), known.limits, asked)
    if isinstance(verdict, Refused):
        return verdict
    return Plan(reservation=verdict.reservation, orders=(order,))


def _reduce(state: AccountState, intent: OrderIntent, command: PlaceOrder, known: Known) -> Plan | Refused:
    held = _held(state, intent, command.venue, command.market)
    if held is None or OPPOSITE[command.side] != _grows(held):
        return _nothing(intent, command.venue, command.market)
    wish = _wish(intent, command, closing=True)
    return _closing(state, intent, held, wish, known)


def _close(state: AccountState, intent: OrderIntent, command: ClosePosition, known: Known) -> Plan | Refused:
    held = _held(state, intent, command.venue, command.market)
    if held is None:
        return _nothing(intent, command.venue, command.market)
    return _closing(state, intent, held, _away(intent, held, command), known)


def _closing(state: AccountState, intent: OrderIntent, held: OurPosition, wish: Wish, known: Known) -> Plan | Refused:
    """Return the order that makes a position smaller, at most by all that no other close is about to take."""
    taken = sum(
        (one.quantity - one.filled for one in state.orders if one.closing and one.is_open and _at(one, held)), ZERO
    )
    most = sellable(held, known) - taken
    if most <= ZERO:
        return Refused(code="closing", reason=f"all of {':'.join(held.instrument)} is being closed already")
    order = drafted(msgspec.structs.replace(wish, quantity=min(wish.quantity, most)), intent, known, state.now_us)
    return order if isinstance(order, Refused) else closing_only(intent, (order,))


def _flatten(state: AccountState, intent: OrderIntent, venue: str | None, known: Known) -> Plan | Refused:
    """Return closes of all that is held, and cancels of what may still open; the desk closes what that adds."""
    orders: list[OurOrder] = []
    for held in state.positions:
        mine = (held.strategy, held.symbol) == (intent.strategy, intent.symbol)
        if not mine or not held.quantity or venue not in (None, held.venue):
            continue
        found = _closing(state, intent, held, _away(intent, held, None), known)
        if isinstance(found, Plan):
            orders += found.orders
    cancels = tuple(
        one.client_order_id
        for one in state.orders
        if (one.strategy, one.symbol) == (intent.strategy, intent.symbol)
        and venue in (None, one.venue)
        and one.is_open
        and not one.closing
    )
    return msgspec.structs.replace(closing_only(intent, tuple(orders)), cancels=cancels)


def _cancel(state: AccountState, intent: OrderIntent, name: str) -> Plan | Refused:
    order = state.order(name)
    if order is None or not order.is_open:
        return Refused(code="not_open", reason=f"no order {name} is open in this account")
    if order.strategy != intent.strategy and intent.actor is None:
        return Refused(code="not_yours", reason=f"the order {name} belongs to {order.strategy}")
    return msgspec.structs.replace(closing_only(intent), cancels=(name,))


def _away(intent: OrderIntent, held: OurPosition, command: ClosePosition | None) -> Wish:
    limit = None if command is None else command.limit_price
    asked = None if command is None else command.quantity
    return Wish(
        where=held.instrument,
        side=OPPOSITE[_grows(held)],
        quantity=held.quantity if asked is None else asked,
        price=limit,
        order_type="market" if limit is None else "limit",
        closing=True,
        expires_us=intent.expires_us,
    )


def _held(state: AccountState, intent: OrderIntent, venue: str, market: str) -> OurPosition | None:
    for held in state.positions:
        mine = (held.strategy, held.symbol) == (intent.strategy, intent.symbol) or intent.actor is not None
        if mine and held.quantity and held.instrument == (venue, market, intent.symbol):
            return held
    return None


def _grows(held: OurPosition) -> Side:
    return "buy" if held.net > ZERO else "sell"


def _at(order: OurOrder, held: OurPosition) -> bool:
    return (order.venue, order.market, order.symbol) == held.instrument


def _nothing(intent: OrderIntent, venue: str, market: str) -> Refused:
    return Refused(code="nothing_held", reason=f"{intent.strategy} holds nothing of {venue}:{market}:{intent.symbol}")
