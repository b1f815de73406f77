"""What an order needs after it was sent, whatever it is for, pure: what is not surely over is looked up."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from executor.steps import Cancel, Drop, LookUp, ReadFills, Step, View, Wait
from tapeline.domain.orders import OurOrder

RETRY: Final = frozenset({"rate_limited", "overloaded", "expired", "never_arrived", "not_sent"})
"""Codes of a definitive no after which the same thing may be asked under a new id."""


def upkeep(order: OurOrder, view: View) -> Iterable[Step]:
    """Yield what an order needs that was sent, whatever it is for."""
    if order.client_order_id in view.busy or is_unsent(order):
        return
    if order.status in ("PENDING", "UNKNOWN"):
        yield Cancel(order=order) if order.cancel_us is not None else LookUp(order=order)
    elif order.is_open:
        if _is_unwanted(order, view) or order.cancel_us is not None:
            yield Cancel(order=order)
        elif order.time_in_force != "GTC" or order.order_type == "market":
            # It does not rest, so it is over by now and only the news is missing.
            yield _told_first(LookUp(order=order), view, view.terms.end_told_us)
    elif not order.complete:
        yield _told_first(ReadFills(order=order), view, view.terms.fills_told_us)


def _told_first(step: LookUp | ReadFills, view: View, within_us: int) -> Step:
    """Return the question, or a wait for the stream, which mostly answers it before it is asked."""
    due_us = step.order.updated_us + within_us
    return step if view.now_us >= due_us else Wait(until_us=due_us)


def _is_unwanted(order: OurOrder, view: View) -> bool:
    rests = order.time_in_force == "GTC" and order.order_type != "market"
    halted = view.desired == "HALTED" or view.stopping
    return (halted and not order.closing) or (view.stopping and rests)


def is_unsent(order: OurOrder) -> bool:
    """Tell whether no request for an order ever went out: that is noted before it does."""
    return order.status == "PENDING" and order.sent_us is None


def dealt(order: OurOrder) -> Decimal:
    """Return how much of an order was dealt, also where the venue has not told the fills one by one yet."""
    return max(order.filled, order.told_filled)


def forbidden(order: OurOrder, view: View) -> Drop | None:
    """Return the end of an unsent order that must not be sent any more."""
    if view.now_us > order.expires_us:
        return Drop(order=order, code="too_late", reason="it was not sent in time")
    if order.cancel_us is not None:
        return Drop(order=order, code="cancelled", reason="it was cancelled before it was sent")
    if not order.closing and view.desired != "RUNNING":
        return Drop(order=order, code=view.desired.lower(), reason=f"it is {view.desired}: nothing is opened")
    if not order.closing and view.stopping:
        return Drop(order=order, code="stopping", reason="the executor stops: nothing is opened")
    return None


def backoff_us(attempt: int, view: View) -> int:
    """Return the pause after an attempt: 100, 200, 400 ms and so on."""
    longest = int(view.terms.look_longest_s * 1_000_000)
    return min(longest, view.terms.retry_first_us << min(attempt - 1, 16))
