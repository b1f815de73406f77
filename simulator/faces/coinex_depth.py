"""One window of a CoinEx book: numbered by the time of its messages in ms, proven by a checksum of what it then holds.

At most one message falls on a millisecond, so that `updated_at` identifies it; one that is due in the millisecond of
the last waits for the next step. Once a minute the window is told as a whole, in a message of its own that changes
nothing. Not known, so chosen plainly: a level that leaves the window is told as deleted.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable

from simulator.faces.texts import Texts
from simulator.journal import PriceLevel
from simulator.ladder import Change, Ladder
from simulator.market import STEP_MS
from simulator.view import Level, View

EVERY_MS = 200
WHOLE_EVERY_MS = 60_000
# On a step on which no change is due.
_WHOLE_AT_MS = WHOLE_EVERY_MS - STEP_MS

Sides = tuple[tuple[PriceLevel, ...], tuple[PriceLevel, ...]]


class Depth:
    """The first `limit` levels of one book."""

    def __init__(self, ladder: Ladder, texts: Texts, *, limit: int) -> None:
        """Start with what the book holds now, told to nobody yet."""
        self.limit = limit
        self.view = View(ladder, depth=limit, every_ms=EVERY_MS)
        self._texts = texts
        self._is_due = False
        self._is_whole_due = False

    @property
    def updated_ms(self) -> int:
        """Return when it was told last; 0 for never."""
        return self.view.sequence

    def begin(self, now_ms: int) -> None:
        """Say that it is told now, if it never was."""
        self.view.sequence = self.view.sequence or now_ms

    def note(self, changes: list[Change], at_ms: int) -> None:
        """Take the changes of a step, and find what is due."""
        self.view.note(changes)
        self._is_due |= self.view.is_due(at_ms, STEP_MS)
        self._is_whole_due |= at_ms % WHOLE_EVERY_MS == _WHOLE_AT_MS

    def changes(self, now_ms: int) -> Sides | None:
        """Return the changes to tell now, None where there are none."""
        if not self._is_due or now_ms <= self.updated_ms:
            return None
        self._is_due = False
        bids, asks = self.view.flush()
        if not bids and not asks:
            return None
        self.view.sequence = now_ms
        return self.written(bids), self.written(asks)

    def take_whole(self, now_ms: int) -> bool:
        """Tell whether the whole is to be told now."""
        if not self._is_whole_due or now_ms <= self.updated_ms:
            return False
        self._is_whole_due = False
        self.view.sequence = now_ms
        return True

    def image(self, limit: int | None = None) -> Sides:
        """Return the window as it was told last, best first."""
        bids, asks = self.view.image(limit)
        return self.written(bids), self.written(asks)

    def written(self, levels: Iterable[Level]) -> tuple[PriceLevel, ...]:
        """Return levels as texts; the quantity of one that is gone is a plain 0."""
        texts = self._texts
        return tuple((texts.price(price), texts.quantity(lots) if lots else "0") for price, lots in levels)


def checksum(sides: Sides) -> int:
    """Return the CRC-32 of all bids, then all asks, best first: `price:quantity:price:quantity`; 0 of nothing."""
    return zlib.crc32(":".join(text for side in sides for level in side for text in level).encode())
