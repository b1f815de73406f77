"""The newest spread of each pair of a symbol's instruments: records in, table and JSON out, the best net first.

A spread computed from an older book than the one before it, of either leg, changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import msgspec

from tapeline.cli.market_books import BPS
from tapeline.cli.market_plan import Plan
from tapeline.cli.view import Cell, Grid, Line, Style, View, line, row, span
from tapeline.domain.events import BookState, Market
from tapeline.domain.partition import instrument_key
from tapeline.domain.spread import STALE_AFTER_US, Spread

STAR: Final = "★"
WIDE: Final = 108
"""From so many columns on the table has every column."""
_US: Final = 1_000_000

Legs = dict[str, tuple[int, int]]
"""Epoch and sequence of the book of each leg, by instrument."""


class SpreadRow(msgspec.Struct, frozen=True, kw_only=True):
    """One pair in --json: decimals are strings; `state` is stale when the spread is older than a book may be."""

    symbol: str
    buy_venue: str
    buy_market: Market
    sell_venue: str
    sell_market: Market
    state: BookState
    quantity: str
    buy_price: str
    sell_price: str
    gross_bps: str
    fees_bps: str
    net_bps: str
    age_ms: int
    buy_epoch: int
    buy_sequence: int
    sell_epoch: int
    sell_sequence: int
    signal_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One spread at a moment."""

    spread: Spread
    state: BookState
    age_us: int

    @property
    def pair(self) -> str:
        """Return which two instruments it is between, whichever way."""
        return " ".join(sorted(legs_of(self.spread)))

    @property
    def pays(self) -> bool:
        """Tell whether it would earn something now."""
        return self.state == "valid" and self.spread.net > 0

    @property
    def buy(self) -> str:
        """Return where to buy."""
        return f"{self.spread.buy_venue} {self.spread.buy_market}"

    @property
    def sell(self) -> str:
        """Return where to sell."""
        return f"{self.spread.sell_venue} {self.spread.sell_market}"

    @property
    def row(self) -> SpreadRow:
        """Return it as JSON has it."""
        found = self.spread
        return SpreadRow(
            symbol=found.symbol,
            buy_venue=found.buy_venue,
            buy_market=found.buy_market,
            sell_venue=found.sell_venue,
            sell_market=found.sell_market,
            state=self.state,
            quantity=repr(found.quantity),
            buy_price=repr(found.buy_price),
            sell_price=repr(found.sell_price),
            gross_bps=repr(in_bps(found.gross)),
            fees_bps=repr(in_bps(found.fees)),
            net_bps=repr(in_bps(found.net)),
            age_ms=self.age_us // 1_000,
            buy_epoch=found.buy_epoch,
            buy_sequence=found.buy_sequence,
            sell_epoch=found.sell_epoch,
            sell_sequence=found.sell_sequence,
            signal_id=found.signal_id,
        )


class Spreads:
    """The newest spread of each pair that was asked for: one leg at the venue, both in the market."""

    __slots__ = ("_newest", "_plan", "symbol")

    def __init__(self, symbol: str, plan: Plan) -> None:
        """Begin with no spreads."""
        self.symbol = symbol
        self._plan = plan
        self._newest: dict[tuple[str, ...], Spread] = {}

    def take(self, value: Spread) -> None:
        """Take a spread in, unless it was not asked for or comes from an older book than the one that is known."""
        if not self._wanted(value):
            return
        legs = legs_of(value)
        pair = tuple(sorted(legs))
        known = self._newest.get(pair)
        if known is None or all(legs[leg] >= place for leg, place in legs_of(known).items()):
            self._newest[pair] = value

    def _wanted(self, value: Spread) -> bool:
        venue, market = self._plan.venue, self._plan.market
        return (
            value.symbol == self.symbol
            and (venue is None or venue in {value.buy_venue, value.sell_venue})
            and (market is None or {value.buy_market, value.sell_market} == {market})
        )

    def offers(self, now_us: int) -> tuple[Offer, ...]:
        """Return the pairs as they stand, the best net first and the stale ones behind the others."""
        found = (offer(one, now_us) for one in self._newest.values())
        return tuple(sorted(found, key=lambda one: (one.state == "stale", -one.spread.net, one.buy, one.sell)))


def legs_of(value: Spread) -> Legs:
    """Return which books a spread was computed from."""
    return {
        instrument_key(value.buy_venue, value.buy_market, value.symbol): (value.buy_epoch, value.buy_sequence),
        instrument_key(value.sell_venue, value.sell_market, value.symbol): (value.sell_epoch, value.sell_sequence),
    }


def offer(value: Spread, now_us: int) -> Offer:
    """Judge one spread at a moment."""
    age_us = max(0, now_us - value.published_us)
    return Offer(spread=value, state="stale" if age_us > STALE_AFTER_US else "valid", age_us=age_us)


def in_bps(fraction: float) -> float:
    """Return a fraction in hundredths of a percent, computed on the decimal that the double stands for."""
    return float(Decimal(repr(fraction)) * BPS)


def view(symbol: str, offers: tuple[Offer, ...], *, columns: int) -> View:
    """Lay out a moment for a screen of so many columns."""
    if not offers:
        return (line(Cell(symbol, "bold"), Cell("  no spread yet", "dim")),)
    wide = columns >= WIDE
    size, parts = (("size>",), ("gross bps>", "fees bps>")) if wide else ((), ())
    names = ("", "buy at", "sell at", *size, "buy price>", "sell price>", *parts, "net bps>", "age>")
    more = () if wide else (line(Cell("a wider screen shows size, gross and fees", "dim")),)
    return (_head(symbol, offers), line(), Grid(names, tuple(_row(one, wide=wide) for one in offers)), *more)


def _head(symbol: str, offers: tuple[Offer, ...]) -> Line:
    best = offers[0]
    paying = sum(one.pays for one in offers)
    if best.state == "stale":
        return line(Cell(symbol, "bold"), Cell("  every spread is stale", "warn"))
    net = Cell(f"{in_bps(best.spread.net):+.2f} bps", "good" if best.pays else "")
    pairs = f"  {paying} of {len(offers)} pairs pay"
    return line(
        Cell(symbol, "bold"), Cell("  best net ", "dim"), net, f"  buy at {best.buy}, sell at {best.sell}", pairs
    )


def _row(one: Offer, *, wide: bool) -> tuple[Cell, ...]:
    found = one.spread
    plain: Style = "dim" if one.state == "stale" else ""
    net: Style = "good" if one.pays else plain
    return row(
        Cell("stale", "dim") if plain else Cell(STAR if one.pays else "", "good"),
        Cell(one.buy, plain or "name"),
        Cell(one.sell, plain or "name"),
        *([Cell(repr(found.quantity), plain)] if wide else []),
        Cell(repr(found.buy_price), plain),
        Cell(repr(found.sell_price), plain),
        *([Cell(f"{in_bps(found.gross):+.2f}", plain), Cell(f"{in_bps(found.fees):.2f}", plain)] if wide else []),
        Cell(f"{in_bps(found.net):+.2f}", net),
        Cell(span(one.age_us / _US), plain),
    )


def text(one: Offer) -> Line:
    """Return a spread on one line, for pipes and files."""
    found = one.spread
    plain: Style = "dim" if one.state == "stale" else ""
    return line(
        Cell(f"{found.symbol} ", "name"),
        Cell(f"{one.state} ", plain),
        Cell(f"buy {found.quantity!r} at {one.buy} for {found.buy_price!r}, ", plain),
        Cell(f"sell at {one.sell} for {found.sell_price!r}, ", plain),
        Cell(f"gross {in_bps(found.gross):+.2f} fees {in_bps(found.fees):.2f} ", plain),
        Cell(f"net {in_bps(found.net):+.2f} bps ", "good" if one.pays else plain),
        Cell(f"age {span(one.age_us / _US)}", "dim"),
    )
