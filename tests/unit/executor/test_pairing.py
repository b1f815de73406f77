"""The two-leg trade from its rows: both legs at once, retried, rolled back in bounded time, resumed by anyone."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from executor.deciding import next_steps
from executor.steps import Add, Cancel, Change, Drop, LookUp, Send, Settle, Step, View, Wait
from tapeline.domain.account_records import PairLeg
from tapeline.domain.positions import OurPosition
from tests.unit.executor.scene import NOW_US, known, order, pair, view


def _said(found: View) -> list[str]:
    return [_word(step) for step in next_steps(found)]


def _word(step: Step) -> str:
    name = type(step).__name__
    found = name
    match step:
        case Add(order=one):
            kind = "close" if one.closing else "open"
            found = f"Add {kind} {one.leg} {one.part}.{one.attempt} {one.side} {one.order_type} {one.quantity}"
        case Drop(order=one, code=code):
            found = f"Drop {one.client_order_id} {code}"
        case Change(pair=changed):
            found = f"Change {changed.state} {changed.event}"
        case Settle(reason=reason):
            found = f"Settle {reason}"
        case Wait(until_us=until_us):
            found = f"Wait {(until_us - NOW_US) // 1000}"
        case Send(order=one) | Cancel(order=one) | LookUp(order=one):
            found = f"{name} {one.client_order_id}"
    return found


def test_both_legs_of_the_first_part_are_sent_at_once_and_the_next_part_waits() -> None:
    legs = [order("b1", "buy"), order("s1", "sell"), order("b2", "buy", part=2), order("s2", "sell", part=2)]
    assert _said(view(*legs)) == ["Send b1", "Send s1"]
    dealt = [order("b1", "buy", "FILLED", filled="1"), order("s1", "sell", "FILLED", filled="1"), *legs[2:]]
    assert _said(view(*dealt)) == ["Send b2", "Send s2"]


def test_after_a_part_that_was_not_dealt_nothing_more_is_entered() -> None:
    legs = [order("b1", "buy", "EXPIRED"), order("s1", "sell", "EXPIRED"), order("b2", "buy", part=2)]
    assert _said(view(*legs)) == ["Drop b2 not_sent"]


def test_an_unknown_leg_is_looked_up_and_nothing_else_while_there_is_time() -> None:
    legs = [order("b1", "buy", "FILLED", filled="1"), order("s1", "sell", "UNKNOWN")]
    assert _said(view(*legs, after_ms=500)) == ["LookUp s1", "Wait 800"]


def test_a_leg_that_the_venue_has_dealt_is_waited_for_though_its_row_is_late() -> None:
    """Nothing is closed for a booking that takes its time: it does stand beside the other leg."""
    legs = [order("b1", "buy", "FILLED", filled="1"), order("s1", "sell", sent_us=NOW_US)]
    late = view(*legs, after_ms=3_000, busy=frozenset({"s1"}), unbooked=frozenset({"s1"}))
    assert _said(late) == ["Wait 3050"]


def test_when_the_time_is_over_the_filled_leg_is_closed_and_the_unknown_one_cancelled_by_its_id() -> None:
    legs = [order("b1", "buy", "FILLED", filled="1"), order("s1", "sell", "UNKNOWN")]
    assert _said(view(*legs, after_ms=1_500)) == ["LookUp s1", "Cancel s1", "Add close buy 1.1 sell market 1.000"]


def test_the_second_leg_is_tried_again_after_100_200_and_400_ms_and_then_the_first_is_closed() -> None:
    first = order("b1", "buy", "FILLED", filled="1")

    def tried(*ends_ms: int) -> list[object]:
        return [
            order(f"s{at}", "sell", "REJECTED", attempt=at, code="rejected", updated_us=NOW_US + end_ms * 1_000)
            for at, end_ms in enumerate(ends_ms, start=1)
        ]

    def said(after_ms: int, *ends_ms: int) -> list[str]:
        return _said(view(first, *tried(*ends_ms), after_ms=after_ms))  # type: ignore[arg-type]  # they are orders

    assert said(50, 10) == ["Wait 800", "Wait 110"]
    assert said(110, 10) == ["Wait 800", "Add open sell 1.2 sell limit 1.000"]
    assert said(320, 10, 120) == ["Wait 800", "Add open sell 1.3 sell limit 1.000"]
    assert said(700, 10, 120, 330) == ["Wait 800", "Wait 730"]
    assert said(730, 10, 120, 330) == ["Wait 800", "Add open sell 1.4 sell limit 1.000"]
    assert said(740, 10, 120, 330, 740) == ["Wait 800", "Add close buy 1.1 sell market 1.000"]


@pytest.mark.parametrize(
    ("bought", "sold", "close"),
    [
        ("1", "0.4", "Add close buy 1.1 sell market 0.600"),
        ("0.25", "1", "Add close sell 1.1 buy market 0.750"),
    ],
)
def test_unequal_fills_are_trimmed_to_the_smaller_leg(bought: str, sold: str, close: str) -> None:
    legs = [order("b1", "buy", "EXPIRED", filled=bought), order("s1", "sell", "EXPIRED", filled=sold)]
    assert _said(view(*legs, after_ms=10)) == ["Wait 800", close]


def test_what_the_venue_calls_dealt_counts_before_its_fills_are_told() -> None:
    told = order("b1", "buy", "FILLED", told_filled=Decimal(1))
    legs = [told, order("s1", "sell", "UNKNOWN")]
    found = _said(view(*legs, after_ms=1_500))
    assert found == ["ReadFills", "LookUp s1", "Cancel s1", "Add close buy 1.1 sell market 1.000"]


def test_a_leg_that_a_crash_left_unsent_is_sent_by_the_successor_in_time_and_dropped_when_it_is_late() -> None:
    legs = [order("b1", "buy", "FILLED", filled="1"), order("s1", "sell")]
    assert _said(view(*legs, after_ms=400)) == ["Send s1", "Wait 800"]
    late = _said(view(*legs, after_ms=1_600))
    assert late == ["Drop s1 naked", "Add close buy 1.1 sell market 1.000"]


def test_a_rollback_that_fails_too_often_is_an_error_with_an_alarm_and_is_tried_on() -> None:
    closes = [
        order(f"c{at}", "buy", "REJECTED", closing=True, side="sell", attempt=at, updated_us=NOW_US, code="rejected")
        for at in range(1, 9)
    ]
    legs = [order("b1", "buy", "FILLED", filled="1"), order("s1", "sell", "EXPIRED"), *closes]
    steps = next_steps(view(*legs, after_ms=60_000))
    assert [_word(step) for step in steps] == ["Change ERROR failed", "Add close buy 1.9 sell market 1.000"]
    assert [step.alarm for step in steps if isinstance(step, Change)] == [
        "p: the buy leg could not be closed in 8 tries"
    ]


def test_even_legs_end_the_entry_and_settle_only_in_the_next_step() -> None:
    legs = [order("b1", "buy", "FILLED", filled="1"), order("s1", "sell", "FILLED", filled="1")]
    (step,) = next_steps(view(*legs))
    assert isinstance(step, Change)
    assert (step.pair.state, step.pair.event) == ("POSITION_OPEN", "entered")
    assert [(leg.leg, leg.opened, leg.closed) for leg in step.pair.legs] == [
        ("buy", Decimal(1), Decimal(0)),
        ("sell", Decimal(1), Decimal(0)),
    ]
    assert _said(view(*legs, pair=step.pair)) == ["Settle entered"]


def test_a_rollback_ends_flat_and_ready() -> None:
    closed = order("c1", "buy", "FILLED", filled="1", closing=True, side="sell")
    legs = [order("b1", "buy", "FILLED", filled="1"), order("s1", "sell", "REJECTED", code="rejected"), closed]
    assert _said(view(*legs, after_ms=900)) == ["Change READY rolled_back"]


def test_an_exit_that_closed_one_leg_more_closes_the_other_one_further() -> None:
    closes = [
        order("cb", "buy", "FILLED", filled="1", closing=True, side="sell"),
        order("cs", "sell", "EXPIRED", filled="0.7", closing=True, side="buy"),
    ]
    held = msgspec.structs.replace(pair(held="1"), state="EXITING", event="exit")
    found = view(*closes, command="ExitPair", pair=held)
    assert _said(found) == ["Wait 800", "Add close sell 1.2 buy market 0.300"]


def test_halted_sends_no_part_but_still_closes_what_stands_alone() -> None:
    assert _said(view(order("b1", "buy"), order("s1", "sell"), desired="HALTED")) == [
        "Drop b1 halted",
        "Drop s1 halted",
    ]
    alone = [order("b1", "buy", "FILLED", filled="1"), order("s1", "sell", "REJECTED", code="rejected")]
    found = _said(view(*alone, after_ms=500, desired="HALTED"))
    assert found == ["Wait 800", "Add close buy 1.1 sell market 1.000"]


def test_a_rest_that_no_venue_takes_an_order_for_is_no_leg_that_stands_alone() -> None:
    """0.0004 is below a step; on spot 0.04 is worth 4 USDT, less than an order may be: the trade is over."""
    small = [order("b1", "buy", "EXPIRED", filled="0.0004"), order("s1", "sell", "EXPIRED")]
    assert _said(view(*small)) == ["Change READY rolled_back"]
    spot = msgspec.structs.replace(pair(), legs=tuple(_on_spot(leg) for leg in pair().legs))
    cheap = [order("b1", "buy", "EXPIRED", filled="0.04", market="spot"), order("s1", "sell", "EXPIRED")]
    assert _said(view(*cheap, pair=spot)) == ["Change READY rolled_back"]
    # A futures position may be reduced by any value, and on spot 0.05 is enough.
    assert "Add close buy 1.1 sell market 0.040" in _said(
        view(order("b1", "buy", "EXPIRED", filled="0.04"), order("s1", "sell", "EXPIRED"), after_ms=1_500)
    )
    enough = [order("b1", "buy", "EXPIRED", filled="0.05", market="spot"), order("s1", "sell", "EXPIRED")]
    assert "Add close buy 1.1 sell market 0.050" in _said(view(*enough, pair=spot, after_ms=1_500))


def test_a_rest_does_not_hold_the_next_part_up() -> None:
    """On spot a little less is sold than bought back: the exit goes on, and the rest is left at its end."""
    spot = msgspec.structs.replace(
        pair("exit", held="1", state="EXITING"), legs=tuple(_on_spot(leg) for leg in pair(held="1").legs)
    )
    first: dict[str, Any] = {"closing": True, "order_type": "market", "price": None}
    legs = [
        order("b1", "buy", "FILLED", filled="0.48", quantity=Decimal("0.48"), market="spot", side="sell", **first),
        order("s1", "sell", "FILLED", filled="0.5", quantity=Decimal("0.5"), side="buy", **first),
        order("b2", "buy", part=2, market="spot", side="sell", **first),
        order("s2", "sell", part=2, side="buy", **first),
    ]
    assert _said(view(*legs, pair=spot, command="ExitPair")) == ["Send b2", "Send s2"]


def test_a_rest_is_no_failure_while_other_orders_are_under_way() -> None:
    spot = msgspec.structs.replace(pair(), legs=tuple(_on_spot(leg) for leg in pair().legs))
    legs = [order("b1", "buy", "EXPIRED", filled="0.04", market="spot"), order("s1", "sell", "UNKNOWN")]
    assert _said(view(*legs, pair=spot, after_ms=1_500)) == ["LookUp s1", "Cancel s1"]


def test_a_rest_beside_what_both_legs_hold_does_not_end_the_trade() -> None:
    legs = [order("b1", "buy", "EXPIRED", filled="0.5004"), order("s1", "sell", "EXPIRED", filled="0.5")]
    assert _said(view(*legs)) == ["Change POSITION_OPEN entered"]


def test_what_the_venue_calls_too_small_is_not_asked_for_again() -> None:
    legs = [
        order("b1", "buy", "EXPIRED", filled="0.04"),
        order("s1", "sell", "EXPIRED"),
        order("c1", "buy", "REJECTED", closing=True, side="sell", order_type="market", code="notional_rule"),
    ]
    assert _said(view(*legs, after_ms=1_500)) == ["Change READY rolled_back"]


def test_d_08_of_a_spot_leg_is_sold_what_is_held_whatever_is_told_of_the_other_leg() -> None:
    """50 were bought, 0.05 went as a fee and 49 are sold: what is left is less than a step, and no close."""
    spot = msgspec.structs.replace(
        pair("exit", held="50", state="EXITING"), legs=tuple(_on_spot(leg) for leg in pair(held="50").legs)
    )
    sold = order("b1", "buy", "FILLED", filled="49", quantity=Decimal(49), market="spot", side="sell",
                 closing=True, order_type="market", price=None)  # fmt: skip
    bought = order("s1", "sell", "FILLED", told_filled=Decimal(50), quantity=Decimal(50), side="buy", closing=True,
                   order_type="market", price=None)  # fmt: skip
    there = OurPosition(
        account="main", venue="alpha", market="spot", symbol=sold.symbol, strategy="s", status="OPEN",
        bought=Decimal(50), bought_value=Decimal(5_000), sold=Decimal(49), sold_value=Decimal(4_900),
        base_fees=Decimal("0.05"), updated_us=NOW_US,
    )  # fmt: skip
    seen = view(sold, bought, pair=spot, command="ExitPair", known=known(alpha="1"), after_ms=1500)
    seen = msgspec.structs.replace(seen, state=msgspec.structs.replace(seen.state, positions=(there,)))
    assert not [one for one in _said(seen) if one.startswith("Add")]


def _on_spot(leg: PairLeg) -> PairLeg:
    return msgspec.structs.replace(leg, market="spot") if leg.leg == "buy" else leg
