"""What the spreads of one partition are made of, and when each is told: at once while its pair pays, else each second.

A pair's spread is computed at each news of one of its books, and only then. While the pair rests the newest is held in
place of those before it, and every one that is never told is counted: computed = told + conflated + held. What is held
is told by the pair's next news after the rest, or a quarter of a second later without any.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from tapeline.domain.events import Book
from tapeline.domain.spread import FILLS_PER_LEG, NO_WAY, Fees, Spread, build, gross_of, offered, tradable

NOTIONAL: Final = 1_000.0
"""About how much a spread is computed for, in quote currency; the size is a power of ten in base currency."""
PAYS: Final = 0.0
"""Net of fees, from which on nobody is to wait for a spread."""
REST_US: Final = 1_000_000
"""For how long a pair rests that does not pay, or whose prices are those that were told last."""
HELD_US: Final = 1_250_000
"""How long after its last telling a pair's held spread is told without news."""


class Leg:
    """The newest book of an instrument, what the size costs there, and its pairs by the other instrument."""

    __slots__ = ("book", "buy", "fee", "key", "pairs", "sell")

    def __init__(self, book: Book, fee: float) -> None:
        """Begin with a book that has no prices yet; `fee` is that of both of its fills."""
        self.key = book.key
        self.book = book
        self.fee = fee
        self.buy, self.sell = math.inf, 0.0
        self.pairs: dict[str, Pair] = {}


class Pair:
    """Two instruments of a symbol: what was told of them last and when, and the receipt of the news that is held."""

    __slots__ = ("held_us", "legs", "paid", "told", "told_us")

    def __init__(self, one: Leg, other: Leg) -> None:
        """Begin with nothing told; of two equal ways the one that buys on the lower key stands."""
        self.legs = (one, other) if one.key < other.key else (other, one)
        self.told: tuple[str, float, float, float] | None = None
        self.told_us = 0
        self.paid = False
        self.held_us: int | None = None

    def way(self) -> tuple[float, Leg, Leg]:
        """Return the better way: what it earns before fees, where to buy, where to sell."""
        one, other = self.legs
        there, back = gross_of(one.buy, other.sell), gross_of(other.buy, one.sell)
        return (there, one, other) if there >= back else (back, other, one)


class Symbol:
    """The instruments of a symbol, those with news, and the size that all prices are for."""

    __slots__ = ("legs", "news", "size")

    def __init__(self) -> None:
        """Begin with no instruments."""
        self.legs: dict[str, Leg] = {}
        self.news: dict[str, Leg] = {}
        self.size = 0.0

    def leg(self, book: Book, fees: Fees) -> Leg:
        """Return the leg of a book's instrument; a new one is paired with all others."""
        found = self.legs.get(book.key)
        if found is None:
            found = Leg(book, FILLS_PER_LEG * fees[book.venue, book.market])
            for other in self.legs.values():
                found.pairs[other.key] = other.pairs[found.key] = Pair(found, other)
            self.legs[found.key] = found
            self.news[found.key] = found
        return found

    def price(self) -> None:
        """Compute what the size costs: on the new books, or on all when it is another size. Once for all pairs."""
        books = (leg.book for leg in self.news.values())
        size = next((size_for(book) for book in books if book.bid_prices or book.ask_prices), self.size)
        for leg in (self.news if size == self.size else self.legs).values():
            leg.buy, leg.sell = offered(leg.book, size) if size else (math.inf, 0.0)
        self.size = size


class Board:
    """The symbols of one partition, the pairs by when they were told, and how many spreads were never told."""

    __slots__ = ("_fees", "_now_us", "_resting", "conflated", "news", "symbols")

    def __init__(self, fees: Fees) -> None:
        """Begin with no books; `fees` are those of a taker in all markets."""
        self._fees = fees
        self._now_us = 0
        self._resting: dict[Pair, Symbol] = {}
        self.symbols: dict[str, Symbol] = {}
        self.news: dict[str, Symbol] = {}
        self.conflated = 0

    def take(self, book: Book) -> None:
        """Take a book in, unless it is older than the one we have."""
        symbol = self.symbols.get(book.symbol)
        if symbol is None:
            symbol = self.symbols[book.symbol] = Symbol()
        leg = symbol.leg(book, self._fees)
        known = leg.book
        if (book.epoch, book.sequence) < (known.epoch, known.sequence):
            return
        leg.book = book
        self._now_us = max(self._now_us, book.published_us)
        # The same book again (it is published every second) proves life and is no news.
        if (book.epoch, book.sequence, book.state) != (known.epoch, known.sequence, known.state):
            symbol.news[leg.key] = leg
        if symbol.news:
            self.news[book.symbol] = symbol

    def conclude(self) -> Iterator[Spread]:
        """Return what is to be told now: of the news, and what was held for too long. Time is that of the books."""
        now_us, self._now_us = self._now_us, 0
        for symbol in self.news.values():
            symbol.price()
            # Not of all books: a producer whose clock is ahead and has no news makes no other one's books stale.
            yield from self._of_news(symbol, max(leg.book.published_us for leg in symbol.news.values()))
            symbol.news.clear()
        self.news.clear()
        if now_us:
            yield from self._of_rest(now_us)

    def _of_news(self, symbol: Symbol, now_us: int) -> Iterator[Spread]:
        """Judge every pair with a new book once; a book that may not be traded on has no spread."""
        alive = {key: leg for key, leg in symbol.legs.items() if tradable(leg.book, now_us)}
        for key, leg in symbol.news.items():
            if alive.pop(key, None) is None:
                continue
            received_us = leg.book.first_received_us
            for other_key, other in alive.items():
                both = other_key in symbol.news
                cause_us = min(received_us, other.book.first_received_us) if both else received_us
                found = self._judged(symbol, leg.pairs[other_key], cause_us, now_us)
                if found is not None:
                    yield found

    def _judged(self, symbol: Symbol, pair: Pair, cause_us: int, now_us: int) -> Spread | None:
        """Return a pair's spread when it is to be told now; else hold it, in place of one that was held before."""
        gross, bought, sold = pair.way()
        if gross == NO_WAY:
            return None
        if pair.held_us is not None:
            self.conflated += 1
        pays = gross - (bought.fee + sold.fee) >= PAYS
        rests = pair.told is not None and now_us - pair.told_us < REST_US
        told = (bought.key, bought.buy, sold.sell, symbol.size)
        if rests and (told == pair.told or not (pays or pair.paid)):
            pair.held_us = cause_us
            self._resting.setdefault(pair, symbol)
            return None
        return self._told(symbol, pair, cause_us, now_us)

    def _of_rest(self, now_us: int) -> Iterator[Spread]:
        """Tell what is held of pairs that had no news since their rest; without tradable books it is true no more."""
        while self._resting:
            pair, symbol = next(iter(self._resting.items()))
            # Either way: the times are those of producers' clocks, and one that was set back must hold up nothing.
            if abs(now_us - pair.told_us) < HELD_US:
                return
            del self._resting[pair]
            if pair.held_us is None:
                continue
            if pair.way()[0] != NO_WAY and all(tradable(leg.book, now_us) for leg in pair.legs):
                yield self._told(symbol, pair, pair.held_us, now_us)
            else:
                pair.held_us = None
                self.conflated += 1

    def _told(self, symbol: Symbol, pair: Pair, cause_us: int, now_us: int) -> Spread:
        gross, bought, sold = pair.way()
        fees = bought.fee + sold.fee
        pair.told = (bought.key, bought.buy, sold.sell, symbol.size)
        pair.told_us, pair.held_us, pair.paid = now_us, None, gross - fees >= PAYS
        self._resting.pop(pair, None)
        self._resting[pair] = symbol
        return build(
            bought.book,
            bought.buy,
            sold.book,
            sold.sell,
            size=symbol.size,
            fees=fees,
            first_received_us=cause_us,
            now_us=now_us,
        )


def size_for(book: Book) -> float:
    """Return a power of ten of base currency that is worth about NOTIONAL at this book's price."""
    price = next(iter(book.bid_prices or book.ask_prices), NOTIONAL)
    return 10.0 ** math.floor(math.log10(NOTIONAL / price))
