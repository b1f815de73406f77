"""A simulated exchange in virtual time, without sockets: clients hold the other end of the wire and read its bytes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulator import journal, places
from simulator.connection import Connection
from simulator.exchange import Exchange
from simulator.face import Request
from simulator.journal import AnyRecord, Delta, FaultHit, Trade
from simulator.limits import SocketLimits
from simulator.places import Options, Place

START_US = 1_795_000_000_000_000
TICK_US = 20_000
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
Message = tuple[int, bytes]
Asked = tuple[int, dict[str, str], Any, float | None]


class Line:
    """The wire as the exchange sees it; the client's end is `messages`."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.closed = False
        self.aborted = False

    def write(self, data: bytes) -> None:
        assert not self.closed
        while data:
            size, begin = data[1], 2
            if size == 126:
                size, begin = int.from_bytes(data[2:4], "big"), 4
            elif size == 127:
                size, begin = int.from_bytes(data[2:10], "big"), 10
            self.messages.append((data[0] & 0x0F, data[begin : begin + size]))
            data = data[begin + size :]

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = self.aborted = True

    def get_write_buffer_size(self) -> int:
        return 0


@dataclass(slots=True, eq=False)
class Client:
    """A client of the stage."""

    stage: Stage
    line: Line
    connection: Connection

    def say(self, message: object) -> None:
        """Send JSON, or text as it is."""
        text = message if isinstance(message, str) else json.dumps(message)
        self.stage.exchange.hear(self.connection, text, self.stage.now_us, self.stage.now_s, None)

    def ping(self, payload: bytes) -> None:
        """Send a protocol ping."""
        self.stage.exchange.hear(self.connection, None, self.stage.now_us, self.stage.now_s, payload)

    def pong(self) -> None:
        """Send a protocol pong."""
        self.stage.exchange.hear(self.connection, None, self.stage.now_us, self.stage.now_s, None)

    def take(self) -> list[Any]:
        """Return what arrived since the last call: JSON values, None for a text that is none."""
        texts = [payload for opcode, payload in self.line.messages if opcode == TEXT]
        self.line.messages = [one for one in self.line.messages if one[0] != TEXT]
        return [_read(text) for text in texts]


@dataclass(slots=True, eq=False)
class Stage:
    """One exchange and its time."""

    exchange: Exchange
    path: Path
    now_us: int = START_US
    clients: list[Client] = field(default_factory=list)

    @property
    def now_s(self) -> float:
        """Return the monotonic clock."""
        return (self.now_us - START_US) / 1e6

    def connect(self, path: str, *, headers: Mapping[str, str] | None = None, **query: str) -> Client:
        """Connect a client; the names of `headers` are in lower case."""
        route = self.exchange.face.route(path, query)
        assert route is not None
        line = Line()
        client = Client(self, line, self.exchange.connect(line, path, route, self.now_us, self.now_s, headers=headers))
        self.clients.append(client)
        return client

    def play(self, seconds: float, each: Callable[[], object] = lambda: None) -> None:
        """Let time pass, tick by tick."""
        for _ in range(round(seconds * 1e6 / TICK_US)):
            self.now_us += TICK_US
            self.exchange.tick(self.now_us, self.now_s)
            if self.now_us % 1_000_000 == 0:
                self.exchange.look_after(self.now_us, self.now_s)
            for client in self.clients:
                if client.line.closed:
                    self.exchange.disconnect(client.connection, self.now_us)
            each()

    def records(self) -> list[AnyRecord]:
        """Return the journal as it is now."""
        self.exchange.journal.flush()
        return list(journal.read(self.path))

    def of(self, *kinds: type[AnyRecord]) -> list[Any]:
        """Return the records of some kinds."""
        return [one for one in self.records() if isinstance(one, kinds)]

    def rest(self, path: str, **query: str) -> tuple[int, dict[str, str], Any]:
        """Make a REST request; return status, headers, JSON."""
        return self.ask(Request(path=path, query=query, at_us=self.now_us))[:3]

    def ask(self, request: Request) -> Asked:
        """Make any REST request; return status, headers, JSON, and when the answer is lost (None: it comes)."""
        answer = self.exchange.rest(request, self.now_s)
        return answer.status, dict(answer.headers), json.loads(answer.body), answer.lost_s


@contextmanager
def stage(
    venue: str,
    market: str,
    folder: Path,
    *,
    symbols: int = 5,
    seed: int = 7,
    faults: tuple[str, ...] = (),
    limits: SocketLimits | None = None,
    funding_s: int = 8 * 3600,
) -> Iterator[Stage]:
    """Play one exchange while the block runs."""
    options = Options(places=(), seed=seed, symbols=symbols, faults=faults, journal=folder, funding_s=funding_s)
    exchange = places.exchange(Place(venue, market), options, limits=limits)
    assert exchange.journal.path is not None
    exchange.open(START_US, 0.0)
    try:
        yield Stage(exchange, exchange.journal.path)
    finally:
        exchange.close(START_US)


def subscribed(stage: Stage, *, trades: bool = True) -> Client:
    """Connect a client that reads books (and trades) of all symbols, in its venue's way."""
    face = stage.exchange.face
    wires = [one.instrument.wire for one in stage.exchange.market.listings]
    if face.venue == "binance":
        # The book's route of futures carries the undocumented @trade too.
        names = [
            f"{wire.lower()}@{what}" for wire in wires for what in ("depth@100ms", *(("trade",) if trades else ()))
        ]
        client = stage.connect("/public/stream" if face.market == "futures" else "/stream")
        client.say({"method": "SUBSCRIBE", "params": names, "id": 1})
    else:
        client = stage.connect(f"/v5/public/{'spot' if face.market == 'spot' else 'linear'}")
        for what in ("orderbook.50", "publicTrade")[: 1 + trades]:
            client.say({"op": "subscribe", "args": [f"{what}.{wire}" for wire in wires]})
    return client


def understood(message: dict[str, Any] | None) -> Delta | list[Trade] | None:
    """Read a message of either venue as the journal would have it, without times; None for acks and snapshots."""
    if message is None or not ("stream" in message or "topic" in message):
        return None
    if "stream" in message:
        return _binance(message["data"])
    data = message["data"]
    if message["topic"].startswith("publicTrade"):
        return [
            Trade(
                at_us=0, symbol=_pair(one["s"]), channel="publicTrade", id=one["i"], side=one["S"].lower(),
                price=one["p"], quantity=one["v"],
            )
            for one in data
        ]  # fmt: skip
    if message["type"] == "snapshot":
        return None
    channel = message["topic"].rpartition(".")[0]
    return _delta(channel, data["s"], data["u"], data["u"], data["u"] - 1, data["b"], data["a"])


def plain(record: Delta | Trade) -> Delta | Trade:
    """Return a record of the journal without its time."""
    return type(record)(**{**{name: getattr(record, name) for name in record.__struct_fields__}, "at_us": 0})


def as_told(records: list[AnyRecord]) -> list[Delta | Trade]:
    """Return what a client that heard everything heard, after the faults did what the journal says they did.

    A moved message stands behind the next one of its symbol and channel.
    """
    hits = {
        (one.symbol, one.channel, name): one.action for one in records if isinstance(one, FaultHit) for name in one.ids
    }
    told: list[Delta | Trade] = []
    held: dict[tuple[str, str], Delta | Trade] = {}
    for record in records:
        if not isinstance(record, Delta | Trade) or record.channel == "aggTrade":
            continue
        name = record.id if isinstance(record, Trade) else str(record.sequence)
        place = (record.symbol, record.channel)
        action = hits.get((*place, name), "told")
        if action == "moved":
            held[place] = plain(record)
            continue
        if action in {"told", "repeated"}:
            told += [plain(record)] * (2 if action == "repeated" else 1)
        if place in held:
            told.append(held.pop(place))
    return told


def heard(messages: list[Any]) -> list[Delta | Trade]:
    """Return what a client heard, in order."""
    found: list[Delta | Trade] = []
    for message in messages:
        one = understood(message)
        if one is not None:
            found += one if isinstance(one, list) else [one]
    return found


def _binance(data: dict[str, Any]) -> Delta | list[Trade] | None:
    if data["e"] == "depthUpdate":
        follows = data.get("pu", data["U"] - 1)
        return _delta("depth@100ms", data["s"], data["u"], data["U"], follows, data["b"], data["a"])
    if data["e"] == "trade":
        side = "sell" if data["m"] else "buy"
        return [
            Trade(
                at_us=0, symbol=_pair(data["s"]), channel="trade", id=str(data["t"]), side=side, price=data["p"],
                quantity=data["q"],
            )
        ]  # fmt: skip
    return None


def _delta(
    channel: str, wire: str, sequence: int, first: int, follows: int, bids: list[list[str]], asks: list[list[str]]
) -> Delta:
    return Delta(
        at_us=0, symbol=_pair(wire), channel=channel, sequence=sequence, first=first, follows=follows,
        bids=tuple((price, quantity) for price, quantity in bids),
        asks=tuple((price, quantity) for price, quantity in asks),
    )  # fmt: skip


def _pair(wire: str) -> str:
    return f"{wire.removesuffix('USDT')}/USDT"


def _read(text: bytes) -> Any:  # noqa: ANN401 - JSON
    try:
        return json.loads(text)
    except ValueError:
        return None
