"""What holds whatever a strategy decides: nothing when halted, no opening on a stale book, none twice."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tapeline.domain.account_records import Slot
from tapeline.domain.order_records import ExitPair, PlaceOrder
from tapeline.strategies.contract import Decision, Sent
from tapeline.strategies.guard import GRACE_US, check, waiting
from tapeline.strategies.intents import build
from tests.unit.strategies.test_intents import BUY, CLOSE, Count, wish
from tests.unit.strategies.views import BOOKS, DEAR, NOW, portfolio, view

SENT = Sent(intent_id="x", slot=0, round=0, opening=True, remembers=False, expires_us=NOW)


def outcome(*commands: Any, memory: Count | None = None, **changed: Any) -> tuple[list[Any], list[str]]:  # noqa: ANN401 - any field
    seen = view(**changed)
    decision = Decision(intents=tuple(wish(command) for command in commands), memory=memory)
    found = check(seen, build(seen, decision))
    return [one.command for one in found.passed], [reason for _, reason in found.held]


def test_what_is_fine_passes() -> None:
    assert outcome(BUY) == ([BUY], [])
    assert outcome(CLOSE, ExitPair(pair_id="p", round=0, parts=1)) == (
        [CLOSE, ExitPair(pair_id="p", round=0, parts=1)],
        [],
    )


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"desired": "HALTED"}, "its desired state is HALTED"),
        ({"desired": "REDUCING"}, "its desired state is REDUCING"),
        ({"unanswered": (SENT,)}, "slot 0 waits for the answer to x"),
        ({"used_rounds": {0: 0}}, "slot 0 is taken in round 0"),
        ({"portfolio": portfolio(slots=(Slot(slot=0, round=3, intent_id="x"),))}, "slot 0 is taken in round 3"),
        ({"books": {}}, "a book that it trades on is stale"),
        ({"now_us": NOW + 1_999_001}, "a book that it trades on is stale"),
        (
            {"books": {DEAR: msgspec.structs.replace(BOOKS[DEAR], state="stale")}},
            "a book that it trades on is stale",
        ),
    ],
)
def test_an_opening_is_held_back(changed: dict[str, Any], reason: str) -> None:
    assert outcome(BUY, **changed) == ([], [reason])


@pytest.mark.parametrize(
    ("changed", "passes"),
    [
        ({"desired": "HALTED"}, False),
        ({"unanswered": (SENT,)}, False),
        ({"desired": "REDUCING"}, True),
        ({"used_rounds": {0: 0}}, True),
        ({"books": {}}, True),
        ({"unanswered": (msgspec.structs.replace(SENT, slot=1),)}, True),
    ],
)
def test_a_close_waits_for_less(changed: dict[str, Any], passes: bool) -> None:  # noqa: FBT001 - a row of the table
    reduce = msgspec.structs.replace(BUY, reduce_only=True)
    assert isinstance(reduce, PlaceOrder)

    assert [len(outcome(one, **changed)[0]) for one in (CLOSE, reduce)] == [passes, passes]


def test_of_two_openings_of_a_slot_the_first_passes() -> None:
    assert outcome(BUY, BUY) == ([BUY], ["it is asked for twice"])
    assert outcome(CLOSE, CLOSE) == ([CLOSE], ["it is asked for twice"])


def test_openings_wait_with_the_memory_that_tells_of_them_and_a_close_goes_without() -> None:
    remembers = msgspec.structs.replace(SENT, slot=7, remembers=True)

    assert outcome(BUY, memory=Count(1), unanswered=(remembers,)) == ([], ["a memory is on its way and not answered"])
    assert outcome(memory=Count(1), unanswered=(remembers,)) == ([], ["a memory is on its way and not answered"])
    assert outcome(CLOSE, memory=Count(1), unanswered=(remembers,)) == ([CLOSE], [])


def test_an_unanswered_memory_takes_no_slot() -> None:
    remembers = msgspec.structs.replace(SENT, opening=False, remembers=True, takes_slot=False)

    assert outcome(BUY, unanswered=(remembers,)) == ([BUY], [])


def test_a_decision_whose_memory_is_held_back_opens_nothing() -> None:
    seen = view(used_rounds={0: 0})
    found = check(seen, build(seen, Decision(intents=(wish(BUY), wish(BUY, slot=1)), memory=Count(1))))

    assert found.passed == ()
    assert [reason for _, reason in found.held] == [
        "slot 0 is taken in round 0",
        "the memory that goes with it is held back",
    ]


def test_a_close_that_nobody_answers_may_be_sent_again_an_opening_not() -> None:
    close = msgspec.structs.replace(SENT, opening=False)

    assert waiting((SENT, close), NOW + GRACE_US) == (SENT, close)
    assert waiting((SENT, close), NOW + GRACE_US + 1) == (SENT,)
