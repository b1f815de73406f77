"""The way from the venue's tick to the fill: each station's time, by whose clock, and how long after the one before.

Clocks of a venue and of the database are their own: a hop between two of them may be below zero.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tapeline.cli.explain_parts import BookPart, Hop
from tapeline.runtime import clock
from tapeline.runtime.trading_story import Story

_VENUE: Final = "venue"
_PRODUCER: Final = "producer"
_DATABASE: Final = "database"
_EXECUTOR: Final = "executor"
_RECORD: Final = "newest record"
"""A decision is made at the time of the record that woke it, never by the wall clock."""


def hops(story: Story, books: tuple[BookPart, ...]) -> tuple[Hop, ...]:
    """Return the stations in order; one whose time is unknown stands there without.

    Of an intent those of its first order count.
    """
    row = story.intent
    orders = story.orders if story.order is None else (story.order,)
    tick = cause(books, row.first_received_us)
    filled = [one.filled_us for one in story.fills]
    stations = (
        ("venue", _VENUE, None if tick is None else tick.venue_us),
        ("received", _PRODUCER, row.first_received_us or (None if tick is None else tick.received_us)),
        ("published", _PRODUCER, None if tick is None else tick.published_us),
        ("decided", _RECORD, row.decided_us),
        ("taken", _DATABASE, row.taken_us),
        ("sent", _EXECUTOR, _first(one.sent_us for one in orders)),
        ("answered", _EXECUTOR, _first(one.answered_us for one in orders)),
        ("first fill", _VENUE, min(filled, default=None)),
        ("last fill", _VENUE, max(filled, default=None)),
    )
    found: list[Hop] = []
    before: int | None = None
    for name, whose, at_us in stations:
        found.append(
            Hop(
                hop=name,
                clock=whose,
                time=None if at_us is None else clock.iso(at_us),
                at_us=at_us,
                after_us=None if at_us is None or before is None else at_us - before,
            )
        )
        before = before if at_us is None else at_us
    return tuple(found)


def _first(times: Iterable[int | None]) -> int | None:
    return min((at_us for at_us in times if at_us is not None), default=None)


def cause(books: tuple[BookPart, ...], first_received_us: int | None) -> BookPart | None:
    """Return the book whose frame was the tick: the one with that receipt, else the one that was received last."""
    for book in books:
        if first_received_us is not None and book.first_received_us == first_received_us:
            return book
    return max(books, key=lambda book: book.received_us, default=None)
