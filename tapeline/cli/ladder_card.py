"""One instrument of the ladder as lines of cells, each exactly as wide as it is told; pure.

Title and gaps, state (stale: why and since when), ages, asks down to the best, spread, imbalance, bids.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from tapeline.cli.market_book_view import aligned
from tapeline.cli.market_books import Level, Standing
from tapeline.cli.view import Cell, Style, span
from tapeline.domain.spread import Best, Quote
from tapeline.runtime import clock

Card = tuple[tuple[Cell, ...], ...]
Side = Literal["bid", "ask"]
LINES: Final = 5
"""Lines of a card that are no levels."""
LEAST: Final = 25
"""Three cards stand beside one another on 80 columns."""
BAR: Final = 6
MARKS: Final = 2
_US: Final = 1_000_000
_BLOCKS: Final = " ▏▎▍▌▋▊▉█"


def width_of(found: Sequence[Standing]) -> int:
    """Return the width that every card needs: marks, the longest price and quantity, a bar."""
    texts = [level for one in found for side in aligned(one) for level in side]
    prices = max((len(price) for price, _ in texts), default=0)
    quantities = max((len(quantity) for _, quantity in texts), default=0)
    return max(LEAST, MARKS + prices + 1 + quantities + 1 + BAR)


def card(one: Standing, best: Best, *, levels: int, width: int, now_us: int) -> Card:
    """Return an instrument's lines; stale, all of it is shaded."""
    bids, asks = aligned(one)
    wide = max((len(price) for price, _ in (*bids, *asks)), default=0)
    rows = [
        _title(one, width),
        _state(one, width),
        _ages(one, width, now_us),
        *[_level(one, "ask", place, asks, best, (wide, width)) for place in reversed(range(levels))],
        _spread(one, width),
        _imbalance(one, width),
        *[_level(one, "bid", place, bids, best, (wide, width)) for place in range(levels)],
    ]
    return tuple(rows) if one.state == "valid" else tuple(tuple(Cell(c.text, "shade") for c in row) for row in rows)


def _title(one: Standing, width: int) -> tuple[Cell, ...]:
    count = one.holes.count
    gaps = f"{count} gap{'' if count == 1 else 's'}"
    name = f"{'●' if one.state == 'valid' else '○'} {one.name}"
    room = width - len(gaps)
    return (Cell(f"{name[: room - 1]:<{room}}", "name"), Cell(gaps, "warn" if count else "dim"))


def _state(one: Standing, width: int) -> tuple[Cell, ...]:
    if one.state == "valid":
        cause = f", gap: {one.holes.cause}" if one.holes.cause else ""
        return (_fitted(f"valid{cause}", width, "dim"),)
    since = "" if one.since_us is None else f" {clock.iso(one.since_us)[11:19]}"
    return (_fitted(f"stale{since} {why(one)}", width, "warn"),)


def why(one: Standing) -> str:
    """Return in a word or two why a book is stale: the cause of its gap, or that nothing is heard of it."""
    if one.book.state == "valid":
        return "no word"
    return one.holes.cause or "says so"


def _ages(one: Standing, width: int, now_us: int) -> tuple[Cell, ...]:
    venue, received = (_age(now_us, at_us) for at_us in (one.book.venue_us, one.book.received_us))
    return (_fitted(f"venue {venue} recv {received}", width, "dim"),)


def _age(now_us: int, at_us: int | None) -> str:
    """Return an age in few characters; a dash where the venue gives no time."""
    return "-" if at_us is None else span(max(0, now_us - at_us) / _US).replace(" ", "")


def _spread(one: Standing, width: int) -> tuple[Cell, ...]:
    told = "-" if one.spread is None else f"{one.spread!r} {one.spread_bps:.2f} bps"
    return (_fitted(f"  spread {told}", width, "bold"),)


def _imbalance(one: Standing, width: int) -> tuple[Cell, ...]:
    """Return the bids' share of the value that is shown, as a number and as a bar: bids from the left."""
    if one.imbalance is None:
        return (_fitted("  bids -", width, "dim"),)
    head = f"  bids {one.imbalance:4.0%} "
    room = width - len(head)
    full = round(room * one.imbalance)
    return (Cell(head), Cell("━" * full, "bid"), Cell("━" * (room - full), "ask"))


def _level(
    one: Standing, side: Side, place: int, levels: Sequence[Level], best: Best, widths: tuple[int, int]
) -> tuple[Cell, ...]:
    wide, width = widths
    if place >= len(levels):
        return (Cell(" " * width),)
    price, quantity = levels[place]
    style: Style = side
    mark = _mark(one, side, place, best)
    room = width - MARKS - wide - 1 - BAR - 1
    starred: Style = "best" if "★" in mark else "bad" if "✕" in mark else "bold" if not place else ""
    return (
        Cell(f"{mark:<{MARKS}}", "warn"),
        Cell(f"{price:>{wide}}", starred),
        Cell(f" {quantity:>{room}} "),
        Cell(f"{bar(one, side, place):<{BAR}}", style),
    )


def _mark(one: Standing, side: Side, place: int, best: Best) -> str:
    """Return ★ at the best price of all, ✕ where a book's best price crosses one of another venue.

    Deeper levels have none: between spot and futures whole ladders cross, and marks all over say nothing.
    """
    if one.state == "stale" or place:
        return ""
    mine, other = (best.bid, best.ask) if side == "bid" else (best.ask, best.bid)
    price = (one.book.bid_prices if side == "bid" else one.book.ask_prices)[0]
    star = "★" if mine is not None and _is(mine, one) else ""
    crossed = (
        other is not None and not _is(other, one) and (price > other.price if side == "bid" else price < other.price)
    )
    return f"{star}{'✕' if crossed else ''}"


def _is(quote: Quote, one: Standing) -> bool:
    return (quote.venue, quote.market) == (one.book.venue, one.book.market)


def bar(one: Standing, side: Side, place: int) -> str:
    """Return a level's size as a bar: the largest that is shown of this book is a whole one."""
    shown = (*one.book.bid_quantities[: len(one.bids)], *one.book.ask_quantities[: len(one.asks)])
    own = one.book.bid_quantities if side == "bid" else one.book.ask_quantities
    most = max(shown, default=0.0)
    eighths = round(own[place] / most * BAR * 8) if most else 0
    whole, rest = divmod(eighths, 8)
    return "█" * whole + (_BLOCKS[rest] if rest else "")


def _fitted(text: str, width: int, style: Style) -> Cell:
    return Cell(f"{text[:width]:<{width}}", style)
