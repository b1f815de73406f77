"""The gap rule, once for all venues: a book is valid only while every change since its snapshot is in it.

Venues translate their numbering: a delta holds every change after `follows` up to and including `sequence`.

    sequence <= last              the book has it: ignored
    follows == last               the next one: applied
    follows < last < sequence     applied, but only right after a snapshot, which may fall inside a delta
    follows unknown, > last       applied: numbers that leave some out prove no hole
    follows == last > sequence    applied, in a new epoch: the venue counts anew and says what went before
    anything else                 a hole: the book is stale until a snapshot that the kept deltas continue

While it has no valid book the keeper keeps the newest unbroken run of deltas, bounded; a snapshot from before that run
is unusable: fetch again. What is missing of a book after a hole are the changes after `from_id` up to and including
`to_id`, the sequence of the snapshot that repaired it, which holds their result.

Where the venue sends a checksum, a book is valid only while it comes to it: after each change, and each whole book.
Numbers need not show a hole then; one that a routine whole book follows at once is not seen, nor is anything wrong.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final, Literal, NoReturn

import msgspec

from tapeline.domain.book_building import Built, build, checked, no_book, put
from tapeline.domain.book_values import (
    ALREADY_STALE,
    APPLIED,
    KEPT,
    OLD,
    REFRESHED,
    Applied,
    BookDelta,
    BookSnapshot,
    Hole,
    Ignored,
    Kept,
    Refreshed,
    Restored,
    Top,
    Unusable,
    WentStale,
)
from tapeline.domain.checksum import ChecksumRule, Window
from tapeline.domain.events import GapCause
from tapeline.domain.exact import Exact
from tapeline.domain.levels import Levels

__all__ = [
    "ALREADY_STALE",
    "APPLIED",
    "KEPT",
    "OLD",
    "REFRESHED",
    "TABLE",
    "Applied",
    "BookDelta",
    "BookKeeper",
    "BookSnapshot",
    "Hole",
    "Ignored",
    "Kept",
    "Refreshed",
    "Restored",
    "State",
    "Step",
    "Top",
    "Unusable",
    "WentStale",
]

State = Literal["waiting", "valid", "stale"]
Step = Literal["kept", "unusable", "restored", "old", "next", "hole", "crossed", "lost"]

TABLE: Final[dict[State, dict[Step, State]]] = {
    # No book yet.
    "waiting": {"kept": "waiting", "unusable": "waiting", "restored": "valid", "lost": "waiting"},
    # Every change since the snapshot is in the book.
    "valid": {
        "old": "valid",
        "next": "valid",
        "restored": "valid",
        "unusable": "valid",
        "hole": "stale",
        "crossed": "stale",
        "lost": "stale",
    },
    # The last known levels; never to be traded on.
    "stale": {"kept": "stale", "unusable": "stale", "restored": "valid", "lost": "stale"},
}
"""The book's life: {state: {step: next state}}; what does not stand here cannot happen."""


class BookKeeper:
    """One book of one instrument: feeds on deltas and snapshots, and says after each what became of the book."""

    def __init__(
        self,
        *,
        epoch: int,
        most_levels: int = 5_000,
        most_kept: int = 1_000,
        hole: Hole | None = None,
        checksum: ChecksumRule | None = None,
    ) -> None:
        """Begin without a book; `hole` is what a predecessor left open: the first snapshot closes it."""
        self.state: State = "waiting"
        self.epoch = epoch
        self.sequence: int | None = None
        """Sequence of the newest change in the book; None before the first snapshot."""
        self.venue_us: int | None = None
        """The venue's time of the newest change, None where it gave none."""
        self.received_us = 0
        self._most = most_levels
        self._hole = hole
        self._bids = Levels("bid", most=most_levels)
        self._asks = Levels("ask", most=most_levels)
        self._rule = checksum
        # The texts beside the two sides, where there is a rule.
        self._window: Window | None = None
        self._kept: deque[BookDelta] = deque(maxlen=most_kept)
        # Right after a snapshot, when the next delta may begin before it.
        self._fresh = False
        # The same, and the snapshot was asked for: what is on its way may lie before it.
        self._overlaps = False
        self._renumbered = False
        # Between begin_refresh and refresh, when also a valid book keeps its deltas.
        self._refreshing = False
        # When the book was last proven, and at which number; None where only a time is known. A change that names no
        # predecessor proves nothing of what was before it.
        self._proof_us = 0
        self._proof_id: int | None = None

    def delta(self, delta: BookDelta) -> Applied | Ignored | Kept | WentStale | Restored:
        """Apply the rule to one delta; Restored: the venue counts anew from here, and nothing is missing."""
        last = self.sequence
        if self.state != "valid" or last is None:
            return self._keep(delta)
        if delta.follows == last < delta.sequence:
            return self._apply(delta, last)
        if delta.follows == last > delta.sequence:
            return self._anew(delta)
        if delta.sequence <= last:
            return self._old(delta, last)
        if delta.follows is None or (self._fresh and delta.follows < last):
            return self._apply(delta, last)
        return self._hole_before(delta, last)

    def snapshot(self, snapshot: BookSnapshot) -> Restored | Unusable | WentStale:
        """Take a snapshot, from REST or from the stream; WentStale: the stream replaced a valid book by nothing."""
        if snapshot.replaces:
            # The stream sends in order: what it said before is in this book.
            self._kept.clear()
        elif self.state == "valid" and not snapshot.routine:
            return self._unusable("the book is valid")
        elif self._overtaken(snapshot):
            return self._unusable(f"it ends at {snapshot.sequence}, and the book was at {self.sequence} later")
        later = [delta for delta in self._kept if delta.sequence > snapshot.sequence]
        built = build(snapshot, later, self._most, self._rule)
        wrong = self._behind(snapshot, later) or no_book(snapshot, built)
        if wrong is None:
            return self._restore(snapshot, built)
        if self.state == "valid":
            cause: GapCause = "checksum" if built.unlike else "venue"
            return self._stale("lost", cause, f"the venue replaced its book, and {wrong}")
        return self._unusable(wrong)

    def begin_refresh(self) -> None:
        """Keep what is applied to a valid book from now on, so that a snapshot can take its place without a hole."""
        if self.state == "valid":
            self._refreshing = True
            self._kept.clear()

    def refresh(self, snapshot: BookSnapshot) -> Refreshed | Unusable:
        """Deepen a thin book by a snapshot that was asked for after `begin_refresh`, while the stream goes on."""
        if self.state != "valid" or self.sequence is None or not self._refreshing:
            return Unusable("no refresh was begun on a valid book")
        if snapshot.sequence > self.sequence:
            return Unusable(f"it ends at {snapshot.sequence}, ahead of the book's {self.sequence}")
        later = [delta for delta in self._kept if delta.sequence > snapshot.sequence]
        begins = later[0].follows if later else self.sequence
        if begins is not None and begins > snapshot.sequence:
            return Unusable(f"it ends at {snapshot.sequence}, the kept changes begin after {begins}")
        built = build(snapshot, later, self._most, self._rule)
        wrong = no_book(snapshot, built)
        if wrong is not None:
            return Unusable(wrong)
        self._bids, self._asks, self._window = built.bids, built.asks, built.window
        self._refreshing = False
        self._kept.clear()
        return REFRESHED

    def lost(self, cause: GapCause, detail: str | None = None) -> WentStale | Ignored:
        """Hear that the stream may have lost something: a close, silence, a shed buffer, the venue's word."""
        if self.state == "valid":
            return self._stale("lost", cause, detail)
        self._go("lost")
        return ALREADY_STALE

    def connected(self, epoch: int) -> None:
        """Begin a new epoch on a new connection: nothing kept from the old one counts. Call `lost` first."""
        if self.state == "valid" or epoch <= self.epoch:
            _impossible(self.state, f"epoch {epoch} after {self.epoch}")
        self.epoch = epoch
        self.sequence = None
        self._kept.clear()

    def proven(self, at_us: int) -> None:
        """Note that the valid book was compared with the venue at this time and is right: a hole starts later."""
        if at_us > self._proof_us:
            self._proof_us = at_us
            self._proof_id = self.sequence if self._proof_id == self.sequence else None

    def top(self, count: int) -> Top:
        """Return the best `count` levels of each side, all that are known with 0."""
        bids, asks = self._bids, self._asks
        bid_prices, bid_quantities = bids.top(count)
        ask_prices, ask_quantities = asks.top(count)
        exact: Exact = {}
        for name, held, prices in (("bid", bids, bid_prices), ("ask", asks, ask_prices)):
            if not held.noted:
                continue
            for at, (price, quantity) in held.texts(prices).items():
                exact |= {f"{name}_prices[{at}]": price} if price is not None else {}
                exact |= {f"{name}_quantities[{at}]": quantity} if quantity is not None else {}
        return Top(bid_prices, bid_quantities, ask_prices, ask_quantities, exact or None)

    def thin(self, count: int) -> bool:
        """Tell whether the known part of a side has fewer than `count` levels while more may exist."""
        return any(not side.whole() and side.known() < count for side in (self._bids, self._asks))

    def _apply(self, delta: BookDelta, last: int) -> Applied | WentStale:
        bids, asks = self._bids, self._asks
        put(bids, asks, delta)
        applied = APPLIED
        if self._window is not None:
            change, unlike = checked(self._window, bids, asks, delta)
            if unlike is not None:
                return self._stale("hole", "checksum", f"{unlike} at {delta.sequence}, after {last}", delta)
            applied = APPLIED if change is delta else Applied(change)
        bid_prices, ask_prices = bids.prices, asks.prices
        if bid_prices and ask_prices and bid_prices[-1] >= ask_prices[0]:
            detail = f"bid {bids.best()} meets ask {asks.best()} at {delta.sequence}, after {last}"
            return self._stale("crossed", "crossed", detail, delta)
        # The table's step "next": valid stays valid.
        if self._refreshing:
            self._kept.append(delta)
        self._fresh = self._overlaps = False
        self.sequence = delta.sequence
        self.received_us = delta.received_us
        self.venue_us = venue_us = delta.venue_us
        if delta.follows is not None or self._window is not None:
            self._proof_us, self._proof_id = venue_us or delta.received_us, delta.sequence
        return applied

    def _anew(self, delta: BookDelta) -> WentStale | Restored:
        """Go on behind the change of numbers: readers get the whole book, in an epoch of its own."""
        last = self.sequence or 0
        outcome = self._apply(delta, last)
        if isinstance(outcome, WentStale):
            return outcome
        self._go("restored")
        self.epoch = max(self.epoch + 1, delta.received_us)
        self._refreshing = False
        self._kept.clear()
        top = self.top(0)
        whole = BookSnapshot(
            native=delta.native,
            sequence=delta.sequence,
            replaces=True,
            bid_prices=top.bid_prices,
            bid_quantities=top.bid_quantities,
            ask_prices=top.ask_prices,
            ask_quantities=top.ask_quantities,
            venue_us=delta.venue_us,
            received_us=delta.received_us,
            exact=top.exact,
        )
        return Restored(whole, (), None)

    def _old(self, delta: BookDelta, last: int) -> Ignored | WentStale:
        newer = delta.venue_us is not None and self.venue_us is not None and delta.venue_us > self.venue_us
        # Of numbers that leave some out only the order shows that one was overtaken.
        overtaken = delta.follows is None and delta.sequence < last
        if self._overlaps or delta.follows == last or not (newer or overtaken):
            self._go("old")
            return OLD
        # An old number at a new time: the venue counts from the start again, and would be ignored for ever.
        self._renumbered = True
        return self._stale("hole", "sequence", f"numbers went back from {last} to {delta.sequence}", delta)

    def _hole_before(self, delta: BookDelta, last: int) -> WentStale:
        return self._stale("hole", "sequence", f"{delta.sequence} follows {delta.follows}, the book has {last}", delta)

    def _keep(self, delta: BookDelta) -> Kept | Ignored:
        self._go("kept")
        kept = self._kept
        if (
            kept
            and delta.follows != kept[-1].sequence
            and not (delta.follows is None and delta.sequence > kept[-1].sequence)
        ):
            newest = kept[-1]
            if delta.sequence <= newest.sequence and (delta.venue_us or 0) <= (newest.venue_us or 0):
                return OLD
            # A hole among the kept: only a snapshot from behind it can be continued.
            kept.clear()
        kept.append(delta)
        return KEPT

    def _stale(self, step: Step, cause: GapCause, detail: str | None, delta: BookDelta | None = None) -> WentStale:
        self._go(step)
        self._hole = Hole(
            epoch=self.epoch,
            from_id=None if self._proof_id is None else str(self._proof_id),
            start_us=self._proof_us,
            cause=cause,
            detail=detail,
        )
        self._refreshing = False
        self._kept.clear()
        if delta is not None:
            self._kept.append(delta)
        return WentStale(self._hole)

    def _behind(self, snapshot: BookSnapshot, later: Sequence[BookDelta]) -> str | None:
        if snapshot.replaces or snapshot.routine:
            return None
        if self.sequence is not None and snapshot.sequence < self.sequence and not self._renumbered:
            return f"it ends at {snapshot.sequence}, before the book's {self.sequence}"
        if later and later[0].follows is not None and later[0].follows > snapshot.sequence:
            return f"it ends at {snapshot.sequence}, the kept changes begin after {later[0].follows}"
        return None

    def _overtaken(self, snapshot: BookSnapshot) -> bool:
        """Whether a routine answer is older than the valid book by number and by time: another one came first."""
        if self.state != "valid" or self.sequence is None:
            return False
        older = snapshot.venue_us is not None and self.venue_us is not None and snapshot.venue_us < self.venue_us
        return older and snapshot.sequence < self.sequence

    def _unusable(self, reason: str) -> Unusable:
        self._go("unusable")
        return Unusable(reason)

    def _restore(self, snapshot: BookSnapshot, built: Built) -> Restored:
        if self.state == "valid" and self.sequence != snapshot.sequence and not snapshot.routine:
            # The stream sent its book anew: what changed in between was never said.
            self._stale("lost", "venue", "the venue sent its book anew")
        self._go("restored")
        at_us = snapshot.venue_us or snapshot.received_us
        passed = [delta.venue_us for delta in self._kept if delta.sequence <= snapshot.sequence and delta.venue_us]
        if self.sequence is not None and snapshot.sequence < self.sequence:
            self.epoch = max(self.epoch + 1, snapshot.received_us)
        closed = None
        if self._hole is not None:
            end_us = max(at_us, self._hole.start_us, *passed)
            to_id = str(snapshot.sequence)
            closed = msgspec.structs.replace(self._hole, to_id=to_id, to_epoch=self.epoch, end_us=end_us)
        later = built.changes
        newest = later[-1] if later else snapshot
        self.sequence, self.venue_us, self.received_us = newest.sequence, newest.venue_us, newest.received_us
        self._proof_us = (later[-1].venue_us or later[-1].received_us) if later else max([snapshot.stood_us, *passed])
        self._proof_id = newest.sequence
        self._bids, self._asks, self._window = built.bids, built.asks, built.window
        self._fresh, self._overlaps = not later, not later and not snapshot.replaces
        self._renumbered, self._refreshing, self._hole = False, False, None
        self._kept.clear()
        return Restored(snapshot, later, closed)

    def _go(self, step: Step) -> None:
        following = TABLE[self.state].get(step)
        if following is None:
            _impossible(self.state, step)
        self.state = following


def _impossible(state: State, step: str) -> NoReturn:
    message = f"a book that is {state} cannot take the step {step!r}"
    raise RuntimeError(message)
