"""The parts of an explanation as JSON has them: money as text, time in microseconds UTC, null for what is unknown."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from tapeline.cli.trading_orders import OrderRow
from tapeline.domain.instruments import Market, Side

Verdict = Literal["approved", "refused"]
Source = Literal["kafka", "clickhouse"]


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the audit about the order or its intent."""

    sequence: int
    time: str
    at_us: int
    of: Literal["order", "intent"]
    action: str
    status: str | None
    filled: str | None
    reason: str | None
    error: str | None
    actor: str


class FillPart(msgspec.Struct, frozen=True, kw_only=True):
    """One execution."""

    fill_id: str
    time: str
    filled_us: int
    side: Side
    quantity: str
    price: str
    fee: str
    fee_currency: str
    fee_quote: str
    liquidity: str
    cause: str


class ClaimPart(msgspec.Struct, frozen=True, kw_only=True):
    """Room under the caps at one instrument."""

    venue: str
    market: Market
    exposure: str
    margin: str


class ReservationPart(msgspec.Struct, frozen=True, kw_only=True):
    """What was kept for the intent; `moment` says when it was so: fills take from it, the settlement ends it."""

    moment: Literal["now", "at settlement"]
    claims: tuple[ClaimPart, ...]
    orders: int
    pairs: int


class VerdictPart(msgspec.Struct, frozen=True, kw_only=True):
    """The executor's answer to the intent."""

    verdict: Verdict
    status: str
    code: str | None
    reason: str | None
    taken_us: int
    settled_us: int | None
    reservation: ReservationPart | None


class IntentPart(msgspec.Struct, frozen=True, kw_only=True):
    """What was wanted, by whom, why; `command`, `memory` and `cause` stand in the audit of the answer."""

    intent_id: str
    account: str
    strategy: str
    symbol: str
    slot: int
    round: int
    kind: str
    command: dict[str, Any] | None
    reason: str
    evidence: dict[str, float]
    memory: dict[str, Any] | None
    cause: tuple[str, ...]
    actor: str
    decided_us: int
    expires_us: int


class SpreadPart(msgspec.Struct, frozen=True, kw_only=True):
    """What the strategy saw between the two books when it decided; fractions as it computed them."""

    buy: str
    sell: str
    quantity: float
    buy_price: float
    sell_price: float
    buy_limit: str
    sell_limit: str
    gross: float
    fees: float
    net: float


class BookPart(msgspec.Struct, frozen=True, kw_only=True):
    """One book that the decision looked at; `confirmed` says whether it gives the price of the evidence."""

    instrument: str
    place: str | None
    source: Source
    epoch: int
    sequence: int
    state: str
    venue_us: int | None
    first_received_us: int | None
    received_us: int
    published_us: int
    bids: tuple[tuple[float, float], ...]
    asks: tuple[tuple[float, float], ...]
    price_at_size: float | None = None
    confirmed: bool | None = None


class PairPart(msgspec.Struct, frozen=True, kw_only=True):
    """The two-leg trade that the order belongs to, as it stands."""

    pair_id: str
    round: int
    state: str
    part: int
    parts: int
    entry_net: str | None
    realized: str
    unrealized: str
    reason: str | None


class Hop(msgspec.Struct, frozen=True, kw_only=True):
    """One station from the venue's tick to the fill; `after_us` counts from the station before it that is known."""

    hop: str
    clock: str
    time: str | None
    at_us: int | None
    after_us: int | None


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """A part that could not be read, and why."""

    part: str
    problem: str


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that led to an order and came of it; what could not be read stands in `missing`.

    Of an intent `order` is null, and events and fills are those of all its orders.
    """

    order: OrderRow | None
    orders: tuple[OrderRow, ...]
    events: tuple[Step, ...]
    fills: tuple[FillPart, ...]
    verdict: VerdictPart
    intent: IntentPart
    spread: SpreadPart | None
    books: tuple[BookPart, ...]
    pair: PairPart | None
    hops: tuple[Hop, ...]
    trace_id: str | None
    missing: tuple[Missing, ...]
