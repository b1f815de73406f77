"""One side of a book, its quantities by price beside the sorted prices; it shows no level beyond what is known whole.

Most changes are of a level that is there, or delete one that is not: those never touch the sorted prices.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Mapping
from operator import itemgetter
from typing import Final, Literal

from tapeline.domain.exact import Exact

Column = tuple[float, ...]
Texts = tuple[str | None, str | None]
"""The venue's own texts of a level's price and quantity, where a double cannot hold them."""

SLACK: Final = 64
"""A side may outgrow its bound by so many levels before it is cut, so that it is not cut at every change."""


class Levels:
    """The levels of one side; `prices` rise, so that the best bid is the last and the best ask the first."""

    __slots__ = ("_bids", "_horizon", "_most", "_quantities", "noted", "prices")

    def __init__(self, side: Literal["bid", "ask"], *, most: int) -> None:
        """Begin empty; `most` bounds the memory: what lies further from the top is forgotten."""
        self.prices: list[float] = []
        self._quantities: dict[float, float] = {}
        self._bids = side == "bid"
        self._most = most
        # The price up to which every level is known; beyond it only those that have changed. None: all are known.
        self._horizon: float | None = None
        self.noted: dict[float, Texts] = {}
        """The venue's own texts, by price, of levels that a double cannot hold."""

    def replace(self, prices: Column, quantities: Column, *, limit: int | None, texts: Mapping[int, Texts]) -> None:
        """Take these levels instead of all; a side as long as the `limit` it was asked with may go on beyond it."""
        found = dict(zip(prices, quantities, strict=True))
        self._quantities = {price: quantity for price, quantity in found.items() if quantity}
        self.prices = sorted(self._quantities)
        self.noted = {prices[at]: kept for at, kept in texts.items()}
        self._horizon = self._worst() if limit is not None and self.prices and len(prices) >= limit else None
        self._cut()

    def change(self, prices: Column, quantities: Column) -> None:
        """Set each price to its quantity; 0 deletes the level, also one that is not there."""
        known, held = self.prices, self._quantities
        for price, quantity in zip(prices, quantities):  # noqa: B905 - a change has both, and this is the hottest loop
            if quantity:
                if price not in held:
                    insort(known, price)
                held[price] = quantity
            elif price in held:
                del held[price]
                del known[bisect_left(known, price)]
        if len(known) > self._most + SLACK:
            self._cut()

    def best(self) -> float | None:
        """Return the best price, known or not; None on an empty side."""
        if not self.prices:
            return None
        return self.prices[-1] if self._bids else self.prices[0]

    def top(self, count: int) -> tuple[Column, Column]:
        """Return the best levels, best first, as prices and quantities: `count` of them, or all known with 0."""
        size = min(count, self.known()) if count else self.known()
        if self._bids:
            best = self.prices[len(self.prices) - size :]
            best.reverse()
        else:
            best = self.prices[:size]
        if size < 2:  # noqa: PLR2004 - of one key itemgetter returns no tuple
            return tuple(best), tuple([self._quantities[price] for price in best])
        return tuple(best), itemgetter(*best)(self._quantities)

    def known(self) -> int:
        """Return how many levels from the top are known without a hole."""
        if self._horizon is None:
            return len(self.prices)
        if self._bids:
            return len(self.prices) - bisect_left(self.prices, self._horizon)
        return bisect_right(self.prices, self._horizon)

    def whole(self) -> bool:
        """Tell whether every level of the side is known."""
        return self._horizon is None

    def note(self, prices: Column, texts: Mapping[int, Texts]) -> None:
        """Remember the texts of changed levels, and forget those whose level has changed since."""
        for price in prices:
            self.noted.pop(price, None)
        for at, kept in texts.items():
            self.noted[prices[at]] = kept

    def texts(self, prices: Column) -> dict[int, Texts]:
        """Return the texts that stand at these prices, by their place in the column."""
        return {at: self.noted[price] for at, price in enumerate(prices) if price in self.noted}

    def _worst(self) -> float:
        return self.prices[0] if self._bids else self.prices[-1]

    def _cut(self) -> None:
        excess = len(self.prices) - self._most
        if excess <= 0:
            return
        beyond = slice(0, excess) if self._bids else slice(self._most, None)
        for price in self.prices[beyond]:
            del self._quantities[price]
            self.noted.pop(price, None)
        del self.prices[beyond]
        worst = self._worst()
        if self._horizon is None:
            self._horizon = worst
        else:
            self._horizon = max(worst, self._horizon) if self._bids else min(worst, self._horizon)


def texts_by_place(exact: Exact | None, side: Literal["bid", "ask"]) -> dict[int, Texts]:
    """Return the texts of one side by place, from names like `bid_prices[3]`."""
    found: dict[int, Texts] = {}
    for name, text in (exact or {}).items():
        column, _, place = name.rstrip("]").partition("[")
        if column.startswith(side):
            price, quantity = found.get(int(place), (None, None))
            found[int(place)] = (text, quantity) if column.endswith("prices") else (price, text)
    return found
