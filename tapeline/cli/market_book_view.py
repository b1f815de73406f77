"""Books side by side as a person reads them: the best price of the symbol, a line per instrument, then the ladders.

What is stale is dim and named with its reason; the best bid and ask over all that are not stale carry a star.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Final, Literal

from tapeline.cli.market_books import Level, Standing, between
from tapeline.cli.view import Cell, Grid, Line, Style, View, line, row, span
from tapeline.domain.spread import STALE_AFTER_US, Best, Quote

STAR: Final = "★ "
WIDTH: Final = 32
"""Columns that one ladder takes, about: so many stand side by side as the screen has room for."""
WIDE: Final = 100
"""From so many columns on each row of the summary has the best prices, too."""
_US: Final = 1_000_000

Side = Literal["bid", "ask"]


def view(symbol: str, best: Best, standings: Sequence[Standing], *, columns: int) -> View:
    """Lay out a moment for a screen of so many columns."""
    if not standings:
        return (line(Cell(symbol, "bold"), Cell("  no book yet", "dim")),)
    beside = max(1, columns // WIDTH)
    bands = (standings[at : at + beside] for at in range(0, len(standings), beside))
    ladders = [block for band in bands for block in (line(), ladder(band, best))]
    return (head(best), *_stale_lines(standings), line(), summary(standings, best, wide=columns >= WIDE), *ladders)


def head(best: Best) -> Line:
    """Return where the best prices of the symbol are, and whether they cross between venues (D-02)."""
    cells = [Cell(best.symbol, "bold")]
    for name, quote in (("bid", best.bid), ("ask", best.ask)):
        cells.append(Cell(f"  best {name} ", "dim"))
        cells += [Cell("none", "dim")] if quote is None else [Cell(repr(quote.price), "good"), Cell(f" {at(quote)}")]
    return line(*cells, *_apart(best))


def at(quote: Quote) -> str:
    """Return where a price stands: `at bybit futures`."""
    return f"at {quote.venue} {quote.market}"


def _apart(best: Best) -> Iterator[Cell]:
    if best.bid is None or best.ask is None:
        return
    difference, bps = between(best.bid.price, best.ask.price)
    if difference is None or bps is None:
        return
    if difference < 0:
        yield Cell(f"  crossed by {-difference!r} ({-bps:.2f} bps)", "warn")
    else:
        yield Cell(f"  apart {difference!r} ({bps:.2f} bps)", "dim")


def _stale_lines(standings: Sequence[Standing]) -> Iterator[Line]:
    named = ", ".join(f"{one.name} ({reason(one)})" for one in standings if one.state == "stale")
    if named:
        yield line(Cell("stale: ", "warn"), Cell(named, "dim"))


def reason(one: Standing) -> str:
    """Return why an instrument is stale: its producer said so, or says nothing any more."""
    if one.book.state == "valid":
        return f"no word for {span(one.age_us / _US)}"
    cause = f", last gap: {one.holes.cause}" if one.holes.cause else ""
    return f"its producer says so{cause}"


def summary(standings: Sequence[Standing], best: Best, *, wide: bool) -> Grid:
    """Return one row per instrument."""
    prices = ("bid>", "ask>") if wide else ()
    columns = ("", "instrument", "state", *prices, "spread>", "bps>", "imbalance>", "age>", "gaps>")
    return Grid(columns, tuple(_summary_row(one, best, wide=wide) for one in standings))


def _summary_row(one: Standing, best: Best, *, wide: bool) -> tuple[Cell, ...]:
    stale = one.state == "stale"
    plain: Style = "dim" if stale else ""
    gaps = f"{one.holes.count} ({one.holes.cause})" if one.holes.count else "0"
    return row(
        Cell("○", "dim") if stale else Cell("●", "good"),
        Cell(one.name, "dim" if stale else "name"),
        Cell(one.state, "warn" if stale else ""),
        *((_best_cell(one, "bid", best), _best_cell(one, "ask", best)) if wide else ()),
        None if one.spread is None else Cell(repr(one.spread), plain),
        None if one.spread_bps is None else Cell(f"{one.spread_bps:.2f}", plain),
        None if one.imbalance is None else Cell(f"{one.imbalance:.2f}", plain),
        Cell(span(one.age_us / _US), "warn" if one.age_us > STALE_AFTER_US else plain),
        Cell(gaps, "warn" if one.holes.count else "dim"),
    )


def _best_cell(one: Standing, side: Side, best: Best) -> Cell | None:
    levels = one.bids if side == "bid" else one.asks
    return _price(one, side, 0, levels[0][0], best) if levels else None


def ladder(band: Sequence[Standing], best: Best) -> Grid:
    """Return the ladders of some instruments side by side: asks down to the best, the spread, bids, what they are."""
    columns = ("", *(title for one in band for title in (f"{_title(one)}>", "quantity>")))
    asks = max(len(one.asks) for one in band)
    bids = max(len(one.bids) for one in band)
    texts = [aligned(one) for one in band]
    rows = [_ladder_row(band, texts, "ask", place, best) for place in reversed(range(asks))]
    rows.append(_facts("spread", ("-" if one.spread is None else repr(one.spread) for one in band)))
    rows += [_ladder_row(band, texts, "bid", place, best) for place in range(bids)]
    rows.append(_facts("epoch", (str(one.book.epoch) for one in band)))
    rows.append(_facts("sequence", (str(one.book.sequence) for one in band)))
    return Grid(columns, tuple(rows))


def _title(one: Standing) -> str:
    return f"{one.name} (stale)" if one.state == "stale" else one.name


def _facts(name: str, values: Iterable[str]) -> tuple[Cell, ...]:
    return (Cell(name, "dim"), *(cell for value in values for cell in (Cell(value, "dim"), Cell(""))))


Texts = tuple[tuple[Level, ...], tuple[Level, ...]]


def _ladder_row(
    band: Sequence[Standing], texts: Sequence[Texts], side: Side, place: int, best: Best
) -> tuple[Cell, ...]:
    cells: list[Cell] = []
    for one, (bids, asks) in zip(band, texts, strict=True):
        levels = bids if side == "bid" else asks
        if place >= len(levels):
            cells += [Cell(""), Cell("")]
            continue
        price, quantity = levels[place]
        cells += [_price(one, side, place, price, best), Cell(quantity, "dim" if one.state == "stale" else "")]
    return row(Cell(f"{side} {place + 1}", "dim"), *cells)


def _price(one: Standing, side: Side, place: int, text: str, best: Best) -> Cell:
    """Return a price: dim when stale, bold as the best of its book, starred as the best of all."""
    if one.state == "stale":
        return Cell(text, "dim")
    if place:
        return Cell(text)
    quote = best.bid if side == "bid" else best.ask
    starred = quote is not None and (quote.venue, quote.market) == (one.book.venue, one.book.market)
    return Cell(f"{STAR}{text}", "good") if starred else Cell(text, "bold")


def aligned(one: Standing) -> Texts:
    """Return bids and asks with as many decimals as the longest of their column has, so that digits stand in line."""
    levels = (*one.bids, *one.asks)
    places = [max((decimals(level[column]) for level in levels), default=0) for column in (0, 1)]
    bids, asks = (
        tuple((f"{Decimal(price):.{places[0]}f}", f"{Decimal(quantity):.{places[1]}f}") for price, quantity in side)
        for side in (one.bids, one.asks)
    )
    return bids, asks


def decimals(text: str) -> int:
    """Return how many decimals a number needs: 0 for 64000.0, 8 for 1e-08."""
    return len(f"{Decimal(text):f}".partition(".")[2].rstrip("0"))


def text(one: Standing) -> Line:
    """Return an instrument on one line, for pipes and files."""
    bid, ask = (_side_text(levels) for levels in (one.bids, one.asks))
    apart = "-" if one.spread is None else f"{one.spread!r} ({one.spread_bps:.2f} bps)"
    share = "-" if one.imbalance is None else f"{one.imbalance:.2f}"
    style: Style = "dim" if one.state == "stale" else ""
    return line(
        Cell(f"{one.book.key} ", "name"),
        Cell(f"{one.state} ", style or "good"),
        Cell(f"bid {bid} ask {ask} spread {apart} imbalance {share} ", style),
        Cell(f"age {span(one.age_us / _US)} epoch {one.book.epoch} sequence {one.book.sequence} ", "dim"),
        Cell(f"gaps {one.holes.count}{f' ({one.holes.cause})' if one.holes.cause else ''}", "dim"),
    )


def _side_text(levels: Sequence[Level]) -> str:
    return "-" if not levels else f"{levels[0][0]} x {levels[0][1]}"
