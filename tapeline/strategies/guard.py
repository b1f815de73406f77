"""What holds for every strategy, whatever it decides: no opening on a stale book, none twice in a round, none unwanted.

What is held back is told with its reason and comes again by itself when the strategy still wants it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import msgspec

from tapeline.domain.ids import opens
from tapeline.domain.order_records import Command, EnterPair, OrderIntent, PlaceOrder, Remember
from tapeline.domain.partition import instrument_key
from tapeline.strategies.contract import Sent, View

GRACE_US: Final = 5_000_000
"""A close that is unanswered so long after it has expired may be sent again."""


class Checked(NamedTuple):
    """What may be published, and what is held back with its reason."""

    passed: tuple[OrderIntent, ...]
    held: tuple[tuple[OrderIntent, str], ...]


def check(view: View[Any, Any], intents: Iterable[OrderIntent]) -> Checked:
    """Sort intents into those that may be published and those that may not; the earlier ones count for the later."""
    passed: list[OrderIntent] = []
    held: list[tuple[OrderIntent, str]] = []
    for wanted in intents:
        intent = _without_waiting(view, wanted)
        reason = _reason(view, intent, passed)
        if reason is None:
            passed.append(intent)
        else:
            held.append((intent, reason))
    if held and any(intent.memory is not None for intent, _ in held):
        # The memory tells of all intents of the decision, so they are stored together or not at all; a close goes on.
        late = [intent for intent in passed if opens(intent.command)]
        held += [(intent, "the memory that goes with it is held back") for intent in late]
        passed = [intent for intent in passed if intent not in late]
    return Checked(tuple(passed), tuple(held))


def waiting(sent: Iterable[Sent], now_us: int) -> tuple[Sent, ...]:
    """Return what still waits for its answer: openings until they are answered, all else not for ever."""
    return tuple(one for one in sent if one.opening or now_us <= one.expires_us + GRACE_US)


def _without_waiting(view: View[Any, Any], intent: OrderIntent) -> OrderIntent:
    """Return a close without its memory where another memory is on its way: closing waits for nothing."""
    if opens(intent.command) or isinstance(intent.command, Remember) or not _remembers(view):
        return intent
    return msgspec.structs.replace(intent, memory=None)


def _remembers(view: View[Any, Any]) -> bool:
    return any(sent.remembers for sent in view.unanswered)


def _reason(view: View[Any, Any], intent: OrderIntent, passed: Iterable[OrderIntent]) -> str | None:
    """Return why an intent may not be published now; None when it may."""
    if view.desired == "HALTED":
        return "its desired state is HALTED"
    if intent.memory is not None and _remembers(view):
        return "a memory is on its way and not answered"
    if isinstance(intent.command, Remember):
        return None
    busy = [sent for sent in view.unanswered if sent.slot == intent.slot and sent.takes_slot]
    if busy:
        return f"slot {intent.slot} waits for the answer to {busy[0].intent_id}"
    if any(one.intent_id == intent.intent_id for one in passed):
        return "it is asked for twice"
    return _unfit_opening(view, intent, passed) if opens(intent.command) else None


def _unfit_opening(view: View[Any, Any], intent: OrderIntent, passed: Iterable[OrderIntent]) -> str | None:
    if view.desired != "RUNNING":
        return f"its desired state is {view.desired}"
    if any(one.slot == intent.slot for one in passed) or not view.is_free(intent.slot):
        return f"slot {intent.slot} is taken in round {intent.round}"
    if not view.is_fresh(*touched(intent.command, view.symbol)):
        return "a book that it trades on is stale"
    return None


def touched(command: Command, symbol: str) -> tuple[str, ...]:
    """Return the keys of the instruments that an opening trades on."""
    match command:
        case EnterPair(buy=buy, sell=sell):
            return tuple(instrument_key(leg.venue, leg.market, symbol) for leg in (buy, sell))
        case PlaceOrder(venue=venue, market=market):
            return (instrument_key(venue, market, symbol),)
        case _:
            return ()
