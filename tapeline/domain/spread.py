"""Prices of a size and spreads between venues, net of fees: a stale book has no price, and too short a book refuses.

All values are floats from books, computed the same way twice: a signal's id is made of its inputs alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Final
from uuid import UUID, uuid5

import msgspec

from tapeline.domain.events import Book, Market

AGENT: Final = "spreads"
STALE_AFTER_US: Final = 2_000_000
"""A book that was published longer ago is stale whatever it says: valid ones come again every second."""
FILLS_PER_LEG: Final = 2
"""A spread is earned by going in and out again on both legs: four fills, each with its fee."""
NO_WAY: Final = -1.0
"""The gross of a way on which one side is too short for the size."""
_NAMESPACE: Final = UUID("b8b2b0a4-3f0f-5d1c-9d0e-5f6c7a3e21d4")

Fees = Mapping[tuple[str, Market], float]
"""Taker fee as a fraction, by venue and market."""


class Short(msgspec.Struct, frozen=True):
    """The book is too short for the size: only so much stands there."""

    available: float


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """A price on one instrument, and the book it was read from."""

    venue: str
    market: Market
    price: float
    quantity: float
    epoch: int
    sequence: int


class Best(msgspec.Struct, frozen=True, kw_only=True):
    """The best bid and ask of a symbol over all instruments that have a price; None where none has."""

    symbol: str
    bid: Quote | None
    ask: Quote | None


class Spread(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What buying on one book and selling on another would earn, field for field as in `schemas/avro/Spread.avsc`."""

    signal_id: str
    symbol: str
    quantity: float
    buy_venue: str
    buy_market: Market
    buy_epoch: int
    buy_sequence: int
    buy_price: float
    sell_venue: str
    sell_market: Market
    sell_epoch: int
    sell_sequence: int
    sell_price: float
    gross: float
    fees: float
    net: float
    first_received_us: int
    received_us: int
    published_us: int

    @property
    def key(self) -> str:
        """Return the record's key: the symbol."""
        return self.symbol


def average_price(prices: Iterable[float], quantities: Iterable[float], size: float) -> float | Short:
    """Return the average price at which a size executes over levels, best first; Short when they hold less."""
    if not size > 0:
        message = f"a size is more than nothing, not {size}"
        raise ValueError(message)
    left, paid = size, 0.0
    for price, quantity in zip(prices, quantities, strict=True):
        if quantity >= left:
            return price if left == size else (paid + price * left) / size
        paid += price * quantity
        left -= quantity
    return Short(size - left)


def tradable(book: Book, now_us: int) -> bool:
    """Tell whether a book may be traded on: valid, and not published more than two seconds ago."""
    return book.state == "valid" and now_us - book.published_us <= STALE_AFTER_US


def best(symbol: str, books: Iterable[Book], now_us: int) -> Best:
    """Return the best bid and ask of the symbol over the tradable books; of equal prices the first book's stands."""
    bid: Quote | None = None
    ask: Quote | None = None
    for book in books:
        if book.symbol != symbol or not tradable(book, now_us):
            continue
        if book.bid_prices and (bid is None or book.bid_prices[0] > bid.price):
            bid = _quote(book, book.bid_prices[0], book.bid_quantities[0])
        if book.ask_prices and (ask is None or book.ask_prices[0] < ask.price):
            ask = _quote(book, book.ask_prices[0], book.ask_quantities[0])
    return Best(symbol=symbol, bid=bid, ask=ask)


def offered(book: Book, size: float) -> tuple[float, float]:
    """Return for how much a size is bought and sold on a book; on a side that is too short for infinity and nothing.

    So a way that is too short earns less than any other, -1, and needs no rule of its own.
    """
    buy = average_price(book.ask_prices, book.ask_quantities, size)
    sell = average_price(book.bid_prices, book.bid_quantities, size)
    return math.inf if isinstance(buy, Short) else buy, 0.0 if isinstance(sell, Short) else sell


def gross_of(buy: float, sell: float) -> float:
    """Return what buying and selling at these prices earns before fees, as a fraction; NO_WAY when a side is short."""
    return sell / buy - 1


def build(
    bought: Book, buy: float, sold: Book, sell: float, *, size: float, fees: float, first_received_us: int, now_us: int
) -> Spread:
    """Return the spread of buying a size on one book and selling it on another, with the fees of all four fills."""
    gross = gross_of(buy, sell)
    return Spread(
        signal_id=signal_id(bought, sold, size),
        symbol=bought.symbol,
        quantity=size,
        buy_venue=bought.venue,
        buy_market=bought.market,
        buy_epoch=bought.epoch,
        buy_sequence=bought.sequence,
        buy_price=buy,
        sell_venue=sold.venue,
        sell_market=sold.market,
        sell_epoch=sold.epoch,
        sell_sequence=sold.sequence,
        sell_price=sell,
        gross=gross,
        fees=fees,
        net=gross - fees,
        first_received_us=first_received_us,
        received_us=max(bought.received_us, sold.received_us),
        published_us=now_us,
    )


def signal_id(bought: Book, sold: Book, size: float) -> str:
    """Return the id of a spread: the same inputs give the same id, whoever computes it and when."""
    legs = "|".join(f"{book.key}@{book.epoch}.{book.sequence}" for book in (bought, sold))
    return str(uuid5(_NAMESPACE, f"{AGENT}|{legs}|{size!r}"))


def _quote(book: Book, price: float, quantity: float) -> Quote:
    return Quote(
        venue=book.venue,
        market=book.market,
        price=price,
        quantity=quantity,
        epoch=book.epoch,
        sequence=book.sequence,
    )
