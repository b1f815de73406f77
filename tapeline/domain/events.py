"""Records on the wire as typed values, field for field as in `schemas/avro`; a test compares the two.

Market data is `float` (a venue's number that no double holds stands in `exact`), the rules of an instrument are
`Decimal`, time is integer microseconds UTC. Values hold no cycles, so the garbage collector need not look at them.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final, Literal

import msgspec

from tapeline.domain import instruments
from tapeline.domain.account_records import ORDER_STRUCTS
from tapeline.domain.partition import instrument_key, origin_key

Market = instruments.Market
Side = instruments.Side
BookState = Literal["valid", "stale"]
DeltaKind = Literal["snapshot", "change"]
Channel = Literal["unknown", "book", "trade", "funding"]
GapCause = Literal[
    "unknown", "sequence", "crossed", "checksum", "disconnect", "silence", "restart", "shed", "venue"
]  # fmt: skip
InstrumentStatus = Literal["halted", "trading", "reducing", "closed"]
ProcessStatus = Literal["offline", "online"]
Severity = Literal["critical", "warning", "info"]


class OfInstrument(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What every record about one instrument begins with."""

    venue: str
    market: Market
    symbol: str

    @property
    def key(self) -> str:
        """Return the record's key: the instrument."""
        return instrument_key(self.venue, self.market, self.symbol)


class Trade(OfInstrument, frozen=True, kw_only=True, gc=False):
    """One public trade."""

    epoch: int
    trade_id: str
    sequence: int | None = None
    price: float
    quantity: float
    side: Side
    backfilled: bool = False
    venue_us: int
    received_us: int
    published_us: int
    exact: dict[str, str] | None = None


class Book(OfInstrument, frozen=True, kw_only=True, gc=False):
    """The top of one checked book, as columns, best level first."""

    epoch: int
    sequence: int
    state: BookState
    depth: int
    bid_prices: tuple[float, ...]
    bid_quantities: tuple[float, ...]
    ask_prices: tuple[float, ...]
    ask_quantities: tuple[float, ...]
    conflated: int = 0
    first_received_us: int
    venue_us: int | None = None
    received_us: int
    published_us: int
    exact: dict[str, str] | None = None


class DeltaBatch(OfInstrument, frozen=True, kw_only=True, gc=False):
    """Changes of one book without loss; a snapshot replaces the book, quantity 0 deletes a level."""

    epoch: int
    kind: DeltaKind
    follows: int | None = None
    first: int | None = None
    sequence: int
    bid_prices: tuple[float, ...]
    bid_quantities: tuple[float, ...]
    ask_prices: tuple[float, ...]
    ask_quantities: tuple[float, ...]
    venue_us: int | None = None
    received_us: int
    published_us: int
    exact: dict[str, str] | None = None


class Gap(OfInstrument, frozen=True, kw_only=True, gc=False):
    """A hole in what was recorded of one instrument."""

    channel: Channel
    epoch: int
    from_id: str | None = None
    to_id: str | None = None
    to_epoch: int | None = None
    start_us: int
    end_us: int | None = None
    cause: GapCause
    backfilled: bool = False
    detail: str | None = None
    published_us: int


class Funding(OfInstrument, frozen=True, kw_only=True, gc=False):
    """Funding of one perpetual."""

    epoch: int
    rate: float
    mark_price: float | None = None
    index_price: float | None = None
    next_us: int | None = None
    interval_us: int | None = None
    venue_us: int | None = None
    received_us: int
    published_us: int
    exact: dict[str, str] | None = None


class Instrument(OfInstrument, frozen=True, kw_only=True, gc=False):
    """The rules of one instrument, exact."""

    native: str
    base: str
    quote: str
    status: InstrumentStatus
    price_tick: Decimal
    quantity_step: Decimal
    contract_size: Decimal
    min_quantity: Decimal | None = None
    max_quantity: Decimal | None = None
    max_market_quantity: Decimal | None = None
    min_notional: Decimal | None = None
    max_leverage: Decimal | None = None
    maker_fee: Decimal | None = None
    taker_fee: Decimal | None = None
    funding_interval_us: int | None = None
    changes_us: int | None = None
    received_us: int
    published_us: int


class ClockTick(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One second has passed, told to one partition."""

    partition: int
    at_us: int
    process: str
    epoch: int

    @property
    def key(self) -> str:
        """Return the record's key: the partition's number."""
        return str(self.partition)


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A process lives."""

    process: str
    service: str
    status: ProcessStatus
    latency_us: int | None = None
    lag: dict[str, int]
    version: str
    pid: int
    host: str
    started_us: int
    interval_us: int
    at_us: int

    @property
    def key(self) -> str:
        """Return the record's key: the process."""
        return self.process


class Alert(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a person must see."""

    alert_id: str
    severity: Severity
    code: str
    message: str
    fix: str | None = None
    context: dict[str, str]
    process: str
    host: str
    trace_id: str | None = None
    at_us: int

    @property
    def key(self) -> str:
        """Return the record's key: the process that raised it."""
        return self.process


class Header(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A Kafka header; names may repeat."""

    name: str
    value: bytes | None = None


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A record that could not be processed, byte for byte, or the mark that it was replayed."""

    origin_topic: str
    origin_partition: int
    origin_offset: int
    origin_us: int | None = None
    # `key` is the original's, the letter's own key is `origin`.
    key: bytes | None = None
    value: bytes | None = None
    headers: tuple[Header, ...]
    error: str
    field: str | None = None
    schema_id: int | None = None
    process: str
    at_us: int
    replays: int = 0
    replayed_us: int | None = None

    @property
    def origin(self) -> str:
        """Return the letter's key: where its record came from."""
        return origin_key(self.origin_topic, self.origin_partition, self.origin_offset)


STRUCTS: Final[dict[str, type[msgspec.Struct]]] = {
    f"tapeline.{struct.__name__}": struct
    for struct in (Trade, Book, DeltaBatch, Gap, Funding, Instrument, ClockTick, Heartbeat, Alert, DeadLetter)
} | ORDER_STRUCTS
"""The Struct of each record that has one, by the record's full name."""
