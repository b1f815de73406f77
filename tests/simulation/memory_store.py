"""The store port in memory, for simulation: it keeps the promises of Postgres and passes the same contract suite."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, field
from typing import Any

import msgspec

from executor.ports import Cached, Clock, Fenced, Lease, LeaseHeld, Superseded, Waiting
from executor.store.postgres import lease_entry
from executor.store.remembering import Done, Remembering, Stand, Told
from executor.store.steps import Wanted, Work
from executor.store.writing import mirrored
from tapeline.domain.account import AccountState, Block, MemoryRow, PortfolioRow, SlotRow, TakenIntent
from tapeline.domain.account_records import Audit, Balance, Control, Pair
from tapeline.domain.audit import GENESIS, chained
from tapeline.domain.changes import Changes, Entry, Outgoing, Place
from tapeline.domain.funding import RECENT_US, Exposed
from tapeline.domain.orders import OurFill, OurOrder
from tapeline.domain.positions import OurFunding, OurPosition
from tapeline.domain.reconcile import Booked
from tapeline.errors import Unavailable
from tapeline.runtime import desired_state
from tapeline.runtime.desired_state import Wish
from tapeline.runtime.transactions import Contended
from tests.simulation.memory_funding import exposed, lives

Key = tuple[object, ...]


@dataclass(slots=True)
class Account:
    """The row of an account."""

    epoch: int = 0
    holder: str | None = None
    lease_until_us: int = 0
    version: int = 0
    outbox_sequence: int = 0
    event_sequence: int = 0
    balances: tuple[Balance, ...] = ()


@dataclass(slots=True)
class Tables:
    """All rows; a transaction works on a copy, which takes the place of this one at its end."""

    accounts: dict[str, Account] = field(default_factory=dict)
    offsets: dict[tuple[str, int], int] = field(default_factory=dict)
    intents: dict[Key, TakenIntent] = field(default_factory=dict)
    orders: dict[Key, OurOrder] = field(default_factory=dict)
    positions: dict[Key, OurPosition] = field(default_factory=dict)
    slots: dict[Key, SlotRow] = field(default_factory=dict)
    memories: dict[Key, MemoryRow] = field(default_factory=dict)
    portfolios: dict[Key, PortfolioRow] = field(default_factory=dict)
    pairs: dict[Key, Pair] = field(default_factory=dict)
    blocks: dict[Key, Block] = field(default_factory=dict)
    fills: dict[Key, OurFill] = field(default_factory=dict)
    payments: dict[Key, OurFunding] = field(default_factory=dict)
    controls: dict[Key, Control] = field(default_factory=dict)
    control_number: int = 0
    outbox: dict[tuple[str, int], Outgoing] = field(default_factory=dict)
    audit: list[Audit] = field(default_factory=list)
    cache: dict[str, tuple[Cached, int]] = field(default_factory=dict)

    def copied(self) -> Tables:
        """Return tables that can be changed without these."""
        rows = {name: copy(getattr(self, name)) for name in self.__slots__}
        rows["accounts"] = {name: copy(one) for name, one in self.accounts.items()}
        return Tables(**rows)


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
            _send(tables, account, _audit(tables, (lease_entry(lease, now_us),)))
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
            now_us, desired = self._clock.now_us(), _desired_version(tables)
            if row is None:
                return None
            return Stand(epoch=row.epoch, version=row.version, desired_version=desired, now_us=now_us)

    async def whole(self, account: str, orders: tuple[str, ...]) -> AccountState:
        """Read the account as it stands."""
        async with _Transaction(self._database) as tables:
            return _state(tables, account, Wanted(orders=orders, whole=True), self._clock.now_us())

    async def on_rows(self, lease: Lease, wanted: Wanted, work: Work, place: Place | None) -> Done:
        """Run one transaction: check the lease, read, work, write."""
        async with _Transaction(self._database) as tables:
            _fenced(tables, lease, self._clock.now_us(), late=False)
            expected = None if place is None else tables.offsets.get((lease.account, place.partition))
            state = _state(tables, lease.account, wanted, self._clock.now_us())
            changes = work(state, expected)
            if changes is not None:
                _write(tables, state, changes, place)
            self._lose()
        return Done(state=state, changes=changes, next_offset=expected, at_us=state.now_us)

    async def book(self, lease: Lease, before: AccountState, changes: Changes, place: Place | None) -> Told:
        """Write changes that were decided on a state, unless another one stands."""
        async with _Transaction(self._database) as tables:
            row, now_us = tables.accounts[lease.account], self._clock.now_us()
            if row.epoch != lease.epoch:
                return Told(verdict="epoch", at_us=now_us, epoch=row.epoch)
            if row.lease_until_us <= now_us:
                return Told(verdict="lease", at_us=now_us, epoch=row.epoch)
            if (row.version, _desired_version(tables)) != (before.version, before.desired_version):
                return Told(verdict="version", at_us=now_us, epoch=row.epoch)
            _write(tables, before, changes, place)
            self._lose()
        return Told(verdict="done", at_us=now_us, epoch=lease.epoch)

    def _lose(self) -> None:
        if self._database.contended:
            self._database.contended -= 1
            raise Contended("the transaction lost against another one")

    async def booked(self, account: str) -> Booked:
        """Return the fills of the orders and lives that `state` returns."""
        async with _Transaction(self._database) as tables:
            found = _state(tables, account, Wanted(whole=True), self._clock.now_us())
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
            for one in (record, *_audit(tables, (desired_state.entry(before, after),))):
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
        raise Fenced(f"{lease.account} is in epoch {None if row is None else row.epoch}, not {lease.epoch}")
    if not late and row.lease_until_us <= now_us:
        raise Fenced(f"the lease of {lease.account} in epoch {lease.epoch} has run out")
    return row


def _desired_version(tables: Tables) -> int:
    return sum(one.version for one in tables.controls.values())


def _state(tables: Tables, account: str, wanted: Wanted, now_us: int) -> AccountState:
    row = tables.accounts.get(account)
    if row is None:
        raise LookupError(f"there is no account {account!r} in the database")
    intents = [
        one
        for one in tables.intents.values()
        if one.account == account and (one.status == "APPROVED" or one.intent_id in wanted.intents)
    ]
    ids = {one.intent_id for one in intents}
    orders = [
        one
        for one in tables.orders.values()
        if one.account == account and (not one.complete or one.client_order_id in wanted.orders or one.intent_id in ids)
    ]
    more = {one.intent_id for one in orders} - ids
    intents += [one for one in tables.intents.values() if one.intent_id in more]
    newest: dict[tuple[str, str, str], OurPosition] = {}
    for held in tables.positions.values():
        if held.account == account and (held.instrument not in newest or newest[held.instrument].life < held.life):
            newest[held.instrument] = held
    symbols = {wanted.symbol} | {one.symbol for one in wanted.fills}
    symbols |= {one.symbol for one in orders if one.client_order_id in wanted.orders}
    symbols |= {one.symbol for one in intents if one.intent_id in wanted.intents}
    known = {fill.identity for fill in tables.fills.values() if fill.account == account}
    return AccountState(
        account=account,
        epoch=row.epoch,
        now_us=now_us,
        version=row.version,
        event_sequence=row.event_sequence,
        intents=tuple(sorted(intents, key=lambda one: (one.taken_us, one.intent_id))),
        orders=tuple(orders),
        known_fills=tuple(fill.fill_id for fill in wanted.fills if fill.identity in known),
        positions=tuple(
            one for one in newest.values() if one.status != "CLOSED" or one.symbol in symbols or wanted.lives
        ),
        lives=() if wanted.payment is None else lives(tables.positions.values(), wanted.payment),
        payment=None if wanted.payment is None else tables.payments.get(wanted.payment.identity),
        pairs=tuple(_pairs(tables, account, symbols, wanted)),
        slots=tuple(one for one in tables.slots.values() if one.account == account),
        memories=tuple(one for one in tables.memories.values() if one.account == account),
        portfolios=tuple(one for one in tables.portfolios.values() if one.account == account),
        openings=tuple(one.intent_id for one in tables.intents.values() if _opens(one, wanted)),
        controls=tuple(sorted(tables.controls.values(), key=lambda one: (one.scope, one.target))),
        blocks=tuple(one for one in tables.blocks.values() if one.account == account),
        balances=row.balances,
    )


def _opens(one: TakenIntent, wanted: Wanted) -> bool:
    place = (one.strategy, one.symbol, one.slot, one.round)
    return one.opening and one.status != "REFUSED" and place == wanted.opening


def _pairs(tables: Tables, account: str, symbols: set[str | None], wanted: Wanted) -> list[Pair]:
    newest: dict[str, Pair] = {}
    for one in tables.pairs.values():
        runs = one.state not in ("PAUSED", "READY") or one.symbol in symbols or wanted.whole
        if one.account == account and runs and (one.pair_id not in newest or newest[one.pair_id].round < one.round):
            newest[one.pair_id] = one
    return list(newest.values())


def _write(tables: Tables, before: AccountState, changes: Changes, place: Place | None) -> None:
    for intent in changes.intents:
        if intent.opening and intent.status != "REFUSED" and _opened_by_another(tables, intent):
            raise Contended(f"{intent.strategy} has opened {intent.symbol} in that round meanwhile")
    _put(tables.intents, changes.intents, "intent_id")
    _put(tables.orders, changes.orders, "client_order_id")
    _put(tables.positions, changes.positions, "account", "venue", "market", "symbol", "life")
    _put(tables.slots, changes.slots, "account", "strategy", "symbol", "slot")
    _put(tables.memories, changes.memories, "account", "strategy", "symbol")
    _put(tables.portfolios, changes.portfolios, "account", "strategy", "symbol")
    _put(tables.pairs, changes.pairs, "account", "pair_id", "round")
    for fill in changes.fills:
        if (fill.account, *fill.identity) in tables.fills:
            raise Contended(f"{fill.identity} was booked meanwhile")
        tables.fills[fill.account, *fill.identity] = fill
    for paid in changes.payments:
        assert paid.identity not in tables.payments or tables.payments[paid.identity].life is None
        tables.payments[paid.identity] = paid
    for block in changes.blocks:
        tables.blocks[block.account, block.venue, block.market, block.symbol] = block
    for block in changes.unblocked:
        tables.blocks.pop((block.account, block.venue, block.market, block.symbol), None)
    if place is not None:
        tables.offsets[before.account, place.partition] = place.offset + 1
    row = tables.accounts[before.account]
    _send(tables, before.account, (*changes.outgoing, *_audit(tables, changes.audits)))
    if changes != Changes():
        row.version += 1
        row.event_sequence = row.event_sequence if changes.event_sequence is None else changes.event_sequence
        row.balances = row.balances if changes.balances is None else changes.balances


def _opened_by_another(tables: Tables, intent: TakenIntent) -> bool:
    wanted = Wanted(opening=(intent.strategy, intent.symbol, intent.slot, intent.round))
    return any(_opens(one, wanted) and one.intent_id != intent.intent_id for one in tables.intents.values())


def _put(rows: dict[Key, Any], changed: tuple[Any, ...], *key: str) -> None:
    for one in changed:
        name = tuple(getattr(one, part) for part in key)
        if name in rows and rows[name].version >= one.version:
            raise Contended(f"{name} has changed meanwhile")
        rows[name] = one


def _send(tables: Tables, account: str, outgoing: tuple[Outgoing, ...]) -> None:
    row = tables.accounts[account]
    for one in outgoing:
        row.outbox_sequence += 1
        tables.outbox[account, row.outbox_sequence] = one


def _audit(tables: Tables, entries: tuple[Entry, ...]) -> tuple[Outgoing, ...]:
    made: list[Outgoing] = []
    for entry in entries:
        previous = tables.audit[-1].hash if tables.audit else GENESIS
        row = chained(entry, sequence=len(tables.audit) + 1, previous=previous)
        tables.audit.append(row)
        made.append(mirrored(row))
    return tuple(made)
