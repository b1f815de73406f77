"""The store port in memory, for simulation: it keeps the promises of Postgres and passes the same contract suite."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import msgspec

from executor.ports import Cached, Clock, Lease, LeaseHeld, Superseded, Waiting
from executor.store.postgres import lease_entry
from executor.store.remembered import Stand
from executor.store.remembering import Done, Remembering, Told, fenced
from executor.store.steps import Task, Wanted
from tapeline.domain.account import AccountState
from tapeline.domain.account_records import Control
from tapeline.domain.changes import Changes, Outgoing, Place
from tapeline.domain.funding import RECENT_US, Exposed
from tapeline.domain.reconcile import Booked
from tapeline.errors import Unavailable
from tapeline.runtime import desired_state
from tapeline.runtime.desired_state import Wish
from tapeline.runtime.transactions import Contended
from tests.simulation import memory_tables
from tests.simulation.memory_funding import exposed
from tests.simulation.memory_tables import Account, Tables


class MemoryDatabase:
    """What several stores share, as executors share a Postgres."""

    def __init__(self) -> None:
        """Begin empty."""
        self.tables = Tables()
        self.lock = asyncio.Lock()
        self.sessions: dict[str, MemoryStore] = {}
        self.away = False
        self.contended = 0
        """So many transactions lose a race before the next one wins."""
        self.at_commit: Callable[[], None] | None = None
        """Called when all is written and nothing is visible yet: what it raises rolls back."""


class MemoryStore(Remembering):
    """One executor's connection to the database in memory."""

    def __init__(self, database: MemoryDatabase, clock: Clock) -> None:
        """Take the database, and the clock that is also the database's."""
        super().__init__(clock)
        self._database = database

    async def open_lease(self, account: str, holder: str, *, for_us: int) -> Lease | LeaseHeld:
        """Take the account when its holder's session is gone, or when its time is over although the session stands."""
        async with _Transaction(self._database) as tables:
            now_us, sessions = self._clock.now_us(), self._database.sessions
            row = tables.accounts.setdefault(account, Account())
            locked = sessions.get(account, self) is not self
            if locked and row.lease_until_us > now_us:
                return LeaseHeld(holder=row.holder or "", until_us=row.lease_until_us)
            lease = Lease(
                account=account,
                epoch=row.epoch + 1,
                holder=holder,
                until_us=now_us + for_us,
                before_until_us=row.lease_until_us if row.lease_until_us > now_us else None,
            )
            row.epoch, row.holder, row.lease_until_us = lease.epoch, holder, lease.until_us
            memory_tables.send(tables, account, memory_tables.audited(tables, (lease_entry(lease, now_us),)))
            if not locked:
                sessions[account] = self
        return lease

    async def renew(self, lease: Lease, *, for_us: int) -> Lease:
        """Return the lease with a later end."""
        async with _Transaction(self._database) as tables:
            row = _fenced(tables, lease, self._clock.now_us(), late=True)
            row.lease_until_us = self._clock.now_us() + for_us
        return msgspec.structs.replace(lease, until_us=row.lease_until_us, before_until_us=None)

    async def give_up(self, lease: Lease) -> None:
        """End the lease now."""
        async with _Transaction(self._database) as tables:
            row = tables.accounts[lease.account]
            if row.epoch == lease.epoch:
                row.lease_until_us = 0
        await self.close()

    async def close(self) -> None:
        """Let go of the sessions that hold leases, as a crash would."""
        sessions = self._database.sessions
        for account in [name for name, store in sessions.items() if store is self]:
            del sessions[account]

    async def offsets(self, account: str) -> Mapping[int, int]:
        """Return the next offset of each partition."""
        async with _Transaction(self._database) as tables:
            return {partition: next_ for (owner, partition), next_ in tables.offsets.items() if owner == account}

    async def stands(self, account: str) -> Stand | None:
        """Return the versions of an account."""
        async with _Transaction(self._database) as tables:
            row = tables.accounts.get(account)
            now_us, desired = self._clock.now_us(), memory_tables.desired_version(tables)
            if row is None:
                return None
            return Stand(epoch=row.epoch, version=row.version, desired_version=desired, now_us=now_us)

    async def whole(self, account: str, orders: tuple[str, ...]) -> AccountState:
        """Read the account as it stands."""
        async with _Transaction(self._database) as tables:
            return memory_tables.read(tables, account, Wanted(orders=orders, whole=True), self._clock.now_us())

    async def on_rows(self, lease: Lease, task: Task) -> Done:
        """Run one transaction: check the lease, read, work, write."""
        place = task.place
        async with _Transaction(self._database) as tables:
            _fenced(tables, lease, self._clock.now_us(), late=False)
            expected = None if place is None else tables.offsets.get((lease.account, place.partition))
            state = memory_tables.read(tables, lease.account, task.wanted, self._clock.now_us())
            changes = task.work(state, expected)
            if changes is not None:
                memory_tables.put(tables, state, changes, () if place is None else (place,))
            self._lose()
        return Done(state=state, changes=changes, next_offset=expected, at_us=state.now_us)

    async def book(self, lease: Lease, before: AccountState, changes: Changes, places: tuple[Place, ...]) -> Told:
        """Write changes that were decided on a state, unless another one stands."""
        async with _Transaction(self._database) as tables:
            row, now_us = tables.accounts[lease.account], self._clock.now_us()
            if row.epoch != lease.epoch:
                return Told(verdict="epoch", at_us=now_us, epoch=row.epoch)
            if row.lease_until_us <= now_us:
                return Told(verdict="lease", at_us=now_us, epoch=row.epoch)
            if (row.version, memory_tables.desired_version(tables)) != (before.version, before.desired_version):
                return Told(verdict="version", at_us=now_us, epoch=row.epoch)
            memory_tables.put(tables, before, changes, places)
            self._lose()
        return Told(verdict="done", at_us=now_us, epoch=lease.epoch)

    def _lose(self) -> None:
        if self._database.contended:
            self._database.contended -= 1
            raise Contended("the transaction lost against another one")

    async def booked(self, account: str) -> Booked:
        """Return the fills of the orders and lives that `state` returns."""
        async with _Transaction(self._database) as tables:
            found = memory_tables.read(tables, account, Wanted(whole=True), self._clock.now_us())
            orders = {one.client_order_id for one in found.orders}
            held = {one.instrument for one in found.positions}
            return Booked(
                fills=tuple(
                    fill
                    for fill in tables.fills.values()
                    if fill.account == account
                    and (fill.client_order_id in orders or (fill.venue, fill.market, fill.symbol) in held)
                )
            )

    async def exposed(self, account: str) -> tuple[Exposed, ...]:
        """Return the markets on which futures are held, or were until lately."""
        async with _Transaction(self._database) as tables:
            since_us = self._clock.now_us() - RECENT_US
            return exposed(tables.positions.values(), tables.payments.values(), account, since_us)

    async def desire(self, change: Wish) -> Control | Superseded:
        """Change desired state, where its version is still the one that was seen."""
        async with _Transaction(self._database) as tables:
            before = tables.controls.get((change.scope, change.target))
            if before is not None and change.replaces not in (None, before.version):
                return Superseded(current=before)
            after = desired_state.changed(before, change, self._clock.now_us())
            tables.controls[change.scope, change.target] = after
            record = Outgoing(topic="control", key=after.key, symbol=None, value=after)
            for one in (record, *memory_tables.audited(tables, (desired_state.entry(before, after),))):
                tables.control_number += 1
                tables.outbox[desired_state.STREAM, tables.control_number] = one
        return after

    async def desired(self) -> tuple[Control, ...]:
        """Return all desired state."""
        async with _Transaction(self._database) as tables:
            return tuple(sorted(tables.controls.values(), key=lambda one: (one.scope, one.target)))

    async def outbox(self, stream: str, *, most: int) -> tuple[Waiting, ...]:
        """Return the oldest records that wait."""
        async with _Transaction(self._database) as tables:
            found = sorted(number for owner, number in tables.outbox if owner == stream)[:most]
            return tuple(
                Waiting(stream=stream, number=number, record=tables.outbox[stream, number]) for number in found
            )

    async def published(self, stream: str, up_to: int) -> None:
        """Forget what the broker has."""
        async with _Transaction(self._database) as tables:
            for key in [key for key in tables.outbox if key[0] == stream and key[1] <= up_to]:
                del tables.outbox[key]

    async def cached(self, key: str) -> Cached | None:
        """Return a result that has not expired."""
        async with _Transaction(self._database) as tables:
            found = tables.cache.get(key)
            return None if found is None or found[1] <= self._clock.now_us() else found[0]

    async def cache(self, key: str, result: Cached, *, ttl_us: int) -> Cached:
        """Keep a result unless there is one that has not expired."""
        async with _Transaction(self._database) as tables:
            now_us = self._clock.now_us()
            found = tables.cache.get(key)
            if found is None or found[1] <= now_us:
                found = tables.cache[key] = (result, now_us + ttl_us)
            return found[0]


class _Transaction:
    """One transaction after the other: all of its changes become visible at its end, or none."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def __aenter__(self) -> Tables:
        if self._database.away:
            raise Unavailable("the database is away")
        await self._database.lock.acquire()
        self._work = self._database.tables.copied()
        return self._work

    async def __aexit__(self, kind: object, error: object, trace: object) -> None:
        try:
            if error is None:
                if self._database.at_commit is not None:
                    self._database.at_commit()
                self._database.tables = self._work
        finally:
            self._database.lock.release()


def _fenced(tables: Tables, lease: Lease, now_us: int, *, late: bool) -> Account:
    row = tables.accounts.get(lease.account)
    if row is None or row.epoch != lease.epoch:
        raise fenced(lease, "epoch", None if row is None else row.epoch)
    if not late and row.lease_until_us <= now_us:
        raise fenced(lease, "lease", lease.epoch)
    return row
