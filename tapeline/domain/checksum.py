"""A venue's checksum of its book: the texts of the levels that it shows, and what they must come to after each change.

A checksum is made of texts, which no double keeps, so they stand here beside the book. The venue shows a window of the
best levels: what falls out of it is deleted from the book, for the venue says nothing more of it.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from tapeline.domain.levels import Column, Levels

TextLevel = tuple[str, str]
"""Price and quantity as the venue wrote them."""
TextLevels = tuple[TextLevel, ...]


class Check(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the venue says that its whole window comes to, and the texts of what came with it, place by place."""

    value: int
    bids: TextLevels
    asks: TextLevels


class ChecksumRule(msgspec.Struct, frozen=True, kw_only=True):
    """How a venue makes the checksum of a window of so many levels a side: of bids and asks, each best first."""

    levels: int
    of: Callable[[TextLevels, TextLevels], int]


class Window:
    """The texts of all levels that stand in the two sides of one book."""

    __slots__ = ("_asks", "_bids", "_rule")

    def __init__(self, rule: ChecksumRule) -> None:
        """Begin without a text."""
        self._rule = rule
        self._bids: dict[float, TextLevel] = {}
        self._asks: dict[float, TextLevel] = {}

    def note(self, bid_prices: Column, ask_prices: Column, check: Check) -> None:
        """Take the texts of what came, by the prices that they are the texts of."""
        self._bids |= zip(bid_prices, check.bids, strict=True)
        self._asks |= zip(ask_prices, check.asks, strict=True)

    def beyond(self, bids: Levels, asks: Levels) -> tuple[Column, Column]:
        """Return the prices of each side that lie outside of the window."""
        most = self._rule.levels
        return tuple(bids.prices[:-most]), tuple(asks.prices[most:])

    def wrong(self, bids: Levels, asks: Levels, check: Check) -> str | None:
        """Say how the two sides differ from what the venue says, None where they are as it says."""
        # Made anew in the order of the levels: so the texts of those that are gone go too.
        self._bids = {price: self._bids[price] for price in reversed(bids.prices)}
        self._asks = {price: self._asks[price] for price in asks.prices}
        ours = self._rule.of(tuple(self._bids.values()), tuple(self._asks.values()))
        return None if ours == check.value else f"its checksum is {check.value}, ours {ours}"
