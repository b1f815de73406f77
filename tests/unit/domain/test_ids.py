"""Identities: the same thing has one id, different things different ones, closing can be asked for again."""

from __future__ import annotations

from decimal import Decimal
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from tapeline.domain.ids import event_id, intent_id, opens, position_id, target_of
from tapeline.domain.order_records import (
    CancelOrder,
    ClosePosition,
    Command,
    EnterPair,
    ExitPair,
    Flatten,
    Place,
    PlaceOrder,
    Remember,
)

LEG = Place(venue="bybit", market="futures", limit_price=Decimal(1))
ENTER = EnterPair(
    pair_id="p", buy=LEG, sell=LEG, quantity=Decimal(1), parts=1, min_net=Decimal(0), target_profit=Decimal(0),
    stop_loss=Decimal(0), leverage=Decimal(1),
)  # fmt: skip


def order(*, reduce_only: bool = False, quantity: str = "1", side: str = "buy") -> PlaceOrder:
    return PlaceOrder(
        venue="bybit", market="futures", side="buy" if side == "buy" else "sell", order_type="limit",
        time_in_force="GTC", quantity=Decimal(quantity), price=Decimal(1), reduce_only=reduce_only,
    )  # fmt: skip


NO_OPENINGS: tuple[Command, ...] = (
    ExitPair(pair_id="p", round=1, parts=1),
    order(reduce_only=True),
    order(reduce_only=True, side="sell"),
    CancelOrder(client_order_id="a"),
    ClosePosition(venue="bybit", market="futures"),
    ClosePosition(venue="bybit", market="spot"),
    Flatten(),
    Flatten(venue="bybit"),
    Remember(replaces=1),
    Remember(replaces=2),
)


def named(command: Command, *again: str, round_: int = 3) -> str:
    return intent_id("grid-1", "BTC/USDT", 0, round_, command, *again)


def test_an_opening_is_named_by_its_round_alone() -> None:
    assert named(order()) == named(order(quantity="2")) == named(ENTER) == named(order(), "again")
    assert named(order()) != named(order(), round_=4)
    assert (opens(order()), opens(ENTER), [opens(one) for one in NO_OPENINGS]) == (True, True, [False] * 10)


def test_what_is_no_opening_adds_kind_and_target() -> None:
    ids = [named(one) for one in (*NO_OPENINGS, order())]
    assert len(set(ids)) == len(ids)
    assert [target_of(one) for one in (order(), ENTER)] == [(), ()]


def test_a_close_can_be_asked_for_again() -> None:
    assert all(named(one, "7") != named(one, "8") for one in NO_OPENINGS)


@given(st.lists(st.tuples(st.text(), st.text(), st.integers(0, 9), st.integers(0, 9)), unique=True, max_size=8))
def test_no_two_rounds_share_an_id(rounds: list[tuple[str, str, int, int]]) -> None:
    ids = [intent_id(*one, order()) for one in rounds]
    assert all(one != other for one, other in combinations(ids, 2))


def test_events_and_lives_have_ids_of_their_own() -> None:
    assert event_id("main", 1) == event_id("main", 1) != event_id("main", 2)
    assert position_id("main", "bybit", "spot", "BTC/USDT", 1) != position_id("main", "bybit", "spot", "BTC/USDT", 2)
