"""From an intent to a plan: exact orders, one id each, all reserved, and every rule and cap refused in words."""

from __future__ import annotations

from decimal import Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from executor.pair_planning import split
from executor.planning import decider, plan
from tapeline.domain.booking import Plan
from tapeline.domain.order_records import CancelOrder, ClosePosition, Command, ExitPair, Flatten, PlaceOrder, Remember
from tapeline.domain.positions import OurPosition
from tapeline.domain.risk import Claim, Refused, Reservation
from tests.unit.executor.scene import NOW_US, SYMBOL, enter, intent, known, order, pair, state

BUY = PlaceOrder(
    venue="alpha",
    market="futures",
    side="buy",
    order_type="limit",
    time_in_force="GTC",
    quantity=Decimal("1.00055"),
    price=Decimal("100.07"),
    leverage=Decimal(2),
    tag="grid:+1",
)


def _planned(command: Command, **rest: object) -> Plan:
    found = plan(state(**rest), intent(command), known())
    assert isinstance(found, Plan), found
    return found


def _held(net: str, **rest: object) -> OurPosition:
    bought, sold = (Decimal(net), Decimal(0)) if Decimal(net) > 0 else (Decimal(0), -Decimal(net))
    made = {"bought": bought, "sold": sold, "bought_value": bought * 100, "sold_value": sold * 100}
    found = {
        "account": "main",
        "venue": "alpha",
        "market": "futures",
        "symbol": SYMBOL,
        "strategy": "s",
        "status": "OPEN",
        "updated_us": NOW_US,
    }
    return OurPosition(**(found | made | rest))  # type: ignore[arg-type]  # fields by name


def test_an_order_is_sized_down_named_by_its_intent_and_its_worst_price_reserved() -> None:
    found = _planned(BUY)
    (made,) = found.orders
    assert (made.quantity, made.price, made.leverage, made.tag) == (
        Decimal("1.000"),
        Decimal("100.0"),
        Decimal(2),
        "grid:+1",
    )
    assert (made.status, made.sent_us, made.expires_us) == ("PENDING", None, NOW_US + 1_000_000)
    assert made.client_order_id == _planned(BUY).orders[0].client_order_id
    claim = Claim(venue="alpha", market="futures", exposure=Decimal("100.0000"), margin=Decimal(50))
    assert found.reservation == Reservation(
        intent_id="i-1", strategy="s", symbol=SYMBOL, claims=(claim,), orders=1, pairs=0
    )


def test_an_instrument_that_is_not_traded_is_refused() -> None:
    found = plan(state(), intent(msgspec.structs.replace(BUY, venue="gamma")), known())
    assert found == Refused(code="unknown_instrument", reason="gamma:futures:BTC/USDT is not traded here")


def test_what_is_below_the_least_order_is_refused() -> None:
    found = plan(state(), intent(msgspec.structs.replace(BUY, quantity=Decimal("0.01"))), known())
    assert isinstance(found, Refused)
    assert found.code == "notional_rule"


def test_a_pair_is_split_in_parts_with_both_legs_and_reserved_whole() -> None:
    found = _planned(enter("3.0005"))
    assert [(one.leg, one.part, one.quantity, one.side, one.price, one.time_in_force) for one in found.orders] == [
        (leg, part, Decimal("1.000"), leg, Decimal("101.0" if leg == "buy" else "99.0"), "IOC")
        for part in (1, 2, 3)
        for leg in ("buy", "sell")
    ]
    assert len({one.client_order_id for one in found.orders}) == len(found.orders)
    assert (found.reservation.orders, found.reservation.pairs) == (2, 1)
    assert [(one.venue, one.exposure) for one in found.reservation.claims] == [
        ("alpha", Decimal(303)),
        ("beta", Decimal(297)),
    ]
    assert found.pair is not None
    assert (found.pair.state, found.pair.event, found.pair.round, found.pair.parts) == ("ENTERING", "enter", 3, 3)


def test_a_pair_uses_the_larger_step_of_its_two_venues() -> None:
    found = plan(state(), intent(enter("3.05", 1)), known(beta="0.1"))
    assert isinstance(found, Plan)
    assert [one.quantity for one in found.orders] == [Decimal("3.0"), Decimal("3.0")]


def test_a_pair_that_is_not_flat_is_not_entered_again() -> None:
    found = plan(state(pairs=(pair(),)), intent(enter()), known())
    assert found == Refused(code="pair_busy", reason="p is ENTERING in round 3")


def test_an_exit_closes_both_legs_in_parts_and_reserves_nothing() -> None:
    held = pair("entered", held="2", state="POSITION_OPEN")
    found = _planned(ExitPair(pair_id="p", round=3, buy_back_limit=Decimal(105), parts=2), pairs=(held,))
    assert [
        (one.leg, one.side, one.quantity, one.order_type, one.reduce_only, one.closing) for one in found.orders
    ] == [
        ("buy", "sell", Decimal("1.000"), "market", True, True),
        ("buy", "sell", Decimal("1.000"), "market", True, True),
        ("sell", "buy", Decimal("1.000"), "limit", True, True),
        ("sell", "buy", Decimal("1.000"), "limit", True, True),
    ]
    assert found.reservation == Reservation(intent_id="i-1", strategy="s", symbol=SYMBOL)
    assert found.pair is not None
    assert found.pair.state == "EXITING"


def test_a_close_takes_what_no_other_close_is_about_to_take() -> None:
    other = order("c", None, "PLACED", filled="0.2", closing=True, quantity=Decimal(1))
    close = ClosePosition(venue="alpha", market="futures")
    found = _planned(close, positions=(_held("-3"),), orders=(other,))
    assert [(one.side, one.quantity, one.reduce_only) for one in found.orders] == [("buy", Decimal("2.200"), True)]
    nothing = plan(state(), intent(close), known())
    assert nothing == Refused(code="nothing_held", reason="s holds nothing of alpha:futures:BTC/USDT")


def test_on_spot_fees_taken_in_base_currency_are_not_sold() -> None:
    held = _held("1", market="spot", base_fees=Decimal("0.0015"))
    found = _planned(ClosePosition(venue="alpha", market="spot"), positions=(held,))
    assert [(one.side, one.quantity, one.reduce_only) for one in found.orders] == [("sell", Decimal("0.998"), False)]


def test_flatten_closes_all_that_the_strategy_holds_and_nothing_of_others() -> None:
    held = (_held("2"), _held("1", market="spot"), _held("5", venue="beta", strategy="another"))
    found = _planned(Flatten(), positions=held)
    assert [(one.market, one.side, one.quantity) for one in found.orders] == [
        ("futures", "sell", Decimal("2.000")),
        ("spot", "sell", Decimal("1.000")),
    ]


def test_flatten_wants_what_may_still_open_cancelled() -> None:
    mine = order("a", None, "PLACED", time_in_force="GTC")
    others = (
        order("closing", None, "PLACED", closing=True),
        order("elsewhere", None, "PLACED", venue="beta"),
        order("another's", None, "PLACED", strategy="t"),
        order("over", None, "FILLED", filled="1"),
    )
    found = _planned(Flatten(venue="alpha"), orders=(mine, *others))
    assert (found.orders, found.cancels) == ((), ("a",))


def test_an_order_is_cancelled_by_its_strategy_or_by_a_person() -> None:
    mine = order("a", None, "PLACED", time_in_force="GTC")
    found = _planned(CancelOrder(client_order_id="a"), orders=(mine,))
    assert (found.orders, found.cancels) == ((), ("a",))
    assert plan(state(orders=(mine,)), intent(CancelOrder(client_order_id="b")), known()) == Refused(
        code="not_open", reason="no order b is open in this account"
    )
    foreign = state(orders=(order("a", None, "PLACED", strategy="t"),))
    assert plan(foreign, intent(CancelOrder(client_order_id="a")), known()) == Refused(
        code="not_yours", reason="the order a belongs to t"
    )
    by_hand = plan(foreign, intent(CancelOrder(client_order_id="a"), actor="anna"), known())
    assert isinstance(by_hand, Plan)
    assert by_hand.cancels == ("a",)


def test_the_kill_switch_in_memory_refuses_openings_and_lets_closes_pass() -> None:
    refused = decider(intent(BUY), known(), halted=lambda: True)(state())
    assert refused == Refused(code="halted", reason="this executor was told to halt")
    close = intent(ClosePosition(venue="alpha", market="futures"))
    assert isinstance(decider(close, known(), halted=lambda: True)(state(positions=(_held("1"),))), Plan)


def test_a_memory_alone_plans_nothing() -> None:
    assert _planned(Remember(replaces=0)) == Plan(reservation=Reservation(intent_id="i-1", strategy="s", symbol=SYMBOL))


@given(
    steps=st.integers(1, 10**6),
    parts=st.integers(1, 20),
    least=st.integers(0, 10**4),
    step=st.sampled_from(["0.001", "0.1", "1", "0.5"]),
)
def test_parts_are_whole_steps_that_make_up_the_whole_and_none_is_too_small(
    steps: int, parts: int, least: int, step: str
) -> None:
    size = Decimal(step)
    found = split(size * steps, parts, size, size * least)
    assert sum(found) == size * steps
    assert 1 <= len(found) <= parts
    assert all(one > 0 and one % size == 0 for one in found)
    assert len(found) == 1 or min(found) >= size * least
