"""What a probe has heard of one instrument: frames through the real decoder, changes through the real rule.

It knows no socket: the shell feeds it frames and answers, sends what it returns, and asks for the book when it says so.
A part is right when it came, in time and unbroken; what a quiet market may leave out the shell looks up over REST.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tapeline.cli.venues_facts import Book
from tapeline.domain.book import (
    Applied,
    BookDelta,
    BookKeeper,
    BookSnapshot,
    Kept,
    Restored,
    WentStale,
)
from tapeline.domain.events import Instrument
from tapeline.errors import InvalidMessage
from tapeline.venues import drift, registry
from tapeline.venues.contract import (
    Answer,
    Ask,
    Doubted,
    Event,
    Feed,
    FundingUpdate,
    Next,
    Pong,
    PublicTrade,
    ServerClosing,
    ServerPing,
    StreamChannel,
    Want,
)
from tapeline.venues.drift import Drift
from tapeline.venues.funding import merged
from tapeline.venues.units import Contract, E, in_base

ENOUGH: Final = 20
"""After so many checked changes nothing more is waited for than what has not come at all."""
DEPTH: Final = 20
_US_PER_S: Final = 1_000_000
_FIRST_US: Final = _US_PER_S
"""A book that is asked for waits so long for the first change: from then on a snapshot can be continued."""
_PATIENCE_US: Final = 3 * _US_PER_S
_AGAIN_US: Final = 200_000


class Heard:
    """One instrument of one market, from the opening of its sockets on."""

    def __init__(self, feed: Feed, instrument: Instrument) -> None:
        """Begin with nothing heard."""
        self.trades = 0
        self.checked = 0
        self.stale = 0
        self.broken = 0
        self.drift: dict[Drift, None] = {}
        """How frames differ from what we know of the venue's protocol."""
        self.problem = ""
        """What is wrong with the newest frame that could not be read."""
        self.refused: dict[StreamChannel, str] = {}
        self.funding: FundingUpdate | None = None
        self.began_us: int | None = None
        """When the stream of trades was asked for."""
        self.closing = ""
        self.answered_ping = False
        self.keeper = BookKeeper(epoch=0, checksum=feed.facts.book.checksum)
        self._feed = feed
        self._ignored = registry.venue(feed.facts.venue).ignored
        self._native = instrument.native
        self._contract = Contract(instrument.contract_size) if feed.facts.quantities == "contracts" else None
        self._asks: list[Ask] = []
        self._ask_us: int | None = None
        self._unasked = False
        self._last = ""

    # ---------------------------------------------------------------- what the shell does
    def wants(self, socket: str) -> tuple[Want, ...]:
        """Return what is asked for on a kind of socket."""
        facts = self._feed.facts
        return tuple(
            Want(channel=channel, native=self._native, depth=DEPTH if channel == "book" else 0)
            for channel, carrier in facts.channels.items()
            if carrier == socket and channel != "snapshot"
        )

    def connected(self, socket: str, at_us: int) -> tuple[bytes, ...]:
        """Begin on a connection, and return what to ask on it."""
        wants = self.wants(socket)
        channels = {want.channel for want in wants}
        if "book" in channels:
            if self.keeper.state == "valid":
                self.lost("the connection was lost")
            self.keeper.connected(max(at_us, self.keeper.epoch + 1))
            self._unasked = self._feed.facts.book.snapshot != "stream"
            self._ask_us = at_us + (_FIRST_US if self._unasked else _PATIENCE_US)
        if "trade" in channels:
            self.began_us = at_us
        return self.asked(self._feed.subscribe(wants, self._next_id()))

    def asked(self, asks: Iterable[Ask]) -> tuple[bytes, ...]:
        """Remember what is asked, and return its frames."""
        made = tuple(asks)
        self._asks += made
        return tuple(ask.frame for ask in made)

    def lost(self, reason: str) -> None:
        """Hear that the connection of the book is gone."""
        if isinstance(self.keeper.lost("disconnect", reason), WentStale):
            self._broke(reason)
        self._ask_us = None

    def frame(self, data: bytes, received_us: int) -> tuple[bytes, ...]:
        """Take a frame, and return what to send back."""
        try:
            events = self._feed.decode(data, received_us)
        except InvalidMessage as error:
            self.broken += 1
            self.problem = str(error)
            self.drift |= dict.fromkeys(drift.found(self._feed, data, self._ignored))
            return ()
        self.drift |= dict.fromkeys(drift.found(self._feed, data, self._ignored))
        replies: list[bytes] = []
        for event in events:
            replies += self._event(event, received_us)
        return tuple(replies)

    def book_due(self, now_us: int) -> bool:
        """Tell whether a whole book is to be asked for now."""
        return self.keeper.state != "valid" and self._ask_us is not None and now_us >= self._ask_us

    def book_asked(self, now_us: int) -> tuple[bytes, ...]:
        """Note that a whole book is asked for, and return the frames that do so; none where REST has it."""
        self._ask_us, self._unasked = now_us + _PATIENCE_US, False
        protocol, facts = self._feed.facts.book, self._feed.facts
        if protocol.snapshot == "rest":
            return ()
        book = next(want for want in self.wants(facts.channels["book"]) if want.channel == "book")
        if protocol.snapshot == "stream":
            gone = self.asked(self._feed.unsubscribe((book,), self._next_id()))
            return gone + self.asked(self._feed.subscribe((book,), self._next_id()))
        snapshot = Want(channel="snapshot", native=book.native, depth=book.depth)
        return self.asked(self._feed.subscribe((snapshot,), self._next_id()))

    def book(self, snapshot: BookSnapshot, now_us: int) -> None:
        """Take a whole book, from the stream or over REST."""
        outcome = self.keeper.snapshot(self._in_base(snapshot))
        if isinstance(outcome, Restored):
            self._restored(outcome, counts=snapshot.routine)
        elif isinstance(outcome, WentStale):
            self._broke(outcome.hole.detail or outcome.hole.cause)
            self._ask_us = now_us
        elif self.keeper.state != "valid":
            self._last = outcome.reason
            self._ask_us = now_us + _AGAIN_US

    def take_funding(self, update: FundingUpdate) -> None:
        """Take what is new about funding."""
        self.funding = merged(self.funding, update)

    # ---------------------------------------------------------------- what it comes to
    @property
    def rate(self) -> float | None:
        """Return the funding rate, None while none came."""
        return None if self.funding is None else self.funding.rate

    @property
    def enough(self) -> bool:
        """Tell whether all that streams can prove is proven."""
        facts = self._feed.facts
        book = self.keeper.state == "valid" and self.checked >= (ENOUGH if facts.book.poll_s is None else 1)
        trades = self.trades > 0 or "trade" not in facts.channels
        return book and trades and (facts.market == "spot" or self.rate is not None)

    def book_result(self, facts: Book) -> Book:
        """Return how the book did."""
        valid = self.keeper.state == "valid"
        return Book(
            integrity=facts.integrity,
            snapshot=facts.snapshot,
            depths=facts.depths,
            valid=valid,
            checked=self.checked,
            stale=self.stale,
            error=self._book_error(valid=valid),
        )

    def _book_error(self, *, valid: bool) -> str | None:
        refused = self.refused.get("book") or self.refused.get("snapshot")
        if valid and self.checked and not self.stale:
            return None
        if refused is not None:
            return f"the venue refused it: {refused}"
        if self.keeper.sequence is None:
            return f"no whole book came{f': {self._last}' if self._last else ''}"
        if self.stale:
            return (
                f"it broke once: {self._last}"
                if self.stale == 1
                else f"it broke {self.stale} times, last: {self._last}"
            )
        return "no change of it came" if valid else f"it is not valid: {self._last}"

    # ---------------------------------------------------------------- inside
    def _event(self, event: Event, now_us: int) -> list[bytes]:
        if isinstance(event, BookDelta | BookSnapshot | PublicTrade | FundingUpdate):
            if event.native == self._native:
                self._market(event, now_us)
        elif isinstance(event, Answer):
            self._answer(event)
        elif isinstance(event, ServerPing):
            return [event.reply]
        elif isinstance(event, Pong):
            self.answered_ping = True
        elif isinstance(event, ServerClosing):
            self.closing = event.reason
        elif isinstance(event, Next):
            return [event.frame]
        elif isinstance(event, Doubted) and event.native == self._native:
            self._doubted(event.reason, now_us)
        return []

    def _doubted(self, reason: str, now_us: int) -> None:
        if isinstance(self.keeper.lost("venue", reason), WentStale):
            self._broke(reason)
            self._ask_us = now_us

    def _market(self, event: BookDelta | BookSnapshot | PublicTrade | FundingUpdate, now_us: int) -> None:
        if isinstance(event, BookDelta):
            self._delta(self._in_base(event), now_us)
        elif isinstance(event, BookSnapshot):
            self.book(event, now_us)
        elif isinstance(event, PublicTrade):
            self.trades += 1
        else:
            self.take_funding(event)

    def _delta(self, delta: BookDelta, now_us: int) -> None:
        outcome = self.keeper.delta(delta)
        if isinstance(outcome, Applied):
            self.checked += 1
        elif isinstance(outcome, WentStale):
            self._broke(outcome.hole.detail or outcome.hole.cause)
            self._ask_us = now_us
        elif isinstance(outcome, Restored):
            self._restored(outcome, counts=True)
        elif isinstance(outcome, Kept) and self._unasked:
            self._ask_us, self._unasked = now_us, False

    def _restored(self, outcome: Restored, *, counts: bool) -> None:
        self._ask_us = None
        self.checked += len(outcome.changes) + counts

    def _broke(self, reason: str) -> None:
        self.stale += 1
        self._last = reason

    def _answer(self, answer: Answer) -> None:
        if answer.error is None:
            return
        asks = [ask for ask in self._asks if answer.request_id in (None, ask.request_id)]
        named = [channel for channel, native in answer.streams if native in (None, self._native)]
        for channel in named or [want.channel for ask in asks for want in ask.wants]:
            self.refused[channel] = answer.error

    def _in_base(self, event: E) -> E:
        return event if self._contract is None else in_base(event, self._contract)

    def _next_id(self) -> int:
        return 1 + max((ask.request_id for ask in self._asks), default=0)
