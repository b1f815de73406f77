"""Books of both generations as changes and snapshots: `seq` and `pseq` become the numbers of the gap rule."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from itertools import chain, zip_longest
from typing import Any, Final

import msgspec

from tapeline.domain import exact
from tapeline.domain.book import BookDelta, BookSnapshot
from tapeline.errors import InvalidMessage
from tapeline.venues.bitget import wire
from tapeline.venues.contract import columns, read

US_PER_MS: Final = 1_000
CHANGES: Final = "books"
WHOLE: Final = frozenset({"books1", "books5", "books15", "books50"})
"""Channels whose every frame is a whole book."""
DEPTH: Final = 500
"""Levels of a side at which a snapshot stops that does not say its depth."""
CHECKED: Final = 25
"""Levels of a side in a checksum."""
LONG: Final = 10**exact.DIGITS
_SIGN: Final = 1 << 31

Plain = Any
"""A book as plain JSON, its numbers as texts; None where nobody needs them."""


def events(books: wire.Books, frame: bytes, received_us: int) -> tuple[BookDelta | BookSnapshot, ...]:
    """Return what a frame says of a book."""
    whole = books.arg.name in WHOLE
    if books.action != "snapshot" and (whole or books.action != "update"):
        raise InvalidMessage("a book is a snapshot or an update", field="action", value=books.action)
    data: tuple[wire.Book, ...] = books.data
    needed = any(book.checksum for book in data) or _suspicious(data, frame)
    plain: list[Plain] = read(TEXTS, frame)["data"] if needed else [None] * len(data)
    native, pairs = books.arg.native, zip(data, plain, strict=True)
    if books.action == "update":
        return tuple([_change(book, native, texts, received_us) for book, texts in pairs])
    return tuple([_snapshot(book, native, texts, received_us, routine=whole) for book, texts in pairs])


def kept_texts(book: wire.Book, plain: Plain) -> exact.Exact | None:
    """Return the texts of a book's levels to keep."""
    if plain is None:
        return None
    bids, asks = ([[str(text) for text in level] for level in side] for side in _sides(book, plain))
    return exact.of_levels(bids, asks)


def checksum(bids: Sequence[Sequence[object]], asks: Sequence[Sequence[object]]) -> int:
    """Return the CRC32, signed, of the texts of the best levels, sides in turn as long as both go on."""
    turns = chain.from_iterable(zip_longest(bids[:CHECKED], asks[:CHECKED], fillvalue=()))
    number = zlib.crc32(":".join(str(text) for level in turns for text in level).encode())
    return number - 2 * _SIGN if number >= _SIGN else number


def _change(book: wire.Book, native: str, plain: Plain, received_us: int) -> BookDelta | BookSnapshot:
    sequence, previous = book.sequence, book.previous
    if sequence is None:
        raise InvalidMessage("a change of a book has a number", field="data[0].seq")
    if previous is not None and (previous == 0 or sequence < previous):
        return _void(book, native, sequence, received_us)
    bid_prices, bid_quantities = columns(book.bids)
    ask_prices, ask_quantities = columns(book.asks)
    return BookDelta(
        native=native,
        follows=previous,
        first=sequence if previous is None else min(previous + 1, sequence),
        sequence=sequence,
        bid_prices=bid_prices,
        bid_quantities=bid_quantities,
        ask_prices=ask_prices,
        ask_quantities=ask_quantities,
        venue_us=book.book_ms * US_PER_MS,
        received_us=received_us,
        exact=kept_texts(book, plain),
    )


def _snapshot(book: wire.Book, native: str, plain: Plain, received_us: int, *, routine: bool) -> BookSnapshot:
    if book.checksum and checksum(*_sides(book, plain)) != book.checksum:
        raise InvalidMessage("the book is not that of its checksum", field="data[0].checksum", value=book.checksum)
    if book.sequence is None and not routine:
        raise InvalidMessage("a book that changes has a number", field="data[0].seq")
    bid_prices, bid_quantities = columns(book.bids)
    ask_prices, ask_quantities = columns(book.asks)
    return BookSnapshot(
        native=native,
        # Shallow books of v2 have no number; their time rises as well.
        sequence=book.book_ms if book.sequence is None else book.sequence,
        replaces=True,
        routine=routine,
        limit=None if routine else book.depth or DEPTH,
        bid_prices=bid_prices,
        bid_quantities=bid_quantities,
        ask_prices=ask_prices,
        ask_quantities=ask_quantities,
        venue_us=book.book_ms * US_PER_MS,
        received_us=received_us,
        exact=kept_texts(book, plain),
    )


def _void(book: wire.Book, native: str, sequence: int, received_us: int) -> BookSnapshot:
    """Return a book of nothing: the server began anew, and a change of its new book continues no other.

    A delta would not do: right after a snapshot one that reaches back is applied, and an old one ignored.
    """
    return BookSnapshot(
        native=native,
        sequence=sequence,
        replaces=True,
        bid_prices=(),
        bid_quantities=(),
        ask_prices=(),
        ask_quantities=(),
        venue_us=book.book_ms * US_PER_MS,
        received_us=received_us,
    )


def _suspicious(data: tuple[wire.Book, ...], frame: bytes) -> bool:
    """Tell whether a level may be too long for a double; the book's own numbers, often as long, are none of its."""
    for book in data:
        for number in (book.sequence, book.previous):
            if number is not None and number > LONG:
                frame = frame.replace(b'seq":%d' % number, b"")
    return exact.suspicious(frame)


def _sides(book: wire.Book, plain: Plain) -> tuple[list[Any], list[Any]]:
    """Return bids and asks by the names of the book's generation."""
    return (plain["b"], plain["a"]) if isinstance(book, wire.UnifiedBook) else (plain["bids"], plain["asks"])


TEXTS: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(float_hook=str)
"""Plain JSON, in which fractions that stand as numbers come as their own text."""
