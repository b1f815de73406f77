"""What the executor wants closed of its own accord: named by what it is about, once per version, never a mere rest."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from executor import leaving
from executor.leaving import Why
from tapeline.domain.account import SlotRow
from tapeline.domain.account_records import Pair
from tapeline.domain.ids import intent_id
from tapeline.domain.order_records import ExitPair, Flatten, OrderIntent, PairState
from tapeline.domain.positions import OurPosition
from tests.unit.executor.scene import NOW_US, SYMBOL, known, order, pair, state, taken

WHY = Why(reason="restart", now_us=NOW_US, until_us=NOW_US + 5)
OPEN = pair("entered", held="2", state="POSITION_OPEN", version=7, parts=3)


def position(strategy: str = "other", bought: str = "2", **rest: object) -> OurPosition:
    """Return a position of a strategy, long by default."""
    made = {
        "account": "main",
        "venue": "alpha",
        "market": "futures",
        "symbol": SYMBOL,
        "life": 4,
        "strategy": strategy,
        "status": "OPEN",
        "bought": Decimal(bought),
        "bought_value": Decimal(bought) * 100,
        "updated_us": NOW_US,
        "version": 9,
    }
    return OurPosition(**(made | rest))  # type: ignore[arg-type]  # fields by name


def exit_of(one: Pair) -> OrderIntent:
    (found,) = leaving.exits(state(pairs=(one,)), [(one.pair_id, one.round)], WHY)
    return found


def test_a_trade_that_stands_open_is_left_whole_at_the_market_in_the_executor_s_own_name() -> None:
    slots = (SlotRow(account="main", strategy="s", symbol=SYMBOL, slot=0, round=4),)
    (found,) = leaving.exits(state(pairs=(OPEN,), slots=slots), [("p", 3)], WHY)
    command = ExitPair(pair_id="p", round=3, parts=3)
    assert found == OrderIntent(
        intent_id=intent_id("s", SYMBOL, 0, 3, command, "executor", "main", "7"),
        strategy="s",
        account="main",
        symbol=SYMBOL,
        slot=0,
        round=4,
        command=command,
        cause=(),
        reason="restart",
        evidence={"buy_held": 2.0, "sell_held": 2.0},
        actor="executor",
        decided_us=NOW_US,
        expires_us=NOW_US + 5,
        published_us=NOW_US,
    )


def test_its_id_is_the_same_whenever_it_is_asked_for_and_another_once_the_trade_has_moved() -> None:
    later = msgspec.structs.replace(WHY, now_us=NOW_US + 100, reason="stop")
    slots = (SlotRow(account="main", strategy="s", symbol=SYMBOL, slot=0, round=5),)
    (again,) = leaving.exits(state(pairs=(OPEN,), slots=slots), [("p", 3)], later)
    names = {
        exit_of(msgspec.structs.replace(OPEN, **other)).intent_id
        for other in ({}, {"version": 9}, {"round": 4}, {"pair_id": "q"}, {"account": "second"})
    }
    assert again.intent_id == exit_of(OPEN).intent_id
    assert len(names) == 5


@pytest.mark.parametrize(
    ("now", "unfinished"),
    [
        ("ENTERING", True), ("POSITION_OPEN", True), ("EXITING", True), ("READY", False), ("PAUSED", False),
        ("ERROR", False),
    ],
)  # fmt: skip
def test_only_what_stands_open_is_left_and_what_is_on_its_way_is_waited_for(
    now: PairState, *, unfinished: bool
) -> None:
    found = state(pairs=(msgspec.structs.replace(OPEN, state=now),))
    assert leaving.unfinished(found) == ({("p", 3)} if unfinished else frozenset())
    assert len(leaving.exits(found, [("p", 3)], WHY)) == (now == "POSITION_OPEN")
    assert leaving.exits(found, [("p", 2)], WHY) == ()


def test_what_is_held_outside_of_two_leg_trades_is_flattened_by_strategy_and_symbol() -> None:
    held = (position(), position(venue="beta", bought="0", sold=Decimal(3)))
    (found,) = leaving.flattens(state(positions=held), known(), WHY)
    lives = (f"alpha:futures:{SYMBOL}:4:9", f"beta:futures:{SYMBOL}:4:9")
    assert (found.strategy, found.command, found.actor) == ("other", Flatten(), "executor")
    assert found.intent_id == intent_id("other", SYMBOL, 0, 0, Flatten(), "executor", "main", *lives)
    assert found.evidence == {"alpha:futures": 2.0, "beta:futures": -3.0}


@pytest.mark.parametrize(
    "rest",
    [
        {"positions": (position("s"),), "pairs": (OPEN,)},
        {"positions": (position("s"),), "pairs": (msgspec.structs.replace(OPEN, state="ERROR"),)},
        {"positions": (position(bought="0"),)},
        {"positions": (position(market="spot", bought="0.0004"),)},
        {"positions": (position(),), "orders": (order("a", None, "PLACED", strategy="other"),)},
        {"positions": (position(),), "intents": (msgspec.structs.replace(taken(), strategy="other"),)},
    ],
    ids=["of a trade", "of a trade in ERROR", "flat", "a rest", "an order is open", "an intent is under way"],
)
def test_nothing_else_is_flattened(rest: dict[str, object]) -> None:
    assert leaving.flattens(state(**rest), known(), WHY) == ()


@pytest.mark.parametrize(
    ("rest", "is_moving"),
    [
        ({}, False),
        ({"pairs": (OPEN,), "positions": (position(),)}, False),
        ({"pairs": (msgspec.structs.replace(OPEN, state="EXITING"),)}, True),
        ({"intents": (taken(),)}, True),
        ({"orders": (order("a", None, "PLACED"),)}, True),
        ({"orders": (order("a", None, "CANCELLED", told_filled=Decimal(1)),)}, True),
    ],
)
def test_what_has_not_come_to_its_end_is_moving(rest: dict[str, object], *, is_moving: bool) -> None:
    assert leaving.moving(state(**rest)) is is_moving


def test_what_is_left_is_said_in_words() -> None:
    found = state(pairs=(OPEN,), positions=(position("s"), position()), orders=(order("a", None, "UNKNOWN"),))
    assert leaving.left(found, known()) == (
        "p round 3 is POSITION_OPEN",
        f"other holds 2 at alpha:futures:{SYMBOL}",
        f"the order a at alpha:futures:{SYMBOL} is UNKNOWN",
    )
    assert leaving.left(state(), known()) == ()


def test_all_that_follows_from_a_wish_has_one_trace() -> None:
    assert leaving.trace_of(exit_of(OPEN)) == exit_of(OPEN).intent_id.replace("-", "")
