"""What was never told is free and in its first round; of several wishes the strictest holds."""

from __future__ import annotations

from tapeline.domain.account_records import Slot
from tapeline.strategies.holdings import empty, slot_of, strictest
from tests.unit.strategies.views import held


def test_a_slot_that_was_never_used_is_free_in_round_0() -> None:
    assert slot_of(empty("a", "BTC/USDT", "main"), 3) == Slot(slot=3, round=0)
    assert slot_of(held(), 0) == Slot(slot=0, round=5)


def test_of_several_wishes_the_strictest_holds() -> None:
    assert strictest() == "RUNNING"
    assert strictest("RUNNING", "REDUCING") == "REDUCING"
    assert strictest("HALTED", "RUNNING", "REDUCING") == "HALTED"
