"""The next step of a single order from its row: sent in time or never, looked up when unknown, never sent again."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.deciding import next_steps
from executor.steps import Add, Cancel, Drop, LookUp, ReadFills, Send, Settle, Wait
from executor.terms import request_end_us
from tapeline.domain.order_records import OrderStatus
from tests.unit.executor.scene import NOW_US, TERMS, order, state, taken, view

PENDING = order("a")
CLOSING = order("a", closing=True)
SENT = order("a", sent_us=NOW_US)
UNKNOWN = order("a", None, "UNKNOWN")
UNWANTED = order("a", None, "UNKNOWN", cancel_us=NOW_US)
RESTING = order("a", None, "PLACED", time_in_force="GTC")
RESTING_CLOSE = order("a", None, "PLACED", time_in_force="GTC", closing=True)
MARKET_CLOSE = order("a", None, "PLACED", time_in_force="GTC", order_type="market", closing=True)
RESTING_UNWANTED = order("a", None, "PLACED", time_in_force="GTC", cancel_us=NOW_US)
PENDING_UNWANTED = order("a", cancel_us=NOW_US)


@pytest.mark.parametrize(
    ("one", "rest", "steps"),
    [
        (PENDING, {}, (Send(order=PENDING),)),
        (CLOSING, {"desired": "HALTED"}, (Send(order=CLOSING),)),
        (PENDING, {"busy": frozenset({"a"})}, ()),
        (
            PENDING,
            {"after_ms": 1_001},
            (Drop(order=PENDING, code="too_late", reason="it was not sent in time"),),
        ),
        (
            PENDING,
            {"desired": "REDUCING"},
            (Drop(order=PENDING, code="reducing", reason="it is REDUCING: nothing is opened"),),
        ),
        (SENT, {}, (LookUp(order=SENT),)),
        (UNKNOWN, {"after_ms": 5_000}, (LookUp(order=UNKNOWN),)),
        (UNWANTED, {}, (Cancel(order=UNWANTED),)),
        (RESTING, {}, ()),
        (RESTING_UNWANTED, {}, (Cancel(order=RESTING_UNWANTED),)),
        (
            PENDING_UNWANTED,
            {},
            (Drop(order=PENDING_UNWANTED, code="cancelled", reason="it was cancelled before it was sent"),),
        ),
        (RESTING, {"desired": "HALTED"}, (Cancel(order=RESTING),)),
        (RESTING, {"desired": "REDUCING"}, ()),
        (RESTING, {"stopping": True}, (Cancel(order=RESTING),)),
        (RESTING_CLOSE, {"desired": "HALTED"}, ()),
        (RESTING_CLOSE, {"stopping": True}, (Cancel(order=RESTING_CLOSE),)),
        (CLOSING, {"stopping": True}, (Send(order=CLOSING),)),
        # The stream has a moment to tell its end.
        (MARKET_CLOSE, {"stopping": True}, (Wait(until_us=NOW_US + 50_000),)),
        (MARKET_CLOSE, {"stopping": True, "after_ms": 50}, (LookUp(order=MARKET_CLOSE),)),
        (
            PENDING,
            {"stopping": True},
            (Drop(order=PENDING, code="stopping", reason="the executor stops: nothing is opened"),),
        ),
    ],
)
def test_what_is_done_next_for_an_order(one: object, rest: dict[str, object], steps: tuple[object, ...]) -> None:
    assert next_steps(view(one, command="PlaceOrder", **rest)) == steps  # type: ignore[arg-type]  # by name


def test_flatten_waits_for_what_may_still_add_to_the_position_then_closes_and_settles() -> None:
    entry = order("o", None, "PLACED", time_in_force="GTC", intent_id="i-0")
    asked = {"command": "Flatten", "state": state(orders=(entry,), intents=(taken("Flatten"),))}
    assert next_steps(view(**asked)) == (Cancel(order=entry),)  # type: ignore[arg-type]  # by name
    dealt = order("o", None, "CANCELLED", told_filled=Decimal(1), intent_id="i-0")
    asked = {"command": "Flatten", "state": state(orders=(dealt,), intents=(taken("Flatten"),))}
    assert next_steps(view(**asked)) == ()  # type: ignore[arg-type]  # by name
    settled = (Settle(intent_id="i-1", reason="done"),)
    assert next_steps(view(command="Flatten", state=state(intents=(taken("Flatten"),)))) == settled


def test_an_end_with_fills_that_were_not_told_is_read_and_settles_afterwards() -> None:
    told = order("a", None, "CANCELLED", told_filled=Decimal("0.5"))
    # The stream has a moment to tell them by itself.
    assert next_steps(view(told, command="PlaceOrder")) == (Wait(until_us=NOW_US + 300_000),)
    assert next_steps(view(told, command="PlaceOrder", after_ms=300)) == (ReadFills(order=told),)
    whole = order("a", None, "CANCELLED", filled="0.5")
    assert next_steps(view(whole, command="PlaceOrder")) == (Settle(intent_id="i-1", reason="cancelled"),)


def test_a_new_attempt_under_a_new_id_follows_only_a_definitive_no() -> None:
    limited = order("a", None, "REJECTED", code="rate_limited")
    assert next_steps(view(limited, command="PlaceOrder")) == (Wait(until_us=NOW_US + 100_000),)
    (step,) = next_steps(view(limited, command="PlaceOrder", after_ms=100))
    assert isinstance(step, Add)
    assert (step.order.attempt, step.order.quantity, step.order.status) == (2, Decimal("1.000"), "PENDING")
    assert step.order.client_order_id != limited.client_order_id
    poor = order("a", None, "REJECTED", code="insufficient_funds")
    settled = (Settle(intent_id="i-1", reason="insufficient_funds"),)
    assert next_steps(view(poor, command="PlaceOrder", after_ms=100)) == settled
    late = (Settle(intent_id="i-1", reason="rate_limited"),)
    assert next_steps(view(limited, command="PlaceOrder", after_ms=1_500)) == late


@given(
    status=st.sampled_from(["PENDING", "PLACED", "PARTIALLY_FILLED", "UNKNOWN"]),
    after_ms=st.integers(0, 10_000),
    force=st.sampled_from(["GTC", "IOC"]),
    desired=st.sampled_from(["RUNNING", "REDUCING", "HALTED"]),
    command=st.sampled_from(["PlaceOrder", "EnterPair", "ClosePosition", "Flatten"]),
)
def test_an_order_that_went_out_and_may_live_is_never_sent_dropped_or_followed_by_another(
    status: OrderStatus, after_ms: int, force: str, desired: str, command: str
) -> None:
    one = order("a", "buy", status, sent_us=NOW_US, time_in_force=force)
    steps = next_steps(view(one, command=command, after_ms=after_ms, desired=desired))
    assert not [step for step in steps if isinstance(step, Send | Drop | Add | Settle)]


def test_the_end_of_a_request_follows_from_its_row_alone() -> None:
    assert request_end_us(order("a", sent_us=NOW_US), TERMS) == NOW_US + 1_000_000
    long = order("a", sent_us=NOW_US, expires_us=NOW_US + 60_000_000)
    assert request_end_us(long, TERMS) == NOW_US + TERMS.window_us
