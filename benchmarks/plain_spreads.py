"""The plain way to spreads, every pair at every news and all of them told: beside it ours is measured and proved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import combinations

from processors.agent import Agent, Output
from processors.spread_board import size_for
from processors.spreads import WARM_UP_S, show
from tapeline.domain.events import Book
from tapeline.domain.spread import FILLS_PER_LEG, Fees, Short, Spread, average_price, build, tradable


class PlainBoard:
    """The newest book of each instrument and what is new, by symbol."""

    def __init__(self, fees: Fees) -> None:
        """Begin with no books."""
        self._fees = fees
        self.books: dict[str, dict[str, Book]] = {}
        self.news: dict[str, dict[str, Book]] = {}

    def take(self, book: Book) -> None:
        """Take a book in, unless it is older than the one we have."""
        of_symbol = self.books.setdefault(book.symbol, {})
        known = of_symbol.get(book.key)
        if known is not None and (book.epoch, book.sequence) < (known.epoch, known.sequence):
            return
        of_symbol[book.key] = book
        if known is None or (book.epoch, book.sequence, book.state) != (known.epoch, known.sequence, known.state):
            self.news.setdefault(book.symbol, {})[book.key] = book

    def conclude(self) -> Iterator[Spread]:
        """Return the spreads between the new books and all others of their symbols."""
        for symbol, news in self.news.items():
            now_us = max(book.published_us for book in news.values())
            yield from _spreads(self.books[symbol], news, self._fees, now_us)
        self.news.clear()


def agent(fees: Fees) -> Agent[PlainBoard]:
    """Return the agent that tells every spread."""
    return Agent(
        name="spreads",
        reads=("md.book",),
        writes=("signal.spread",),
        fresh=partial(PlainBoard, fees),
        decide=_take,
        conclude=_conclude,
        newest=frozenset({"md.book"}),
        warm_up_s=WARM_UP_S,
        measure=_measure,
    )


def _take(board: PlainBoard, book: Book) -> tuple[Output, ...]:
    board.take(book)
    return ()


def _conclude(board: PlainBoard) -> Iterator[Output]:
    return (Output("signal.spread", one.key, one) for one in board.conclude())


def _measure(board: PlainBoard, outputs: Sequence[Output]) -> None:
    del board
    show(outputs)


def _spreads(books: Mapping[str, Book], news: Mapping[str, Book], fees: Fees, now_us: int) -> Iterator[Spread]:
    size = size_for(next(iter(news.values())))
    alive = sorted((book for book in books.values() if tradable(book, now_us)), key=lambda book: book.key)
    buys = {book.key: average_price(book.ask_prices, book.ask_quantities, size) for book in alive}
    sells = {book.key: average_price(book.bid_prices, book.bid_quantities, size) for book in alive}
    for pair in combinations(alive, 2):
        caused = [book.first_received_us for book in pair if book.key in news]
        if not caused:
            continue
        ways: list[tuple[float, Book, float, Book, float]] = []
        for bought, sold in (pair, pair[::-1]):
            buy, sell = buys[bought.key], sells[sold.key]
            if not isinstance(buy, Short) and not isinstance(sell, Short):
                ways.append((sell / buy - 1, bought, buy, sold, sell))
        if ways:
            _, bought, buy, sold, sell = max(ways, key=lambda way: way[0])
            fee = FILLS_PER_LEG * (fees[bought.venue, bought.market] + fees[sold.venue, sold.market])
            yield build(bought, buy, sold, sell, size=size, fees=fee, first_received_us=min(caused), now_us=now_us)
