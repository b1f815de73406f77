"""Prices and quantities of one instrument as a venue writes them, each price formatted once."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise

from simulator.instruments import Instrument
from simulator.journal import PriceLevel
from simulator.view import Level


class Texts:
    """Formats ticks and lots; `digits` fixes how many digits stand behind the point (None: the step's own)."""

    __slots__ = ("_digits", "_instrument", "_prices")

    def __init__(self, instrument: Instrument, *, digits: int | None = None) -> None:
        """Start with an empty cache, which the wandering of a price keeps small."""
        self._instrument = instrument
        self._digits = digits
        self._prices: dict[int, str] = {}

    def price(self, ticks: int) -> str:
        """Return a price."""
        text = self._prices.get(ticks)
        if text is None:
            text = self._prices[ticks] = self._instrument.tick.format(ticks, self._digits)
        return text

    def quantity(self, lots: int) -> str:
        """Return a quantity; none is a plain zero with the venue's digits."""
        return self._instrument.lot.format(lots, self._digits)

    def levels(self, levels: Iterable[Level]) -> tuple[PriceLevel, ...]:
        """Return levels as pairs of texts."""
        return tuple((self.price(price), self.quantity(lots)) for price, lots in levels)


_UUID_CUTS = (0, 8, 12, 16, 20, 32)


def fixed(amount: Decimal, digits: int = 8) -> str:
    """Return an amount with so many digits behind the point."""
    return f"{amount.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP):f}"


def as_uuid(digits: str) -> str:
    """Return 32 hex digits in the form of a UUID."""
    return "-".join(digits[low:high] for low, high in pairwise(_UUID_CUTS))


def as_json(levels: Iterable[PriceLevel]) -> str:
    """Return levels as a JSON array of arrays of text."""
    return "[" + ",".join([f'["{price}","{quantity}"]' for price, quantity in levels]) + "]"


def shortest(value: float) -> str:
    """Return a derived price (mark, index) with eight digits behind the point."""
    return f"{value:.8f}"
