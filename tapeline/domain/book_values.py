"""What goes into a book's keeper and what it says after each: changes, whole books, holes, outcomes; values alone."""

from __future__ import annotations

from typing import Final

import msgspec

from tapeline.domain.checksum import Check
from tapeline.domain.events import GapCause
from tapeline.domain.exact import Exact
from tapeline.domain.levels import Column


class BookDelta(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Changes of one book: everything after `follows` up to and including `sequence`; quantity 0 deletes a level.

    `follows` is None where the venue does not say it and its numbers leave some out: any higher number is the next one.
    `check` is the venue's checksum of the book after the change.
    """

    native: str
    follows: int | None
    first: int
    sequence: int
    bid_prices: Column
    bid_quantities: Column
    ask_prices: Column
    ask_quantities: Column
    venue_us: int | None = None
    received_us: int
    exact: Exact | None = None
    check: Check | None = None


class BookSnapshot(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A whole book at `sequence`: `replaces` where the stream itself sent it, so that it holds whatever stood before.

    `limit` is the number of levels that it was asked with, None where it holds all that the stream will ever change.
    `routine` is one of a stream that tells each change, or repeats itself, by whole books: nothing is missed by it. One
    that does not replace is the answer to a question that each change leads to, and answers may overtake each other.
    `asked_us` is when it was asked for over REST: an answer is older than its receipt, by as long as it was on its way.
    """

    native: str
    sequence: int
    replaces: bool
    routine: bool = False
    limit: int | None = None
    bid_prices: Column
    bid_quantities: Column
    ask_prices: Column
    ask_quantities: Column
    venue_us: int | None = None
    asked_us: int | None = None
    received_us: int
    exact: Exact | None = None
    check: Check | None = None

    @property
    def stood_us(self) -> int:
        """Return a time at which it was right, at the latest: what changed between that and its receipt it lacks."""
        return self.venue_us or self.asked_us or self.received_us


class Hole(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a gap record says; open until a snapshot closes it. Times are the venue's where it gives one."""

    epoch: int
    from_id: str | None
    start_us: int
    cause: GapCause
    detail: str | None = None
    to_id: str | None = None
    to_epoch: int | None = None
    end_us: int | None = None


class Applied(msgspec.Struct, frozen=True):
    """The delta is in the book: publish both; `change` in its place, where levels fell out of a window by it."""

    change: BookDelta | None = None


class Ignored(msgspec.Struct, frozen=True):
    """Nothing changed, for this reason."""

    reason: str


class Kept(msgspec.Struct, frozen=True):
    """There is no valid book: the delta waits for a snapshot."""


class WentStale(msgspec.Struct, frozen=True):
    """The book is no longer to be trusted: publish it as stale, then the hole, and get a snapshot."""

    hole: Hole


class Restored(msgspec.Struct, frozen=True):
    """The book is valid: publish the closed hole if any, the snapshot, then the kept changes that continue it."""

    snapshot: BookSnapshot
    changes: tuple[BookDelta, ...]
    hole: Hole | None


class Unusable(msgspec.Struct, frozen=True):
    """The snapshot does not help, for this reason: get another one, unless the book is valid."""

    reason: str


class Refreshed(msgspec.Struct, frozen=True):
    """The valid book is known as deep as the snapshot, and nothing was missed: there is nothing to publish."""


class Top(msgspec.Struct, frozen=True, gc=False):
    """The best levels of both sides as columns, best first, with the texts that a double cannot hold."""

    bid_prices: Column
    bid_quantities: Column
    ask_prices: Column
    ask_quantities: Column
    exact: Exact | None = None


APPLIED: Final = Applied()
KEPT: Final = Kept()
REFRESHED: Final = Refreshed()
OLD: Final = Ignored("the book has it")
ALREADY_STALE: Final = Ignored("there is no valid book")
