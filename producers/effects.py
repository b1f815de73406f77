"""What the pure parts ask of their shell: publish this, fetch that; the order of a list is the order of doing."""

from __future__ import annotations

from typing import Literal

import msgspec

from tapeline.domain.events import DeltaBatch, Funding, Gap, Trade


class Emit(msgspec.Struct, frozen=True):
    """Publish a record behind those before it."""

    record: DeltaBatch | Gap | Trade | Funding


class BookChanged(msgspec.Struct, frozen=True):
    """Publish the newest book: it has news, received at this time; None for the same book again."""

    received_us: int | None


class Fetch(msgspec.Struct, frozen=True):
    """Get something and report back: a snapshot to repair the book, a book to check it against, recent trades.

    A snapshot of a venue whose stream sends it is had by subscribing that one book anew.
    """

    what: Literal["snapshot", "check", "trades"]


Effect = Emit | BookChanged | Fetch
Effects = list[Effect]
