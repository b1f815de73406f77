"""The exchange's side of a trial: the simulator's own market and face in virtual time, and what its books truly were.

Nothing of `tapeline.venues` is asked: frames come from the face, the truth from the ladder behind it, at the number
under which the face wrote the change into its journal.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from simulator import places
from simulator.connection import Connection
from simulator.exchange import Exchange
from simulator.face import Answer, Request
from simulator.instruments import Instrument
from simulator.journal import AnyRecord, Delta, Journal, Served, Subscribed
from simulator.ladder import ASK, BID, Ladder
from simulator.market import TICK_US, Listing
from simulator.places import Options, Place

BEGIN_US: Final = 1_790_000_000_000_000
SHOWN: Final = 20
"""Levels a side that are compared: as many as a published book has."""
US_PER_S: Final = 1_000_000
WARM_US: Final = 3 * US_PER_S
"""So long the market moves before anybody connects: every channel has told a change by then."""
_ALWAYS: Final = 1.34
"""The rate at which an instrument moves at every step."""
_LOOK_AFTER_US: Final = 500_000
_SHORT, _LONG = 126, 127
_TEXT, _BINARY, _PING, _PONG = 0x81, 0x82, 0x89, 0x8A

Column = tuple[float, ...]
Top = tuple[Column, Column, Column, Column]
"""Bid prices, bid quantities, ask prices, ask quantities, best first."""


class Truth(Journal):
    """Stands in for the journal: keeps of each change the book behind it, by symbol, channel and number."""

    def __init__(self, listings: Mapping[str, Listing]) -> None:
        """Take whose ladders these are."""
        super().__init__(None)
        self._listings = listings
        self._tops: defaultdict[tuple[str, str], dict[int, Top]] = defaultdict(dict)
        self.newest: dict[tuple[str, str], Delta] = {}
        """The last change of each channel."""
        self.subscribed: dict[str, str] = {}
        """The channel on which the book of a symbol is read."""
        self.served: set[tuple[str, int]] = set()
        """Symbol and number of each whole book: REST may have one between two messages of the stream."""

    def write(self, record: AnyRecord) -> None:
        """Keep a change's book; a whole book that is told under a new number changes nothing."""
        if isinstance(record, Delta):
            ladder = self._listings[record.symbol].ladder
            where = record.symbol, record.channel
            self._tops[where][record.sequence] = _top(ladder, self._listings[record.symbol].instrument)
            self.newest[where] = record
        elif isinstance(record, Subscribed) and record.type == "book" and record.channel:
            self.subscribed[record.symbol] = record.channel
        elif isinstance(record, Served):
            self.served.add((record.symbol, record.sequence))
            tops = self._tops[record.symbol, record.channel]
            if record.sequence not in tops and tops:
                tops[record.sequence] = tops[next(reversed(tops))]

    def top(self, symbol: str, channel: str, sequence: int) -> Top | None:
        """Return the book of a channel at a number, None where it never had it."""
        return self._tops[symbol, channel].get(sequence)


class Wire:
    """Stands in for a transport: takes the server's bytes apart into messages."""

    def __init__(self) -> None:
        """Begin open."""
        self.messages: list[bytes] = []
        self.pings: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        """Take the bytes of whole messages."""
        for opcode, payload in _messages(data):
            if opcode in {_TEXT, _BINARY}:
                self.messages.append(payload)
            elif opcode == _PING:
                self.pings.append(payload)
            elif opcode != _PONG:
                self.closed = True

    def close(self) -> None:
        """End."""
        self.closed = True

    def abort(self) -> None:
        """End."""
        self.closed = True

    def get_write_buffer_size(self) -> int:
        """Return that nothing waits."""
        return 0


class ExchangeSide:
    """One simulated market that moves as time is given to it."""

    def __init__(self, place: Place, *, seed: int, symbols: int) -> None:
        """Open the market and let it move for a while without clients."""
        self.place = place
        self.now_us = BEGIN_US
        options = Options(places=(), seed=seed, symbols=symbols, rate=_ALWAYS)
        self.exchange: Exchange = places.exchange(place, options)
        self.listings = {one.instrument.symbol: one for one in self.exchange.market.listings}
        self.truth = self.exchange.journal = Truth(self.listings)
        self.exchange.open(self.now_us, self.now_s)
        self._looked_us = self.now_us
        while self.now_us < BEGIN_US + WARM_US:
            self.tick()

    @property
    def now_s(self) -> float:
        """Return the time as the simulator counts timeouts."""
        return (self.now_us - BEGIN_US) / US_PER_S

    @property
    def symbols(self) -> tuple[str, ...]:
        """Return the symbols that it lists."""
        return tuple(self.listings)

    def tick(self) -> None:
        """Let a tick of time pass."""
        self.now_us += TICK_US
        self.exchange.tick(self.now_us, self.now_s)
        if self.now_us >= self._looked_us + _LOOK_AFTER_US:
            self._looked_us = self.now_us
            self.exchange.look_after(self.now_us, self.now_s)

    def connect(self, path: str, headers: Mapping[str, str]) -> tuple[Connection, Wire]:
        """Open a WebSocket."""
        url = urlsplit(path or "/")
        route = self.exchange.face.route(url.path or "/", dict(parse_qsl(url.query)))
        assert route is not None, f"{self.place} has no socket at {path}"
        wire = Wire()
        lower = {name.lower(): value for name, value in headers.items()}
        return self.exchange.connect(wire, path, route, self.now_us, self.now_s, headers=lower), wire

    def hear(self, connection: Connection, text: str | None, ping: bytes | None = None) -> None:
        """Send a message to the venue: text, or a protocol ping, or (both None) a pong."""
        self.exchange.hear(connection, text, self.now_us, self.now_s, ping)

    def rest(self, path: str, raw: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        """Ask the venue's REST."""
        request = Request(
            path=path,
            query=dict(parse_qsl(raw)),
            at_us=self.now_us,
            method="GET" if body is None else "POST",
            raw=raw,
            body="" if body is None else body.decode(),
            headers={name.lower(): value for name, value in headers.items()},
        )
        return self.exchange.rest(request, self.now_s)


def _top(ladder: Ladder, of: Instrument) -> Top:
    bids = range(ladder.bid, ladder.bid - SHOWN, -1)
    asks = range(ladder.ask, ladder.ask + SHOWN)
    return (
        tuple([of.tick.value(price) for price in bids]),
        tuple([of.lot.value(ladder.levels[BID][price]) for price in bids]),
        tuple([of.tick.value(price) for price in asks]),
        tuple([of.lot.value(ladder.levels[ASK][price]) for price in asks]),
    )


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(data):
        opcode, size = data[at], data[at + 1]
        at += 2
        if size in {_SHORT, _LONG}:
            wide = 2 if size == _SHORT else 8
            size = int.from_bytes(data[at : at + wide], "big")
            at += wide
        yield opcode, data[at : at + size]
        at += size
