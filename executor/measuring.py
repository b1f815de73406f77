"""What the executor has told and how its account stands, as metrics (D-27); it reads what others made, changes nothing.

Steps are counted where they leave the outbox, each after the broker has it: one place sees all of them, whatever made
them, and none is measured on the way of an order. A successor begins at 0 again, which is what a counter may do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final, get_args

import msgspec

from executor.ports import Waiting
from executor.terms import US_PER_S, Where
from tapeline.domain import telling
from tapeline.domain.account import AccountState
from tapeline.domain.account_records import Audit, Pair
from tapeline.domain.machines.pair import PairHappening
from tapeline.domain.money import ZERO, minus, plus
from tapeline.domain.order_records import STOP_LOSS, DesiredState, Order, OrderEvent, OrderEventKind, PairState
from tapeline.runtime import metrics

RESULTS: Final[Mapping[OrderEventKind, str]] = {
    "order_sent": "sent",
    "order_placed": "placed",
    "order_filled": "filled",
    "order_cancelled": "cancelled",
    "order_rejected": "rejected",
    "order_expired": "expired",
    "order_unknown": "unknown",
    "order_repaired": "repaired",
}
"""What is counted of an order; it is filled when all of it is."""
ANSWERED: Final = frozenset({"placed", "filled", "rejected"})
VERDICTS: Final[Mapping[OrderEventKind, str]] = {
    "intent_approved": "approved",
    "intent_refused": "refused",
    "intent_settled": "settled",
}
_WANTED: Final[tuple[DesiredState, ...]] = ("RUNNING", "REDUCING", "HALTED")
_EVEN: Final = Decimal("0.01")
"""A difference between the legs below this share of the larger one is a rest or a fee, and nobody stands alone."""

_FORGOTTEN_US: Final = 300 * US_PER_S
"""A fill that was told after its intent had settled evens out in no step of it: the position stands for it then."""


class _Dealt(msgspec.Struct):
    """What the two legs of an intent have dealt so far, bought less sold, and since when they differ."""

    net: Decimal = ZERO
    most: Decimal = ZERO
    since_us: int | None = None


def begin(places: Iterable[Where]) -> None:
    """Let everything that a rule looks at be 0 before it happens for the first time, and not absent."""
    for venue, market in places:
        for result in RESULTS.values():
            metrics.ORDERS.bind(venue=venue, market=market, result=result)
        metrics.ORDER_RETRIES.bind(venue=venue, market=market)
    for verdict in VERDICTS.values():
        metrics.INTENTS.bind(result=verdict)
    for event in get_args(PairHappening):
        metrics.PAIR_EVENTS.bind(event=event)
    metrics.STOP_LOSSES.bind()


class Told:
    """Counts what was told, record by record."""

    def __init__(self) -> None:
        """Begin with nothing dealt."""
        self._dealt: dict[str, _Dealt] = {}
        self._asked: set[str] = set()
        """Orders that were sent and of which nothing was told since."""

    def waiting(self, stream: str, found: tuple[Waiting, ...], now_us: int) -> None:
        """Show how much waits for the broker, and for how long the oldest does."""
        metrics.OUTBOX_WAITING.set(len(found), stream=stream)
        since_us: int = getattr(found[0].record.value, "at_us", now_us) if found else now_us
        metrics.OUTBOX_OLDEST_S.set(max(0, now_us - since_us) / US_PER_S, stream=stream)
        for name, dealt in tuple(self._dealt.items()):
            if dealt.since_us is not None and now_us - dealt.since_us > _FORGOTTEN_US:
                self._even(name, now_us)

    def published(self, found: tuple[Waiting, ...]) -> None:
        """Count what the broker has."""
        for one in found:
            match one.record.value:
                case OrderEvent() as event:
                    self._step(event)
                case Pair() as pair:
                    metrics.PAIR_EVENTS.inc(event=pair.event)
                case Audit(action="INTENT_APPROVE", reason=str(reason)) if reason.startswith(STOP_LOSS):
                    metrics.STOP_LOSSES.inc()

    def _step(self, event: OrderEvent) -> None:
        verdict = VERDICTS.get(event.kind)
        if verdict is not None:
            metrics.INTENTS.inc(result=verdict)
        if event.kind == "intent_refused":
            metrics.REFUSALS.inc(code=event.code or "")
        elif event.kind == "intent_settled":
            self._even(event.intent_id, event.at_us)
        if event.order is not None:
            self._order(event, event.order)

    def _order(self, event: OrderEvent, order: Order) -> None:
        result = RESULTS.get(event.kind)
        if event.fill is not None:
            self._filled(event, order)
        whole = event.fill is not None and order.filled >= order.quantity
        if result is None or (result == "filled" and not whole):
            return
        place = {"venue": order.venue, "market": order.market}
        metrics.ORDERS.bind(**place, result=result).inc()
        if result == "sent":
            self._sent(event, order, place)
        elif order.client_order_id in self._asked:
            self._asked.discard(order.client_order_id)
            if result in ANSWERED and event.sent_us is not None and event.answered_us is not None:
                took_us = event.answered_us - event.sent_us
                metrics.ORDER_ANSWER_S.observe(max(0, took_us) / US_PER_S, **place)

    def _sent(self, event: OrderEvent, order: Order, place: Mapping[str, str]) -> None:
        self._asked.add(order.client_order_id)
        if order.attempt > 1:
            metrics.ORDER_RETRIES.bind(**place).inc()
        elif order.part == 1 and event.first_received_us is not None and event.sent_us is not None:
            took_us = event.sent_us - event.first_received_us
            metrics.TICK_TO_ORDER_S.observe(max(0, took_us) / US_PER_S, **place)

    def _filled(self, event: OrderEvent, order: Order) -> None:
        fill = event.fill
        if fill is None or order.leg is None:
            return
        dealt = self._dealt.setdefault(event.intent_id, _Dealt())
        changed = plus if order.side == "buy" else minus
        dealt.net = changed(dealt.net, fill.quantity)
        dealt.most = max(dealt.most, abs(dealt.net))
        if abs(dealt.net) > dealt.most * _EVEN:
            dealt.since_us = dealt.since_us or fill.filled_us
            metrics.LEGS_ALONE.set(sum(one.since_us is not None for one in self._dealt.values()))
        else:
            self._even(event.intent_id, fill.filled_us)

    def _even(self, intent_id: str, at_us: int) -> None:
        """Measure for how long one leg of an intent stood alone, where one did."""
        dealt = self._dealt.pop(intent_id, None)
        if dealt is not None and dealt.since_us is not None:
            metrics.LEG_ALONE_S.observe(max(0, at_us - dealt.since_us) / US_PER_S)
            metrics.LEGS_ALONE.set(sum(one.since_us is not None for one in self._dealt.values()))


def standing(state: AccountState) -> None:
    """Show how an account stands."""
    account = state.account
    held = telling.account(state, "")
    metrics.ORDERS_OPEN.set(held.open_orders, account=account)
    metrics.POSITIONS_OPEN.set(held.open_positions, account=account)
    metrics.EQUITY_USDT.set(float(held.equity), account=account)
    metrics.EXPOSURE_USDT.set(float(held.exposure), account=account)
    metrics.MARGIN_USDT.set(float(held.margin), account=account)
    metrics.PNL_USDT.set(float(held.unrealized_pnl), account=account, kind="unrealized")
    realized = plus(*(one.closed_pnl for one in state.portfolios))
    metrics.PNL_USDT.set(float(realized), account=account, kind="realized")
    unknown = [one.sent_us or one.created_us for one in state.orders if one.status == "UNKNOWN"]
    metrics.ORDERS_UNKNOWN.set(len(unknown), account=account)
    oldest_us = state.now_us - min(unknown, default=state.now_us)
    metrics.UNKNOWN_FOR_S.set(max(0, oldest_us) / US_PER_S, account=account)
    for name in get_args(PairState):
        metrics.PAIRS.set(sum(one.state == name for one in state.pairs), account=account, state=name)
    wanted = [state.desired(""), *(one.desired for one in state.controls if one.scope == "strategy")]
    metrics.TRADING_STATE.set(max(_WANTED.index(one) for one in wanted), account=account)
