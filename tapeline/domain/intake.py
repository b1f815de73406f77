"""Whether an intent may be acted on at all, before its size is asked: in time, of this round, and wanted just now."""

from __future__ import annotations

from typing import Final, Literal

from tapeline.domain.account import AccountState
from tapeline.domain.booking import EXECUTOR
from tapeline.domain.ids import opens
from tapeline.domain.order_records import CancelOrder, Command, DesiredState, OrderIntent, Remember
from tapeline.domain.risk import Refused

Kind = Literal["open", "close", "cancel", "remember"]

PERMITTED: Final[dict[DesiredState, tuple[Kind, ...]]] = {
    "RUNNING": ("open", "close", "cancel", "remember"),
    "REDUCING": ("close", "cancel", "remember"),
    # The kill switch: strategies do nothing any more; a person may still close.
    "HALTED": ("cancel", "remember"),
}
"""What strategies may do in each desired state; what a person asks for passes unless it opens."""


def kind_of(command: Command) -> Kind:
    """Return what a command does to what is held."""
    if isinstance(command, Remember):
        return "remember"
    if isinstance(command, CancelOrder):
        return "cancel"
    return "open" if opens(command) else "close"


def admit(state: AccountState, intent: OrderIntent) -> Refused | None:
    """Return why an intent may not be acted on, None when it may."""
    kind = kind_of(intent.command)
    desired = state.desired(intent.strategy)
    # What the executor wants of its own accord is no person's wish: the kill switch holds for it.
    by_hand = intent.actor not in (None, EXECUTOR) and kind != "open"
    if kind not in PERMITTED[desired] and not by_hand:
        return Refused(code=desired.lower(), reason=f"{intent.strategy} is {desired}: it may not {kind}")
    if state.now_us > intent.expires_us:
        late = state.now_us - intent.expires_us
        return Refused(code="expired", reason=f"it came {late} us after it had expired")
    return _stale(state, intent) if kind == "open" else _other_memory(state, intent)


def _stale(state: AccountState, intent: OrderIntent) -> Refused | None:
    """Refuse an opening whose slot is taken or in another round."""
    slot = state.slot(intent.strategy, intent.symbol, intent.slot)
    if intent.round != slot.round:
        return Refused(code="stale_round", reason=f"slot {slot.slot} is in round {slot.round}, not {intent.round}")
    if slot.intent_id is not None or state.openings:
        return Refused(code="stale_round", reason=f"round {slot.round} of slot {slot.slot} is taken already")
    return _other_memory(state, intent)


def _other_memory(state: AccountState, intent: OrderIntent) -> Refused | None:
    """Refuse a memory that does not follow the one that is stored."""
    if intent.memory is None:
        return None
    known = state.memory(intent.strategy, intent.symbol)
    version = 0 if known is None else known.version
    replaces = intent.command.replaces if isinstance(intent.command, Remember) else intent.memory.version - 1
    if replaces != version or intent.memory.version != version + 1:
        return Refused(code="stale_memory", reason=f"the memory is in version {version}, not {replaces}")
    return None
