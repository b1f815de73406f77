"""What a market feed asks of its shell: send this, fetch that, open anew, tell a person; the shell decides nothing."""

from __future__ import annotations

import msgspec

from producers.pool import Slot
from tapeline.venues.contract import Want


class Send(msgspec.Struct, frozen=True):
    """Send a frame on a socket; report by `sent` when it has gone out, for the venue bounds how many may."""

    slot: Slot
    frame: bytes
    urgent: bool = False
    books: tuple[str, ...] = ()
    """The native names of the books that it asks for."""
    request: int | None = None
    """The number of what it asks for; None where it asks for no stream."""


class FetchBook(msgspec.Struct, frozen=True):
    """Fetch a book over REST, to repair or to check; report by `book_fetched` or `book_failed`."""

    native: str
    check: bool


class FetchTrades(msgspec.Struct, frozen=True):
    """Fetch recent trades over REST; report by `trades_fetched` or `trades_failed`."""

    native: str


class FetchFunding(msgspec.Struct, frozen=True):
    """Fetch the funding of a perpetual over REST; report by `funding_fetched`; it is asked for again anyway."""

    native: str


class Answered(msgspec.Struct, frozen=True):
    """The venue has answered our ping on this socket."""

    slot: Slot


class Reopen(msgspec.Struct, frozen=True):
    """Give a socket up and open it anew: the venue says that it will close it, or owes an answer for too long."""

    slot: Slot
    reason: str


class Refused(msgspec.Struct, frozen=True):
    """The venue refused these streams: a person must see it."""

    wants: tuple[Want, ...]
    error: str


class Look(msgspec.Struct, frozen=True):
    """Compare a frame, whose events were taken, with what is known of the protocol."""

    frame: bytes


Action = Send | FetchBook | FetchTrades | FetchFunding | Answered | Reopen | Refused | Look
