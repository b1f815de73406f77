"""What stands in Postgres of the order path as plain values: the columns that the audit compares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import msgspec


class IntentRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row of intents; `first_received_us` is when the oldest book that it rests on was received."""

    intent_id: str
    opening: bool
    first_received_us: int | None


class OrderRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row of orders; `value` and `fees` are in quote coin."""

    client_id: str
    intent_id: str
    venue: str
    market: str
    symbol: str
    leg: str | None
    part: int
    attempt: int
    side: str
    closing: bool
    quantity: Decimal
    status: str
    filled: Decimal
    value: Decimal
    fees: Decimal
    created_us: int
    expires_us: int
    """It must not be sent after this."""
    sent_us: int | None

    @property
    def place(self) -> str:
        """Return `venue:market`."""
        return f"{self.venue}:{self.market}"


class FillRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row of trades; `fill_id` is the venue's id of the trade, a colon and its id of our order."""

    venue: str
    market: str
    symbol: str
    fill_id: str
    client_id: str | None
    side: str
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_coin: str
    fee_quote: Decimal

    @property
    def place(self) -> str:
        """Return `venue:market`."""
        return f"{self.venue}:{self.market}"


class PositionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One life of a position: `side` is flat, long or short."""

    venue: str
    market: str
    symbol: str
    side: str
    quantity: Decimal
    base_fees: Decimal
    funding: Decimal

    @property
    def place(self) -> str:
        """Return `venue:market`."""
        return f"{self.venue}:{self.market}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """All that Postgres keeps of the order path, read at one moment."""

    intents: Sequence[IntentRow] = ()
    orders: Sequence[OrderRow] = ()
    fills: Sequence[FillRow] = ()
    positions: Sequence[PositionRow] = ()
