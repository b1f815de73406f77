"""What people want recorded and traded, row by row, and the pair that rows of both tables may speak of."""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec

from tapeline.domain.instruments import Market

Table = Literal["monitoring", "trade"]


class Pair(NamedTuple):
    """One symbol of one market of a venue: what is leased, and recorded once."""

    venue: str
    market: Market
    symbol: str

    def __str__(self) -> str:
        """Return `venue:market:symbol`."""
        return f"{self.venue}:{self.market}:{self.symbol}"


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One row; what the other table alone has is None."""

    table: Table
    id: int
    venue: str
    name: str | None = None
    market: Market
    pair_id: int | None = None
    symbol: str
    priority: int = 0
    enabled: bool = True
    depth: int | None = None
    strategy: str | None = None
    parameters: str | None = None
    daemon: str | None = None
    """Who holds the lease, also one that has run out."""
    until_us: int | None = None
    created_us: int = 0
    updated_us: int = 0

    @property
    def pair(self) -> Pair:
        """Return what it speaks of."""
        return Pair(self.venue, self.market, self.symbol)
