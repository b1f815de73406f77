"""One simulated market without sockets and without a clock: time passes when it is told to, bytes become messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from simulator import places
from simulator.connection import Connection
from simulator.exchange import Exchange
from simulator.face import Answer, Request
from simulator.market import STEP_MS, TICK_US, Step
from simulator.places import Options, Place
from tapeline.errors import Misconfigured

BEGIN_US: Final = 1_790_000_000_000_000
US_PER_S: Final = 1_000_000
_LOOK_AFTER_US: Final = 500_000
_SHORT, _LONG = 126, 127
_TEXT, _BINARY, _PING, _PONG = 0x81, 0x82, 0x89, 0x8A


class Message(NamedTuple):
    """One WebSocket message to the client."""

    body: bytes
    binary: bool


class Wire:
    """Stands in for a transport: takes the server's bytes apart into messages."""

    def __init__(self) -> None:
        """Begin open."""
        self.messages: list[Message] = []
        self.pings: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        """Take the bytes of whole messages."""
        for opcode, payload in _messages(data):
            if opcode in {_TEXT, _BINARY}:
                self.messages.append(Message(payload, opcode == _BINARY))
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


class Offline:
    """One exchange whose market moves as time is given to it."""

    def __init__(self, place: Place, *, seed: int, symbols: int, rate: float = 1.0) -> None:
        """Open the market."""
        self.place = place
        self.now_us = BEGIN_US
        self.exchange: Exchange = places.exchange(place, Options(places=(), seed=seed, symbols=symbols, rate=rate))
        self.listings = {one.instrument.symbol: one for one in self.exchange.market.listings}
        self.exchange.open(self.now_us, self.now_s)
        self._looked_us = self.now_us

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

    def tell(self, step: Step) -> None:
        """Let an instrument's turn pass in which somebody else has moved its ladder, and tell all readers of it."""
        self.now_us += STEP_MS * 1_000
        step.listing.steps += 1
        self.exchange.face.advance(step, self.now_us)
        for connection in self.exchange.connections.values():
            connection.flush(self.now_s)

    def connect(self, path: str, headers: Mapping[str, str]) -> tuple[Connection, Wire]:
        """Open a WebSocket."""
        url = urlsplit(path or "/")
        route = self.exchange.face.route(url.path or "/", dict(parse_qsl(url.query)))
        if route is None:
            raise Misconfigured(f"{self.place} has no socket at {path}", fix="take a path of the venue")
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
