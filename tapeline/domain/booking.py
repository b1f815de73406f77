"""What each step of trading changes, as pure functions from an account's state to its changes; the stores only write.

Every step that moves money leaves its audit entry and its records in the same changes (E-27). A step that tells nothing
new changes nothing.
"""

from __future__ import annotations

import msgspec

from tapeline.domain import account_records as held_records
from tapeline.domain import order_records as records
from tapeline.domain import orders, positions, risk, telling
from tapeline.domain.account import AccountState, MemoryRow, TakenIntent
from tapeline.domain.changes import AuditAction, Changes, Draft, Place
from tapeline.domain.ids import opens
from tapeline.domain.machines.machine import Life
from tapeline.domain.machines.pair import PAIR
from tapeline.domain.machines.position import POSITION
from tapeline.domain.money import plus, times
from tapeline.domain.orders import Answer, OurFill, OurOrder
from tapeline.domain.positions import OurPosition

EXECUTOR = "executor"
_TOLD: dict[records.OrderStatus, records.OrderEventKind] = {
    "PENDING": "order_pending",
    "PLACED": "order_placed",
    "PARTIALLY_FILLED": "order_filled",
    "FILLED": "order_filled",
    "CANCELLED": "order_cancelled",
    "REJECTED": "order_rejected",
    "EXPIRED": "order_expired",
    "UNKNOWN": "order_unknown",
}


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What an intent becomes when it is approved: reserved room, orders that are not sent yet, a two-leg trade."""

    reservation: risk.Reservation
    orders: tuple[OurOrder, ...] = ()
    pair: held_records.Pair | None = None
    cancels: tuple[str, ...] = ()
    """Client ids of orders that it wants cancelled."""

    def goes_out_at_once(self, order: OurOrder) -> bool:
        """Tell whether an order is sent as soon as the plan is stored: of a two-leg trade only the first part is."""
        return self.pair is None or order.part == 1


def approve(
    state: AccountState, intent: records.OrderIntent, place: Place | None, plan: Plan, trace_id: str | None
) -> Changes:
    """Return an approved intent with its orders PENDING, all before the first request goes out.

    What goes out at once is noted as sent here: between this and its request lies no other transaction. An intent of
    the executor's own has no place in the log.
    """
    row = _row(state, intent, trace_id, status="APPROVED", reservation=plan.reservation)
    draft = Draft(state, row.actor)
    draft.intent(row)
    draft.event("intent_approved", row)
    draft.audit(
        "INTENT_APPROVE", ("intent", row.intent_id), new=intent, reason=row.wanted_because, trace_id=trace_id,
        context=row.context,
    )  # fmt: skip
    if row.opening:
        slot = draft.state.slot(row.strategy, row.symbol, row.slot)
        draft.slot(msgspec.structs.replace(slot, intent_id=row.intent_id, version=slot.version + 1))
    _remember(draft, intent)
    for order in plan.orders:
        placed = _place(draft, row, order)
        if plan.goes_out_at_once(order):
            _send(draft, row, placed, state.now_us)
    if plan.pair is not None:
        _pair(draft, plan.pair)
    for name in plan.cancels:
        before = _order(draft.state, name)
        after = orders.cancelling(before, state.now_us)
        if after is not before:
            draft.order(after)
            draft.audit(
                "ORDER_UPDATE", ("order", name), old=before, new=after, reason=row.wanted_because, trace_id=trace_id,
                context=row.context,
            )  # fmt: skip
    if place is not None:
        _answered_until(draft, row, place)
    if not plan.orders and plan.pair is None and (not plan.cancels or row.command == "CancelOrder"):
        # There is nothing to wait for: only a memory, or a cancel, which stands in its order from now on.
        _settle(draft, row, "nothing to wait for")
    return draft.done(state)


def refuse(
    state: AccountState, intent: records.OrderIntent, place: Place, no: risk.Refused, trace_id: str | None
) -> Changes:
    """Return a refused intent; an opening of the current round ends that round, so that the next one has a new id."""
    row = _row(state, intent, trace_id, status="REFUSED", code=no.code, reason=no.reason)
    draft = Draft(state, row.actor)
    draft.intent(row)
    draft.event("intent_refused", row, code=no.code, reason=no.reason)
    draft.audit(
        "INTENT_REFUSE", ("intent", row.intent_id), new=intent, reason=no.reason, trace_id=trace_id,
        context=row.context, error=no.code,
    )  # fmt: skip
    slot = draft.state.slot(row.strategy, row.symbol, row.slot)
    if row.opening and slot.intent_id is None and slot.round == row.round:
        draft.slot(msgspec.structs.replace(slot, round=slot.round + 1, version=slot.version + 1))
    _answered_until(draft, row, place)
    return draft.done(state)


def add(state: AccountState, fresh: tuple[OurOrder, ...]) -> Changes:
    """Return further orders of approved intents, PENDING: a part, an attempt, a rollback."""
    draft = Draft(state, EXECUTOR)
    for order in fresh:
        if state.order(order.client_order_id) is None:
            _place(draft, _intent_of(state, order), order)
    return draft.done(state)


def sent(state: AccountState, client_order_id: str, at_us: int) -> Changes:
    """Return an order with the time at which its request goes out."""
    before = _order(state, client_order_id)
    draft = Draft(state, EXECUTOR)
    _send(draft, _intent_of(state, before), before, at_us)
    return draft.done(state)


def answer(state: AccountState, client_order_id: str, told: Answer) -> Changes:
    """Return an order after what the venue said of it."""
    draft = Draft(state, EXECUTOR)
    _answer(draft, _order(state, client_order_id), told, "ORDER_UPDATE")
    return draft.done(state)


def fill(state: AccountState, executed: OurFill, base: str) -> Changes:
    """Return order, position and reservation after a fill; nothing for one that is booked already."""
    draft = Draft(state, EXECUTOR)
    book_fill(draft, executed, base)
    return draft.done(state)


def settle(state: AccountState, intent_id: str, reason: str) -> Changes:
    """Return an intent that has ended: its reservation is released, its slot free in the next round.

    ValueError while one of its orders may still be dealt, or has fills that are not told yet.
    """
    row = state.intent(intent_id)
    if row is None:
        raise ValueError(f"the intent {intent_id} was never taken")
    draft = Draft(state, EXECUTOR)
    if row.status == "APPROVED":
        waiting = [one.client_order_id for one in state.orders if one.intent_id == intent_id and not one.complete]
        if waiting:
            raise ValueError(f"the intent {intent_id} still waits for its orders {waiting}")
        _settle(draft, row, reason)
    return draft.done(state)


def change_pair(state: AccountState, pair: held_records.Pair) -> Changes:
    """Return a two-leg trade in its next version; IllegalTransition where its table has no such step.

    Nothing changes where it is not in the version any more that was decided on: whoever asks decides again.
    """
    draft = Draft(state, EXECUTOR)
    before = _known_pair(state, pair)
    if before is None or before.version == pair.version:
        _pair(draft, pair)
    return draft.done(state)


def balances(state: AccountState, read: tuple[held_records.Balance, ...]) -> Changes:
    """Return what the wallets hold now; nothing when that is known."""
    draft = Draft(state, EXECUTOR)
    if read != state.balances:
        draft.balances(read)
        told = msgspec.structs.replace(draft.state, version=state.version + 1)
        draft.tell("account", telling.account(told, EXECUTOR), None)
    return draft.done(state)


# ---------------------------------------------------------------- steps, also of a reconciliation
def book_answer(draft: Draft, order: OurOrder, told: Answer) -> None:
    """Book what a reconciliation found out about an order."""
    _answer(draft, order, told, "ORDER_REPAIR")


def book_fill(draft: Draft, executed: OurFill, base: str) -> None:
    """Book a fill once: on its order, on the position, and off the reservation."""
    state = draft.state
    if executed.fill_id in state.known_fills:
        return
    order = None if executed.client_order_id is None else _order(state, executed.client_order_id)
    intent = None if order is None else _intent_of(state, order)
    held = state.position(executed.venue, executed.market, executed.symbol)
    if order is None and held is None:
        raise ValueError(f"the fill {executed.fill_id} belongs to no order and to no position of ours")
    draft.fill(executed)
    draft.state = msgspec.structs.replace(draft.state, known_fills=(*state.known_fills, executed.fill_id))
    trace = None if intent is None else intent.trace_id
    if order is not None and intent is not None:
        after = orders.filled(order, executed, state.now_us)
        draft.order(after)
        draft.event("order_filled", intent, own=after, executed=executed)
        draft.audit("ORDER_FILL", ("order", order.client_order_id), old=order, new=after, trace_id=trace)
        _move(draft, intent, order, executed)
    owner = order.strategy if order is not None else "" if held is None else held.strategy
    why = executed.cause if intent is None else intent.wanted_because
    lives = positions.filled(held, executed, strategy=owner, base=base, at_us=state.now_us, reason=why)
    for life in lives:
        _hold(draft, held, life, trace, None if intent is None else intent.context)
        held = life


def _hold(draft: Draft, before: OurPosition | None, after: OurPosition, trace: str | None, context: str | None) -> None:
    if after.status == "CLOSED":
        row = draft.state.portfolio(after.strategy, after.symbol)
        draft.portfolio(msgspec.structs.replace(row, closed_pnl=plus(row.closed_pnl, after.realized_pnl)))
    after = msgspec.structs.replace(after, trace_id=trace or after.trace_id)
    draft.position(after, trace)
    begins = before is None or before.life != after.life
    action: AuditAction = "POSITION_CLOSE" if after.status == "CLOSED" else "POSITION_UPDATE"
    if begins and after.status != "CLOSED":
        action = "POSITION_OPEN"
    old = None if begins else before
    entity = ":".join((after.account, *after.instrument))
    why = after.exit_reason or after.entry_reason
    draft.audit(action, ("position", entity), old=old, new=after, reason=why, trace_id=trace, context=context)


def _move(draft: Draft, intent: TakenIntent, order: OurOrder, executed: OurFill) -> None:
    if intent.reservation is None or order.closing:
        return
    value = times(executed.price, executed.quantity)
    left = risk.moved(intent.reservation, executed.venue, executed.market, value)
    if left != intent.reservation:
        draft.intent(msgspec.structs.replace(intent, reservation=left, version=intent.version + 1))


def _answer(draft: Draft, order: OurOrder, told: Answer, action: AuditAction) -> None:
    after = orders.answered(order, told, draft.state.now_us)
    if after is order:
        return
    intent = _intent_of(draft.state, order)
    draft.order(after)
    if after.status != order.status:
        kind = "order_repaired" if action == "ORDER_REPAIR" else _TOLD[after.status]
        draft.event(kind, intent, own=after, code=after.code, reason=after.reason)
    lost = after.code or after.status
    draft.audit(
        action, ("order", order.client_order_id), old=order, new=after, reason=after.reason, trace_id=intent.trace_id,
        error=lost if after.status in ("REJECTED", "UNKNOWN") else None,
    )  # fmt: skip


def _send(draft: Draft, intent: TakenIntent, before: OurOrder, at_us: int) -> None:
    after = orders.sent(before, at_us)
    if after is not before:
        draft.order(after)
        draft.event("order_sent", intent, own=after)


def _place(draft: Draft, intent: TakenIntent, order: OurOrder) -> OurOrder:
    order = msgspec.structs.replace(order, trace_id=order.trace_id or intent.trace_id)
    draft.order(order)
    draft.event("order_pending", intent, own=order)
    draft.audit(
        "ORDER_PLACE", ("order", order.client_order_id), new=order, reason=intent.wanted_because,
        trace_id=order.trace_id, context=intent.context,
    )  # fmt: skip
    held = draft.state.position(order.venue, order.market, order.symbol)
    if order.closing and held is not None and POSITION.knows(held.status, "closing"):
        closing = msgspec.structs.replace(
            held, status=POSITION.next(held.status, "closing"), exit_reason=intent.wanted_because,
            version=held.version + 1, updated_us=draft.state.now_us,
        )  # fmt: skip
        _hold(draft, held, closing, intent.trace_id, intent.context)
    return order


def _settle(draft: Draft, row: TakenIntent, reason: str) -> None:
    ended = msgspec.structs.replace(
        row, status="SETTLED", reason=reason, reservation=None, settled_us=draft.state.now_us, version=row.version + 1
    )
    draft.intent(ended)
    slot = draft.state.slot(row.strategy, row.symbol, row.slot)
    if slot.intent_id == row.intent_id:
        draft.slot(msgspec.structs.replace(slot, round=slot.round + 1, intent_id=None, version=slot.version + 1))
    for held in draft.state.positions:
        # A close that did not bring it to zero leaves it open.
        if held.status == "CLOSING" and _mine(held, row) and not _still_closing(draft.state, held):
            kept = msgspec.structs.replace(
                held, status=POSITION.next(held.status, "kept"), exit_reason=None, version=held.version + 1,
                updated_us=draft.state.now_us,
            )  # fmt: skip
            _hold(draft, held, kept, row.trace_id, row.context)
    draft.event("intent_settled", ended, reason=reason)
    draft.audit(
        "INTENT_SETTLE", ("intent", row.intent_id), old=row, new=ended, reason=reason, trace_id=row.trace_id,
        context=row.context,
    )  # fmt: skip


def _mine(held: OurPosition, row: TakenIntent) -> bool:
    return (held.strategy, held.symbol) == (row.strategy, row.symbol)


def _still_closing(state: AccountState, held: OurPosition) -> bool:
    return any(
        one.closing and one.is_open and (one.venue, one.market, one.symbol) == held.instrument for one in state.orders
    )


def _known_pair(state: AccountState, pair: held_records.Pair) -> held_records.Pair | None:
    return next((one for one in state.pairs if (one.pair_id, one.round) == (pair.pair_id, pair.round)), None)


def _pair(draft: Draft, pair: held_records.Pair) -> None:
    before = _known_pair(draft.state, pair)
    # A trade of a new round begins where the one before it left the pair.
    was: records.PairState = "READY" if before is None else before.state
    if pair.state != was:
        Life(machine=PAIR, state=was).update_status(pair.state, draft.state.now_us)
    version = 1 if before is None else before.version + 1
    after = msgspec.structs.replace(
        pair, was=None if before is None else before.state, version=version, at_us=draft.state.now_us
    )
    draft.pair(after)
    draft.audit(
        "PAIR_CHANGE", ("pair", f"{pair.pair_id}@{pair.round}"), old=before, new=after, reason=pair.reason,
        trace_id=pair.trace_id,
    )  # fmt: skip


def _remember(draft: Draft, intent: records.OrderIntent) -> None:
    if intent.memory is not None:
        draft.memory(
            MemoryRow(
                account=draft.state.account,
                strategy=intent.strategy,
                symbol=intent.symbol,
                version=intent.memory.version,
                kind=intent.memory.kind,
                body=intent.memory.body,
            )
        )


def _answered_until(draft: Draft, row: TakenIntent, place: Place) -> None:
    mine = draft.state.portfolio(row.strategy, row.symbol)
    draft.portfolio(msgspec.structs.replace(mine, taken_offset=place.offset))


def _order(state: AccountState, client_order_id: str) -> OurOrder:
    found = state.order(client_order_id)
    if found is None:
        raise ValueError(f"the order {client_order_id} is not ours")
    return found


def _intent_of(state: AccountState, order: OurOrder) -> TakenIntent:
    found = state.intent(order.intent_id)
    if found is None:
        raise ValueError(f"the order {order.client_order_id} has no intent")
    return found


def _row(state: AccountState, intent: records.OrderIntent, trace_id: str | None, **rest: object) -> TakenIntent:
    made = TakenIntent(
        intent_id=intent.intent_id,
        account=state.account,
        strategy=intent.strategy,
        symbol=intent.symbol,
        slot=intent.slot,
        round=intent.round,
        command=type(intent.command).__name__,
        venue=getattr(intent.command, "venue", None),
        opening=opens(intent.command),
        status="APPROVED",
        wanted_because=intent.reason,
        context=msgspec.json.encode(intent.evidence).decode() if intent.evidence else None,
        actor=intent.actor or intent.strategy,
        trace_id=trace_id,
        first_received_us=intent.first_received_us,
        decided_us=intent.decided_us,
        expires_us=intent.expires_us,
        taken_us=state.now_us,
    )
    return msgspec.structs.replace(made, **rest)
