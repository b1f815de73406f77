"""The books of one symbol side by side: records in, how each instrument stands out; what is older changes nothing.

A lower epoch, and in the same epoch a lower sequence, comes from a producer that was replaced or sends again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import msgspec

from tapeline.cli.market_plan import Plan
from tapeline.domain import spread
from tapeline.domain.events import Book, BookState, Gap, GapCause, Market, OfInstrument
from tapeline.domain.spread import Best

Level = tuple[str, str]
"""Price and quantity as text: the venue's own where a double cannot hold it, else the shortest of the double."""
BPS: Final = 10_000


class BookRow(msgspec.Struct, frozen=True, kw_only=True):
    """One instrument in --json: decimals are strings, null where a side is empty; `state` is stale also by age."""

    venue: str
    market: Market
    symbol: str
    state: BookState
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    spread: str | None
    spread_bps: str | None
    imbalance: str | None
    age_ms: int
    epoch: int
    sequence: int
    gaps: int
    last_gap: GapCause | None


@dataclass(frozen=True, slots=True)
class Holes:
    """The holes of one book that were told since the start: how many, which was the newest, and its cause."""

    count: int = 0
    newest: tuple[int, int] = (0, 0)
    cause: GapCause | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How one instrument stands at a moment, as far as it is shown: the age is that of its last word."""

    book: Book
    state: BookState
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    spread: float | None
    spread_bps: float | None
    imbalance: float | None
    age_us: int
    holes: Holes
    since_us: int | None = None
    """Since when it is stale: its last word, or the word with which it turned; None while it is valid."""

    @property
    def name(self) -> str:
        """Return venue and market."""
        return f"{self.book.venue} {self.book.market}"

    @property
    def row(self) -> BookRow:
        """Return it as JSON has it."""
        return BookRow(
            venue=self.book.venue,
            market=self.book.market,
            symbol=self.book.symbol,
            state=self.state,
            bids=self.bids,
            asks=self.asks,
            spread=number(self.spread),
            spread_bps=number(self.spread_bps),
            imbalance=number(self.imbalance),
            age_ms=self.age_us // 1_000,
            epoch=self.book.epoch,
            sequence=self.book.sequence,
            gaps=self.holes.count,
            last_gap=self.holes.cause,
        )


class Books:
    """The newest book of each instrument that was asked for, and the holes that were told of it."""

    __slots__ = ("_books", "_holes", "_plan", "_turned", "symbol")

    def __init__(self, symbol: str, plan: Plan) -> None:
        """Begin with no books."""
        self.symbol = symbol
        self._plan = plan
        self._books: dict[str, Book] = {}
        self._holes: dict[str, Holes] = {}
        # When each book was published first in the state in which it is.
        self._turned: dict[str, int] = {}

    def copied(self) -> Books:
        """Return the books as they are now; what comes changes them no more."""
        found = Books(self.symbol, self._plan)
        found._books, found._holes, found._turned = dict(self._books), dict(self._holes), dict(self._turned)
        return found

    def take(self, value: Book | Gap) -> None:
        """Take a record in, unless it was not asked for or a newer one is known."""
        if not self._wanted(value):
            return
        if isinstance(value, Gap):
            self._take_gap(value)
            return
        known = self._books.get(value.key)
        if known is None or (value.epoch, value.sequence) >= (known.epoch, known.sequence):
            self._books[value.key] = value
            if known is None or known.state != value.state:
                self._turned[value.key] = value.published_us

    def _take_gap(self, gap: Gap) -> None:
        """Count a hole of the book once: it is published when it opens and again when it closes."""
        known = self._holes.get(gap.key, Holes())
        if gap.channel == "book" and (gap.epoch, gap.start_us) > known.newest:
            self._holes[gap.key] = Holes(count=known.count + 1, newest=(gap.epoch, gap.start_us), cause=gap.cause)

    def _wanted(self, of: OfInstrument) -> bool:
        return (
            of.symbol == self.symbol
            and self._plan.venue in {None, of.venue}
            and self._plan.market in {None, of.market}
        )  # fmt: skip

    def standings(self, now_us: int, depth: int | None = None) -> tuple[Standing, ...]:
        """Return how each instrument stands by its `depth` best levels, by venue and market."""
        return tuple(
            standing(
                self._books[key],
                self._holes.get(key, Holes()),
                depth=depth or self._plan.depth,
                now_us=now_us,
                turned_us=self._turned[key],
            )
            for key in sorted(self._books)
        )

    def best(self, now_us: int) -> Best:
        """Return the best bid and ask over all venues that are not stale (D-02)."""
        return spread.best(self.symbol, (self._books[key] for key in sorted(self._books)), now_us)


def standing(book: Book, holes: Holes, *, depth: int, now_us: int, turned_us: int | None = None) -> Standing:
    """Judge one book at a moment by its `depth` best levels; `turned_us` is since when it says what it says."""
    difference, bps = None, None
    valid = spread.tradable(book, now_us)
    if book.bid_prices and book.ask_prices:
        difference, bps = between(book.bid_prices[0], book.ask_prices[0])
    return Standing(
        book=book,
        state="valid" if valid else "stale",
        bids=_levels(book, "bid", book.bid_prices[:depth], book.bid_quantities[:depth]),
        asks=_levels(book, "ask", book.ask_prices[:depth], book.ask_quantities[:depth]),
        spread=difference,
        spread_bps=bps,
        imbalance=_imbalance(book, depth),
        age_us=max(0, now_us - book.published_us),
        holes=holes,
        since_us=None if valid else book.published_us if book.state == "valid" else turned_us,
    )


def between(bid: float, ask: float) -> tuple[float, float] | tuple[None, None]:
    """Return what lies between a bid and an ask, below zero when they cross: in quote currency and in bps of the mid.

    Computed on the decimals that the doubles stand for, so that 0.3 less 0.1 is 0.2.
    """
    if bid <= 0 or ask <= 0:
        return None, None
    low, high = Decimal(repr(bid)), Decimal(repr(ask))
    return float(high - low), float((high - low) * 2 * BPS / (high + low))


def number(value: float | None) -> str | None:
    """Return a double as its shortest text."""
    return None if value is None else repr(value)


def _imbalance(book: Book, depth: int) -> float | None:
    """Return the bids' share of the value that stands on the shown levels (K13); None where nothing stands."""
    bids = _value(zip(book.bid_prices[:depth], book.bid_quantities[:depth], strict=True))
    asks = _value(zip(book.ask_prices[:depth], book.ask_quantities[:depth], strict=True))
    return bids / (bids + asks) if bids + asks else None


def _value(levels: Iterable[tuple[float, float]]) -> float:
    return sum(price * quantity for price, quantity in levels)


def _levels(book: Book, side: str, prices: tuple[float, ...], quantities: tuple[float, ...]) -> tuple[Level, ...]:
    exact = book.exact or {}
    return tuple(
        (exact.get(f"{side}_prices[{at}]", repr(price)), exact.get(f"{side}_quantities[{at}]", repr(quantity)))
        for at, (price, quantity) in enumerate(zip(prices, quantities, strict=True))
    )
