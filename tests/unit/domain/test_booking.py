"""A trade step by step: what is told after each, in which order, and that every record of it can be encoded."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from schemas.topics import by_name
from tapeline.domain import booking
from tapeline.domain.account import AccountState
from tapeline.domain.account_records import Balance, Pair
from tapeline.domain.changes import Changes, Place
from tapeline.domain.machines.machine import IllegalTransition
from tapeline.domain.order_records import CancelOrder, Flatten, OrderEvent
from tapeline.domain.orders import Answer
from tapeline.domain.risk import Refused
from tapeline.runtime.codec import Codec
from tests.support.records import IDS
from tests.support.trader_values import SYMBOL, fill, intent, order, plan

CODEC = Codec(IDS)
PLACE = Place(partition=0, offset=7)
EMPTY = AccountState(account="main", epoch=1, now_us=100, version=4)


def applied(state: AccountState, changes: Changes) -> AccountState:
    """Return the state with the changes; each record of them comes back from its bytes."""
    for one in changes.outgoing:
        topic = by_name(one.topic)
        assert CODEC.decode(topic, CODEC.encode(topic, one.value)) == one.value
    rows = {
        name: tuple({getattr(one, key): one for one in (*getattr(state, name), *getattr(changes, name))}.values())
        for name, key in (
            ("intents", "intent_id"),
            ("orders", "client_order_id"),
            ("positions", "instrument"),
            ("slots", "slot"),
            ("portfolios", "symbol"),
        )
    }
    sequence = changes.event_sequence or state.event_sequence
    return msgspec.structs.replace(state, event_sequence=sequence, **rows)


def told(changes: Changes) -> list[tuple[str, ...]]:
    """Return what is told: events with kind and number, other records by their topic."""
    return [
        (one.value.kind, str(one.value.sequence)) if isinstance(one.value, OrderEvent) else (one.topic,)
        for one in changes.outgoing
    ]


def test_a_trade_is_told_step_by_step() -> None:
    asked = intent()
    approved = booking.approve(EMPTY, asked, PLACE, plan(asked, order(asked, "a")), "t1")
    state = applied(EMPTY, approved)
    placed = booking.answer(state, "a", Answer(status="PLACED"))
    state = applied(state, placed)
    dealt = booking.fill(state, fill("f1", "a"), "BTC")
    state = applied(state, dealt)
    settled = booking.settle(state, asked.intent_id, "all done")

    assert [told(one) for one in (approved, placed, dealt, settled)] == [
        [("intent_approved", "1"), ("order_pending", "2"), ("order_sent", "3"), ("portfolio",)],
        [("order_placed", "4"), ("portfolio",)],
        [("order_filled", "5"), ("position",), ("portfolio",)],
        [("intent_settled", "6"), ("portfolio",)],
    ]
    assert [[one.action for one in changes.audits] for changes in (approved, placed, dealt, settled)] == [
        ["INTENT_APPROVE", "ORDER_PLACE"], ["ORDER_UPDATE"], ["ORDER_FILL", "POSITION_OPEN"], ["INTENT_SETTLE"],
    ]  # fmt: skip
    assert {one.trace_id for changes in (approved, dealt, settled) for one in changes.audits} == {"t1"}


def test_e27_the_numbers_behind_a_trade_stand_at_its_open_and_close() -> None:
    asked = intent()
    state = applied(EMPTY, booking.approve(EMPTY, asked, PLACE, plan(asked, order(asked, "a")), None))
    opened = booking.fill(state, fill("f1", "a"), "BTC")
    contexts = [one.context for one in opened.audits if one.entity_type == "position"]
    assert contexts == ['{"spread":0.25}']


def test_what_is_filled_moves_from_the_reservation_to_the_position() -> None:
    asked = intent()
    state = applied(EMPTY, booking.approve(EMPTY, asked, PLACE, plan(asked, order(asked, "a")), None))
    state = applied(state, booking.fill(state, fill("f1", "a", "0.4"), "BTC"))
    standing = state.standing()
    assert [one.value() for one in standing.reservations] == [Decimal(60)]
    assert [one.value for one in standing.held] == [Decimal(40)]


def test_a_closing_order_marks_the_position_until_it_ends() -> None:
    asked = intent()
    state = applied(EMPTY, booking.approve(EMPTY, asked, PLACE, plan(asked, order(asked, "a")), None))
    state = applied(state, booking.fill(state, fill("f1", "a"), "BTC"))
    state = applied(state, booking.add(state, (order(asked, "b", closing=True),)))
    assert state.positions[0].status == "CLOSING"
    state = applied(state, booking.answer(state, "b", Answer(status="CANCELLED")))
    assert applied(state, booking.settle(state, asked.intent_id, "no taker")).positions[0].status == "OPEN"


def test_a_refused_opening_is_told_with_its_reason_and_ends_its_round() -> None:
    no = Refused(code="max_exposure", reason="too much")
    changes = booking.refuse(EMPTY, intent(), PLACE, no, None)
    assert told(changes) == [("intent_refused", "1"), ("portfolio",)]
    assert [(one.code, one.reason) for one in changes.events] == [("max_exposure", "too much")]
    assert [(one.round, one.intent_id) for one in changes.slots] == [(1, None)]
    assert [(one.success, one.error_message) for one in changes.audits] == [(False, "max_exposure")]
    later = booking.refuse(EMPTY, intent(round_=5), PLACE, no, None)
    assert later.slots == ()


def test_what_tells_nothing_new_changes_nothing() -> None:
    asked = intent()
    state = applied(EMPTY, booking.approve(EMPTY, asked, PLACE, plan(asked, order(asked, "a")), None))
    held = (Balance(venue="bybit", wallet="unified", asset="USDT", total=Decimal(1), available=Decimal(1)),)
    rich = msgspec.structs.replace(state, balances=held)
    nothing = [
        booking.answer(state, "a", Answer(status="PENDING")),
        booking.add(state, (order(asked, "a"),)),
        booking.fill(msgspec.structs.replace(state, known_fills=("f1",)), fill("f1", "a"), "BTC"),
        booking.balances(rich, held),
    ]
    assert nothing == [Changes()] * len(nothing)
    assert told(booking.balances(state, held)) == [("account",)]


def test_a_fill_of_nobody_is_an_error() -> None:
    with pytest.raises(ValueError, match="belongs to no order"):
        booking.fill(EMPTY, fill("f1", None), "BTC")
    with pytest.raises(ValueError, match="the order x is not ours"):
        booking.answer(EMPTY, "x", Answer(status="PLACED"))


def test_k11_a_pair_goes_along_its_table() -> None:
    pair = Pair(
        pair_id="p", account="main", strategy="two-leg", symbol=SYMBOL, slot=0, round=0, version=9, state="ENTERING",
        event="enter", parts=1, part=0, legs=(), unrealized_pnl=Decimal(0), realized_pnl=Decimal(0), at_us=0,
    )  # fmt: skip
    first = booking.change_pair(EMPTY, pair)
    assert [(one.state, one.was, one.version, one.at_us) for one in first.pairs] == [("ENTERING", None, 1, 100)]
    state = msgspec.structs.replace(EMPTY, pairs=first.pairs)
    opened = booking.change_pair(state, msgspec.structs.replace(first.pairs[0], state="POSITION_OPEN"))
    assert [(one.state, one.was, one.version) for one in opened.pairs] == [("POSITION_OPEN", "ENTERING", 2)]
    with pytest.raises(IllegalTransition, match="pair in ENTERING cannot become EXITING"):
        booking.change_pair(state, msgspec.structs.replace(first.pairs[0], state="EXITING"))
    # Decided on a version that has gone on meanwhile: it is decided again.
    stale = msgspec.structs.replace(first.pairs[0], version=7, state="POSITION_OPEN")
    assert booking.change_pair(state, stale) == Changes()


def test_a_cancel_stands_in_its_order_until_that_is_final() -> None:
    """No crash between the wish and the request forgets it: the row says what is to be done."""
    opened = intent()
    state = applied(EMPTY, booking.approve(EMPTY, opened, PLACE, plan(opened, order(opened, "a")), None))
    asked = intent(CancelOrder(client_order_id="a"))
    wanted = booking.Plan(reservation=plan(asked).reservation, cancels=("a",))
    changes = booking.approve(state, asked, PLACE, wanted, "t2")

    assert [(one.client_order_id, one.cancel_us) for one in changes.orders] == [("a", state.now_us)]
    assert [(one.intent_id, one.status) for one in changes.intents][-1] == (asked.intent_id, "SETTLED")
    assert [one.action for one in changes.audits] == ["INTENT_APPROVE", "ORDER_UPDATE", "INTENT_SETTLE"]
    # Asked for again it changes nothing.
    again = intent(CancelOrder(client_order_id="a"), again="a")
    after = booking.approve(applied(state, changes), again, PLACE, wanted, "t3")
    assert after.orders == ()


def test_a_flatten_that_waits_for_a_cancel_is_not_settled() -> None:
    opened = intent()
    state = applied(EMPTY, booking.approve(EMPTY, opened, PLACE, plan(opened, order(opened, "a")), None))
    asked = intent(Flatten(venue="bybit"))
    wanted = booking.Plan(reservation=plan(asked).reservation, cancels=("a",))
    changes = booking.approve(state, asked, PLACE, wanted, None)
    assert [(one.intent_id, one.status, one.venue) for one in changes.intents] == [
        (asked.intent_id, "APPROVED", "bybit")
    ]
