"""What the pure parts ask of their shell: publish this, fetch that; the order of a list is the order of doing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from tapeline.domain.events import Book, DeltaBatch, Funding, Gap, Trade


class Emit(msgspec.Struct, frozen=True):
    """Publish a record behind those before it."""

    record: DeltaBatch | Gap | Trade | Funding


class BookChanged(msgspec.Struct, frozen=True):
    """Publish the newest book: it has news, received at this time; None for the same book again."""

    received_us: int | None


class Fetch(msgspec.Struct, frozen=True):
    """Get something and report back: a snapshot to repair the book, a book to check it against, recent trades.

    A snapshot of a venue whose stream sends it is had by subscribing that one book anew. `stream` is to do so where
    snapshots come another way, and the stream itself has fallen silent.
    """

    what: Literal["snapshot", "check", "trades", "stream"]
    at_us: int = 0
    """When a stream was found silent."""


Effect = Emit | BookChanged | Fetch
Effects = list[Effect]

TOPICS: Final[Mapping[type[Book | DeltaBatch | Trade | Gap | Funding], str]] = {
    Book: "md.book",
    DeltaBatch: "md.delta",
    Trade: "md.trade",
    Gap: "md.gap",
    Funding: "md.funding",
}
