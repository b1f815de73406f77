"""What may be acted on: every kind in every desired state, late, stale, and with a memory that does not follow."""

from __future__ import annotations

from itertools import product

import msgspec
import pytest

from tapeline.domain.account import AccountState, MemoryRow, SlotRow
from tapeline.domain.account_records import Control
from tapeline.domain.intake import PERMITTED, admit, kind_of
from tapeline.domain.order_records import (
    CancelOrder,
    ClosePosition,
    Command,
    DesiredState,
    Memory,
    OrderIntent,
    Remember,
    Scope,
)
from tests.support.trader_values import BUY, SYMBOL, intent

COMMANDS: dict[str, Command] = {
    "open": BUY,
    "close": ClosePosition(venue="bybit", market="futures"),
    "cancel": CancelOrder(client_order_id="a"),
    "remember": Remember(replaces=0),
}
STATES: tuple[DesiredState, ...] = ("RUNNING", "REDUCING", "HALTED")
EMPTY = AccountState(account="main", epoch=1, now_us=100)


def control(desired: DesiredState, scope: Scope = "system", target: str = "all") -> Control:
    return Control(scope=scope, target=target, version=1, desired=desired, actor="ada", at_us=1)


def code(state: AccountState, asked: OrderIntent) -> str | None:
    found = admit(state, asked)
    return None if found is None else found.code


def test_each_command_is_of_one_kind() -> None:
    assert {name: kind_of(command) for name, command in COMMANDS.items()} == {name: name for name in COMMANDS}


@pytest.mark.parametrize(("desired", "kind"), list(product(STATES, COMMANDS)))
def test_strategies_do_what_is_wanted_of_them_and_no_more(desired: DesiredState, kind: str) -> None:
    state = msgspec.structs.replace(EMPTY, controls=(control(desired),))
    refused = None if kind in PERMITTED[desired] else desired.lower()
    assert code(state, intent(COMMANDS[kind])) == refused
    by_hand = msgspec.structs.replace(intent(COMMANDS[kind]), actor="ada")
    assert code(state, by_hand) == (refused if kind == "open" else None)
    # What the executor wants by itself is no person's wish.
    assert code(state, msgspec.structs.replace(by_hand, actor="executor")) == refused


def test_the_strictest_of_system_account_and_strategy_holds() -> None:
    states = (
        control("RUNNING"),
        control("REDUCING", "account", "main"),
        control("HALTED", "strategy", "other"),
        control("HALTED", "account", "other"),
    )
    assert msgspec.structs.replace(EMPTY, controls=states).desired("grid-1") == "REDUCING"
    assert EMPTY.desired("grid-1") == "RUNNING"


def test_an_intent_is_in_time_to_its_last_microsecond() -> None:
    assert code(EMPTY, intent(expires_us=100)) is None
    assert code(EMPTY, intent(expires_us=99)) == "expired"


def test_an_opening_belongs_to_a_free_slot_in_its_round() -> None:
    slot = SlotRow(account="main", strategy="grid-1", symbol=SYMBOL, slot=0, round=3)
    free = msgspec.structs.replace(EMPTY, slots=(slot,))
    taken = msgspec.structs.replace(EMPTY, slots=(msgspec.structs.replace(slot, intent_id="x"),))
    elsewhere = msgspec.structs.replace(free, openings=("of another account",))
    codes = [code(free, intent(round_=number)) for number in (2, 3, 4)]
    assert codes == ["stale_round", None, "stale_round"]
    assert [code(state, intent(round_=3)) for state in (taken, elsewhere)] == ["stale_round", "stale_round"]
    assert code(taken, intent(COMMANDS["close"], round_=2)) is None


@pytest.mark.parametrize(
    ("version", "replaces", "refused"), [(3, 2, None), (3, 1, "stale_memory"), (4, 2, "stale_memory")]
)
def test_a_memory_follows_the_stored_one(version: int, replaces: int, refused: str | None) -> None:
    row = MemoryRow(account="main", strategy="grid-1", symbol=SYMBOL, version=2, kind="Grid", body="{}")
    state = msgspec.structs.replace(EMPTY, memories=(row,))
    memory = Memory(version=version, kind="Grid", body="{}")
    assert code(state, intent(Remember(replaces=replaces), memory=memory)) == refused
