"""Frames of an exchange as its simulated face writes them: a market that walks by our hand, and its book after each.

What the book is after each is read from the ladder behind the face, no decoder between. Every step moves the price by
some ticks, whose levels come and go, and changes others near it: about thirty changes, a good third of them deletions.
The same steps can be told on another channel, for a peer that does not read ours.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from typing import NamedTuple

from benchmarks.peers.driving import SHOWN, Message, Recording, Side, Top, unpacked
from benchmarks.peers.recording import Stretch
from simulator.connection import Connection
from simulator.ladder import ASK, BID, SIDES, Ladder
from simulator.market import Listing, Step
from simulator.offline import Offline, Wire
from simulator.places import Place
from tapeline.domain.book import BookDelta, BookSnapshot
from tapeline.domain.events import Instrument, Market
from tapeline.venues.contract import Feed, Want
from tapeline.venues.registry import feed as feed_of

DEPTHS = {("htx", "futures"): 150}
"""Levels that are asked for, where a peer's users get others than ours do."""
_MOVES = (-6, -5, -4, 4, 5, 6)
_RENEWED = 5
"""Levels a side that change beside those that the price passes."""
_REACH = 40
_SEED = 7
_AHEAD = 12
"""So many steps before a whole book is asked for: it holds the first of them also where REST is behind."""


class Channel(NamedTuple):
    """A channel that our own feed does not read: where and how it is asked for, and what its messages of books have.

    `rest` is asked for the whole book, where the channel does not begin with one.
    """

    path: str
    asks: str
    tells: str
    rest: str = ""


class _Reader(NamedTuple):
    """Who reads one instrument of a simulated market, on one socket."""

    side: Offline
    feed: Feed
    one: Instrument
    chance: random.Random
    connection: Connection
    wire: Wire

    @property
    def listing(self) -> Listing:
        """Return the instrument on the market's side."""
        return self.side.listings[self.one.symbol]


Sorted = tuple[list[Message], list[Message], Message]
"""What answers the subscription, which changes come before the whole book, and that book."""


def faced(venue: str, market: Market, count: int, *, wholes: bool = False) -> Stretch:
    """Return so many frames of a venue's book, on the channel of our own feed; with the `wholes` after each, or not."""
    feed = feed_of(venue, market)
    path = feed.facts.sockets[feed.facts.channels["book"]]
    reader = _reader(venue, market, path)
    protocol, native, depth = feed.facts.book, reader.one.native, DEPTHS.get((venue, market), SHOWN)
    told = _heard(reader, Want(channel="book", native=native, depth=depth))
    told += [] if protocol.snapshot == "stream" else _walked(reader, _AHEAD)
    if protocol.snapshot == "request":
        told += _heard(reader, Want(channel="snapshot", native=native, depth=depth))
    changes = _those(told, lambda one: _tells(feed, one, BookDelta))
    if protocol.snapshot == "rest":
        target = feed.book_request(native, max(protocol.rest_depths)).target
        start: Message = _rest(reader, target).decode()
    else:
        start = next(one for one in told if _tells(feed, one, BookSnapshot))
    answers = [one for one in told if one not in changes and one != start]

    def whole() -> Message:
        if protocol.snapshot == "rest":
            return _rest(reader, target).decode()
        other = _another(reader, path)
        said = _heard(other, Want(channel="book", native=native, depth=depth))
        if protocol.snapshot == "request":
            said += _heard(other, Want(channel="snapshot", native=native, depth=depth))
        return next(one for one in said if _tells(feed, one, BookSnapshot))

    return _stretch(reader, protocol.snapshot, (answers, changes, start), count, whole if wholes else None)


def faced_on(channel: Channel, venue: str, market: Market, count: int, *, wholes: bool = False) -> Stretch:
    """Return so many frames of another channel of a venue."""
    reader = _reader(venue, market, channel.path)
    reader.side.hear(reader.connection, channel.asks)
    told = _taken(reader) + (_walked(reader, _AHEAD) if channel.rest else [])
    books = _those(told, lambda one: channel.tells in unpacked(one))
    answers = [one for one in told if one not in books]
    while not books:
        # Whole books alone: the first comes with the next step.
        books = _those(_walked(reader, 1), lambda one: channel.tells in unpacked(one))

    def whole() -> Message:
        if channel.rest:
            return _rest(reader, channel.rest).decode()
        other = _another(reader, channel.path)
        reader.side.hear(other.connection, channel.asks)
        return next((one for one in _taken(other) if channel.tells in unpacked(one)), books[0])

    if channel.rest:
        return _stretch(reader, "rest", (answers, books, whole()), count, whole if wholes else None)
    return _stretch(reader, "stream", (answers, [], books[-1]), count, whole if wholes else None)


def _stretch(reader: _Reader, source: str, sorted_: Sorted, count: int, whole: Callable[[], Message] | None) -> Stretch:
    answers, before, start = sorted_
    frames: list[Message] = []
    tops: list[Top] = []
    wholes: list[Message] = []
    while len(frames) < count:
        arrived = next((told for _ in range(_AHEAD) if (told := _walked(reader, 1))), None)
        if arrived is None:
            message = f"{reader.side.place} says nothing any more; to the subscription it said {answers}"
            raise AssertionError(message)
        frames += arrived
        tops += [_top(reader)] * len(arrived)
        wholes += [] if whole is None else [whole()] * len(arrived)
    place, one = reader.side.place, reader.one
    recording = Recording(
        venue=place.venue,
        market=place.market,
        native=one.native,
        base=one.base,
        quote=one.quote,
        start=start,
        frames=frames,
        wholes=wholes,
        source=source,
        answers=answers,
        before=before,
    )
    return Stretch(f"{place.venue} {place.market}, simulated", recording, tops)


def _reader(venue: str, market: Market, path: str) -> _Reader:
    side, feed = Offline(Place(venue, market), seed=_SEED, symbols=1), feed_of(venue, market)
    request = feed.instruments_request()
    body = side.rest(request.path, request.target.partition("?")[2], feed.facts.headers, request.body).body
    listed = feed.read_instruments(body.encode(), side.now_us).instruments
    one = next(one for one in listed if one.symbol in side.listings)
    chance = random.Random(_SEED)  # noqa: S311 - a market, no secret
    return _Reader(side, feed, one, chance, *side.connect(path, feed.facts.headers))


def _another(reader: _Reader, path: str) -> _Reader:
    """Return who reads the same on a socket of its own."""
    connection, wire = reader.side.connect(path, reader.feed.facts.headers)
    return reader._replace(connection=connection, wire=wire)


def _heard(reader: _Reader, want: Want) -> list[Message]:
    """Ask for a channel and return what is answered."""
    for ask in reader.feed.subscribe((want,), 1):
        reader.side.hear(reader.connection, ask.frame.decode())
    return _taken(reader)


def _taken(reader: _Reader) -> list[Message]:
    told, reader.wire.messages = reader.wire.messages, []
    return [one.body if one.binary else one.body.decode() for one in told]


def _rest(reader: _Reader, target: str) -> bytes:
    path, _, raw = target.partition("?")
    return reader.side.rest(path, raw, reader.feed.facts.headers, None).body.encode()


def _those(messages: Iterable[Message], which: Callable[[Message], bool]) -> list[Message]:
    return [one for one in messages if which(one)]


def _tells(feed: Feed, message: Message, kind: type[BookDelta | BookSnapshot]) -> bool:
    body = message.encode() if isinstance(message, str) else message
    return any(isinstance(event, kind) for event in feed.decode(body, 1))


def _walked(reader: _Reader, steps: int) -> list[Message]:
    """Let the market take some steps and return what was told of them."""
    ladder, chance = reader.listing.ladder, reader.chance
    for _ in range(steps):
        ladder.changes = []
        bid = ladder.bid + chance.choice(_MOVES)
        ladder.move(bid, bid + 1)
        for side in SIDES:
            for away in chance.sample(range(_REACH), _RENEWED):
                ladder.renew(side, away)
        reader.side.tell(Step(reader.listing, ()))
    return _taken(reader)


def _top(reader: _Reader) -> Top:
    """Return the best levels, in the wire's unit."""
    ladder = reader.listing.ladder
    return _levels(reader, ladder, BID, -1), _levels(reader, ladder, ASK, 1)


def _levels(reader: _Reader, ladder: Ladder, side: int, step: int) -> Side:
    best, of = ladder.best(side), reader.listing.instrument
    in_lots = reader.feed.facts.quantities == "contracts"
    found = [(price, ladder.levels[side][price]) for price in range(best, best + step * SHOWN, step)]
    return [(of.tick.value(price), float(lots) if in_lots else of.lot.value(lots)) for price, lots in found]
