"""The book of one instrument, from its stream to its records: stale is said first, repaired alone, proven again.

Around the keeper, which knows the gap rule, this knows time: a valid book is published again within a second and
written whole every minute, a snapshot that does not come is asked for again, a book that is silent for 20 s is compared
with the venue's and given up when it is behind twice without having moved. A book that no stream tells is asked for
again and again, and stale as soon as that fails or takes too long.
"""

from __future__ import annotations

from typing import Final

from producers.effects import BookChanged, Effects, Emit, Fetch
from tapeline.domain.book import (
    Applied,
    BookDelta,
    BookKeeper,
    BookSnapshot,
    Hole,
    Ignored,
    Kept,
    Restored,
    WentStale,
)
from tapeline.domain.book_records import book_record, delta_record, gap_record, whole_record
from tapeline.domain.crosscheck import Behind, Differences, Same, compare, differences
from tapeline.domain.events import Book, Gap, GapCause, OfInstrument
from tapeline.venues.contract import BookProtocol

US_PER_S: Final = 1_000_000
REPUBLISH_US: Final = 900_000
"""A valid book is sent again after this; with the shell's tick it is below a second."""
WHOLE_US: Final = 60 * US_PER_S
SILENT_US: Final = 20 * US_PER_S
DOUBTED_US: Final = 5 * US_PER_S
"""So often a book whose numbers leave some out is compared however much comes of it."""
LOOK_US: Final = 1_500_000
"""How long after a look at such a book that found differences the next one is, longer than the way of a change."""
PATIENCE_US: Final = 3 * US_PER_S
"""A snapshot that was asked for and has not come by then is asked for again."""
AGAIN_US: Final = 200_000
"""After a snapshot that did not help, or a check that found the book behind, ask again so soon."""
FIRST_US: Final = US_PER_S
"""Without any change a book is asked for this long after its stream was confirmed: the market may be quiet.

Not before: a book that is older than the first change that comes cannot be continued.
"""
REFUSED_US: Final = 60 * US_PER_S
"""A stream that the venue refused is asked for again after this: a person has been told."""
UNCONFIRMED_US: Final = 10 * US_PER_S
"""Where the venue does not confirm a stream that was asked for, its book is asked for all the same."""
LATE: Final = 6
"""A polled book that was asked for so many polls ago is too old to stand: others wait for the same limit."""


def is_doubted(protocol: BookProtocol) -> bool:
    """Tell whether nothing in a message shows that one before it is missing."""
    return protocol.rule == "skipping" and protocol.checksum is None


class BookFeed:
    """One instrument's book; every method returns what the shell is to do, in order."""

    def __init__(self, of: OfInstrument, protocol: BookProtocol, *, depth: int, hole: Hole | None = None) -> None:
        """Begin unconnected; `depth` cuts the published book, `hole` is what a dead predecessor left."""
        self.of = of
        self.keeper = BookKeeper(epoch=0, hole=hole, checksum=protocol.checksum)
        self._left = hole
        self._protocol = protocol
        self._doubted = is_doubted(protocol)
        self._differed: Differences = frozenset()
        self._poll_us = None if protocol.poll_s is None else int(protocol.poll_s * US_PER_S)
        self.depth = depth
        self._connected = False
        # Where snapshots are asked for, none was yet in this epoch.
        self._unasked = False
        self._ask_us: int | None = None
        self._asked_us: int | None = None
        # What asks for a book waits behind others for the venue's rate: nothing is late before it has gone out.
        self._unsent = False
        self._published_us = 0
        self._whole_us = 0
        self._check_us = 0
        self._behind_at: int | None = None

    @property
    def key(self) -> str:
        """Return the instrument's key."""
        return self.of.key

    def connected(self, epoch: int, now_us: int) -> Effects:
        """Begin a new epoch: the socket is open, and what asks for the stream is on its way (`sent`)."""
        self.keeper.connected(epoch)
        # What a predecessor left nobody has said yet.
        left, self._left = self._left, None
        self._connected = True
        self._unasked, self._unsent = self._protocol.snapshot != "stream", self._poll_us is None
        # Nothing goes out for a book that is polled: it is due at once.
        self._ask_us = None if self._unsent else 0
        self._asked_us = self._behind_at = None
        return [] if left is None else [Emit(self._gap(left, now_us))]

    def sent(self, now_us: int) -> None:
        """Hear that what asks for this book, or for its changes, has gone out on the socket."""
        if self._unsent and self._unasked:
            self._ask_us = now_us + UNCONFIRMED_US
        elif self._unsent:
            self._asked_us = now_us
        self._unsent = False

    def subscribed(self, now_us: int) -> None:
        """Hear that the venue has confirmed the stream: changes come from now on, if there are any."""
        if self._unasked and self.keeper.state != "valid":
            self._ask_us = now_us + FIRST_US

    def refused(self, now_us: int) -> None:
        """Hear that the venue refuses the stream; a snapshot that it refuses has `failed`."""
        if self.keeper.state != "valid":
            self._asked_us, self._ask_us, self._unsent = None, now_us + REFUSED_US, False

    def lost(self, cause: GapCause, detail: str | None, now_us: int) -> Effects:
        """Hear that the connection is gone: the book is stale at once."""
        self._connected = False
        self._ask_us = self._asked_us = None
        self._unsent = False
        return self._gone(self.keeper.lost(cause, detail), now_us)

    def suspected(self, cause: GapCause, detail: str, now_us: int) -> Effects:
        """Hear that changes may be missing though the connection stands: repair this book alone."""
        effects = self._gone(self.keeper.lost(cause, detail), now_us)
        if not effects:
            return []
        # A book that is had over REST would be valid again, and its stream as silent as before.
        stream = [Fetch("stream", now_us)] if cause == "silence" and self._protocol.snapshot != "stream" else []
        return [*effects, *stream, *self._ask(now_us)]

    def delta(self, delta: BookDelta, now_us: int) -> Effects:
        """Take a change from the stream."""
        if not self._connected:
            # It was asked for by one before us.
            return []
        outcome = self.keeper.delta(delta)
        if isinstance(outcome, Applied):
            self._heard(now_us)
            change = delta if outcome.change is None else outcome.change
            record = delta_record(self.of, change, epoch=self.keeper.epoch, published_us=now_us)
            return [BookChanged(delta.received_us), Emit(record)]
        if isinstance(outcome, WentStale):
            return [*self._gone(outcome, now_us), *self._ask(now_us)]
        if isinstance(outcome, Restored):
            return self._restored(outcome, now_us)
        if isinstance(outcome, Kept) and self._unasked:
            # The first change is here: a snapshot from now on can be continued.
            return self._ask(now_us)
        return []

    def snapshot(self, snapshot: BookSnapshot, now_us: int) -> Effects:
        """Take a snapshot, from the stream or in answer to our request."""
        if not self._connected:
            return []
        if not snapshot.replaces:
            self._asked_us = None
        outcome = self.keeper.snapshot(snapshot)
        if isinstance(outcome, Restored):
            return self._restored(outcome, now_us)
        if isinstance(outcome, WentStale):
            return [*self._gone(outcome, now_us), *self._ask(now_us)]
        if self.keeper.state != "valid":
            self._ask_us = now_us + AGAIN_US
        return []

    def failed(self, reason: str, now_us: int, retry_after_s: float | None = None) -> Effects:
        """Hear that a request for a snapshot got no answer: ask again, when the venue said or soon."""
        self._asked_us = None
        if not self._connected:
            return []
        effects = [] if self._poll_us is None else self._gone(self.keeper.lost("venue", reason), now_us)
        if self.keeper.state != "valid":
            wait_us = US_PER_S if retry_after_s is None else int(retry_after_s * US_PER_S)
            self._ask_us = now_us + max(AGAIN_US, wait_us)
        return effects

    def checked(self, snapshot: BookSnapshot, now_us: int) -> Effects:
        """Take the venue's book that a check asked for: behind twice without having moved means that it lost some."""
        if self._doubted:
            return self._looked_at(snapshot, now_us)
        found = compare(self.keeper, snapshot, numbers=self._protocol.rest_numbers)
        if isinstance(found, Same):
            self.keeper.proven(found.at_us)
        if not isinstance(found, Behind):
            self._behind_at = None
            return []
        if self._behind_at != self.keeper.sequence:
            self._behind_at = self.keeper.sequence
            self._check_us = now_us + US_PER_S
            return []
        self._behind_at = None
        return self.suspected("silence", found.detail, now_us)

    def _looked_at(self, snapshot: BookSnapshot, now_us: int) -> Effects:
        """Compare the levels of a book in which no hole shows: what differs twice alike was never told."""
        if self.keeper.state != "valid":
            return []
        before, self._differed = self._differed, differences(self.keeper, snapshot)
        if not self._differed:
            self.keeper.proven(snapshot.stood_us)
            return []
        both = sorted(before & self._differed)
        if not both:
            self._check_us = now_us + LOOK_US
            return []
        self._differed = frozenset()
        side, price, ours, theirs = both[0]
        told = f"{len(both)} levels differ twice, as the {side} {price}: ours {ours}, the venue's {theirs}"
        return self.suspected("silence", told, now_us)

    def doubt(self, now_us: int) -> None:
        """Hear that a frame of the socket could not be read: where no number shows what it was, look at once."""
        if self._doubted:
            self._check_us = now_us

    def tick(self, now_us: int) -> Effects:
        """Do what time asks for; call it every 100 ms or so."""
        if not self._connected:
            return []
        if self.keeper.state != "valid":
            if self._unsent:
                return []
            # What is polled ends in an answer or a failure, and may wait for its turn.
            late = self._poll_us is None and self._asked_us is not None and now_us >= self._asked_us + PATIENCE_US
            due = self._asked_us is None and self._ask_us is not None and now_us >= self._ask_us
            stream = [Fetch("stream", now_us)] if late and self._protocol.snapshot == "request" else []
            return [*stream, *self._ask(now_us)] if late or due else []
        effects: Effects = []
        if now_us >= self._published_us + REPUBLISH_US:
            # Nothing new: the same book again, so that readers know it stands.
            self._published_us = now_us
            effects.append(BookChanged(None))
        if now_us >= self._whole_us + WHOLE_US:
            self._whole_us = now_us
            effects += self.whole(now_us)
        return [*effects, *self._look(now_us)]

    def whole(self, now_us: int) -> Effects:
        """Return the whole book to publish, nothing when it is not valid: each minute, or after records were shed."""
        record = whole_record(self.of, self.keeper, published_us=now_us)
        return [] if record is None else [Emit(record)]

    def book(self, *, conflated: int, first_received_us: int, now_us: int) -> Book | None:
        """Return the newest book to publish now, None before there is any."""
        self._published_us = now_us
        return book_record(
            self.of,
            self.keeper,
            depth=self.depth,
            conflated=conflated,
            first_received_us=first_received_us,
            published_us=now_us,
        )

    def _look(self, now_us: int) -> Effects:
        """Compare a silent book with the venue's; poll one that no stream tells."""
        if self._poll_us is not None and self._asked_us is not None:
            return self._overdue(self._asked_us, now_us, LATE * self._poll_us)
        if now_us < self._check_us:
            return []
        if self._poll_us is not None:
            return self._ask(now_us)
        self._check_us = now_us + (DOUBTED_US if self._doubted else SILENT_US)
        return [Fetch("check")]

    def _overdue(self, asked_us: int, now_us: int, most_us: int) -> Effects:
        """Give a polled book up whose next one does not come; the request stands."""
        if now_us < asked_us + most_us:
            return []
        told = f"no book came within {most_us // US_PER_S} s"
        effects = self._gone(self.keeper.lost("silence", told), now_us)
        self._asked_us = asked_us
        return effects

    def _heard(self, now_us: int) -> None:
        if not self._doubted:
            self._check_us = now_us + (SILENT_US if self._poll_us is None else self._poll_us)
        self._behind_at = None

    def _ask(self, now_us: int) -> Effects:
        self._unsent = self._protocol.snapshot != "rest"
        self._asked_us, self._ask_us, self._unasked = None if self._unsent else now_us, None, False
        return [Fetch("snapshot")]

    def _gone(self, outcome: WentStale | Ignored, now_us: int) -> Effects:
        if not isinstance(outcome, WentStale):
            return []
        self._asked_us = self._ask_us = self._behind_at = None
        self._unsent = False
        return [BookChanged(now_us), Emit(self._gap(outcome.hole, now_us))]

    def _restored(self, restored: Restored, now_us: int) -> Effects:
        self._asked_us = self._ask_us = None
        self._unsent = False
        self._whole_us = now_us
        self._heard(now_us)
        if self._doubted:
            self._check_us, self._differed = now_us + DOUBTED_US, frozenset()
        epoch = self.keeper.epoch
        effects: Effects = [] if restored.hole is None else [Emit(self._gap(restored.hole, now_us))]
        changes: tuple[BookDelta | BookSnapshot, ...] = (restored.snapshot, *restored.changes)
        for change in changes:
            effects.append(Emit(delta_record(self.of, change, epoch=epoch, published_us=now_us)))
        return [*effects, BookChanged(restored.snapshot.received_us)]

    def _gap(self, hole: Hole, now_us: int) -> Gap:
        return gap_record(self.of, hole, published_us=now_us)
