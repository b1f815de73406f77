"""Reconciliation: what is repaired is not found again, what is not ours is never touched (K1, E-26)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tapeline.domain import booking
from tapeline.domain.account import AccountState
from tapeline.domain.changes import Changes, Place
from tapeline.domain.order_records import OrderStatus
from tapeline.domain.orders import Answer, OurFill
from tapeline.domain.reconcile import Booked, Repairs, TheirOrder, Theirs, check, repaired
from tests.support.trader_values import SYMBOL, fill, intent, order, plan

NAMES = ("a", "b", "c")
BASES = {SYMBOL: "BTC"}
WHERE: Any = ("bybit", "futures", SYMBOL)
STATUSES: list[OrderStatus] = ["PLACED", "PARTIALLY_FILLED", "FILLED", "CANCELLED", "REJECTED", "EXPIRED"]
OURS: list[OrderStatus] = ["PENDING", "UNKNOWN", "PLACED", "FILLED"]


def applied(state: AccountState, changes: Changes) -> AccountState:
    """Return the state as a store would give it back."""

    def merged(rows: tuple[Any, ...], changed: tuple[Any, ...], *key: str) -> tuple[Any, ...]:
        found = {tuple(getattr(one, part) for part in key): one for one in (*rows, *changed)}
        return tuple(found.values())

    blocks = merged(state.blocks, changes.blocks, "venue", "market", "symbol")
    return msgspec.structs.replace(
        state,
        intents=merged(state.intents, changes.intents, "intent_id"),
        orders=merged(state.orders, changes.orders, "client_order_id"),
        positions=merged(state.positions, changes.positions, "venue", "market", "symbol"),
        slots=merged(state.slots, changes.slots, "strategy", "symbol", "slot"),
        portfolios=merged(state.portfolios, changes.portfolios, "strategy", "symbol"),
        blocks=tuple(one for one in blocks if one not in changes.unblocked),
    )


def begun(statuses: dict[str, OrderStatus]) -> AccountState:
    """Return an account with one intent and its orders in these states."""
    state = AccountState(account="main", epoch=1, now_us=100)
    wanted = intent()
    orders = tuple(order(wanted, name, quantity="3") for name in statuses)
    state = applied(state, booking.approve(state, wanted, Place(partition=0, offset=0), plan(wanted, *orders), None))
    for name, status in statuses.items():
        if status != "PENDING":
            state = applied(state, booking.answer(state, name, Answer(status=status)))
    return state


OPEN_ORDERS = st.builds(
    lambda name, ours: TheirOrder(
        venue="bybit", market="futures", symbol=SYMBOL, client_order_id=name, ours=ours,
        answer=Answer(status="PLACED", venue_order_id=f"v{name}"),
    ),
    st.sampled_from([*NAMES, "tlzzz"]),
    st.just(True),  # noqa: FBT003 - a strategy's one value
)  # fmt: skip
FILLS = st.lists(
    st.builds(
        lambda number, name, quantity, side: fill(f"f{number}", name, str(quantity), "100", side),
        st.integers(0, 9), st.sampled_from([*NAMES, "stranger"]), st.sampled_from([Decimal("0.5"), Decimal(1)]),
        st.sampled_from(["buy", "sell"]),
    ),
    max_size=5, unique_by=lambda one: one.fill_id,
)  # fmt: skip
THEIRS = st.builds(
    lambda opened, statuses, fills, net, foreign: Theirs(
        markets=frozenset({("bybit", "futures")}),
        open_orders=(
            *opened,
            *(
                msgspec.structs.replace(one, ours=False, client_order_id=None)
                for one in (opened[:1] if foreign else ())
            ),
        ),
        looked_up={name: Answer(status=status, looked_up=True) for name, status in statuses.items()},
        fills=tuple(fills),
        positions={WHERE: net},
        read_us=1_000,
    ),
    st.lists(OPEN_ORDERS, max_size=3, unique_by=lambda one: one.client_order_id),
    st.dictionaries(st.sampled_from(NAMES), st.sampled_from(STATUSES)),
    FILLS,
    st.integers(-3, 3).map(Decimal),
    st.booleans(),
)
STATES = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(OURS), min_size=1).map(begun)


@given(STATES, THEIRS)
def test_what_was_repaired_is_not_found_again(state: AccountState, theirs: Theirs) -> None:
    found = check(state, Booked(), theirs, BASES)
    changes = repaired(state, found, BASES)
    after = applied(state, changes)
    again = check(after, Booked(fills=changes.fills), theirs, BASES)

    asked = set(found.look_ups)
    assert again == Repairs(look_ups=again.look_ups, cancels=found.cancels)
    assert set(again.look_ups) <= asked | {one.client_order_id for one in after.orders if one.is_open}
    assert repaired(after, again, BASES).orders == ()


@given(STATES, THEIRS)
def test_k1_what_is_not_ours_is_never_touched(state: AccountState, theirs: Theirs) -> None:
    found = check(state, Booked(), theirs, BASES)
    ours = {one.client_order_id for one in state.orders}
    assert all(one.ours and one.client_order_id not in ours for one in found.cancels)
    assert all(one.client_order_id in ours for one in found.fills)
    foreign = any(not one.ours for one in theirs.open_orders)
    dealt = sum((one.quantity if one.side == "buy" else -one.quantity for one in found.fills), Decimal(0))
    assert bool(found.blocks) == (foreign or theirs.positions[WHERE] != dealt)


@given(STATES)
def test_a_state_altered_by_hand_is_repaired(state: AccountState) -> None:
    """E-26: amounts are counted again from the fills, the state is asked from the venue."""
    name = state.orders[0].client_order_id
    if state.orders[0].status in ("PENDING", "UNKNOWN", "FILLED"):
        state = begun({name: "PLACED"})
    told: OurFill = fill("f1", name, "1")
    state = applied(state, booking.fill(state, told, "BTC"))
    spoilt = msgspec.structs.replace(
        state,
        orders=tuple(
            msgspec.structs.replace(one, status="CANCELLED", filled=Decimal(9)) if one.client_order_id == name else one
            for one in state.orders
        ),
        positions=tuple(msgspec.structs.replace(one, bought=Decimal(7), status="CLOSING") for one in state.positions),
    )
    there = Theirs(
        markets=frozenset({("bybit", "futures")}),
        open_orders=(
            TheirOrder(
                venue="bybit", market="futures", symbol=SYMBOL, client_order_id=name, ours=True,
                answer=Answer(status="PARTIALLY_FILLED"),
            ),
        ),
        looked_up={},
        positions={WHERE: Decimal(1)},
        read_us=1_000,
    )  # fmt: skip
    found = check(spoilt, Booked(fills=(told,)), there, BASES)
    mended = applied(spoilt, repaired(spoilt, found, BASES))
    order_now = mended.order(name)

    assert order_now is not None
    assert (order_now.status, order_now.filled) == ("PARTIALLY_FILLED", Decimal(1))
    assert mended.positions[0].net == Decimal(1)
    assert found.blocks == ()
