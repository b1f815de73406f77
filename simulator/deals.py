"""The market's trades and what orders make of them: pure rearrangements of deals, fills and levels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby

from simulator.ladder import ASK, BID
from simulator.market import Deal
from tapeline.domain.matching import Fill, Level, Side


def rests_on(side: Side) -> int:
    """Return the side of the book on which an order of this side rests."""
    return BID if side is Side.BUY else ASK


def takes_from(side: Side) -> int:
    """Return the side of the book from which an order of this side takes."""
    return ASK if side is Side.BUY else BID


def as_deals(side: int, fills: Iterable[Fill]) -> tuple[Deal, ...]:
    """Return fills as trades that took from a side of the book, those at one price together."""
    return tuple(
        Deal(side, price, tuple(fill.lots for fill in together))
        for price, together in groupby(fills, key=lambda fill: fill.price)
    )


def without(deal: Deal, lots: int) -> tuple[Deal, ...]:
    """Return what is left of a deal when its first lots were dealt with somebody else."""
    fills: list[int] = []
    for one in deal.fills:
        part = min(one, lots)
        lots -= part
        if one > part:
            fills.append(one - part)
    return (Deal(deal.side, deal.price, tuple(fills)),) if fills else ()


def parted(fills: Iterable[Fill], lots: int) -> tuple[tuple[Fill, ...], tuple[Fill, ...]]:
    """Return the fills of the first so many lots and those of the rest; the one at the border is cut in two."""
    first: list[Fill] = []
    rest: list[Fill] = []
    for fill in fills:
        part = min(fill.lots, lots)
        lots -= part
        if part:
            first.append(replace(fill, lots=part))
        if fill.lots > part:
            rest.append(replace(fill, lots=fill.lots - part))
    return tuple(first), tuple(rest)


def at_most(levels: Iterable[Level], lots: int) -> Iterator[Level]:
    """Yield levels until they come to so many lots."""
    for price, there in levels:
        if lots == 0:
            return
        part = min(there, lots)
        lots -= part
        yield price, part
