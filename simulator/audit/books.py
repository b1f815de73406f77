"""The published books of one instrument against our own: a stored whole book, and after it the journal's changes.

A row is compared with what the market's book was at the row's sequence, whatever the pipeline thought of it. A whole
book that is stored later must be what the book before it became, as far as both are known.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby

import msgspec

from simulator.audit.findings import Findings, never
from simulator.audit.rows import BookRow, Column, Instrument, LevelRow
from simulator.journal import Delta, PriceLevel
from tapeline.runtime import clock


class Whole(msgspec.Struct, frozen=True):
    """A stored whole book, best levels first."""

    epoch: int
    sequence: int
    at_us: int
    bid_prices: Column
    bid_quantities: Column
    ask_prices: Column
    ask_quantities: Column


class Side:
    """One side of a book: keys rise away from the best one, which is first; bids have negated prices for keys."""

    __slots__ = ("_keys", "_quantities", "_sign", "_worst")

    def __init__(self, sign: int, prices: Column, quantities: Column) -> None:
        """Take the levels of a whole book; `sign` is -1 for bids, 1 for asks."""
        levels = sorted((sign * price, quantity) for price, quantity in zip(prices, quantities, strict=True))
        self._sign = sign
        self._keys = [key for key, _ in levels]
        self._quantities = [quantity for _, quantity in levels]
        # Behind this one there may be levels that the whole book did not show.
        self._worst = self._keys[-1] if levels else None

    def change(self, levels: Iterable[PriceLevel]) -> None:
        """Set each price to its quantity; zero takes the level away."""
        keys, quantities = self._keys, self._quantities
        for price, text in levels:
            key, quantity = self._sign * float(price), float(text)
            at = bisect_left(keys, key)
            there = at < len(keys) and keys[at] == key
            if there and quantity:
                quantities[at] = quantity
            elif there:
                del keys[at], quantities[at]
            elif quantity:
                keys.insert(at, key)
                quantities.insert(at, quantity)

    def known(self) -> int:
        """Return how many levels are known without a hole."""
        if self._worst is None:
            return 0
        at = bisect_left(self._keys, self._worst)
        return at + (at < len(self._keys) and self._keys[at] == self._worst)

    def same(self, prices: Column, quantities: Column, count: int) -> bool:
        """Tell whether the best `count` levels are these."""
        sign = self._sign
        keys = self._keys[:count] if sign > 0 else [-key for key in self._keys[:count]]
        return tuple(keys) == prices[:count] and tuple(self._quantities[:count]) == quantities[:count]

    def agrees(self, other: Side) -> bool:
        """Tell whether the levels that both sides know without a hole are the same."""
        count = min(self.known(), other.known())
        return self._keys[:count] == other._keys[:count] and self._quantities[:count] == other._quantities[:count]

    def shown(self, prices: Column, quantities: Column, depth: int) -> bool:
        """Tell whether this is our top: equal, not longer than asked for, and nothing known left out."""
        count = len(prices)
        if depth and count > depth:
            return False
        if (not depth or count < depth) and count < min(depth or len(self._keys), self.known()):
            return False
        return self.same(prices, quantities, count)


class Book:
    """A book at a sequence."""

    __slots__ = ("asks", "bids")

    def __init__(self, whole: Whole) -> None:
        """Begin with a whole book."""
        self.bids = Side(-1, whole.bid_prices, whole.bid_quantities)
        self.asks = Side(1, whole.ask_prices, whole.ask_quantities)

    def change(self, message: Delta) -> None:
        """Take the next changes."""
        self.bids.change(message.bids)
        self.asks.change(message.asks)

    def shows(self, row: BookRow) -> bool:
        """Tell whether a published book is the top of this one."""
        return self.bids.shown(row.bid_prices, row.bid_quantities, row.depth) and self.asks.shown(
            row.ask_prices, row.ask_quantities, row.depth
        )

    def became(self, other: Book) -> bool:
        """Tell whether a later book agrees with this one, as far as both are known."""
        return self.bids.agrees(other.bids) and self.asks.agrees(other.asks)


def wholes(rows: Iterable[LevelRow]) -> list[Whole]:
    """Return the whole books among the rows of orderbook_deltas, by sequence."""
    own = sorted((row for row in rows if row.kind == "snapshot"), key=lambda row: (row.sequence, row.epoch))
    return [_whole(list(found)) for _, found in groupby(own, key=lambda row: (row.sequence, row.epoch))]


def check_books(
    of: Instrument,
    messages: Sequence[Delta],
    whole: Sequence[Whole],
    rows: Iterable[BookRow],
    findings: Findings,
    *,
    until_us: int | None = None,
    unseen: Callable[[int], bool] = never,
) -> None:
    """Check every valid row; messages, whole books and rows come in order of their sequence.

    One that is wrong when nobody can know it, by `unseen`, is counted by itself.
    """
    rebuilt = _Rebuilt(of, messages, whole, findings, unseen)
    for row in rows:
        if row.state != "valid" or (until_us is not None and row.at_us > until_us):
            continue
        findings.books += 1
        if row.bid_prices and row.ask_prices and row.bid_prices[0] >= row.ask_prices[0]:
            findings.crossed += 1
            told = f"bid {row.bid_prices[0]!r} meets ask {row.ask_prices[0]!r}"
            findings.say("crossed book", f"{_where(of, row)} is crossed: {told}")
        book = rebuilt.at(row.sequence)
        right = book is not None and book.shows(row)
        if not right and unseen(row.at_us):
            findings.unseen_books += 1
        elif not right:
            findings.wrong += 1
            reason = "has no whole book before it" if book is None else "is not what the market's book was"
            findings.say("wrong book", f"{_where(of, row)} {reason}")
    if whole:
        # Also those behind the last row.
        _ = rebuilt.at(whole[-1].sequence)


def _where(of: Instrument, row: BookRow) -> str:
    return f"{of} book: the valid book {row.sequence} of epoch {row.epoch} at {clock.iso(row.at_us)}"


class _Rebuilt:
    """Our own book, which goes from row to row."""

    def __init__(
        self,
        of: Instrument,
        messages: Sequence[Delta],
        whole: Sequence[Whole],
        findings: Findings,
        unseen: Callable[[int], bool],
    ) -> None:
        self._of = of
        self._messages: Iterator[Delta] = iter(messages)
        self._next = next(self._messages, None)
        self._wholes = iter(whole)
        self._coming = next(self._wholes, None)
        self._findings = findings
        self._unseen = unseen
        self._book: Book | None = None

    def at(self, sequence: int) -> Book | None:
        """Return the book at a sequence, which is not below that of the last call; None before the first whole one."""
        while self._coming is not None and self._coming.sequence <= sequence:
            whole = self._coming
            self._go(whole.sequence)
            agree = self._book is None or self._agree(self._book, Book(whole), whole.sequence)
            if not agree and not self._unseen(whole.at_us):
                told = f"the whole book {whole.sequence} of epoch {whole.epoch} at {clock.iso(whole.at_us)}"
                self._findings.say("wrong snapshot", f"{self._of} book: {told} is not what the market's book was")
            self._book = Book(whole)
            self._coming = next(self._wholes, None)
        self._go(sequence)
        return self._book

    def _agree(self, ours: Book, told: Book, sequence: int) -> bool:
        """Compare after the message whose numbers the whole book lies inside, where it does: it shows a part of it."""
        if self._next is not None and self._next.first <= sequence:
            ours.change(self._next)
            told.change(self._next)
        return ours.became(told)

    def _go(self, sequence: int) -> None:
        """Take the journal's changes up to a sequence."""
        while self._next is not None and self._next.sequence <= sequence:
            if self._book is not None:
                self._book.change(self._next)
            self._next = next(self._messages, None)


def _whole(rows: Sequence[LevelRow]) -> Whole:
    # A row that is there twice is one level.
    bids = {row.price: row.quantity for row in rows if row.side == "bid"}
    asks = {row.price: row.quantity for row in rows if row.side == "ask"}
    first = rows[0]
    return Whole(
        first.epoch,
        first.sequence,
        first.at_us,
        tuple(sorted(bids, reverse=True)),
        tuple(bids[price] for price in sorted(bids, reverse=True)),
        tuple(sorted(asks)),
        tuple(asks[price] for price in sorted(asks)),
    )
