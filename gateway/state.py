"""The newest of everything: books, spreads, processes; what is stale or offline is judged by the time that is given.

A record that is older than what is known changes nothing: of books the lower epoch and sequence, of spreads the older
inputs, of heartbeats the earlier time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from gateway import naming, views
from gateway.naming import Place
from gateway.views import BookView, ProcessView, SpreadView
from tapeline.domain import spelling
from tapeline.domain.events import Book, BookState, Heartbeat, Market
from tapeline.domain.partition import instrument_key
from tapeline.domain.spread import Spread

FORGOTTEN_AFTER_US: Final = 86_400_000_000
"""A process that has said nothing for a day is no longer shown: its topic keeps the last word of each for ever."""


class PairKey(NamedTuple):
    """Two instruments of one symbol, in one order whichever way the spread goes."""

    symbol: str
    one: str
    other: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """How many books may be decided on, and the age of the newest."""

    valid: int
    stale: int
    newest_age_s: float | None


class Turned(NamedTuple):
    """What has become stale or offline since it was last asked, by nothing but time."""

    books: tuple[Book, ...]
    processes: tuple[Heartbeat, ...]


class State:
    """What a gateway knows; one per process, changed by what is read and read by everything else."""

    def __init__(self) -> None:
        """Begin with nothing known."""
        self._books: dict[str, Book] = {}
        self._spreads: dict[PairKey, Spread] = {}
        self._beats: dict[str, Heartbeat] = {}
        # What was valid or online when it came and has not been told to be otherwise yet.
        self._fresh: dict[str, Book] = {}
        self._online: dict[str, Heartbeat] = {}

    def take_book(self, book: Book, now_us: int) -> bool:
        """Take a book in; False when a newer one is known."""
        known = self._books.get(book.key)
        if known is not None and _book_order(book) < _book_order(known):
            return False
        self._books[book.key] = book
        if views.book_state(book, now_us) == "valid":
            self._fresh[book.key] = book
        else:
            self._fresh.pop(book.key, None)
        return True

    def take_spread(self, spread: Spread) -> bool:
        """Take a spread in; False when a newer one of its two instruments is known."""
        key = pair_key(spread)
        known = self._spreads.get(key)
        if known is not None and _spread_order(spread) < _spread_order(known):
            return False
        self._spreads[key] = spread
        return True

    def take_heartbeat(self, beat: Heartbeat, now_us: int) -> bool:
        """Take a heartbeat in; False when a newer one of its process is known, or when it is from another day."""
        known = self._beats.get(beat.process)
        if now_us - beat.at_us > FORGOTTEN_AFTER_US or (known is not None and beat.at_us < known.at_us):
            return False
        self._beats[beat.process] = beat
        if views.process_status(beat, now_us) == "online":
            self._online[beat.process] = beat
        else:
            self._online.pop(beat.process, None)
        return True

    def turned(self, now_us: int) -> Turned:
        """Return what time alone has made stale or offline, each once."""
        books = tuple(book for book in self._fresh.values() if views.book_state(book, now_us) == "stale")
        processes = tuple(beat for beat in self._online.values() if views.process_status(beat, now_us) == "offline")
        for book in books:
            del self._fresh[book.key]
        for beat in processes:
            del self._online[beat.process]
        return Turned(books, processes)

    @property
    def symbols(self) -> frozenset[str]:
        """Return every symbol of which there is a book or a spread."""
        return frozenset({book.symbol for book in self._books.values()} | {key.symbol for key in self._spreads})

    def books(self) -> tuple[Book, ...]:
        """Return the newest book of each instrument."""
        return tuple(self._books.values())

    def spreads(self) -> tuple[Spread, ...]:
        """Return the newest spread of each two instruments."""
        return tuple(self._spreads.values())

    def spread_state(self, spread: Spread, now_us: int) -> BookState:
        """Return `valid` when both books of a spread may be decided on now."""
        legs = (
            instrument_key(spread.buy_venue, spread.buy_market, spread.symbol),
            instrument_key(spread.sell_venue, spread.sell_market, spread.symbol),
        )
        known = [self._books.get(leg) for leg in legs]
        alive = all(book is not None and views.book_state(book, now_us) == "valid" for book in known)
        return "valid" if alive else "stale"

    def find(self, venue: str, market: Market, pair: str, *, depth: int, now_us: int) -> BookView | naming.Unknown:
        """Return the book that a person means, or why there is none."""
        places = [Place(book.venue, book.market, book.symbol) for book in self._books.values()]
        found = naming.find(places, venue, market, pair)
        if isinstance(found, naming.Unknown):
            return found
        book = self._books[instrument_key(*found)]
        return views.book(book, views.book_state(book, now_us), depth)

    def find_spreads(self, pair: str, now_us: int) -> tuple[SpreadView, ...] | naming.Unknown:
        """Return the spreads of the symbol that a person means, or why there are none."""
        symbols = self.symbols
        symbol = naming.known_as(pair, spelling.spellings(symbols))
        if symbol is None:
            return naming.Unknown(f"nothing is known of {naming.shown(pair)}: {naming.hint(pair, symbols)}")
        of_symbol = (spread for key, spread in self._spreads.items() if key.symbol == symbol)
        return tuple(views.spread(spread, self.spread_state(spread, now_us)) for spread in of_symbol)

    def processes(self, now_us: int) -> tuple[ProcessView, ...]:
        """Return every process that has said something within a day, by name."""
        known = sorted(self._beats.values(), key=lambda beat: beat.process)
        return tuple(views.process(beat, now_us) for beat in known if now_us - beat.at_us <= FORGOTTEN_AFTER_US)

    def count(self, now_us: int) -> Books:
        """Count the books."""
        states = [views.book_state(book, now_us) for book in self._books.values()]
        newest_us = max((book.published_us for book in self._books.values()), default=None)
        return Books(
            valid=states.count("valid"),
            stale=states.count("stale"),
            newest_age_s=None if newest_us is None else views.seconds(now_us - newest_us),
        )


def pair_key(spread: Spread) -> PairKey:
    """Return what a spread is the newest of: its two instruments, whichever is bought."""
    legs = (f"{spread.buy_venue}:{spread.buy_market}", f"{spread.sell_venue}:{spread.sell_market}")
    return PairKey(spread.symbol, min(legs), max(legs))


def _book_order(book: Book) -> tuple[int, int, int]:
    return (book.epoch, book.sequence, book.published_us)


def _spread_order(spread: Spread) -> tuple[int, int]:
    return (spread.received_us, spread.published_us)
