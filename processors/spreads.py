"""The spreads agent: the newest book of each instrument in, one spread per pair of a symbol's venues out, net of fees.

`faust -A processors.spreads worker -l info` runs it alone. What a spread is says `tapeline.domain.spread`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Final

from processors import commandline
from processors.agent import Agent, Output
from tapeline.domain import spread
from tapeline.domain.events import Book
from tapeline.runtime import metrics
from tapeline.venues.registry import VENUES

NOTIONAL: Final = 1_000.0
"""About how much a spread is computed for, in quote currency; the size is a power of ten in base currency."""
WARM_UP_S: Final = 2.0
"""A valid book is published again every second, and one older than this is stale."""

FEES: Final[spread.Fees] = {
    (venue.id, market): float(feed.facts.taker_fee) for venue in VENUES.values() for market, feed in venue.feeds.items()
}
TRADED: Final[spread.Fees] = {place: fee for place, fee in FEES.items() if VENUES[place[0]].is_traded}
"""Those of the markets in which a strategy may want something."""


class Board:
    """The newest book of each instrument in one partition, by symbol, and the symbols with news."""

    __slots__ = ("books", "news")

    def __init__(self) -> None:
        """Begin with no books."""
        self.books: dict[str, dict[str, Book]] = {}
        self.news: dict[str, dict[str, Book]] = {}


def take(board: Board, book: Book) -> tuple[Output, ...]:
    """Take a book in, unless it is older than the one we have; nothing follows before the batch is whole."""
    of_symbol = board.books.setdefault(book.symbol, {})
    known = of_symbol.get(book.key)
    if known is not None and (book.epoch, book.sequence) < (known.epoch, known.sequence):
        return ()
    of_symbol[book.key] = book
    # The same book again (it is published every second) proves life and is no news.
    if known is None or (book.epoch, book.sequence, book.state) != (known.epoch, known.sequence, known.state):
        board.news.setdefault(book.symbol, {})[book.key] = book
    return ()


def conclude(board: Board) -> Iterator[Output]:
    """Return the spreads between the new books and all others of their symbols."""
    for symbol, news in board.news.items():
        now_us = max(book.published_us for book in news.values())
        found, _ = spread.spreads(
            board.books[symbol].values(),
            size=size_for(next(iter(news.values()))),
            fees=FEES,
            causes=news.keys(),
            now_us=now_us,
            published_us=now_us,
        )
        for one in found:
            yield Output("signal.spread", one.key, one)
    board.news.clear()


def measure(output: Output) -> None:
    """Show the newest spread of each pair of instruments."""
    one = output.value
    if isinstance(one, spread.Spread):
        buy, sell = f"{one.buy_venue}:{one.buy_market}", f"{one.sell_venue}:{one.sell_market}"
        metrics.SPREAD_NET.set(one.net, symbol=one.symbol, buy=buy, sell=sell)


def size_for(book: Book) -> float:
    """Return a power of ten of base currency that is worth about NOTIONAL at this book's price."""
    price = next(iter(book.bid_prices or book.ask_prices), NOTIONAL)
    return 10.0 ** math.floor(math.log10(NOTIONAL / price))


SPREADS: Final = Agent(
    name="spreads",
    reads=("md.book",),
    writes=("signal.spread",),
    fresh=Board,
    decide=take,
    conclude=conclude,
    newest=frozenset({"md.book"}),
    warm_up_s=WARM_UP_S,
    measure=measure,
)

__getattr__: Callable[[str], object] = commandline.app_of("spreads", lambda _: (SPREADS,))
"""Makes `app` when Faust's command asks for it, and not when this module is imported."""
