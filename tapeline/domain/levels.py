"""One side of a book as two parallel sorted columns; it shows no level beyond the price up to which all are known.

Both sides hold their best level last, where most changes are and the least has to move: bids are sorted by price,
asks by the negated price.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from operator import neg
from typing import Final, Literal

from tapeline.domain.exact import Exact

Column = tuple[float, ...]
Texts = tuple[str | None, str | None]
"""The venue's own texts of a level's price and quantity, where a double cannot hold them."""

SLACK: Final = 64
"""A side may outgrow its bound by so many levels before it is cut, so that it is not cut at every change."""


class Levels:
    """The levels of one side; `keys` are prices of bids or negated prices of asks, rising, with their quantities."""

    __slots__ = ("_bids", "_horizon", "_most", "_texts", "keys", "quantities")

    def __init__(self, side: Literal["bid", "ask"], *, most: int) -> None:
        """Begin empty; `most` bounds the memory: what lies further from the top is forgotten."""
        self.keys: list[float] = []
        self.quantities: list[float] = []
        self._bids = side == "bid"
        self._most = most
        # The key down to which every level is known; below it only those that have changed. None: all are known.
        self._horizon: float | None = None
        self._texts: dict[float, Texts] = {}

    def replace(self, prices: Column, quantities: Column, *, limit: int | None, texts: Mapping[int, Texts]) -> None:
        """Take these levels instead of all; a side as long as the `limit` it was asked with may go on beyond it."""
        found = dict(zip(prices if self._bids else [-price for price in prices], quantities, strict=True))
        self.keys = sorted(key for key, quantity in found.items() if quantity)
        self.quantities = [found[key] for key in self.keys]
        self._texts = {prices[at]: kept for at, kept in texts.items()}
        self._horizon = self.keys[0] if limit is not None and self.keys and len(prices) >= limit else None
        self._cut()

    def change(self, prices: Column, quantities: Column) -> None:
        """Set each price to its quantity; 0 deletes the level, also one that is not there."""
        keys, amounts = self.keys, self.quantities
        size = len(keys)
        for key, quantity in zip(prices if self._bids else map(neg, prices), quantities, strict=True):
            at = bisect_left(keys, key)
            if at < size and keys[at] == key:
                if quantity:
                    amounts[at] = quantity
                else:
                    del keys[at]
                    del amounts[at]
                    size -= 1
            elif quantity:
                keys.insert(at, key)
                amounts.insert(at, quantity)
                size += 1
        if size > self._most + SLACK:
            self._cut()

    def best(self) -> float | None:
        """Return the best price, known or not; None on an empty side."""
        if not self.keys:
            return None
        return self.keys[-1] if self._bids else -self.keys[-1]

    def top(self, count: int) -> tuple[Column, Column]:
        """Return the best levels, best first, as prices and quantities: `count` of them, or all known with 0."""
        size = len(self.keys)
        begin = size - (min(count, self.known()) if count else self.known())
        keys, quantities = self.keys[begin:], self.quantities[begin:]
        keys.reverse()
        quantities.reverse()
        return tuple(keys) if self._bids else tuple([-key for key in keys]), tuple(quantities)

    def known(self) -> int:
        """Return how many levels from the top are known without a hole."""
        size = len(self.keys)
        return size if self._horizon is None else size - bisect_left(self.keys, self._horizon)

    def whole(self) -> bool:
        """Tell whether every level of the side is known."""
        return self._horizon is None

    @property
    def noted(self) -> bool:
        """Tell whether any level has a text that a double cannot hold."""
        return bool(self._texts)

    def note(self, prices: Column, texts: Mapping[int, Texts]) -> None:
        """Remember the texts of changed levels, and forget those whose level has changed since."""
        for price in prices:
            self._texts.pop(price, None)
        for at, kept in texts.items():
            self._texts[prices[at]] = kept

    def texts(self, prices: Column) -> dict[int, Texts]:
        """Return the texts that stand at these prices, by their place in the column."""
        return {at: self._texts[price] for at, price in enumerate(prices) if price in self._texts}

    def _cut(self) -> None:
        excess = len(self.keys) - self._most
        if excess <= 0:
            return
        for key in self.keys[:excess]:
            self._texts.pop(key if self._bids else -key, None)
        del self.keys[:excess]
        del self.quantities[:excess]
        worst = self.keys[0]
        self._horizon = worst if self._horizon is None else max(worst, self._horizon)


def texts_by_place(exact: Exact | None, side: Literal["bid", "ask"]) -> dict[int, Texts]:
    """Return the texts of one side by place, from names like `bid_prices[3]`."""
    found: dict[int, Texts] = {}
    for name, text in (exact or {}).items():
        column, _, place = name.rstrip("]").partition("[")
        if column.startswith(side):
            price, quantity = found.get(int(place), (None, None))
            found[int(place)] = (text, quantity) if column.endswith("prices") else (price, text)
    return found
