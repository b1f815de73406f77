"""Funding of futures: each payment is booked once, on the life of the position that was open when it was paid.

A venue may take it from who holds something some seconds later than its time says. While an order may have been dealt
before that nobody has told us of, nothing is booked; where no life of ours was open about then it is noted alone, and
booked when such a life shows up after all.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from tapeline.domain.account import AccountState
from tapeline.domain.booking import EXECUTOR
from tapeline.domain.changes import Changes, Draft
from tapeline.domain.instruments import Market
from tapeline.domain.money import plus
from tapeline.domain.orders import OurOrder
from tapeline.domain.positions import OurFunding, OurPosition

LATE_US: Final = 15_000_000
"""So far the time at which a venue takes funding may be from the time of the payment (Binance's own words)."""
RECENT_US: Final = 7 * 86_400_000_000
"""For so long after its end a life is looked at for payments that nobody was there to book."""


class Exposed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A market on which futures are held, or were until lately."""

    venue: str
    market: Market
    opened_us: int
    """When the oldest of these lives began."""
    closed_us: int | None = None
    """When the last of them ended; None while one is open."""
    paid_us: int | None = None
    """When the newest payment was paid that is booked on a life."""


def fund(state: AccountState, payment: OurFunding) -> Changes:
    """Return the life that bears a payment with it; nothing for one that is booked already, or cannot be yet."""
    draft = Draft(state, EXECUTOR)
    known, life = state.payment, life_of(state.lives, payment)
    fresh = known is None or (known.life is None and life is not None)
    if fresh and not any(_hides(order, payment) for order in state.orders):
        draft.payment(msgspec.structs.replace(payment, life=None if life is None else life.life))
        if life is not None:
            _bear(draft, life, payment)
    return draft.done(state)


def _hides(order: OurOrder, payment: OurFunding) -> bool:
    """Tell whether an order may have fills before a payment that are not booked; one that rests is looked at often."""
    where = (order.account, order.venue, order.market, order.symbol)
    rests = order.time_in_force == "GTC" and order.order_type != "market"
    placed = rests and order.status in ("PLACED", "PARTIALLY_FILLED") and order.filled >= order.told_filled
    known = order.complete or placed
    before = order.sent_us is not None and order.sent_us <= payment.paid_us + LATE_US
    return where == payment.identity[:4] and before and not known


def life_of(lives: Iterable[OurPosition], payment: OurFunding) -> OurPosition | None:
    """Return the life that was open when a payment was paid, else the nearest in time, None where none is near."""
    near = [(apart_us(one, payment.paid_us), -one.life, one) for one in lives]
    found = min((one for one in near if one[0] <= LATE_US), default=None, key=lambda one: one[:2])
    return None if found is None else found[2]


def apart_us(life: OurPosition, at_us: int) -> int:
    """Return how far a life is from a time, 0 where it was open then."""
    opened_us = life.updated_us if life.opened_us is None else life.opened_us
    ended_us = at_us if life.closed_us is None else life.closed_us
    return max(0, opened_us - at_us, at_us - ended_us)


def _bear(draft: Draft, life: OurPosition, payment: OurFunding) -> None:
    after = msgspec.structs.replace(
        life,
        funding=plus(life.funding, payment.amount),
        updated_us=draft.state.now_us,
        version=life.version + 1,
    )
    if after.status == "CLOSED":
        row = draft.state.portfolio(after.strategy, after.symbol)
        draft.portfolio(msgspec.structs.replace(row, closed_pnl=plus(row.closed_pnl, payment.amount)))
    newest = draft.state.position(*after.instrument)
    if newest is not None and newest.life > after.life:
        draft.earlier(after)
    else:
        draft.position(after, after.trace_id)
    entity = ":".join((after.account, *after.instrument))
    why = f"funding {payment.payment_id}"
    draft.audit("POSITION_UPDATE", ("position", entity), old=life, new=after, reason=why, trace_id=after.trace_id)
