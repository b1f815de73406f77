"""One market of a venue without its sockets: happenings go in, records wait in the outbox, actions are for the shell.

A subscription's answer is what connects trades, the connection itself what connects books; a snapshot is asked for once
the answer or a change is here. One of a venue whose stream sends it is had by giving up and asking for that one book
again, so that nobody else sees a gap.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from producers.actions import Action, Answered, FetchBook, FetchFunding, FetchTrades, Look, Refused, Reopen, Send
from producers.asked import Asked, books_of
from producers.drifting import Samples
from producers.effects import TOPICS, BookChanged, Effects, Emit, Fetch
from producers.feed import BookFeed
from producers.funding import Polled, funding_record
from producers.outbox import Books, Buffer, Due, Entry
from producers.pool import Slot
from producers.spans import shed_gap, span_of
from producers.tail import Tails
from producers.trades import TradeFeed
from tapeline.domain.book import BookDelta, BookSnapshot
from tapeline.domain.events import Book, DeltaBatch, Funding, Gap, GapCause, OfInstrument, Trade
from tapeline.domain.partition import partition_of
from tapeline.errors import InvalidMessage
from tapeline.venues.contract import (
    Answer,
    Doubted,
    Event,
    Feed,
    FundingUpdate,
    Next,
    Pong,
    PublicTrade,
    ServerClosing,
    ServerPing,
    Unexpected,
    Want,
)
from tapeline.venues.funding import merged
from tapeline.venues.units import Contract, E, in_base

US_PER_S: Final = 1_000_000
REMEMBERED: Final = 1_000
"""So many frames that answers led to are remembered, so that none is sent twice."""
Record = Book | DeltaBatch | Trade | Gap | Funding


class MarketFeed:
    """All instruments of one market."""

    def __init__(
        self,
        feed: Feed,
        instruments: Mapping[str, OfInstrument],
        *,
        encode: Callable[[str, Record], bytes],
        partitions: int,
        depth: int,
        most_waiting: int,
        tails: Tails | None = None,
        sizes: Mapping[str, Decimal] | None = None,
    ) -> None:
        """Begin unconnected; `instruments` by native name, `encode` makes bytes of records, `tails` was before us.

        `sizes` of contracts by native name; they are needed where the venue counts in contracts.
        """
        self.books = Books()
        self.buffer = Buffer(most_waiting)
        self.depth = depth
        self.unexpected = 0
        """How many well-formed events nobody asked for."""
        self.frames = 0
        """How many frames were taken."""
        self._feed = feed
        self._encode = encode
        self._partitions = partitions
        self._epochs: dict[str, int] = {}
        self._book: dict[str, BookFeed] = {}
        self._trades: dict[str, TradeFeed] = {}
        self._leaving: dict[str, BookFeed] = {}
        self._native: dict[str, str] = {}
        self._funding: dict[str, FundingUpdate] = {}
        self._carries: dict[str, tuple[Slot, Want]] = {}
        self._asked = Asked()
        self._samples = Samples()
        self._requests = 0
        self._contracts: dict[str, Contract] = {}
        self._followed: dict[tuple[Slot, bytes], None] = {}
        self._polled = Polled(feed.facts.funding_poll_s)
        for native, of in instruments.items():
            self.add(native, of, depth=depth, tails=tails or Tails(), size=(sizes or {}).get(native))

    # ---------------------------------------------------------------- instruments
    def add(self, native: str, of: OfInstrument, *, depth: int, tails: Tails, size: Decimal | None) -> None:
        """Begin with one more instrument, as at a start: what was before is a hole until its stream is here."""
        facts = self._feed.facts
        if facts.quantities == "contracts":
            if size is None:
                message = f"nobody says how much a contract of {native} is"
                raise ValueError(message)
            self._contracts[native] = Contract(size)
        numbered = facts.trades.ids == "consecutive"
        self._epochs[native] = max(tails.epoch(of.key), self._epochs.get(native, 0))
        self._book[native] = BookFeed(of, facts.book, depth=depth, hole=tails.book_hole(of.key))
        self._trades[native] = TradeFeed(of, facts.trades, tail=tails.trade_tail(of.key, numbered=numbered))
        self._native[of.key] = native

    def drop(self, native: str, now_us: int) -> None:
        """Say, as at a stop, that one instrument's streams end here; what comes of them yet is nobody's."""
        for other in tuple(self._leaving):
            self.has_left(other)
        for feed in (self._book[native], self._trades[native]):
            self._done(native, feed.lost("restart", "it is not recorded here any more", now_us))
        self._leaving[native] = self._book.pop(native)
        del self._trades[native]
        self._asked.forget_instrument(native)
        for held in (self._carries, self._funding, self._polled.due_us, self._contracts):
            held.pop(native, None)

    def has_left(self, native: str) -> bool:
        """Whether the broker has all that was made of an instrument: not before that it may be added again."""
        feed = self._leaving.get(native)
        if feed is None:
            return True
        if self.books.holds(feed.key) or self.buffer.holds(feed.key):
            return False
        del self._leaving[native], self._native[feed.key]
        return True

    def resize(self, native: str, depth: int, now_us: int) -> None:
        """Give one book up for another depth; it begins anew when its stream has been asked for (K6)."""
        self._book[native].depth = depth
        self._done(native, self._book[native].lost("restart", "it is wanted at another depth", now_us))

    def depth_of(self, native: str) -> int:
        """Return how deep the published book of an instrument is, 0 all."""
        return self._book[native].depth if native in self._book else self.depth

    # ---------------------------------------------------------------- sockets
    def connected(self, slot: Slot, wants: Sequence[Want], at_us: int) -> list[Action]:
        """Begin a new epoch of what this socket carries, and ask for it."""
        self._asked.forget(slot)
        self._followed = {one: None for one in self._followed if one[0] != slot}
        return self.joined(slot, wants, at_us)

    def joined(self, slot: Slot, wants: Sequence[Want], at_us: int) -> list[Action]:
        """Begin with more streams on a socket that is open already, and ask for them."""
        actions: list[Action] = []
        for want in wants:
            if want.channel == "book" and want.native in self._book:
                self._carries[want.native] = (slot, want)
                self._epochs[want.native] = epoch = max(at_us, self._epochs[want.native] + 1)
                actions += self._done(want.native, self._book[want.native].connected(epoch, at_us))
        return [*actions, *self._subscribe(slot, wants)]

    def left(self, slot: Slot, wants: Sequence[Want]) -> list[Action]:
        """Give streams up on an open socket."""
        asks = self._feed.unsubscribe(wants, self._requests + 1)
        self._requests += len(asks)
        return [Send(slot, ask.frame) for ask in asks]

    def lost(self, slot: Slot, wants: Sequence[Want], cause: GapCause, reason: str, now_us: int) -> list[Action]:
        """Hear that a socket is gone: all books on it are stale, all its trades may be missing."""
        del slot
        actions: list[Action] = []
        for want in wants:
            if want.channel == "book" and want.native in self._book:
                actions += self._done(want.native, self._book[want.native].lost(cause, reason, now_us))
            elif want.channel == "trade" and want.native in self._trades:
                actions += self._done(want.native, self._trades[want.native].lost(cause, reason, now_us))
        return actions

    def sent(self, send: Send, now_us: int) -> None:
        """Hear that a frame of ours has gone out: from now on its answer may be late."""
        self._asked.sent(send.request, now_us)
        for native in send.books:
            if native in self._book:
                self._book[native].sent(now_us)

    def frame(self, slot: Slot, data: bytes, received_us: int) -> list[Action]:
        """Take one frame; InvalidMessage when it breaks the venue's contract."""
        self.frames += 1
        actions: list[Action] = []
        try:
            events = self._feed.decode(data, received_us)
        except InvalidMessage:
            for native, (carrier, _) in self._carries.items():
                if carrier == slot:
                    self._book[native].doubt(received_us)
            raise
        for event in events:
            actions += self._event(slot, event, received_us)
        if self._samples.due(events, received_us):
            actions.append(Look(data))
        return actions

    def tick(self, now_us: int) -> list[Action]:
        """Do what time asks for; call it every 100 ms or so."""
        actions: list[Action] = [Reopen(slot, "no answer to a subscription") for slot in self._asked.late(now_us)]
        for native, book in self._book.items():
            actions += self._done(native, book.tick(now_us))
            actions += self._done(native, self._trades[native].tick(now_us))
        return [*actions, *(FetchFunding(native) for native in self._polled.due(self._book, now_us))]

    # ---------------------------------------------------------------- answers of REST
    def book_fetched(self, native: str, snapshot: BookSnapshot, now_us: int, *, check: bool) -> list[Action]:
        """Take the answer to FetchBook."""
        if native not in self._book:
            return []
        book, snapshot = self._book[native], self._in_base(snapshot)
        return self._done(native, book.checked(snapshot, now_us) if check else book.snapshot(snapshot, now_us))

    def book_failed(
        self, native: str, reason: str, now_us: int, retry_after_s: float | None, *, check: bool
    ) -> list[Action]:
        """Hear that FetchBook got no answer; a check comes again by itself."""
        if check or native not in self._book:
            return []
        return self._done(native, self._book[native].failed(reason, now_us, retry_after_s))

    def trades_fetched(self, native: str, trades: tuple[PublicTrade, ...], now_us: int) -> list[Action]:
        """Take the answer to FetchTrades."""
        if native not in self._trades:
            return []
        counted = tuple([self._in_base(one) for one in trades])
        return self._done(native, self._trades[native].recent(counted, now_us))

    def trades_failed(self, native: str, now_us: int, retry_after_s: float | None) -> list[Action]:
        """Hear that FetchTrades got no answer."""
        if native not in self._trades:
            return []
        return self._done(native, self._trades[native].failed(now_us, retry_after_s))

    def funding_fetched(self, update: FundingUpdate, now_us: int) -> list[Action]:
        """Take the answer to FetchFunding."""
        return self._market_event(update, now_us) if update.native in self._book else self._stranger()

    def valid_books(self) -> tuple[int, int]:
        """Return how many books are valid, and how many there are."""
        return sum(one.keeper.state == "valid" for one in self._book.values()), len(self._book)

    # ---------------------------------------------------------------- the broker
    def due(self, now_us: int) -> list[tuple[Due, int, bytes]]:
        """Return the books to publish now, with partition and value; report each by `books.done` or `books.failed`."""
        found: list[tuple[Due, int, bytes]] = []
        for due in self.books.take():
            feed = self._of(self._native[due.key])
            first_us = now_us if due.first_received_us is None else due.first_received_us
            book = feed.book(conflated=due.conflated, first_received_us=first_us, now_us=now_us)
            if book is None:
                # A new epoch has begun: its first book will be news.
                self.books.done(due.key)
            else:
                found.append((due, partition_of(feed.of.symbol, self._partitions), self._encode("md.book", book)))
        return found

    def settle(self, now_us: int) -> None:
        """Say what was shed where it is missing, and send whole books; call it when the broker takes records again."""
        for number, span in self.buffer.settle():
            book = self._of(self._native[span.instrument])
            self._put(shed_gap(book.of, span, now_us), number=number)
            if span.channel == "book":
                self._done(self._native[span.instrument], book.whole(now_us))

    # ---------------------------------------------------------------- inside
    def _of(self, native: str) -> BookFeed:
        """Return the book of an instrument, also of one that was dropped and has records on their way."""
        return self._book.get(native) or self._leaving[native]

    def _event(self, slot: Slot, event: Event, now_us: int) -> list[Action]:
        if isinstance(event, BookDelta | BookSnapshot | PublicTrade | FundingUpdate):
            return self._market_event(event, now_us) if event.native in self._book else self._stranger()
        if isinstance(event, Doubted):
            return self._doubted(event, now_us) if event.native in self._book else self._stranger()
        if isinstance(event, Answer):
            return self._answer(slot, event, now_us)
        return self._stranger() if isinstance(event, Unexpected) else self._of_socket(slot, event)

    def _of_socket(self, slot: Slot, event: Pong | ServerPing | ServerClosing | Next) -> list[Action]:
        if isinstance(event, Pong):
            return [Answered(slot)]
        if isinstance(event, ServerPing):
            return [Send(slot, event.reply, urgent=True)]
        return [Reopen(slot, event.reason)] if isinstance(event, ServerClosing) else self._follow(slot, event.frame)

    def _follow(self, slot: Slot, frame: bytes) -> list[Action]:
        is_new = (slot, frame) not in self._followed
        self._followed[slot, frame] = None
        if len(self._followed) > REMEMBERED:
            del self._followed[next(iter(self._followed))]
        return [Send(slot, frame)] if is_new else []

    def _doubted(self, event: Doubted, now_us: int) -> list[Action]:
        native = event.native
        book = self._done(native, self._book[native].suspected("venue", event.reason, now_us))
        trades = self._trades[native].suspected("venue", event.reason, event.since_us, now_us)
        return [*book, *self._done(native, trades)]

    def _market_event(self, event: BookDelta | BookSnapshot | PublicTrade | FundingUpdate, now_us: int) -> list[Action]:
        native = event.native
        if isinstance(event, BookDelta):
            return self._done(native, self._book[native].delta(self._in_base(event), now_us))
        if isinstance(event, BookSnapshot):
            return self._done(native, self._book[native].snapshot(self._in_base(event), now_us))
        if isinstance(event, PublicTrade):
            return self._done(native, self._trades[native].trade(self._in_base(event), now_us))
        self._funding[native] = whole = merged(self._funding.get(native), event)
        if whole.rate is not None:
            of, epoch = self._book[native].of, self._epochs[native]
            self._put(funding_record(of, whole, whole.rate, epoch=epoch, published_us=now_us))
        return []

    def _answer(self, slot: Slot, answer: Answer, now_us: int) -> list[Action]:
        wants = self._asked.answered(slot, answer)
        if answer.error is not None:
            return [*self._refused(wants, answer.error, now_us), Refused(wants, answer.error)]
        actions: list[Action] = []
        for want in wants:
            if want.channel == "trade" and want.native in self._trades:
                feed = self._trades[want.native]
                actions += self._done(want.native, feed.connected(max(now_us, feed.epoch + 1), now_us))
            elif want.channel == "book" and want.native in self._book:
                self._book[want.native].subscribed(now_us)
        return actions

    def _refused(self, wants: Sequence[Want], error: str, now_us: int) -> list[Action]:
        """Ask again for a book soon, and for a stream later."""
        actions: list[Action] = []
        for want in wants:
            book = self._book.get(want.native)
            if book is not None and want.channel == "snapshot":
                actions += self._done(want.native, book.failed(error, now_us))
            elif book is not None and want.channel == "book":
                book.refused(now_us)
        return actions

    def _in_base(self, event: E) -> E:
        return in_base(event, self._contracts[event.native]) if self._contracts else event

    def _subscribe(self, slot: Slot, wants: Sequence[Want]) -> list[Action]:
        asks = self._feed.subscribe(wants, self._requests + 1)
        self._requests += len(asks)
        self._asked.put(slot, asks)
        self._samples.begin()
        return [Send(slot, ask.frame, books=books_of(ask), request=ask.request_id) for ask in asks]

    def _again(self, native: str) -> list[Action]:
        """Give one book up and ask for it again; where it cannot be given up it would come twice."""
        slot, want = self._carries[native]
        return [*self.left(slot, (want,)), *self._subscribe(slot, (want,))]

    def _request(self, native: str) -> list[Action]:
        """Ask for one book on the socket that carries its changes."""
        slot, want = self._carries[native]
        return self._subscribe(slot, [msgspec.structs.replace(want, channel="snapshot")])

    def _done(self, native: str, effects: Effects) -> list[Action]:
        """Put records away and return what is left for the shell."""
        actions: list[Action] = []
        for effect in effects:
            if isinstance(effect, Emit):
                self._put(effect.record)
            elif isinstance(effect, BookChanged):
                self.books.changed(self._book[native].key, effect.received_us)
            elif isinstance(effect, Fetch):
                actions += self._fetch(native, effect)
        return actions

    def _fetch(self, native: str, fetch: Fetch) -> list[Action]:
        if fetch.what == "trades":
            return [FetchTrades(native)]
        if fetch.what == "stream" and self._feed.facts.node is not None:
            return []
        if fetch.what == "stream":
            channels = self._feed.facts.channels
            beside = channels["trade"] == channels["book"]
            doubt = self._trades[native].beside_silence(fetch.at_us) if beside else []
            return [*self._done(native, doubt), *self._again(native)]
        book = self._feed.facts.book
        if fetch.what == "check" and book.rest_depths:
            return [FetchBook(native, check=True)]
        if book.snapshot == "rest":
            return [FetchBook(native, check=False)]
        return self._again(native) if book.snapshot == "stream" else self._request(native)

    def _put(self, record: Record, *, number: int | None = None) -> None:
        topic = TOPICS[type(record)]
        entry = Entry(record.key.encode(), self._encode(topic, record), span_of(record))
        self.buffer.put(topic, partition_of(record.symbol, self._partitions), entry, number=number)

    def _stranger(self) -> list[Action]:
        self.unexpected += 1
        return []
