"""What one transaction changes: rows, events, audit and outbox together, worked out on a copy of the state."""

from __future__ import annotations

from typing import Literal, TypeVar

import msgspec

from tapeline.domain import account_records as held_records
from tapeline.domain import order_records as records
from tapeline.domain import telling
from tapeline.domain.account import AccountState, Block, MemoryRow, PortfolioRow, SlotRow, TakenIntent
from tapeline.domain.orders import OurFill, OurOrder
from tapeline.domain.positions import OurFunding, OurPosition

R = TypeVar("R", bound=msgspec.Struct)

AuditAction = Literal[
    "LEASE_TAKE", "INTENT_APPROVE", "INTENT_REFUSE", "INTENT_SETTLE", "ORDER_PLACE", "ORDER_UPDATE", "ORDER_FILL",
    "ORDER_REPAIR", "POSITION_OPEN", "POSITION_UPDATE", "POSITION_CLOSE", "POSITION_REPAIR", "PAIR_CHANGE",
    "SYMBOL_BLOCK", "SYMBOL_UNBLOCK", "STATE_CHANGE",
]  # fmt: skip


class Place(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Where an intent stands in `order.intent`."""

    partition: int
    offset: int


class Entry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One action to be written to audit_logs: who, what, when, why (E-17, E-27); values are JSON."""

    action: AuditAction
    entity_type: str
    entity_id: str
    old_value: str | None = None
    new_value: str | None = None
    reason: str | None = None
    trace_id: str | None = None
    success: bool = True
    error_message: str | None = None
    context: str | None = None
    actor: str
    at_us: int


class Outgoing(msgspec.Struct, frozen=True, kw_only=True):
    """A record that waits in the outbox until the broker has it."""

    topic: str
    key: str
    symbol: str | None
    """Decides the partition where the topic has one per symbol."""
    value: msgspec.Struct
    trace_id: str | None = None


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """Rows as they shall stand, each one version above what was read, and what is told about them."""

    intents: tuple[TakenIntent, ...] = ()
    orders: tuple[OurOrder, ...] = ()
    fills: tuple[OurFill, ...] = ()
    positions: tuple[OurPosition, ...] = ()
    payments: tuple[OurFunding, ...] = ()
    slots: tuple[SlotRow, ...] = ()
    memories: tuple[MemoryRow, ...] = ()
    portfolios: tuple[PortfolioRow, ...] = ()
    pairs: tuple[held_records.Pair, ...] = ()
    blocks: tuple[Block, ...] = ()
    unblocked: tuple[Block, ...] = ()
    balances: tuple[held_records.Balance, ...] | None = None
    audits: tuple[Entry, ...] = ()
    outgoing: tuple[Outgoing, ...] = ()
    event_sequence: int | None = None
    """Number of the last event; None where none was told."""

    @property
    def events(self) -> tuple[records.OrderEvent, ...]:
        """Return the order events among what is told."""
        return tuple(one.value for one in self.outgoing if isinstance(one.value, records.OrderEvent))


def joined(first: Changes, second: Changes) -> Changes:
    """Return both as one, the second made on the outcome of the first: of a row that is in both the last one counts."""
    both: dict[str, object] = {}
    for name in Changes.__struct_fields__:
        before, after = getattr(first, name), getattr(second, name)
        if name in ("balances", "event_sequence"):
            both[name] = before if after is None else after
        else:
            both[name] = (*before, *after)
    return Changes(**both)  # type: ignore[arg-type]  # each field has the type of the two that it is made of


def apart(first: Changes, second: Changes) -> bool:
    """Tell whether the second must be written on its own, for in one write something of it would be lost.

    A fill is booked on the newest life of its position that is written with it; wallets are told once in a version.
    """
    lives = {one.instrument: one.life for one in first.positions}
    other_life = any(lives.get(one.instrument, one.life) != one.life for one in second.positions)
    wallets = first.balances is not None and second.balances is not None
    return other_life or wallets or bool(first.unblocked and second.blocks)


class Draft:
    """A copy of an account's state that is changed step by step, and remembers what to write and to tell."""

    def __init__(self, state: AccountState, actor: str) -> None:
        """Begin with what was read; `actor` is whose doing it is."""
        self.state = state
        self.actor = actor
        self._sequence = state.event_sequence
        self._events: list[Outgoing] = []
        self._audits: list[Entry] = []
        self._fills: list[OurFill] = []
        self._unblocked: list[Block] = []
        self._balances: tuple[held_records.Balance, ...] | None = None
        self._pairs: list[held_records.Pair] = []
        self._positions: list[OurPosition] = []
        self._payments: list[OurFunding] = []
        self._touched: dict[tuple[str, str], int | None] = {}

    # rows

    def intent(self, row: TakenIntent) -> None:
        """Put an intent in its place."""
        self._put("intents", row, ("intent_id",))
        self.touch(row.strategy, row.symbol)

    def order(self, row: OurOrder) -> None:
        """Put an order in its place."""
        self._put("orders", row, ("client_order_id",))
        self.touch(row.strategy, row.symbol)

    def slot(self, row: SlotRow) -> None:
        """Put a slot in its place."""
        self._put("slots", row, ("strategy", "symbol", "slot"))
        self.touch(row.strategy, row.symbol)

    def memory(self, row: MemoryRow) -> None:
        """Put a memory in its place."""
        self._put("memories", row, ("strategy", "symbol"))
        self.touch(row.strategy, row.symbol)

    def portfolio(self, row: PortfolioRow) -> None:
        """Put a portfolio's own numbers in their place."""
        self._put("portfolios", row, ("strategy", "symbol"))

    def position(self, row: OurPosition, trace_id: str | None) -> None:
        """Put the newest life of a position in its place and tell it; one life after the other."""
        self._put("positions", row, ("venue", "market", "symbol"))
        self._positions.append(row)
        self.touch(row.strategy, row.symbol)
        self.tell("position", telling.position(row, self.state.now_us), row.symbol, trace_id)

    def earlier(self, row: OurPosition) -> None:
        """Put a life before the newest in its place; its topic has the newest alone, so only its portfolio tells it."""
        self._positions.append(row)
        self.touch(row.strategy, row.symbol)

    def payment(self, row: OurFunding) -> None:
        """Add a payment of funding."""
        self._payments.append(row)

    def pair(self, row: held_records.Pair) -> None:
        """Put a two-leg trade in its place and tell it."""
        self._put("pairs", row, ("pair_id", "round"))
        self._pairs.append(row)
        self.touch(row.strategy, row.symbol)
        self.tell("pair", row, row.symbol, row.trace_id)

    def fill(self, row: OurFill) -> None:
        """Add a fill."""
        self._fills.append(row)

    def block(self, row: Block) -> None:
        """Block a symbol."""
        self._put("blocks", row, ("venue", "market", "symbol"))

    def unblock(self, row: Block) -> None:
        """Free a symbol."""
        self._unblocked.append(row)
        left = tuple(one for one in self.state.blocks if one != row)
        self.state = msgspec.structs.replace(self.state, blocks=left)

    def balances(self, balances: tuple[held_records.Balance, ...]) -> None:
        """Replace what the wallets hold."""
        self._balances = balances
        self.state = msgspec.structs.replace(self.state, balances=balances)

    def touch(self, strategy: str, symbol: str) -> None:
        """Remember that a portfolio has changed."""
        self._touched[strategy, symbol] = None

    # what is told

    def event(
        self,
        kind: records.OrderEventKind,
        intent: TakenIntent,
        *,
        own: OurOrder | None = None,
        executed: OurFill | None = None,
        code: str | None = None,
        reason: str | None = None,
    ) -> None:
        """Tell one step of an intent or of its order."""
        self._sequence += 1
        found = telling.event(
            kind,
            intent,
            sequence=self._sequence,
            at_us=self.state.now_us,
            own=own,
            executed=executed,
            code=code,
            reason=reason,
        )
        self.tell("order.event", found, found.symbol, found.trace_id)

    def tell(self, topic: str, value: msgspec.Struct, symbol: str | None, trace_id: str | None = None) -> None:
        """Put a record in the outbox."""
        key: str = value.key  # type: ignore[attr-defined]  # every record of a topic has its key
        self._events.append(Outgoing(topic=topic, key=key, symbol=symbol, value=value, trace_id=trace_id))

    def audit(
        self,
        action: AuditAction,
        entity: tuple[str, str],
        *,
        old: msgspec.Struct | None = None,
        new: msgspec.Struct | None = None,
        reason: str | None = None,
        trace_id: str | None = None,
        context: str | None = None,
        error: str | None = None,
    ) -> None:
        """Add an entry of the audit about an entity, as (kind, id)."""
        entry = Entry(
            action=action,
            entity_type=entity[0],
            entity_id=entity[1],
            old_value=None if old is None else msgspec.json.encode(old).decode(),
            new_value=None if new is None else msgspec.json.encode(new).decode(),
            reason=reason,
            trace_id=trace_id,
            success=error is None,
            error_message=error,
            context=context,
            actor=self.actor,
            at_us=self.state.now_us,
        )
        self._audits.append(entry)

    def done(self, before: AccountState) -> Changes:
        """Return all that has changed since `before`; each portfolio that was touched is told once, as it stands."""
        for strategy, symbol in self._touched:
            row = self.state.portfolio(strategy, symbol)
            row = msgspec.structs.replace(row, version=row.version + 1)
            self.portfolio(row)
            self.tell("portfolio", telling.portfolio(self.state, row), symbol)
        now = self.state
        return Changes(
            intents=_new(now.intents, before.intents),
            orders=_new(now.orders, before.orders),
            fills=tuple(self._fills),
            positions=tuple(self._positions),
            payments=tuple(self._payments),
            slots=_new(now.slots, before.slots),
            memories=_new(now.memories, before.memories),
            portfolios=_new(now.portfolios, before.portfolios),
            pairs=tuple(self._pairs),
            blocks=_new(now.blocks, before.blocks),
            unblocked=tuple(self._unblocked),
            balances=self._balances,
            audits=tuple(self._audits),
            outgoing=tuple(self._events),
            event_sequence=None if self._sequence == before.event_sequence else self._sequence,
        )

    def _put(self, name: str, row: R, key: tuple[str, ...]) -> None:
        def same(one: msgspec.Struct) -> bool:
            return all(getattr(one, part) == getattr(row, part) for part in key)

        rows: tuple[R, ...] = getattr(self.state, name)
        found = tuple(row if same(one) else one for one in rows)
        if row not in found:
            found = (*found, row)
        self.state = msgspec.structs.replace(self.state, **{name: found})


def _new(now: tuple[R, ...], before: tuple[R, ...]) -> tuple[R, ...]:
    return tuple(one for one in now if one not in before)
