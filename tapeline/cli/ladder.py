"""The live ladder as plain values: what the keys chose, and what it shows of the books on so many columns; pure.

One card per instrument, side by side. A card has equally many lines whatever stands in it, so that nothing jumps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Final, Literal

from tapeline.cli.ladder_card import LINES, Card, card, width_of
from tapeline.cli.market_book_view import at
from tapeline.cli.market_books import Books, Standing, between
from tapeline.cli.view import Cell, Line, line
from tapeline.domain import spread
from tapeline.domain.instruments import Market
from tapeline.domain.spread import Best
from tapeline.runtime import clock

Order = Literal["name", "bid", "ask", "age"]
ORDERS: Final[tuple[Order, ...]] = ("name", "bid", "ask", "age")
FILTERS: Final[tuple[Market | None, ...]] = (None, "spot", "futures")
MOST_LEVELS: Final = 50
AROUND: Final = 5
"""Lines of the screen that no card has: the head, what is between, and the keys."""
BETWEEN: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What the keys chose."""

    levels: int
    order: Order = "name"
    market: Market | None = None

    def more(self) -> Choice:
        """Show a level more of each side."""
        return replace(self, levels=min(MOST_LEVELS, self.levels + 1))

    def fewer(self) -> Choice:
        """Show a level less of each side."""
        return replace(self, levels=max(1, self.levels - 1))

    def next_order(self) -> Choice:
        """Sort by what comes next: name, best bid, best ask, age."""
        return replace(self, order=ORDERS[(ORDERS.index(self.order) + 1) % len(ORDERS)])

    def next_market(self) -> Choice:
        """Show what comes next: all, spot, futures."""
        return replace(self, market=FILTERS[(FILTERS.index(self.market) + 1) % len(FILTERS)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What is wrong with the reading, and since when."""

    since_us: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """The books at one time; paused, they stay while time goes on."""

    books: Books
    now_us: int
    paused: bool = False
    trouble: Trouble | None = None
    unread: str = ""
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """What stands on the screen: the head, which stays, and the cards, which scroll."""

    head: tuple[Line, ...]
    body: tuple[Line, ...]


def first_choice(depth: int, rows: int) -> Choice:
    """Return the choice to begin with: as many levels as one row of cards has room for, at most `depth`."""
    return Choice(levels=max(1, min(depth, (rows - AROUND - LINES) // 2)))


def shown(moment: Moment, choice: Choice, columns: int) -> Shown:
    """Lay out a moment."""
    found = moment.books.standings(moment.now_us, choice.levels)
    chosen = [one for one in found if choice.market in {None, one.book.market}]
    best = spread.best(moment.books.symbol, (one.book for one in chosen), moment.now_us)
    head = (_best_line(best), _crossed_line(best), _state_line(moment, choice, chosen), *_trouble_lines(moment))
    if not chosen:
        return Shown(head, (line(Cell(_nothing(moment, choice, any_books=bool(found)), "warn")),))
    return Shown(head, _bands(_sorted(chosen, choice.order), best, moment, choice.levels, columns))


def _best_line(best: Best) -> Line:
    cells = [Cell(best.symbol, "bold")]
    for name, quote in (("bid", best.bid), ("ask", best.ask)):
        cells.append(Cell(f"  best {name} ", "dim"))
        cells += [Cell("none", "dim")] if quote is None else [Cell(repr(quote.price), "best"), Cell(f" {at(quote)}")]
    return line(*cells)


def _crossed_line(best: Best) -> Line:
    """Return how far the best prices are apart; where they cross, what could be bought and sold where (D-02)."""
    if best.bid is None or best.ask is None:
        return line(Cell("no best price on both sides", "dim"))
    difference, bps = between(best.bid.price, best.ask.price)
    if difference is None or bps is None:
        return line(Cell("no best price on both sides", "dim"))
    if difference >= 0:
        return line(Cell(f"apart {difference!r} ({bps:.2f} bps)", "dim"))
    where = f"buy {at(best.ask)}, sell {at(best.bid)}"
    return line(Cell(f"✕ crossed by {-difference!r} ({-bps:.2f} bps before fees): ", "bad"), Cell(where, "warn"))


def _state_line(moment: Moment, choice: Choice, chosen: Sequence[Standing]) -> Line:
    stale = sum(one.state == "stale" for one in chosen)
    told = f"{_many(len(chosen), 'book')}, {stale} stale · {choice.market or 'all markets'} · by {choice.order}"
    parts = [Cell(f"{told} · {_many(choice.levels, 'level')}", "warn" if stale else "dim")]
    if moment.paused:
        parts.append(Cell(f"  paused at {moment_of(moment.now_us)}", "bold"))
    return line(*parts)


def _trouble_lines(moment: Moment) -> Iterator[Line]:
    if moment.trouble is not None:
        away = f"away since {moment_of(moment.trouble.since_us)}, trying again: {moment.trouble.reason}"
        yield line(Cell(away, "bad"))
    if moment.unread:
        yield line(Cell(moment.unread, "bad"))


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _nothing(moment: Moment, choice: Choice, *, any_books: bool) -> str:
    return f"no book of {choice.market}; m shows the others" if any_books else f"{moment.missing}; waiting for it"


def moment_of(at_us: int) -> str:
    """Return the time of day, UTC."""
    return clock.iso(at_us)[11:19]


def _sorted(found: Sequence[Standing], order: Order) -> list[Standing]:
    """Return the instruments in order; by price, what is stale comes last."""
    if order == "name":
        return list(found)
    if order == "age":
        return sorted(found, key=lambda one: -one.age_us)
    sign, side = (-1, "bid_prices") if order == "bid" else (1, "ask_prices")

    def place(one: Standing) -> tuple[bool, float]:
        prices = getattr(one.book, side)
        return (one.state == "stale" or not prices, sign * prices[0] if prices else 0.0)

    return sorted(found, key=place)


def _bands(found: Sequence[Standing], best: Best, moment: Moment, levels: int, columns: int) -> tuple[Line, ...]:
    width = width_of(found)
    beside = max(1, (columns + BETWEEN) // (width + BETWEEN))
    cards = [card(one, best, levels=levels, width=width, now_us=moment.now_us) for one in found]
    bands = [cards[at : at + beside] for at in range(0, len(cards), beside)]
    # A line between bands and none behind the last: its titles would scroll away.
    return tuple(row for band in bands for row in (*_beside(band), line()))[:-1]


def _beside(band: Sequence[Card]) -> list[Line]:
    """Return cards side by side, line by line."""
    rows = zip_longest(*band, fillvalue=())
    return [Line(tuple(cell for place, cells in enumerate(row) for cell in (*_space(place), *cells))) for row in rows]


def _space(place: int) -> tuple[Cell, ...]:
    return (Cell(" " * BETWEEN),) if place else ()
