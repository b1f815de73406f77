"""From a decision to `order.intent` records: deterministic ids, causes and times; the same view gives the same bytes.

The id of an opening is made of strategy, symbol, slot and round alone, so it is done once however often it is sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from tapeline.domain.ids import intent_id, opens
from tapeline.domain.order_records import Memory, OrderIntent, Remember
from tapeline.errors import Misconfigured
from tapeline.strategies.contract import DEFAULT_TTL_US, Decision, Intent, Sent, View

PORTFOLIO: Final = "portfolio"


def sent(intent: OrderIntent) -> Sent:
    """Return what is to be known of an intent until it is answered."""
    return Sent(
        intent_id=intent.intent_id,
        slot=intent.slot,
        round=intent.round,
        opening=opens(intent.command),
        remembers=intent.memory is not None,
        expires_us=intent.expires_us,
        takes_slot=not isinstance(intent.command, Remember),
    )


def build(view: View[Any, Any], decision: Decision[Any]) -> tuple[OrderIntent, ...]:
    """Return the records of a decision; a changed memory goes with the first of them, or alone as `Remember`."""
    memory = _memory(view, decision.memory)
    wanted = decision.intents
    if memory is not None and not wanted:
        replaces = memory.version - 1
        inputs = tuple(name for name in sorted(view.news) if name in view.books)
        wanted = (
            Intent(command=Remember(replaces=replaces), reason="its memory has changed", evidence={}, inputs=inputs),
        )
    return tuple(_record(view, one, memory if number == 0 else None) for number, one in enumerate(wanted))


def remembered(kind: type[msgspec.Struct], memory: Memory | None) -> msgspec.Struct:
    """Return a strategy's memory from its portfolio; its defaults when there is none or it is another struct's."""
    if memory is None or memory.kind != kind.__name__:
        return kind()
    try:
        return msgspec.json.decode(memory.body, type=kind)
    except msgspec.MsgspecError as error:
        raise Misconfigured(
            f"the stored memory {memory.kind} of version {memory.version} does not fit its struct ({error})",
            fix="give new fields defaults and keep the old ones, or rename the struct to begin anew",
        ) from error


def _memory(view: View[Any, Any], new: msgspec.Struct | None) -> Memory | None:
    """Return the memory to be stored, None where nothing has changed."""
    if new is None or new == view.memory:
        return None
    known = view.portfolio.memory
    version = 0 if known is None else known.version
    return Memory(version=version + 1, kind=type(new).__name__, body=msgspec.json.encode(new).decode())


def _record(view: View[Any, Any], intent: Intent, memory: Memory | None) -> OrderIntent:
    slot = view.slot(intent.slot)
    # What is no opening may be asked for again once the executor has answered, which raises the portfolio's version.
    again = str(view.portfolio.version)
    return OrderIntent(
        intent_id=intent_id(view.strategy, view.symbol, intent.slot, slot.round, intent.command, again),
        strategy=view.strategy,
        account=view.account,
        symbol=view.symbol,
        slot=intent.slot,
        round=slot.round,
        command=intent.command,
        memory=memory,
        cause=tuple(view.places[name] for name in (*intent.inputs, PORTFOLIO) if name in view.places),
        reason=intent.reason,
        evidence=dict(intent.evidence),
        decided_us=view.now_us,
        expires_us=view.now_us + (intent.ttl_us or DEFAULT_TTL_US),
        first_received_us=_oldest(view, intent.inputs),
        published_us=view.now_us,
    )


def _oldest(view: View[Any, Any], inputs: Iterable[str]) -> int | None:
    """Return the oldest receipt among the books that were in no earlier decision; None when no frame caused it."""
    found = [view.books[name].first_received_us for name in inputs if name in view.news and name in view.books]
    return min(found, default=None)
