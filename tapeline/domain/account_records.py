"""Records of what is held and wanted, as typed values, field for field as in `schemas/avro`; a test compares the two.

`ORDER_STRUCTS` names the Struct of each record about orders, those of intents and orders among them.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import msgspec

from tapeline.domain.instruments import Market, Side
from tapeline.domain.order_records import (
    DesiredState,
    Leg,
    Memory,
    OrderEvent,
    OrderIntent,
    OrderStatus,
    OrderType,
    PairState,
    PositionSide,
    PositionStatus,
    Scope,
)
from tapeline.domain.partition import control_key, entity_key, position_key, strategy_key


class Position(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A position after a change."""

    account: str
    venue: str
    market: Market
    symbol: str
    version: int
    strategy: str | None = None
    status: PositionStatus
    side: PositionSide
    quantity: Decimal
    entry_price: Decimal | None = None
    mark_price: Decimal | None = None
    unrealized_pnl: Decimal
    realized_pnl: Decimal
    fees: Decimal
    leverage: Decimal | None = None
    margin: Decimal | None = None
    liquidation_price: Decimal | None = None
    entry_reason: str | None = None
    exit_reason: str | None = None
    opened_us: int | None = None
    closed_us: int | None = None
    trace_id: str | None = None
    at_us: int

    @property
    def key(self) -> str:
        """Return the record's key: account and instrument."""
        return position_key(self.account, self.venue, self.market, self.symbol)


class Balance(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One asset in one wallet."""

    venue: str
    wallet: str
    asset: str
    total: Decimal
    available: Decimal


class Account(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Balances and used risk of a named set of keys."""

    account: str
    version: int
    usdt: Decimal
    equity: Decimal
    unrealized_pnl: Decimal
    exposure: Decimal
    margin: Decimal
    reserved: Decimal
    open_orders: int
    open_positions: int
    balances: tuple[Balance, ...]
    source: str
    at_us: int

    @property
    def key(self) -> str:
        """Return the record's key: the account."""
        return self.account


class Slot(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A place for one opening at a time."""

    slot: int
    round: int
    intent_id: str | None = None


class HeldOrder(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An order that is not final."""

    client_order_id: str
    intent_id: str
    tag: str | None = None
    venue: str
    market: Market
    side: Side
    order_type: OrderType
    price: Decimal | None = None
    quantity: Decimal
    filled: Decimal
    status: OrderStatus
    at_us: int


class Holding(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A position of a strategy."""

    venue: str
    market: Market
    side: PositionSide
    quantity: Decimal
    entry_price: Decimal | None = None
    unrealized_pnl: Decimal
    opened_us: int | None = None


class Portfolio(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """All that one strategy holds on one symbol."""

    strategy: str
    symbol: str
    account: str
    version: int
    desired: DesiredState
    slots: tuple[Slot, ...]
    orders: tuple[HeldOrder, ...]
    positions: tuple[Holding, ...]
    pair_state: PairState | None = None
    pair_round: int | None = None
    realized_pnl: Decimal
    memory: Memory | None = None
    taken_offset: int | None = None
    at_us: int

    @property
    def key(self) -> str:
        """Return the record's key: strategy and symbol."""
        return strategy_key(self.strategy, self.symbol)


class PairLeg(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One side of a two-leg trade."""

    leg: Leg
    venue: str
    market: Market
    quantity: Decimal
    opened: Decimal
    closed: Decimal
    open_price: Decimal | None = None
    close_price: Decimal | None = None
    fees: Decimal


class Pair(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A two-leg trade after a change."""

    pair_id: str
    account: str
    strategy: str
    symbol: str
    slot: int
    round: int
    version: int
    state: PairState
    was: PairState | None = None
    event: str
    reason: str | None = None
    intent_id: str | None = None
    """The intent that enters or leaves it, or did so last."""
    parts: int
    part: int
    legs: tuple[PairLeg, ...]
    entry_net: Decimal | None = None
    unrealized_pnl: Decimal
    realized_pnl: Decimal
    naked_since_us: int | None = None
    opened_us: int | None = None
    closed_us: int | None = None
    trace_id: str | None = None
    at_us: int

    @property
    def key(self) -> str:
        """Return the record's key: the pair."""
        return self.pair_id


class Control(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A copy of one piece of desired state."""

    scope: Scope
    target: str
    version: int
    desired: DesiredState
    parameters: str | None = None
    actor: str
    reason: str | None = None
    at_us: int

    @property
    def key(self) -> str:
        """Return the record's key: what it holds for."""
        return control_key(self.scope, self.target)


class Audit(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One row of audit_logs."""

    sequence: int
    action: str
    entity_type: str
    entity_id: str
    old_value: str | None = None
    new_value: str | None = None
    reason: str | None = None
    trace_id: str | None = None
    success: bool
    error_message: str | None = None
    context: str | None = None
    actor: str
    at_us: int
    previous_hash: str
    hash: str

    @property
    def key(self) -> str:
        """Return the record's key: the audited thing."""
        return entity_key(self.entity_type, self.entity_id)


ORDER_STRUCTS: Final[dict[str, type[msgspec.Struct]]] = {
    f"tapeline.{struct.__name__}": struct
    for struct in (OrderIntent, OrderEvent, Position, Account, Portfolio, Pair, Control, Audit)
}
"""The Struct of each record about orders, by the record's full name."""
