"""Our own side of the same commands: a frame to the checked book, to its Avro record, and `MarketFeed` after a hole.

It runs in a process of its own like every peer, in our environment; `MarketFeed` is the producer without its sockets.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from benchmarks.peers.driving import SHOWN, Delivery, Message, Recording, Seen, Take, Top, serve
from producers.actions import Action, FetchBook, Send
from producers.market import MarketFeed
from producers.pool import Slot
from schemas import topics
from tapeline.domain.book import Applied, BookDelta, BookKeeper, BookSnapshot, Restored
from tapeline.domain.book_records import book_record
from tapeline.domain.events import Book, Market, OfInstrument
from tapeline.errors import InvalidMessage
from tapeline.runtime.codec import Codec
from tapeline.runtime.lifecycle import background
from tapeline.runtime.limiter import Bucket
from tapeline.runtime.websocket import Frame, Happening, Lost, Socket
from tapeline.venues.contract import Feed, Want
from tapeline.venues.registry import feed as feed_of

_DEEP = 1_000
_SENDS = Bucket(max_tokens=1, window_s=1.0)
_STEP_US = 100_000
_BEGAN_US = 1_700_000_000_000_000


class Ours:
    """One book at a time."""

    binary = True

    def __init__(self) -> None:
        """Begin without a book."""
        self._keeper = BookKeeper(epoch=1)

    async def begin(self, recording: Recording, to: str) -> Take:
        """Hold the book of the start."""
        feed, of = _feed(recording), _instrument(recording)
        self._keeper = keeper = _keeper(feed, recording)
        topic = topics.by_name("md.book")
        codec = Codec({topic.subject: 1})

        def book(frame: bytes) -> None:
            (delta,) = feed.decode(frame, 1)
            if not isinstance(delta, BookDelta) or not isinstance(keeper.delta(delta), Applied):
                message = f"the frame was not applied: {frame!r}"
                raise AssertionError(message)  # noqa: TRY004 - the recording is wrong, not a type

        def record(frame: bytes) -> bytes:
            book(frame)
            made = book_record(of, keeper, depth=SHOWN, conflated=0, first_received_us=1, published_us=1)
            return b"" if made is None else codec.encode(topic, made)

        return book if to == "book" else record

    def top(self) -> Top:
        """Return what the book says now."""
        top = self._keeper.top(SHOWN)
        return _sides(top.bid_prices, top.bid_quantities, top.ask_prices, top.ask_quantities)

    async def live(self, url: str, take: Take) -> None:
        """Read with the producer's own socket."""
        ended = asyncio.Event()

        def heard(happening: Happening) -> None:
            if isinstance(happening, Frame):
                take(happening.data)
            elif isinstance(happening, Lost):
                ended.set()

        async with background("socket", Socket(url, heard=heard, hello=tuple, sends=_SENDS).run()):
            await ended.wait()

    async def meet(self, recording: Recording, deliveries: Sequence[Delivery]) -> list[Seen]:
        """Let the producer's own `MarketFeed` take them; each round of its clock is 100 ms."""
        return _Met(recording).all(deliveries)

    async def hold(self, recordings: Iterable[Recording]) -> object:
        """Hold a book of each."""
        return [_keeper(_feed(one), one) for one in recordings]


class _Met:
    """A market whose every book over REST comes at once, and every subscription's first book too."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._feed, of = _feed(recording), _instrument(recording)
        self._slot = Slot("public", 1)
        self._now_us = _BEGAN_US
        self._whole: Message = recording.start
        self._handed: list[Top] = []
        self._said: list[str] = []
        natives = {recording.native: of}
        # Peers hand out the wire's unit, so a contract is one.
        self._market = MarketFeed(
            self._feed,
            natives,
            encode=self._publish,
            partitions=4,
            depth=SHOWN,
            most_waiting=100_000,
            sizes={recording.native: Decimal(1)},
        )

    def all(self, deliveries: Sequence[Delivery]) -> list[Seen]:
        want = Want(channel="book", native=self._recording.native)
        self._act(lambda: self._market.connected(self._slot, (want,), self._now_us))
        # A book over REST is asked for when the stream has been silent for a second.
        for _ in range(20):
            self._round()
        found = []
        for frame, at in deliveries:
            self._handed, self._said, self._whole = [], [], self._recording.wholes[at]
            try:
                self._act(partial(self._market.frame, self._slot, _bytes(frame), self._now_us))
            except InvalidMessage:
                self._said.append("InvalidMessage to the dead letters")
            self._round()
            found.append(Seen(self._handed, self._said))
        return found

    def _round(self) -> None:
        self._now_us += _STEP_US
        self._act(lambda: self._market.tick(self._now_us))
        for due, _, _ in self._market.due(self._now_us):
            self._market.books.done(due.key)

    def _act(self, do: Callable[[], list[Action]]) -> None:
        actions = do()
        while actions:
            action = actions.pop(0)
            if isinstance(action, FetchBook):
                self._said.append("asks for a new book")
                snapshot = self._feed.read_book(_bytes(self._whole), action.native, _DEEP, self._now_us)
                actions += self._market.book_fetched(action.native, snapshot, self._now_us, check=action.check)
            elif isinstance(action, Send) and not self._recording.over_rest and action.books:
                self._said.append("asks for a new book")
                actions += self._market.frame(self._slot, _bytes(self._whole), self._now_us)

    def _publish(self, _topic: str, record: Any) -> bytes:  # noqa: ANN401 - whatever it would publish
        if isinstance(record, Book) and record.state == "valid":
            self._handed.append(
                _sides(record.bid_prices, record.bid_quantities, record.ask_prices, record.ask_quantities)
            )
        elif isinstance(record, Book):
            self._said.append("says that its book is stale")
        return b""


def _keeper(feed: Feed, recording: Recording) -> BookKeeper:
    keeper = BookKeeper(epoch=1, checksum=feed.facts.book.checksum)
    for message in recording.before:
        for event in feed.decode(_bytes(message), 1):
            if isinstance(event, BookDelta):
                keeper.delta(event)
    body = _bytes(recording.start)
    found = (
        [feed.read_book(body, recording.native, _DEEP, 1)]
        if recording.over_rest
        else [event for event in feed.decode(body, 1) if isinstance(event, BookSnapshot)]
    )
    if not found or not isinstance(keeper.snapshot(found[0]), Restored):
        message = f"no book: {body!r}"
        raise AssertionError(message)
    return keeper


def _bytes(message: Message) -> bytes:
    return message.encode() if isinstance(message, str) else message


def _feed(recording: Recording) -> Feed:
    market: Market = "spot" if recording.spot else "futures"
    return feed_of(recording.venue, market)


def _instrument(recording: Recording) -> OfInstrument:
    market: Market = "spot" if recording.spot else "futures"
    return OfInstrument(venue=recording.venue, market=market, symbol=f"{recording.base}/{recording.quote}")


def _sides(*columns: tuple[float, ...]) -> Top:
    bid_prices, bid_quantities, ask_prices, ask_quantities = columns
    return list(zip(bid_prices, bid_quantities, strict=True)), list(zip(ask_prices, ask_quantities, strict=True))


if __name__ == "__main__":
    serve(Ours(), "tapeline", "msgspec")
