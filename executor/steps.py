"""What an executor may do next for an intent, as values: deciding makes them, doing them stands elsewhere."""

from __future__ import annotations

import msgspec

from executor.terms import Known, Terms
from tapeline.domain.account import AccountState, TakenIntent
from tapeline.domain.account_records import Pair
from tapeline.domain.order_records import DesiredState
from tapeline.domain.orders import OurOrder


class Send(msgspec.Struct, frozen=True, kw_only=True):
    """Send an order that was never sent."""

    order: OurOrder


class LookUp(msgspec.Struct, frozen=True, kw_only=True):
    """Ask the venue for an order by its client id."""

    order: OurOrder


class Cancel(msgspec.Struct, frozen=True, kw_only=True):
    """Cancel an order by its client id, also one whose fate is unknown."""

    order: OurOrder


class Drop(msgspec.Struct, frozen=True, kw_only=True):
    """End an order that was never sent and never will be."""

    order: OurOrder
    code: str
    reason: str


class ReadFills(msgspec.Struct, frozen=True, kw_only=True):
    """Read the fills that an order has and that were not told one by one."""

    order: OurOrder


class Add(msgspec.Struct, frozen=True, kw_only=True):
    """Store a further order of the intent; it is sent by a later step."""

    order: OurOrder


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """Store a two-leg trade in its next version; `alarm` is what a person must see."""

    pair: Pair
    alarm: str | None = None


class Settle(msgspec.Struct, frozen=True, kw_only=True):
    """Release what is reserved: nothing of the intent can be dealt any more."""

    intent_id: str
    reason: str


class Wait(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing before this time."""

    until_us: int


Step = Send | LookUp | Cancel | Drop | ReadFills | Add | Change | Settle | Wait


class View(msgspec.Struct, frozen=True, kw_only=True):
    """All that the next steps of one intent depend on."""

    state: AccountState
    intent: TakenIntent
    orders: tuple[OurOrder, ...]
    pair: Pair | None = None
    desired: DesiredState
    stopping: bool = False
    """Whether the executor is about to end: it opens nothing more and leaves nothing resting."""
    now_us: int
    """The executor's own clock, by which it also sends."""
    known: Known
    terms: Terms
    busy: frozenset[str] = frozenset()
    """Client ids that something is being done with now."""
    unbooked: frozenset[str] = frozenset()
    """Client ids of orders that the venue has taken, while the rows do not know yet what was dealt."""
