"""Records of intents and of orders, as typed values, field for field as in `schemas/avro`; a test compares the two.

Money is `Decimal`, time is integer microseconds UTC. A command names itself under `-type`, as in a choice.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final, Literal

import msgspec

from tapeline.domain.instruments import Market, Side
from tapeline.domain.partition import strategy_key

OrderType = Literal["limit", "market", "post_only"]
TimeInForce = Literal["GTC", "IOC", "FOK"]
Leg = Literal["buy", "sell"]
Liquidity = Literal["unknown", "maker", "taker"]
OrderStatus = Literal[
    "PENDING", "PLACED", "PARTIALLY_FILLED", "FILLED", "CANCELLED", "REJECTED", "EXPIRED", "UNKNOWN"
]  # fmt: skip
OrderEventKind = Literal[
    "unknown", "intent_approved", "intent_refused", "order_pending", "order_sent", "order_placed", "order_filled",
    "order_cancelled", "order_rejected", "order_expired", "order_unknown", "order_repaired", "intent_settled",
]  # fmt: skip
PositionStatus = Literal["UNKNOWN", "OPENING", "OPEN", "CLOSING", "CLOSED"]
PositionSide = Literal["flat", "long", "short"]
PairState = Literal["ERROR", "PAUSED", "READY", "ENTERING", "POSITION_OPEN", "EXITING"]
DesiredState = Literal["RUNNING", "REDUCING", "HALTED"]
Scope = Literal["system", "account", "strategy", "pair"]
STOP_LOSS: Final = "stop loss"
"""How the reason of an intent begins that leaves because the loss is too large: a person is told of it (D-29)."""


class Place(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One side of a two-leg trade; the limit is the worst price accepted."""

    venue: str
    market: Market
    limit_price: Decimal


# ---------------------------------------------------------------- order.intent
class EnterPair(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="-type", tag="tapeline.EnterPair"):
    """Open a two-leg trade: buy here, sell there, in parts, both legs at once."""

    pair_id: str
    buy: Place
    sell: Place
    quantity: Decimal
    parts: int
    min_net: Decimal
    target_profit: Decimal
    stop_loss: Decimal
    leverage: Decimal


class ExitPair(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="-type", tag="tapeline.ExitPair"):
    """Leave a two-leg trade of one round, in parts; no limit takes the market."""

    pair_id: str
    round: int
    buy_back_limit: Decimal | None = None
    sell_off_limit: Decimal | None = None
    parts: int


class PlaceOrder(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="-type", tag="tapeline.PlaceOrder"):
    """Place one order."""

    venue: str
    market: Market
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    quantity: Decimal
    price: Decimal | None = None
    reduce_only: bool = False
    leverage: Decimal | None = None
    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None
    tag: str | None = None


class CancelOrder(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="-type", tag="tapeline.CancelOrder"):
    """Cancel one order."""

    client_order_id: str


class ClosePosition(
    msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="-type", tag="tapeline.ClosePosition"
):
    """Close one position or a part of it; no quantity closes all, no limit takes the market."""

    venue: str
    market: Market
    quantity: Decimal | None = None
    limit_price: Decimal | None = None


class Flatten(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="-type", tag="tapeline.Flatten"):
    """Cancel every order and close every position of the strategy on the symbol."""

    venue: str | None = None


class Remember(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="-type", tag="tapeline.Remember"):
    """Store the intent's memory and do nothing else."""

    replaces: int


Command = EnterPair | ExitPair | PlaceOrder | CancelOrder | ClosePosition | Flatten | Remember


class Memory(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A strategy's small declared state, as JSON."""

    version: int
    kind: str
    body: str


class Cause(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A record that led to a decision."""

    topic: str
    partition: int
    offset: int


class OrderIntent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a strategy or a person wants done."""

    intent_id: str
    strategy: str
    account: str
    symbol: str
    slot: int
    round: int
    command: Command
    memory: Memory | None = None
    cause: tuple[Cause, ...]
    reason: str
    evidence: dict[str, float]
    actor: str | None = None
    decided_us: int
    expires_us: int
    first_received_us: int | None = None
    published_us: int

    @property
    def key(self) -> str:
        """Return the record's key: strategy and symbol."""
        return strategy_key(self.strategy, self.symbol)


# ---------------------------------------------------------------- order.event
class Order(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An order as it stands after an event."""

    client_order_id: str
    venue_order_id: str | None = None
    venue: str
    market: Market
    leg: Leg | None = None
    part: int
    attempt: int
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    price: Decimal | None = None
    quantity: Decimal
    filled: Decimal
    average_price: Decimal | None = None
    commission: Decimal
    reduce_only: bool
    status: OrderStatus
    tag: str | None = None
    version: int


class Fill(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One execution of an order."""

    fill_id: str
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_currency: str
    liquidity: Liquidity
    filled_us: int


class OrderEvent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One step of an intent or of its orders."""

    event_id: str
    sequence: int
    account: str
    strategy: str
    symbol: str
    slot: int
    round: int
    intent_id: str
    kind: OrderEventKind
    order: Order | None = None
    fill: Fill | None = None
    code: str | None = None
    reason: str | None = None
    trace_id: str | None = None
    venue_us: int | None = None
    sent_us: int | None = None
    answered_us: int | None = None
    first_received_us: int | None = None
    at_us: int

    @property
    def key(self) -> str:
        """Return the record's key: strategy and symbol."""
        return strategy_key(self.strategy, self.symbol)
