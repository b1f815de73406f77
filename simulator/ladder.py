"""One order book as two unbroken ladders of levels: the best bid is always below the best ask.

A level is a count of ticks (its price) with a count of lots. Every tick between the best and the far end of a side has
lots, so a depth of N levels is a range of prices and its changes are found without sorting.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from simulator.chance import Chance

BID = 0
ASK = 1
SIDES = (BID, ASK)

Change = tuple[int, int, int]
"""side, price in ticks, lots before."""

_LEAST_LOTS = 8
_SPREAD_LOTS = 2000
# So many levels from the best a level holds twice as much on average.
_DOUBLES_AFTER = 40


class Ladder:
    """The book of one instrument at one venue and market; `changes` are those of the step under way."""

    __slots__ = ("ask", "bid", "chance", "changes", "depth", "levels")

    def __init__(self, chance: Chance, *, bid: int, ask: int, depth: int) -> None:
        """Fill both sides with `depth` levels."""
        self.chance = chance
        self.bid = bid
        self.ask = ask
        self.depth = depth
        self.levels: tuple[dict[int, int], dict[int, int]] = (
            {price: self._lots(bid - price) for price in range(bid, bid - depth, -1)},
            {price: self._lots(price - ask) for price in range(ask, ask + depth)},
        )
        self.changes: list[Change] = []

    def put(self, side: int, price: int, lots: int) -> None:
        """Set a level, 0 takes it away; the ladder must stay unbroken."""
        levels = self.levels[side]
        self.changes.append((side, price, levels.get(price, 0)))
        if lots:
            levels[price] = lots
        else:
            del levels[price]

    def renew(self, side: int, away: int) -> None:
        """Give the level so many ticks away from the best another quantity."""
        price = self.bid - away if side == BID else self.ask + away
        self.put(side, price, self._lots(away))

    def move(self, bid: int, ask: int) -> None:
        """Shift both sides to new best prices, `bid` below `ask`."""
        depth = self.depth
        for price in range(self.bid, bid, -1):
            self.put(BID, price, 0)
        for price in range(self.bid + 1, bid + 1):
            self.put(BID, price, self._lots(bid - price))
        for price in range(self.bid - depth, bid - depth, -1):
            self.put(BID, price, self._lots(depth))
        for price in range(self.bid - depth + 1, bid - depth + 1):
            self.put(BID, price, 0)
        for price in range(self.ask, ask):
            self.put(ASK, price, 0)
        for price in range(self.ask - 1, ask - 1, -1):
            self.put(ASK, price, self._lots(price - ask))
        for price in range(self.ask + depth, ask + depth):
            self.put(ASK, price, self._lots(depth))
        for price in range(self.ask + depth - 1, ask + depth - 1, -1):
            self.put(ASK, price, 0)
        self.bid, self.ask = bid, ask

    def offers(self, side: int) -> Iterator[tuple[int, int]]:
        """Yield the levels of a side, best first, all but the last, so that an order never takes the whole of it."""
        best, step = self.best(side), -1 if side == BID else 1
        for price in range(best, best + step * (self.depth - 1), step):
            yield price, self.levels[side][price]

    def take(self, side: int, taken: Sequence[tuple[int, int]]) -> None:
        """Lose lots of the best levels, of all but the last level all; the far end is filled up."""
        price, lots = taken[-1]
        left = self.levels[side][price] - lots
        if side == BID:
            self.move(price if left else price - 1, self.ask)
        else:
            self.move(self.bid, price if left else price + 1)
        if left:
            self.put(side, price, left)

    def give(self, side: int, price: int, lots: int) -> None:
        """Return lots to a level."""
        self.put(side, price, self.levels[side][price] + lots)

    def best(self, side: int) -> int:
        """Return the best price of a side."""
        return self.bid if side == BID else self.ask

    def _lots(self, away: int) -> int:
        return _LEAST_LOTS + int(self.chance.random() * _SPREAD_LOTS * (1 + away / _DOUBLES_AFTER))
