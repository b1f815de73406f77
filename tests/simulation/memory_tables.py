"""The tables of the simulation: rows by their keys, read and written as the statements of Postgres do it."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field
from typing import Any

from executor.ports import Cached
from executor.store.steps import Wanted
from tapeline.domain.account import AccountState, Block, MemoryRow, PortfolioRow, SlotRow, TakenIntent
from tapeline.domain.account_records import Audit, Balance, Control, Pair
from tapeline.domain.audit import GENESIS, chained
from tapeline.domain.changes import Changes, Entry, Outgoing, Place
from tapeline.domain.orders import OurFill, OurOrder
from tapeline.domain.positions import OurFunding, OurPosition
from tapeline.runtime.transactions import Contended
from tests.simulation.memory_funding import lives

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


def desired_version(tables: Tables) -> int:
    """Return what rises with every change of desired state."""
    return sum(one.version for one in tables.controls.values())


def read(tables: Tables, account: str, wanted: Wanted, now_us: int) -> AccountState:
    """Return an account as it stands, and what is wanted besides."""
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


def put(tables: Tables, before: AccountState, changes: Changes, places: tuple[Place, ...]) -> None:
    """Write all changes of one transaction."""
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
    for place in places:
        tables.offsets[before.account, place.partition] = place.offset + 1
    row = tables.accounts[before.account]
    send(tables, before.account, (*changes.outgoing, *audited(tables, changes.audits)))
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


def send(tables: Tables, account: str, outgoing: tuple[Outgoing, ...]) -> None:
    """Put records in the outbox."""
    row = tables.accounts[account]
    for one in outgoing:
        row.outbox_sequence += 1
        tables.outbox[account, row.outbox_sequence] = one


def audited(tables: Tables, entries: tuple[Entry, ...]) -> tuple[Outgoing, ...]:
    """Write entries into the audit and return their mirror for the topic."""
    made: list[Outgoing] = []
    for entry in entries:
        previous = tables.audit[-1].hash if tables.audit else GENESIS
        row = chained(entry, sequence=len(tables.audit) + 1, previous=previous)
        tables.audit.append(row)
        made.append(Outgoing(topic="audit", key=row.key, symbol=None, value=row, trace_id=row.trace_id))
    return tuple(made)
