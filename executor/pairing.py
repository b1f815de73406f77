"""The two-leg trade, pure: part after part with both legs at once, and what stands alone is closed in bounded time.

All that it knows stands in the rows of its orders, so a successor goes on where a crash left it. The rule: whatever
happened to the orders, the leg that holds more is made smaller until both hold the same (K22).
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

import msgspec

from executor.drafting import OPPOSITE, Wish, again, drafted, is_rest, sellable
from executor.steps import Add, Cancel, Change, Drop, Send, Settle, Step, View, Wait
from executor.terms import US_PER_S, stepped
from executor.upkeep import backoff_us, dealt, forbidden, is_unsent
from tapeline.domain.account_records import Pair, PairLeg
from tapeline.domain.money import ZERO, minus, per, plus, times
from tapeline.domain.order_records import Leg, PairState
from tapeline.domain.orders import OurOrder
from tapeline.domain.risk import Refused

DONE: Final = frozenset({"entered", "rolled_back", "left", "partly_left", "ended_in_error"})
"""Events after which nothing is left to do for the intent."""
TOO_SMALL: Final = frozenset({"quantity_rule", "notional_rule"})
MOST_FEE: Final = Decimal("0.002")
"""No venue takes more of what is bought; what it really took is known when the fills are told."""
LEGS: Final[tuple[Leg, Leg]] = ("buy", "sell")


class Legs(msgspec.Struct, frozen=True, kw_only=True):
    """How the two legs stand to each other."""

    held: dict[Leg, Decimal]
    larger: Leg
    excess: Decimal
    """What one leg holds more and must be brought in line; 0 where the difference is only a rest."""

    @property
    def smaller(self) -> Leg:
        """Return the leg that holds less."""
        return "sell" if self.larger == "buy" else "buy"


def pair_steps(view: View) -> tuple[Step, ...]:
    """Return the next steps of a two-leg trade beyond the upkeep of its orders."""
    pair = view.pair
    if pair is None or pair.event in DONE or pair.intent_id != view.intent.intent_id:
        # It may even have gone on: the next intent is taken as soon as this one is over, before it has settled.
        return _end(view)
    legs = _legs(view, pair)
    unsent = [one for one in view.orders if is_unsent(one) and one.client_order_id not in view.busy]
    live = [one for one in view.orders if one not in unsent and not (one.complete and _idle(one, view))]
    if legs.excess:
        return tuple(_balance(view, pair, legs, unsent, live))
    if live:
        return ()
    if unsent:
        return tuple(_next_part(view, unsent))
    return _over(view, pair, legs)


def _idle(order: OurOrder, view: View) -> bool:
    return order.client_order_id not in view.busy


def _legs(view: View, pair: Pair) -> Legs:
    held: dict[Leg, Decimal] = {}
    for leg in pair.legs:
        own = [one for one in view.orders if one.leg == leg.leg]
        opened = plus(*(dealt(one) for one in own if not one.closing))
        closed = plus(*(dealt(one) for one in own if one.closing))
        # While it is entered the pair's own numbers are still 0; while it is left they are what was held before.
        held[leg.leg] = minus(plus(leg.opened, opened), plus(leg.closed, closed))
    larger: Leg = "buy" if held["buy"] > held["sell"] else "sell"
    excess = minus(held["buy"], held["sell"]).copy_abs()
    place = next(one for one in pair.legs if one.leg == larger)
    legs = Legs(held=held, larger=larger, excess=excess)
    over = (is_unsent(one) or (one.complete and _idle(one, view)) for one in view.orders)
    if excess and all(over):
        # What no venue takes an order for is no leg that stands alone. On spot some of it may not even be there, for
        # fees were taken in what was bought.
        where = (place.venue, place.market, pair.symbol)
        if is_rest(_closable(view, place, legs), where, view.known) or _refused_as_too_small(view, legs):
            return msgspec.structs.replace(legs, excess=ZERO)
    return legs


def _refused_as_too_small(view: View, legs: Legs) -> bool:
    """Tell whether the venue itself said so of the last close; it may know the price better."""
    closes = [one for one in view.orders if one.closing and one.leg == legs.larger]
    return bool(closes) and max(closes, key=lambda one: (one.part, one.attempt)).code in TOO_SMALL


# ---------------------------------------------------------------- one leg stands alone
def _balance(view: View, pair: Pair, legs: Legs, unsent: list[OurOrder], live: list[OurOrder]) -> Iterable[Step]:
    """Yield what brings the legs together: the missing leg while there is time, then a close of the larger one."""
    if any(one.client_order_id in view.unbooked for one in live):
        # It has been dealt with, and only its row is late: what follows from that row is decided when it is there.
        yield Wait(until_us=view.now_us + int(view.terms.busy_pass_s * US_PER_S))
        return
    deadline_us = _alone_since_us(view, pair, legs) + view.terms.naked_us
    late = view.now_us >= deadline_us
    mending = [one for one in live if one.leg == legs.smaller and not one.closing]
    closing = [one for one in live if one.leg == legs.larger and one.closing]
    yield from _begun_part(view, unsent, late=late)
    if not late:
        yield Wait(until_us=deadline_us)
        if mending or any(_is_mending(one, legs) and forbidden(one, view) is None for one in unsent):
            return
        retry = tuple(_retry(view, legs))
        if retry:
            yield from retry
            return
    for one in mending:
        # It may be dealt after all; then the other leg holds more and is made smaller in its turn.
        if one.is_open and _idle(one, view):
            yield Cancel(order=one)
    for one in closing:
        if late and one.is_open and one.order_type != "market" and _idle(one, view):
            yield Cancel(order=one)
    if not closing and not any(one.closing and one.leg == legs.larger and _begun(one, view) for one in unsent):
        yield from _close(view, pair, legs)


def _alone_since_us(view: View, pair: Pair, legs: Legs) -> int:
    """Return since when one leg may stand alone: since the order was sent that made the difference."""
    entering = view.intent.command == "EnterPair"
    made = [
        one
        for one in view.orders
        if dealt(one) > ZERO
        and ((one.leg == legs.larger and not one.closing) if entering else (one.leg == legs.smaller and one.closing))
    ]
    if not made:
        # A fill after an end, or amounts that a reconciliation corrected: there is no time left to be patient.
        return pair.at_us
    newest = max(one.part for one in made)
    return min(one.sent_us or one.created_us for one in made if one.part == newest)


def _is_mending(order: OurOrder, legs: Legs) -> bool:
    return order.leg == legs.smaller and not order.closing


def _begun(order: OurOrder, view: View) -> bool:
    """Tell whether an unsent order belongs to a part of which something was sent, or is a close that was added."""
    return order.part <= _newest_begun(view)


def _newest_begun(view: View) -> int:
    return max((one.part for one in view.orders if one.sent_us is not None or not _idle(one, view)), default=1)


def _begun_part(view: View, unsent: list[OurOrder], *, late: bool) -> Iterable[Step]:
    for one in unsent:
        if not _begun(one, view):
            continue
        if late and not one.closing:
            yield Drop(order=one, code="naked", reason="the other leg stood alone for too long")
        else:
            yield forbidden(one, view) or Send(order=one)


def _retry(view: View, legs: Legs) -> Iterable[Step]:
    """Yield another attempt of the leg that got nothing at all (D-07); what was dealt in part is trimmed instead."""
    own = [one for one in view.orders if one.leg == legs.smaller and not one.closing]
    if view.intent.command != "EnterPair" or not own:
        return
    tries = [one for one in own if one.part == _newest_begun(view)]
    if not tries:
        return
    last = max(tries, key=lambda one: one.attempt)
    if any(dealt(one) for one in tries) or last.is_open or last.code in ("naked", "too_late"):
        return
    if last.attempt >= view.terms.attempts:
        return
    found = again(last, view.known, view.now_us, attempt=last.attempt + 1, quantity=legs.excess)
    if isinstance(found, Refused) or forbidden(found, view) is not None:
        return
    due_us = last.updated_us + backoff_us(last.attempt, view)
    yield Add(order=found) if view.now_us >= due_us else Wait(until_us=due_us)


def _close(view: View, pair: Pair, legs: Legs) -> Iterable[Step]:
    """Yield a close of what one leg holds more, again until it is gone; ERROR and an alarm where that fails."""
    place = next(one for one in pair.legs if one.leg == legs.larger)
    tried = [one for one in view.orders if one.closing and one.leg == legs.larger]
    # A close of a part that is not begun yet waits for its turn; this one belongs to what was begun.
    part = _newest_begun(view)
    attempts = [one for one in tried if one.part == part]
    failed = [one for one in tried if not one.is_open and dealt(one) == ZERO and one.code != "too_late"]
    if len(failed) >= view.terms.close_attempts and pair.state != "ERROR":
        yield _failed(pair, f"the {legs.larger} leg could not be closed in {len(failed)} tries")
    last_us = max((one.updated_us for one in failed), default=0)
    due_us = last_us + backoff_us(len(failed), view) if failed else 0
    if view.now_us < due_us:
        yield Wait(until_us=due_us)
        return
    where, quantity = (place.venue, place.market, pair.symbol), _closable(view, place, legs)
    if is_rest(quantity, where, view.known):
        # Too small for now; what is still under way decides whether more comes to it.
        return
    wish = Wish(
        where=where,
        side=OPPOSITE[legs.larger],
        quantity=quantity,
        order_type="market",
        closing=True,
        leg=legs.larger,
        part=part,
        attempt=max((one.attempt for one in attempts), default=0) + 1,
        expires_us=view.now_us + view.terms.close_us,
    )
    found = drafted(wish, view.intent, view.known, view.now_us)
    if not isinstance(found, Refused):
        yield Add(order=found)
    elif pair.state != "ERROR":
        yield _failed(pair, f"the rest of the {legs.larger} leg cannot be closed: {found.reason}")
    else:
        yield from _over(view, pair, legs)


def _closable(view: View, place: PairLeg, legs: Legs) -> Decimal:
    """Return how much of the excess is there: on spot fees were taken in what was bought, told yet or not."""
    where = (place.venue, place.market, view.intent.symbol)
    held = view.state.position(*where)
    if held is None or place.market == "futures":
        return legs.excess
    own = [(one.closing, minus(dealt(one), one.filled)) for one in view.orders if one.leg == legs.larger]
    sold = plus(*(quantity for closing, quantity in own if closing))
    bought = times(plus(*(quantity for closing, quantity in own if not closing)), 1 - MOST_FEE)
    rules = view.known.rules.get(where)
    there = max(ZERO, minus(plus(sellable(held, view.known), bought), sold))
    return min(legs.excess, there if rules is None else stepped(there, rules.quantity_step))


def _failed(pair: Pair, reason: str) -> Change:
    changed = msgspec.structs.replace(pair, state="ERROR", event="failed", reason=reason)
    return Change(pair=changed, alarm=f"{pair.pair_id}: {reason}")


# ---------------------------------------------------------------- both legs are even
def _next_part(view: View, unsent: list[OurOrder]) -> Iterable[Step]:
    """Yield both legs of the next part; after a part that was not dealt at all nothing more is entered."""
    part = min(one.part for one in unsent)
    before = [one for one in view.orders if one.part == part - 1 and not one.closing]
    closing = all(one.closing for one in unsent)
    goes_on = part == 1 or closing or any(dealt(one) for one in before)
    for one in unsent:
        never = forbidden(one, view)
        if never is not None:
            yield never
        elif not goes_on:
            yield Drop(order=one, code="not_sent", reason="the part before it was not dealt")
        elif one.part == part:
            yield Send(order=one)


def _over(view: View, pair: Pair, legs: Legs) -> tuple[Step, ...]:
    """Return the end of the trade's entry or exit: what it holds now, and the state that follows from it."""
    entering = view.intent.command == "EnterPair"
    # A rest of one leg that cannot be closed is no trade any more; it stays in the position.
    holds = min(legs.held.values()) > ZERO
    state: PairState
    if pair.state == "ERROR":
        state, event = "ERROR", "ended_in_error"
    elif entering:
        state, event = ("POSITION_OPEN", "entered") if holds else ("READY", "rolled_back")
    else:
        state, event = ("POSITION_OPEN", "partly_left") if holds else ("READY", "left")
    changed = msgspec.structs.replace(
        pair,
        state=state,
        event=event,
        part=max((one.part for one in view.orders if one.filled), default=1),
        legs=tuple(_after(view, leg) for leg in pair.legs),
        naked_since_us=None,
        opened_us=view.now_us if event == "entered" else pair.opened_us,
        closed_us=view.now_us if event in ("left", "rolled_back") else None,
    )
    return (Change(pair=changed),)


def _after(view: View, leg: PairLeg) -> PairLeg:
    own = [one for one in view.orders if one.leg == leg.leg]
    opened, closed = [one for one in own if not one.closing], [one for one in own if one.closing]
    return msgspec.structs.replace(
        leg,
        opened=plus(leg.opened, *(one.filled for one in opened)),
        closed=plus(leg.closed, *(one.filled for one in closed)),
        open_price=_price(opened) or leg.open_price,
        close_price=_price(closed) or leg.close_price,
        fees=plus(leg.fees, *(one.commission for one in own)),
    )


def _price(orders: Iterable[OurOrder]) -> Decimal | None:
    every = tuple(orders)
    return per(plus(*(one.filled_value for one in every)), plus(*(one.filled for one in every)))


def _end(view: View) -> tuple[Step, ...]:
    if any(not one.complete or not _idle(one, view) for one in view.orders):
        return tuple(
            Drop(order=one, code="not_sent", reason="the trade is over") for one in view.orders if is_unsent(one)
        )
    reason = "the two-leg trade is over" if view.pair is None else view.pair.event
    return (Settle(intent_id=view.intent.intent_id, reason=reason),)
