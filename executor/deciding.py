"""The next steps of an intent, pure, from its rows alone: what is not surely over is looked up, never sent again.

A crash loses nothing, for the successor decides on the same rows. A new attempt follows only a definitive no.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from executor.drafting import OPPOSITE, Wish, again, drafted, sellable
from executor.pairing import pair_steps
from executor.steps import Add, Cancel, Send, Settle, Step, View, Wait
from executor.upkeep import RETRY, backoff_us, forbidden, is_unsent, upkeep
from tapeline.domain.money import ZERO, minus
from tapeline.domain.orders import OurOrder
from tapeline.domain.risk import Refused

IN_PAIRS: Final = ("EnterPair", "ExitPair")


def next_steps(view: View) -> tuple[Step, ...]:
    """Return what is to be done for an intent now; several may be done at once."""
    kept = tuple(step for order in view.orders for step in upkeep(order, view))
    if view.intent.command in IN_PAIRS:
        return (*kept, *pair_steps(view))
    return (*kept, *_simple(view))


def _simple(view: View) -> tuple[Step, ...]:
    steps: list[Step] = []
    for newest in _newest(view.orders):
        if newest.client_order_id in view.busy:
            continue
        if is_unsent(newest):
            steps.append(forbidden(newest, view) or Send(order=newest))
        elif not newest.is_open:
            steps += _next_attempt(newest, view)
    waiting = any(not one.complete or one.client_order_id in view.busy for one in view.orders)
    if view.intent.command == "Flatten":
        waiting = waiting or bool(_opening(view))
        steps += _flatten(view)
    if not steps and not waiting:
        ends = [one.code or one.status.lower() for one in _newest(view.orders)]
        steps.append(Settle(intent_id=view.intent.intent_id, reason=", ".join(sorted(set(ends))) or "done"))
    return tuple(steps)


def _next_attempt(order: OurOrder, view: View) -> Iterable[Step]:
    missing = minus(order.quantity, order.filled)
    over = order.status == "REJECTED" and order.code in RETRY
    # A close at the market that was not dealt whole still wants the rest.
    cut = order.closing and order.order_type == "market" and order.status in ("EXPIRED", "CANCELLED")
    if not (over or cut) or missing <= ZERO or order.attempt >= view.terms.attempts or not order.complete:
        return
    found = again(order, view.known, view.now_us, attempt=order.attempt + 1, quantity=missing)
    if isinstance(found, Refused) or forbidden(found, view) is not None:
        return
    due_us = order.updated_us + backoff_us(order.attempt, view)
    yield Add(order=found) if view.now_us >= due_us else Wait(until_us=due_us)


def _newest(orders: Iterable[OurOrder]) -> Iterable[OurOrder]:
    chains: dict[tuple[object, ...], OurOrder] = {}
    for one in orders:
        key = (one.leg, one.venue, one.market, one.part, one.closing)
        if key not in chains or chains[key].attempt < one.attempt:
            chains[key] = one
    return tuple(chains.values())


def _opening(view: View) -> tuple[OurOrder, ...]:
    """Return what may still add to what the strategy holds there."""
    mine, venue = (view.intent.strategy, view.intent.symbol), view.intent.venue
    others = (one for one in view.state.orders if (one.strategy, one.symbol) == mine and venue in (None, one.venue))
    return tuple(one for one in others if not one.closing and not one.complete)


def _flatten(view: View) -> Iterable[Step]:
    """Yield cancels of all that could open, then closes of what is still held and no close is under way for."""
    mine, venue = (view.intent.strategy, view.intent.symbol), view.intent.venue
    opening = _opening(view)
    for one in opening:
        if one.is_open and one.client_order_id not in view.busy and not is_unsent(one):
            yield Cancel(order=one)
    if opening or any(not one.complete for one in view.orders) or view.now_us > view.intent.expires_us:
        return
    for held in view.state.positions:
        left = sellable(held, view.known)
        if (held.strategy, held.symbol) != mine or venue not in (None, held.venue) or left <= ZERO:
            continue
        parts = [one.part for one in view.orders if (one.venue, one.market) == (held.venue, held.market)]
        if len(parts) >= view.terms.attempts * 2:
            continue
        wish = Wish(
            where=held.instrument,
            side=OPPOSITE["buy" if held.net > ZERO else "sell"],
            quantity=left,
            order_type="market",
            closing=True,
            part=max(parts, default=0) + 1,
            expires_us=view.intent.expires_us,
        )
        found = drafted(wish, view.intent, view.known, view.now_us)
        if not isinstance(found, Refused):
            yield Add(order=found)
