"""What stands in ClickHouse as plain values: the columns that the audit compares, as a user's SELECT gives them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

Column = tuple[float, ...]


class Instrument(msgspec.Struct, frozen=True, order=True):
    """Whose rows they are."""

    venue: str
    market: str
    symbol: str

    def __str__(self) -> str:
        """Return `venue:market:symbol`."""
        return f"{self.venue}:{self.market}:{self.symbol}"


class LevelRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One row of orderbook_deltas: a changed level, or one of a snapshot's; `kind` is change or snapshot."""

    kind: str
    epoch: int
    sequence: int
    side: str
    price: float
    quantity: float
    at_us: int
    received_us: int


class BookRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One row of orderbook_snapshots, best levels first; `state` is valid or stale."""

    epoch: int
    sequence: int
    state: str
    depth: int
    at_us: int
    bid_prices: Column
    bid_quantities: Column
    ask_prices: Column
    ask_quantities: Column


class TradeRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One row of trades."""

    id: str
    side: str
    price: float
    quantity: float
    at_us: int


class GapRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The last state of one gap; without `end_us` it is open."""

    venue: str
    market: str
    symbol: str
    channel: str
    epoch: int
    from_id: str | None
    to_id: str | None
    start_us: int
    end_us: int | None
    cause: str
    backfilled: bool
    published_us: int

    @property
    def instrument(self) -> Instrument:
        """Return whose gap it is."""
        return Instrument(self.venue, self.market, self.symbol)


class FundingRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How much is stored of one perpetual's funding: rows, and how many records they are, each once."""

    venue: str
    market: str
    symbol: str
    rows: int
    records: int

    @property
    def instrument(self) -> Instrument:
        """Return whose funding it is."""
        return Instrument(self.venue, self.market, self.symbol)


class SpreadRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One row of spreads: `took_us` from the oldest receipt among its inputs until it was published."""

    symbol: str
    signal_id: str
    took_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """All that is stored of one instrument; books and levels in order of their sequence."""

    levels: Sequence[LevelRow] = ()
    books: Sequence[BookRow] = ()
    trades: Sequence[TradeRow] = ()
    gaps: Sequence[GapRow] = ()
