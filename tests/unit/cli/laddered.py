"""Books for the tests of the ladder, up to ten venues on two markets, and a reading that stands still."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from tapeline.cli.ladder import Trouble
from tapeline.cli.market_books import Books
from tapeline.cli.market_plan import Plan
from tapeline.cli.market_symbols import Missing
from tapeline.domain.events import Book, Gap
from tapeline.venues import registry

NOW_US: Final = 1_790_000_010_000_000
SYMBOL: Final = "BTC/USDT"
PLAN: Final = Plan(text=SYMBOL)
MISSING: Final = Missing("no book of BTC/USDT has been published", fix="start its producer")
PLAIN: Final = Book(
    venue="binance",
    market="spot",
    symbol=SYMBOL,
    epoch=5,
    sequence=7,
    state="valid",
    depth=20,
    bid_prices=(100.25, 100.0),
    bid_quantities=(1.0, 2.5),
    ask_prices=(100.5,),
    ask_quantities=(4.0,),
    first_received_us=NOW_US,
    venue_us=NOW_US - 120_000,
    received_us=NOW_US - 80_000,
    published_us=NOW_US - 70_000,
)
DEAR: Final = msgspec.structs.replace(
    PLAIN, venue="bybit", market="futures", bid_prices=(101.0,), bid_quantities=(1.0,), ask_prices=(101.5,),
    venue_us=None,
)  # fmt: skip


def book(**changes: Any) -> Book:  # noqa: ANN401 - fields of a book
    """Return the plain book with other fields."""
    return msgspec.structs.replace(PLAIN, **changes)


def gap(venue: str, **changes: Any) -> Gap:  # noqa: ANN401 - fields of a gap
    """Return a gap of a venue's spot book."""
    made = Gap(
        venue=venue, market="spot", symbol=SYMBOL, channel="book", epoch=5, start_us=1, cause="sequence",
        published_us=NOW_US,
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)


def books(*values: Book | Gap) -> Books:
    """Return these books."""
    found = Books(SYMBOL, PLAN)
    for value in values:
        found.take(value)
    return found


def twenty() -> Books:
    """Return a book of each of ten venues on both markets."""
    venues = [venue for venue in registry.VENUES if venue in registry.HOSTED]
    return books(*(book(venue=venue, market=market) for venue in venues for market in ("spot", "futures")))


@dataclass(slots=True)
class Still:
    """A reading that brings nothing, and is in trouble when a test says so."""

    trouble: Trouble | None = None
    unread: Missing | None = None

    async def run(self) -> None:
        """Stand until it is cancelled."""
        await asyncio.Event().wait()
