"""What leaves the outbox is counted once, by what it says; how an account stands is shown, 0 where it is empty."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from executor import measuring
from executor.measuring import Told
from executor.ports import Waiting
from tapeline.domain.account import AccountState, PortfolioRow
from tapeline.domain.account_records import Audit, Balance, Control, Pair
from tapeline.domain.changes import Outgoing
from tapeline.domain.instruments import Side
from tapeline.domain.order_records import Fill, Leg, Order, OrderEvent, OrderEventKind, OrderStatus
from tapeline.runtime import metrics
from tests.support import trader_values

US = 1_000_000
PLACE = {"venue": "bybit", "market": "futures"}


class Seen:
    """The samples of now, less those of the beginning: the registry is the whole process's."""

    def __init__(self) -> None:
        self._before = self._samples()

    def _samples(self) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in metrics.registry().collect()
            for sample in family.samples
        }

    def __call__(self, name: str, **labels: str) -> float:
        key = (name, frozenset(labels.items()))
        return self._samples().get(key, 0.0) - self._before.get(key, 0.0)


def now(name: str, **labels: str) -> float | None:
    return metrics.registry().get_sample_value(name, labels)


@pytest.fixture
def seen() -> Seen:
    return Seen()


def event(kind: OrderEventKind, **changes: Any) -> OrderEvent:  # noqa: ANN401 - any field
    given = {
        "event_id": "e", "sequence": 1, "account": "main", "strategy": "two-leg", "symbol": "BTC/USDT", "slot": 0,
        "round": 0, "intent_id": "i", "kind": kind, "at_us": 9 * US,
    }  # fmt: skip
    return OrderEvent(**{**given, **changes})


def order(name: str = "o", *, status: OrderStatus = "PLACED", filled: str = "0", **changes: Any) -> Order:  # noqa: ANN401 - any field
    found = Order(
        client_order_id=name, venue="bybit", market="futures", part=1, attempt=1, side="buy", order_type="limit",
        time_in_force="IOC", quantity=Decimal(2), filled=Decimal(filled), commission=Decimal(0), reduce_only=False,
        status=status, version=1,
    )  # fmt: skip
    return msgspec.structs.replace(found, **changes)


def filled(side: Side, leg: Leg, quantity: str, at_us: int, intent: str = "i") -> OrderEvent:
    fill = Fill(
        fill_id=f"{leg}{at_us}", price=Decimal(1), quantity=Decimal(quantity), fee=Decimal(0), fee_currency="USDT",
        liquidity="taker", filled_us=at_us,
    )  # fmt: skip
    own = order(leg, status="PARTIALLY_FILLED", filled=quantity, side=side, leg=leg)
    return event("order_filled", order=own, fill=fill, intent_id=intent)


def published(*values: msgspec.Struct, told: Told | None = None) -> None:
    (told or Told()).published(waiting(*values))


def waiting(*values: msgspec.Struct) -> tuple[Waiting, ...]:
    return tuple(
        Waiting(stream="main", number=number, record=Outgoing(topic="order.event", key="k", symbol=None, value=value))
        for number, value in enumerate(values)
    )


def test_what_became_of_intents_is_counted_and_why_they_were_refused(seen: Seen) -> None:
    published(event("intent_approved"), event("intent_refused", code="max_pairs"), event("intent_settled"))
    assert [seen("tapeline_intents_total", result=one) for one in ("approved", "refused", "settled")] == [1, 1, 1]
    assert seen("tapeline_intent_refusals_total", code="max_pairs") == 1


@pytest.mark.parametrize(
    ("kind", "status", "quantity", "result"),
    [
        ("order_sent", "PENDING", "0", "sent"),
        ("order_placed", "PLACED", "0", "placed"),
        ("order_cancelled", "CANCELLED", "1", "cancelled"),
        ("order_rejected", "REJECTED", "0", "rejected"),
        ("order_expired", "EXPIRED", "0", "expired"),
        ("order_unknown", "UNKNOWN", "0", "unknown"),
        ("order_repaired", "FILLED", "2", "repaired"),
        # The venue says that it is filled, its fills follow: they are what counts.
        ("order_filled", "FILLED", "0", None),
        ("order_pending", "PENDING", "0", None),
    ],
)
def test_a_step_of_an_order_is_counted_by_its_result(
    seen: Seen, kind: OrderEventKind, status: OrderStatus, quantity: str, result: str | None
) -> None:
    published(event(kind, order=order(status=status, filled=quantity)))
    found = {one: seen("tapeline_orders_total", **PLACE, result=one) for one in measuring.RESULTS.values()}
    assert found == {one: int(one == result) for one in found}


def test_an_order_is_filled_once_when_all_of_it_is(seen: Seen) -> None:
    published(filled("buy", "buy", "1", US))
    assert seen("tapeline_orders_total", **PLACE, result="filled") == 0
    published(filled("buy", "buy", "2", US))
    assert seen("tapeline_orders_total", **PLACE, result="filled") == 1


def test_the_time_from_tick_to_order_is_that_of_the_first_request(seen: Seen) -> None:
    times = {"first_received_us": 5 * US, "sent_us": 5 * US + 4_000}
    published(
        event("order_sent", order=order("a"), **times),
        event("order_sent", order=order("b", part=2), **times),
        event("order_sent", order=order("c", attempt=2), **times),
        event("order_sent", order=order("d"), sent_us=5 * US),
    )
    assert seen("tapeline_tick_to_order_seconds_count", **PLACE) == 1
    assert seen("tapeline_tick_to_order_seconds_sum", **PLACE) == pytest.approx(0.004)
    assert seen("tapeline_order_retries_total", **PLACE) == 1


def test_an_orders_first_answer_alone_is_measured(seen: Seen) -> None:
    told = Told()
    answered = {"sent_us": US, "answered_us": US + 20_000}
    published(
        event("order_sent", order=order("a")),
        event("order_placed", order=order("a"), **answered),
        event("order_cancelled", order=order("a", status="CANCELLED"), **answered),
        event("order_rejected", order=order("never sent by us", status="REJECTED"), **answered),
        event("order_sent", order=order("b")),
        event("order_unknown", order=order("b", status="UNKNOWN")),
        event("order_placed", order=order("b"), **answered),
        told=told,
    )
    assert seen("tapeline_order_answer_seconds_count", **PLACE) == 1
    assert seen("tapeline_order_answer_seconds_sum", **PLACE) == pytest.approx(0.02)


def test_a_leg_stands_alone_from_the_first_fill_to_the_one_that_evens_out(seen: Seen) -> None:
    told = Told()
    published(filled("buy", "buy", "2", 3 * US), filled("sell", "sell", "1", 4 * US), told=told)
    assert (now("tapeline_legs_alone"), seen("tapeline_leg_alone_seconds_count")) == (1, 0)
    # A rest of a thousandth is nobody's risk.
    published(filled("sell", "sell", "0.999", 5 * US), told=told)
    assert (now("tapeline_legs_alone"), seen("tapeline_leg_alone_seconds_count")) == (0, 1)
    assert seen("tapeline_leg_alone_seconds_sum") == 2.0


def test_a_leg_that_stands_alone_at_the_end_is_measured_up_to_it(seen: Seen) -> None:
    told = Told()
    published(filled("buy", "buy", "2", 3 * US), event("intent_settled", at_us=9 * US), told=told)
    assert (now("tapeline_legs_alone"), seen("tapeline_leg_alone_seconds_sum")) == (0, 6.0)


def test_a_fill_that_is_told_after_the_end_does_not_stand_alone_for_ever(seen: Seen) -> None:
    told = Told()
    published(filled("buy", "buy", "2", 3 * US), told=told)
    told.waiting("main", (), 303 * US)
    assert now("tapeline_legs_alone") == 1
    told.waiting("main", (), 304 * US)
    assert (now("tapeline_legs_alone"), seen("tapeline_leg_alone_seconds_count")) == (0, 1)


def test_steps_of_pairs_and_stop_losses_are_counted(seen: Seen) -> None:
    pair = Pair(
        pair_id="p", account="main", strategy="two-leg", symbol="BTC/USDT", slot=0, round=0, version=1, state="READY",
        event="rolled_back", parts=1, part=1, legs=(), unrealized_pnl=Decimal(0), realized_pnl=Decimal(0), at_us=1,
    )  # fmt: skip
    audit = Audit(
        sequence=1, action="INTENT_APPROVE", entity_type="intent", entity_id="i", success=True, actor="two-leg",
        at_us=1, previous_hash="", hash="", reason="stop loss: leaving at fresh prices loses 5",
    )  # fmt: skip
    others = (
        msgspec.structs.replace(audit, reason="target: leaving earns"),
        msgspec.structs.replace(audit, action="INTENT_SETTLE"),
        msgspec.structs.replace(audit, reason=None),
    )
    published(pair, audit, *others)
    assert seen("tapeline_pair_events_total", event="rolled_back") == 1
    assert seen("tapeline_stop_losses_total") == 1


def test_what_waits_in_the_outbox_is_shown_with_its_age() -> None:
    told = Told()
    told.waiting("main", waiting(event("intent_approved", at_us=4 * US), event("intent_settled", at_us=5 * US)), 9 * US)
    assert (now("tapeline_outbox_waiting", stream="main"), now("tapeline_outbox_oldest_seconds", stream="main")) == (
        2,
        5,
    )
    told.waiting("main", (), 9 * US)
    assert (now("tapeline_outbox_waiting", stream="main"), now("tapeline_outbox_oldest_seconds", stream="main")) == (
        0,
        0,
    )


def test_everything_a_rule_looks_at_is_there_before_it_happens() -> None:
    measuring.begin([("okx", "spot")])
    assert now("tapeline_orders_total", venue="okx", market="spot", result="unknown") == 0
    assert now("tapeline_order_retries_total", venue="okx", market="spot") == 0
    assert now("tapeline_pair_events_total", event="left_paused") == 0


def test_an_account_is_shown_as_it_stands() -> None:
    own = trader_values.order(trader_values.intent(), "o")
    unknown = msgspec.structs.replace(own, client_order_id="u", status="UNKNOWN", sent_us=4 * US)
    state = AccountState(
        account="fresh", epoch=1, now_us=10 * US, orders=(own, unknown),
        balances=(Balance(venue="bybit", wallet="unified", asset="USDT", total=Decimal(70), available=Decimal(50)),),
        portfolios=(
            PortfolioRow(account="fresh", strategy="a", symbol="BTC/USDT", closed_pnl=Decimal("1.5")),
            PortfolioRow(account="fresh", strategy="b", symbol="BTC/USDT", closed_pnl=Decimal(-4)),
        ),
        controls=(Control(scope="strategy", target="a", version=1, desired="REDUCING", actor="me", at_us=1),),
    )  # fmt: skip
    measuring.standing(state)
    shown = {
        name: now(f"tapeline_{name}", account="fresh")
        for name in (
            "orders_open", "orders_unknown", "order_unknown_seconds", "positions_open", "equity_usdt", "exposure_usdt",
            "margin_usdt", "trading_state",
        )
    }  # fmt: skip
    assert shown == {
        "orders_open": 2, "orders_unknown": 1, "order_unknown_seconds": 6, "positions_open": 0, "equity_usdt": 70,
        "exposure_usdt": 0, "margin_usdt": 0, "trading_state": 1,
    }  # fmt: skip
    assert now("tapeline_pnl_usdt", account="fresh", kind="realized") == -2.5
    assert now("tapeline_pairs", account="fresh", state="ERROR") == 0
    measuring.standing(msgspec.structs.replace(state, orders=(), controls=()))
    assert now("tapeline_order_unknown_seconds", account="fresh") == 0
    assert now("tapeline_trading_state", account="fresh") == 0
