"""Quotes of growing sizes as one side of a book: what each size adds to the one before it is a level.

Quotes come from different routes and moments, so that a greater size may add more for less. A level that is not worse
than the one before it is made one with it, and a size that brings no more than a smaller one adds nothing: prices are
always in order, and down to each level's end the sums are those of a quote.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Final, Literal

import msgspec

from tapeline.errors import InvalidMessage
from tapeline.venues.oneinch.pairs import Pair

Side = Literal["bid", "ask"]
_MOST: Final = 1e18


class Quote(msgspec.Struct, frozen=True):
    """What is given and what is got for it, in smallest units."""

    given: int
    got: int


class Level(msgspec.Struct, frozen=True):
    """One level: the double nearest to its price in quote per base, and its quantity of base, exactly."""

    price: float
    quantity: Decimal


NOTHING: Final = Quote(0, 0)


def levels(side: Side, pair: Pair, quotes: Iterable[Quote]) -> tuple[Level, ...]:
    """Return a side, best first; quotes are of growing sizes."""
    ends: list[Quote] = [NOTHING]
    found: list[Level] = []
    for quote in quotes:
        if quote.got <= ends[-1].got:
            continue
        level = _level(side, pair, ends[-1], quote)
        while found and not _is_worse(side, level.price, found[-1].price):
            del ends[-1], found[-1]
            level = _level(side, pair, ends[-1], quote)
        ends.append(quote)
        found.append(level)
    return tuple(found)


def _is_worse(side: Side, price: float, before: float) -> bool:
    return price < before if side == "bid" else price > before


def _level(side: Side, pair: Pair, begin: Quote, end: Quote) -> Level:
    """Return what lies between two quotes."""
    given, got = end.given - begin.given, end.got - begin.got
    base, quote = (given, got) if side == "bid" else (got, given)
    price = quote * 10**pair.base.decimals / (base * 10**pair.quote.decimals)
    quantity = pair.base.amount(base)
    if price >= _MOST or quantity >= _MOST:
        raise InvalidMessage("no such price or quantity", field="dstAmount", value=end.got)
    return Level(price, quantity)
