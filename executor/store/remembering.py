"""Transactions without reading: what an executor has read and written stays true as long as it alone writes.

From each transaction's changes follows how the rows stand after it, so the next one is decided at once and written with
one question. The database compares epoch and versions under the account's lock and refuses what was decided on another
state; then, and after any failure, the rows are read again.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from executor.ports import Clock, Fenced, Lease
from executor.store.steps import Steps, Wanted, Work
from executor.store.turns import Turns
from tapeline.domain import remembering
from tapeline.domain.account import AccountState
from tapeline.domain.changes import Changes, Place
from tapeline.runtime.transactions import Contended

RETRIES: Final = 3
PAUSE_S: Final = 0.1
FILLS: Final = 200
Verdict = Literal["done", "epoch", "lease", "version"]
FillIdentity = tuple[str, str, str, str]


class Stand(msgspec.Struct, frozen=True, kw_only=True):
    """What tells whether a state that is remembered is the one that the rows say."""

    epoch: int
    version: int
    desired_version: int
    now_us: int
    """Time in the database."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What became of changes: `version` when they were decided on another state than the one that stands."""

    verdict: Verdict
    at_us: int
    epoch: int | None


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """A transaction that has read the rows: what it read, and what it wrote."""

    state: AccountState
    changes: Changes | None
    next_offset: int | None
    at_us: int


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

    def after(self, changes: Changes, place: Place | None, behind_us: int) -> Remembered:
        """Return what is remembered when these changes are written."""
        moved = {} if place is None else {place.partition: place.offset + 1}
        return Remembered(
            state=remembering.after(self.state, changes),
            offsets={**self.offsets, **moved},
            behind_us=behind_us,
            fills=(*self.fills, *(one.identity for one in changes.fills))[-FILLS:],
        )


class Remembering(Steps):
    """A store whose transactions come one after the other and remember."""

    def __init__(self, clock: Clock) -> None:
        """Take the clock that pauses between two tries."""
        self._clock = clock
        self._turns: dict[str, Turns] = {}
        self._remembered: dict[str, Remembered] = {}

    @abc.abstractmethod
    async def on_rows(self, lease: Lease, wanted: Wanted, work: Work, place: Place | None) -> Done:
        """Run one transaction: lock, check the lease, read, work, write; Fenced, or Contended where it lost a race."""

    @abc.abstractmethod
    async def book(self, lease: Lease, before: AccountState, changes: Changes, place: Place | None) -> Told:
        """Write changes that were decided on a state, with one question; Contended where a row was another."""

    @abc.abstractmethod
    async def stands(self, account: str) -> Stand | None:
        """Return the versions of an account, None where it was never opened."""

    @abc.abstractmethod
    async def whole(self, account: str, orders: tuple[str, ...]) -> AccountState:
        """Read the account as it stands."""

    async def transact(
        self, lease: Lease, wanted: Wanted, work: Work, *, place: Place | None = None, urgent: bool = False
    ) -> None:
        """Run one fenced transaction, again when it lost a race."""
        turns = self._turns.setdefault(lease.account, Turns())
        for last in (*(False,) * RETRIES, True):
            try:
                async with turns.turn(urgent=urgent):
                    await self._transact(lease, wanted, work, place)
            except Contended:
                if last:
                    raise
                await self._clock.sleep(PAUSE_S)
            else:
                self.on_written()
                return

    async def state(self, account: str, *, orders: tuple[str, ...] = ()) -> AccountState:
        """Return the account as it stands."""
        if account in self._remembered and not orders:
            stand = await self.stands(account)
            known = self._remembered.get(account)
            if stand is not None and known is not None and known.stands_for(stand):
                held = tuple(one for one in known.state.positions if one.status != "CLOSED")
                return msgspec.structs.replace(known.state, now_us=stand.now_us, positions=held)
        return await self.whole(account, orders)

    def forget(self, account: str) -> None:
        """Read the rows the next time."""
        self._remembered.pop(account, None)

    async def _transact(self, lease: Lease, wanted: Wanted, work: Work, place: Place | None) -> None:
        known = self._remembered.get(lease.account)
        if known is not None and known.state.epoch != lease.epoch:
            known = None
        # While its answer is under way what is remembered is still what others may look at.
        if known and known.covers(wanted, place) and await self._at_once(known, lease, wanted, work, place):
            return
        self.forget(lease.account)
        wide = msgspec.structs.replace(wanted, whole=True, lives=True)
        done = await self.on_rows(lease, wide, work, place)
        offsets = {} if known is None else dict(known.offsets)
        if place is not None:
            offsets[place.partition] = done.next_offset
        behind_us = done.at_us - self._clock.now_us()
        booked = () if known is None else known.fills
        read = Remembered(state=done.state, offsets=offsets, behind_us=behind_us, fills=booked)
        moved = None if done.changes is None else place
        self._remembered[lease.account] = read.after(done.changes or Changes(), moved, behind_us)

    async def _at_once(self, known: Remembered, lease: Lease, wanted: Wanted, work: Work, place: Place | None) -> bool:
        """Decide on what is remembered and write it with one question; False when the rows must be read."""
        before = known.at(self._clock.now_us(), wanted)
        changes = work(before, None if place is None else known.offsets[place.partition])
        if changes is None or (place is None and changes == Changes()):
            return True
        told: Told | None = None
        try:
            told = await self.book(lease, before, changes, place)
        except Contended:
            return False
        finally:
            if told is None or told.verdict != "done":
                # Whether it was written is not known, or it was not.
                self.forget(lease.account)
        if told.verdict == "done":
            self._remembered[lease.account] = known.after(changes, place, told.at_us - self._clock.now_us())
            return True
        if told.verdict != "version":
            raise fenced(lease, told.verdict, told.epoch)
        return False


def fenced(lease: Lease, verdict: Verdict, epoch: int | None) -> Fenced:
    """Return why a writer is kept out, in the epoch that was found."""
    if verdict == "lease":
        return Fenced(f"the lease of {lease.account} in epoch {lease.epoch} has run out")
    return Fenced(f"{lease.account} is in epoch {epoch}, not {lease.epoch}")
