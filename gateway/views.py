"""What people are shown of a record: market data as text that loses no digit, the state as it is at a given time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tapeline.domain.events import Book, BookState, Heartbeat, Market, ProcessStatus
from tapeline.domain.spread import Spread, tradable

MISSED_MOST: Final = 3
"""A process is offline when so many of its heartbeats have been missed (A-05)."""
US_PER_S: Final = 1_000_000

Level = tuple[str, str]
"""Price and quantity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BookView:
    """One book, best level first; `stale` means that nobody may decide on it."""

    instrument: str
    venue: str
    market: Market
    symbol: str
    state: BookState
    depth: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    epoch: int
    sequence: int
    conflated: int
    venue_us: int | None
    received_us: int
    published_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LegView:
    """One side of a spread, and the book that its price was computed from."""

    venue: str
    market: Market
    price: str
    epoch: int
    sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SpreadView:
    """What buying here and selling there would earn, as fractions; `stale` when one of the two books is."""

    signal_id: str
    symbol: str
    state: BookState
    quantity: str
    buy: LegView
    sell: LegView
    gross: str
    fees: str
    net: str
    first_received_us: int
    received_us: int
    published_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessView:
    """The newest heartbeat of one process; `lag` counts the records not yet read, by topic."""

    name: str
    service: str
    status: ProcessStatus
    lag: dict[str, int]
    version: str
    latency_us: int | None
    age_s: float


def book_state(book: Book, now_us: int) -> BookState:
    """Return whether a book may be decided on now: it says so itself and is not too old."""
    return "valid" if tradable(book, now_us) else "stale"


def process_status(beat: Heartbeat, now_us: int) -> ProcessStatus:
    """Return whether a process lives, as far as its newest heartbeat tells."""
    late = now_us - beat.at_us > MISSED_MOST * beat.interval_us
    return "offline" if late else beat.status


def book(of: Book, state: BookState, depth: int) -> BookView:
    """Return a book cut to `depth` levels a side."""
    return BookView(
        instrument=of.key,
        venue=of.venue,
        market=of.market,
        symbol=of.symbol,
        state=state,
        depth=min(depth, of.depth) if of.depth else depth,
        bids=_levels("bid", of.bid_prices[:depth], of.bid_quantities[:depth], of.exact or {}),
        asks=_levels("ask", of.ask_prices[:depth], of.ask_quantities[:depth], of.exact or {}),
        epoch=of.epoch,
        sequence=of.sequence,
        conflated=of.conflated,
        venue_us=of.venue_us,
        received_us=of.received_us,
        published_us=of.published_us,
    )


def spread(of: Spread, state: BookState) -> SpreadView:
    """Return a spread with its two legs."""
    return SpreadView(
        signal_id=of.signal_id,
        symbol=of.symbol,
        state=state,
        quantity=repr(of.quantity),
        buy=LegView(
            venue=of.buy_venue,
            market=of.buy_market,
            price=repr(of.buy_price),
            epoch=of.buy_epoch,
            sequence=of.buy_sequence,
        ),
        sell=LegView(
            venue=of.sell_venue,
            market=of.sell_market,
            price=repr(of.sell_price),
            epoch=of.sell_epoch,
            sequence=of.sell_sequence,
        ),
        gross=repr(of.gross),
        fees=repr(of.fees),
        net=repr(of.net),
        first_received_us=of.first_received_us,
        received_us=of.received_us,
        published_us=of.published_us,
    )


def process(beat: Heartbeat, now_us: int) -> ProcessView:
    """Return a process as it stands now."""
    return ProcessView(
        name=beat.process,
        service=beat.service,
        status=process_status(beat, now_us),
        lag=beat.lag,
        version=beat.version,
        latency_us=beat.latency_us,
        age_s=seconds(now_us - beat.at_us),
    )


def seconds(us: int) -> float:
    """Return a duration in seconds, to the millisecond; clocks of two machines may differ, so it is never negative."""
    return round(max(0, us) / US_PER_S, 3)


def _levels(
    side: str, prices: Sequence[float], quantities: Sequence[float], exact: Mapping[str, str]
) -> tuple[Level, ...]:
    """Pair the columns; the venue's own text stands in for a number that no double holds."""
    if not exact:
        return tuple((repr(price), repr(quantity)) for price, quantity in zip(prices, quantities, strict=True))
    return tuple(
        (exact.get(f"{side}_prices[{at}]", repr(price)), exact.get(f"{side}_quantities[{at}]", repr(quantity)))
        for at, (price, quantity) in enumerate(zip(prices, quantities, strict=True))
    )
