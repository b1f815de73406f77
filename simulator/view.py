"""What one channel shows of a book: the net changes within its depth since its last message, for any pace.

A reader that replaces its book by `image` and then applies every `flush` always has the first `depth` levels. A view
that tells all that was `touched` also tells what has changed back since its last message, as a venue does that merges
changes without knowing what was before: then a book from between two messages can be continued too.
"""

from __future__ import annotations

from simulator.ladder import ASK, BID, SIDES, Change, Ladder

Level = tuple[int, int]
"""price in ticks, lots."""


class View:
    """The book as a channel last showed it; `sequence` is the number of that message, kept by the venue."""

    __slots__ = ("_before", "_ladder", "_shown", "depth", "every_ms", "first", "sequence", "touched")

    def __init__(self, ladder: Ladder, *, depth: int, every_ms: int, touched: bool = False) -> None:
        """Start with what the book holds now."""
        self.touched = touched
        self._ladder = ladder
        self.depth = min(depth, ladder.depth)
        self.every_ms = every_ms
        self.sequence = 0
        self.first = 0
        self._before: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self._shown = self._ranges()

    def at_pace(self, every_ms: int) -> View:
        """Return a channel of another pace that has shown, so far, what this one has."""
        other = View(self._ladder, depth=self.depth, every_ms=every_ms, touched=self.touched)
        other.sequence, other._shown = self.sequence, self._shown
        other._before = (dict(self._before[BID]), dict(self._before[ASK]))
        return other

    def note(self, changes: list[Change]) -> None:
        """Take the changes of one step; the first value of a level since the last message counts as before."""
        for side, price, before in changes:
            self._before[side].setdefault(price, before)

    def is_due(self, at_ms: int, step_ms: int) -> bool:
        """Tell whether a message falls between the last step and this one."""
        return at_ms // self.every_ms != (at_ms - step_ms) // self.every_ms

    def flush(self) -> tuple[list[Level], list[Level]]:
        """Return what to change in the book shown last, bids and asks, best first; 0 lots take a level away."""
        now = self._ranges()
        found: tuple[list[Level], list[Level]] = ([], [])
        for side in SIDES:
            (old_low, old_high), (low, high) = self._shown[side], now[side]
            levels, before = self._ladder.levels[side], self._before[side]
            for price in (*_only(old_low, old_high, low, high), *_only(low, high, old_low, old_high)):
                before.setdefault(price, levels.get(price, 0))
            for price in sorted(before, reverse=side == BID):
                was = before[price] if old_low <= price <= old_high else 0
                lots = levels.get(price, 0) if low <= price <= high else 0
                if was != lots or self.touched:
                    found[side].append((price, lots))
            before.clear()
        self._shown = now
        return found

    def image(self, limit: int | None = None) -> tuple[list[Level], list[Level]]:
        """Return the book as last shown, best first, at most `limit` levels a side."""
        count = self.depth if limit is None else min(limit, self.depth)
        (_, best_bid), (best_ask, _) = self._shown
        return (
            [(price, self._was(BID, price)) for price in range(best_bid, best_bid - count, -1)],
            [(price, self._was(ASK, price)) for price in range(best_ask, best_ask + count)],
        )

    def _was(self, side: int, price: int) -> int:
        before = self._before[side].get(price)
        return self._ladder.levels[side][price] if before is None else before

    def _ranges(self) -> tuple[tuple[int, int], tuple[int, int]]:
        bid, ask = self._ladder.bid, self._ladder.ask
        return (bid - self.depth + 1, bid), (ask, ask + self.depth - 1)


def _only(low: int, high: int, other_low: int, other_high: int) -> range | tuple[int, ...]:
    """Return the prices of the first range that are not in the second; two books a step apart overlap widely."""
    if low == other_low and high == other_high:
        return ()
    return (*range(low, min(other_low, high + 1)), *range(max(other_high + 1, low), high + 1))
