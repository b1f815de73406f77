"""An account as an executor remembers it between its transactions, and what can be decided on that alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from executor.store.steps import Wanted
from tapeline.domain import remembering
from tapeline.domain.account import AccountState
from tapeline.domain.changes import Changes, Place

FILLS: Final = 200
FillIdentity = tuple[str, str, str, str]


class Stand(msgspec.Struct, frozen=True, kw_only=True):
    """What tells whether a state that is remembered is the one that the rows say."""

    epoch: int
    version: int
    desired_version: int
    now_us: int
    """Time in the database."""


class Remembered(msgspec.Struct, frozen=True, kw_only=True):
    """An account as it stands after our last transaction."""

    state: AccountState
    """All that is open, every slot, memory and portfolio, and the newest life of each instrument."""
    offsets: Mapping[int, int | None]
    behind_us: int
    """So much must be added to our clock to have the database's."""
    fills: tuple[FillIdentity, ...] = ()
    """What was booked lately: most fills are told twice. An older one is stopped by its row."""

    def covers(self, wanted: Wanted, place: Place | None) -> bool:
        """Tell whether nothing is wanted that only the rows know."""
        if wanted.whole or wanted.payment is not None or (place is not None and place.partition not in self.offsets):
            return False
        known = {one.client_order_id for one in self.state.orders} | {one.intent_id for one in self.state.intents}
        return known.issuperset(name for name in (*wanted.orders, *wanted.intents) if name not in wanted.made)

    def stands_for(self, stand: Stand) -> bool:
        """Tell whether the rows say the same; what we wrote meanwhile is newer than an answer that was under way."""
        same = (self.state.epoch, self.state.desired_version) == (stand.epoch, stand.desired_version)
        return same and self.state.version >= stand.version

    def at(self, now_us: int, wanted: Wanted) -> AccountState:
        """Return the state at a time of our clock, with what is wanted of fills."""
        known = tuple(one.fill_id for one in wanted.fills if one.identity in self.fills)
        return msgspec.structs.replace(self.state, now_us=now_us + self.behind_us, known_fills=known)

    def after(self, changes: Changes, place: Place | None) -> Remembered:
        """Return what is remembered when these changes are written."""
        moved = {} if place is None else {place.partition: place.offset + 1}
        return Remembered(
            state=remembering.after(self.state, changes),
            offsets={**self.offsets, **moved},
            behind_us=self.behind_us,
            fills=(*self.fills, *(one.identity for one in changes.fills))[-FILLS:],
        )
