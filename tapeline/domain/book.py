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
from typing import Final, Literal, NamedTuple, NoReturn

import msgspec

from tapeline.domain.checksum import Check, ChecksumRule, Window
from tapeline.domain.events import GapCause
from tapeline.domain.exact import Exact
from tapeline.domain.levels import Column, Levels, texts_by_place

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
    `routine` is one of a stream that tells each change, or repeats itself, by whole books: nothing is missed by it.
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
    received_us: int
    exact: Exact | None = None
    check: Check | None = None


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


class _Built(NamedTuple):
    """A book made of a snapshot and the kept changes behind it, and how it differs from the venue's checksum."""

    bids: Levels
    asks: Levels
    window: Window | None
    changes: tuple[BookDelta, ...]
    unlike: str | None


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
        self._renumbered = False
        # Between begin_refresh and refresh, when also a valid book keeps its deltas.
        self._refreshing = False
        self._proof_us = 0

    def delta(self, delta: BookDelta) -> Applied | Ignored | Kept | WentStale | Restored:
        """Apply the rule to one delta; Restored: the venue counts anew from here, and nothing is missing."""
        last = self.sequence
        if self.state != "valid" or last is None:
            return self._keep(delta)
        if delta.follows == last < delta.sequence:
            return self._apply(delta, last)
        if delta.sequence <= last:
            return self._old(delta, last) if delta.follows != last or delta.sequence == last else self._anew(delta)
        if delta.follows is None or (self._fresh and delta.follows < last):
            return self._apply(delta, last)
        return self._hole_before(delta, last)

    def snapshot(self, snapshot: BookSnapshot) -> Restored | Unusable | WentStale:
        """Take a snapshot, from REST or from the stream; WentStale: the stream replaced a valid book by nothing."""
        if snapshot.replaces:
            # The stream sends in order: what it said before is in this book.
            self._kept.clear()
        elif self.state == "valid":
            return self._unusable("the book is valid")
        later = [delta for delta in self._kept if delta.sequence > snapshot.sequence]
        built = self._built(snapshot, later)
        wrong = self._behind(snapshot, later) or _no_book(snapshot, built)
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
        built = self._built(snapshot, later)
        wrong = _no_book(snapshot, built)
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
        self._proof_us = max(self._proof_us, at_us)

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
        _change(bids, asks, delta)
        applied = APPLIED
        if self._window is not None:
            change, unlike = _checked(self._window, bids, asks, delta)
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
        self._fresh = False
        self.sequence = delta.sequence
        self.received_us = delta.received_us
        self.venue_us = venue_us = delta.venue_us
        self._proof_us = venue_us or delta.received_us
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
        if self._fresh or not newer:
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
            from_id=str(self.sequence),
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
        if snapshot.replaces:
            return None
        if self.sequence is not None and snapshot.sequence < self.sequence and not self._renumbered:
            return f"it ends at {snapshot.sequence}, before the book's {self.sequence}"
        if later and later[0].follows is not None and later[0].follows > snapshot.sequence:
            return f"it ends at {snapshot.sequence}, the kept changes begin after {later[0].follows}"
        return None

    def _unusable(self, reason: str) -> Unusable:
        self._go("unusable")
        return Unusable(reason)

    def _built(self, snapshot: BookSnapshot, later: Sequence[BookDelta]) -> _Built:
        bids, asks = Levels("bid", most=self._most), Levels("ask", most=self._most)
        limit, exact = snapshot.limit, snapshot.exact
        bids.replace(snapshot.bid_prices, snapshot.bid_quantities, limit=limit, texts=texts_by_place(exact, "bid"))
        asks.replace(snapshot.ask_prices, snapshot.ask_quantities, limit=limit, texts=texts_by_place(exact, "ask"))
        if self._rule is None:
            for delta in later:
                _change(bids, asks, delta)
            return _Built(bids, asks, None, tuple(later), None)
        window = Window(self._rule)
        unlike = _unlike(window, bids, asks, snapshot)
        changes: list[BookDelta] = []
        for delta in later:
            if unlike is None:
                _change(bids, asks, delta)
                change, unlike = _checked(window, bids, asks, delta)
                changes.append(change)
        return _Built(bids, asks, window, tuple(changes), unlike)

    def _restore(self, snapshot: BookSnapshot, built: _Built) -> Restored:
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
        self._proof_us = newest.venue_us or newest.received_us
        self._bids, self._asks, self._window = built.bids, built.asks, built.window
        self._fresh, self._renumbered, self._refreshing, self._hole = not later, False, False, None
        self._kept.clear()
        return Restored(snapshot, later, closed)

    def _go(self, step: Step) -> None:
        following = TABLE[self.state].get(step)
        if following is None:
            _impossible(self.state, step)
        self.state = following


def _change(bids: Levels, asks: Levels, delta: BookDelta) -> None:
    if delta.bid_prices:
        bids.change(delta.bid_prices, delta.bid_quantities)
    if delta.ask_prices:
        asks.change(delta.ask_prices, delta.ask_quantities)
    if delta.exact is not None or bids.noted or asks.noted:
        bids.note(delta.bid_prices, texts_by_place(delta.exact, "bid"))
        asks.note(delta.ask_prices, texts_by_place(delta.exact, "ask"))


def _checked(window: Window, bids: Levels, asks: Levels, delta: BookDelta) -> tuple[BookDelta, str | None]:
    """Cut an applied delta to the window; return it with the deletions that this took, and what is wrong by then."""
    check = delta.check
    if check is None:
        return delta, "it has no checksum"
    window.note(delta.bid_prices, delta.ask_prices, check)
    low, high = window.beyond(bids, asks)
    if low or high:
        no_bids, no_asks = (0.0,) * len(low), (0.0,) * len(high)
        cut = {"bid_prices": low, "bid_quantities": no_bids, "ask_prices": high, "ask_quantities": no_asks}
        _change(bids, asks, msgspec.structs.replace(delta, exact=None, **cut))
        delta = msgspec.structs.replace(delta, **{name: getattr(delta, name) + more for name, more in cut.items()})
    return delta, window.wrong(bids, asks, check)


def _unlike(window: Window, bids: Levels, asks: Levels, snapshot: BookSnapshot) -> str | None:
    """Take the texts of a whole book, and say what is wrong with it."""
    if snapshot.check is None:
        return "it has no checksum"
    if any(window.beyond(bids, asks)):
        return f"it has {len(bids.prices)} bids and {len(asks.prices)} asks, more than its checksum is of"
    window.note(snapshot.bid_prices, snapshot.ask_prices, snapshot.check)
    return window.wrong(bids, asks, snapshot.check)


def _no_book(snapshot: BookSnapshot, built: _Built) -> str | None:
    bids, asks = built.bids, built.asks
    if built.unlike is not None:
        return built.unlike
    if not snapshot.bid_prices and not snapshot.ask_prices:
        return "it is empty"
    if bids.prices and asks.prices and bids.prices[-1] >= asks.prices[0]:
        return f"it is crossed: bid {bids.best()} meets ask {asks.best()}"
    return None


def _impossible(state: State, step: str) -> NoReturn:
    message = f"a book that is {state} cannot take the step {step!r}"
    raise RuntimeError(message)
