"""Transactions without reading: what an executor has read and written stays true as long as it alone writes.

From each transaction's changes follows how the rows stand after it, so the next one is decided at once and written with
one question, and with it what others wait with. The database compares epoch and versions under the account's lock and
refuses what was decided on another state; then, and after any failure, the rows are read again.
"""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import Final, Literal

import msgspec

from executor.ports import Clock, Fenced, Lease
from executor.store.grouping import Group
from executor.store.remembered import Remembered, Stand
from executor.store.steps import Steps, Task
from executor.store.turns import Turns
from tapeline.domain.account import AccountState
from tapeline.domain.changes import Changes, Place
from tapeline.runtime.transactions import Contended

RETRIES: Final = 3
PAUSE_S: Final = 0.1
Verdict = Literal["done", "epoch", "lease", "version"]


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


@dataclass(slots=True, eq=False, kw_only=True)
class Asked:
    """What somebody wants done in one transaction."""

    lease: Lease
    tasks: tuple[Task, ...]
    done: int = 0
    """How many of the tasks are."""


class Remembering(Steps):
    """A store whose transactions come one after the other, those that wait together as one, and remember."""

    def __init__(self, clock: Clock) -> None:
        """Take the clock that pauses between two tries."""
        self._clock = clock
        self._turns: dict[str, Turns[Asked]] = {}
        self._remembered: dict[str, Remembered] = {}

    @abc.abstractmethod
    async def on_rows(self, lease: Lease, task: Task) -> Done:
        """Run one transaction: lock, check the lease, read, work, write; Fenced, or Contended where it lost a race."""

    @abc.abstractmethod
    async def book(self, lease: Lease, before: AccountState, changes: Changes, places: tuple[Place, ...]) -> Told:
        """Write changes that were decided on a state, with one question; Contended where a row was another."""

    @abc.abstractmethod
    async def stands(self, account: str) -> Stand | None:
        """Return the versions of an account, None where it was never opened."""

    @abc.abstractmethod
    async def whole(self, account: str, orders: tuple[str, ...]) -> AccountState:
        """Read the account as it stands."""

    async def transact(self, lease: Lease, *tasks: Task, urgent: bool = False) -> int:
        """Run one fenced transaction, again when it lost a race."""
        turns = self._turns.setdefault(lease.account, Turns())
        asked = Asked(lease=lease, tasks=tasks)
        for last in (*(False,) * RETRIES, True):
            try:
                async with turns.turn(asked, urgent=urgent) as ours:
                    if ours:
                        await self._transact(asked, turns, turns.waiting(urgent=urgent))
            except Contended:
                if last:
                    raise
                await self._clock.sleep(PAUSE_S)
            else:
                self.on_written()
                return asked.done
        raise AssertionError("the last try returns or raises")

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

    async def _transact(self, asked: Asked, turns: Turns[Asked], others: tuple[Asked, ...]) -> None:
        lease = asked.lease
        known = self._remembered.get(lease.account)
        if known is not None and known.state.epoch != lease.epoch:
            known = None
        # While its answer is under way what is remembered is still what others may look at.
        if known and await self._at_once(known, asked, turns, others):
            return
        self.forget(lease.account)
        task = asked.tasks[0]
        wide = msgspec.structs.replace(task.wanted, whole=True, lives=True)
        done = await self.on_rows(lease, msgspec.structs.replace(task, wanted=wide))
        offsets = {} if known is None else dict(known.offsets)
        if task.place is not None:
            offsets[task.place.partition] = done.next_offset
        behind_us = done.at_us - self._clock.now_us()
        booked = () if known is None else known.fills
        read = Remembered(state=done.state, offsets=offsets, behind_us=behind_us, fills=booked)
        moved = None if done.changes is None else task.place
        self._remembered[lease.account] = read.after(done.changes or Changes(), moved)
        asked.done = 1

    async def _at_once(self, known: Remembered, asked: Asked, turns: Turns[Asked], others: tuple[Asked, ...]) -> bool:
        """Decide on what is remembered and write it with one question; False when the rows must be read."""
        group, lease = Group(known, self._clock.now_us()), asked.lease
        asked.done = group.add(asked.tasks)
        if not asked.done:
            return False
        along = _added(group, [one for one in others if one.lease.epoch == lease.epoch])
        if group.writes and not await self._written(group, lease):
            return False
        # Not before: until then nothing of it is true, and whoever waits still has a turn to come.
        for one, found in along.items():
            if isinstance(found, Exception):
                turns.done(one, found)
            else:
                one.done = found
                turns.done(one)
        return True

    async def _written(self, group: Group, lease: Lease) -> bool:
        told: Told | None = None
        try:
            told = await self.book(lease, group.before, group.changes, tuple(group.places.values()))
        except Contended:
            return False
        finally:
            if told is None or told.verdict != "done":
                # Whether it was written is not known, or it was not.
                self.forget(lease.account)
        if told.verdict == "done":
            self._remembered[lease.account] = group.after(told.at_us - self._clock.now_us())
            return True
        if told.verdict != "version":
            raise fenced(lease, told.verdict, told.epoch)
        return False


def _added(group: Group, others: list[Asked]) -> dict[Asked, int | Exception]:
    """Take along what others wait with; return how many tasks of each, or what its own work failed by."""
    found: dict[Asked, int | Exception] = {}
    for one in others:
        try:
            count = group.add(one.tasks)
        except Exception as error:  # noqa: BLE001 - it is raised where it belongs
            found[one] = error
        else:
            if count:
                found[one] = count
    return found


def fenced(lease: Lease, verdict: Verdict, epoch: int | None) -> Fenced:
    """Return why a writer is kept out, in the epoch that was found."""
    if verdict == "lease":
        return Fenced(f"the lease of {lease.account} in epoch {lease.epoch} has run out")
    return Fenced(f"{lease.account} is in epoch {epoch}, not {lease.epoch}")
