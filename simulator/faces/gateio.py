"""Gate's face, spot and USDT futures: channels with payloads, books of their own numbers, sizes as the client asks.

Not known, so chosen plainly: `order_book_update` begins with its first delta and no whole book, as seen on the wire; a
`time` that is more than a minute off is an invalid argument, none is fine; a second depth stream of an instrument on
one connection is refused, of whatever depth; unsubscribing from what is not read succeeds; a request that repeats a
stream of trades is answered again; the server pings every 20 s; the 300 connections of an address are counted as they
are opened, in five minutes. Not served: best prices, images of the top of a book, candles, spot's ticker.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from simulator import chance
from simulator.connection import Connection
from simulator.desk import Desk
from simulator.face import Answer, Outlet, Request, Route
from simulator.faces.gateio_channels import OBU, TICKERS, TRADES, UPDATE, Stream, Wrong, native_of, parse
from simulator.faces.gateio_feed import INTEGERS, Engine, Feed
from simulator.faces.gateio_rest import SIZES, Rest
from simulator.faces.reading import Reading, reading_terms
from simulator.journal import Subscribed, Unsubscribed
from simulator.limits import SocketLimits
from simulator.market import Step

VENUE = "gateio"
LIMITS = SocketLimits(connections=300, ping_every_s=20.0, silent_cut_s=30.0)
TERMS = {"spot": reading_terms(maker="0.002", taker="0.002"), "futures": reading_terms(maker="0.0002", taker="0.0005")}
PATHS = {"spot": "/ws/v4/", "futures": "/v4/ws/usdt"}

_CHANNELS = {"spot": (OBU, UPDATE, TRADES), "futures": (OBU, UPDATE, TRADES, TICKERS)}
_UNREADABLE = 1
_INVALID = 2
_MOST_SKEW_S = 60
_ID_DIGITS = 16
_TRACE_DIGITS = 32
_US_PER_S = 1_000_000


class GateioFace(Reading):
    """The face of `gateio:spot` or `gateio:futures`."""

    def __init__(self, outlet: Outlet, desk: Desk, kind: str, seed: int, limits: SocketLimits | None = None) -> None:
        """Make a feed for each instrument; `limits` stand in for the venue's own."""
        self.venue = VENUE
        self.market = kind
        self.channels: tuple[str, ...] = (f"{kind}.{OBU}.50", f"{kind}.{OBU}.400", f"{kind}.{TRADES}")
        self.socket_limits = limits or LIMITS
        self._outlet = outlet
        self._chance = chance.stream(seed, VENUE, kind, "connections")
        self._names: dict[int, str] = {}
        engine = Engine(outlet, kind, seed, desk.funding_ms)
        self.feeds = {native_of(one.instrument): Feed(engine, one) for one in desk.market.listings}
        self._known = frozenset(self.feeds)
        self._rest = Rest(outlet, kind, self.feeds)

    def route(self, path: str, query: Mapping[str, str]) -> Route | None:
        """Know the address of this market, with or without its last slash."""
        del query
        return Route(path) if path.rstrip("/") == PATHS[self.market].rstrip("/") else None

    def greet(self, connection: Connection, route: Route, now_us: int) -> None:
        """Give the connection its id; the venue says nothing until it is asked."""
        del route, now_us
        self._names[connection.number] = self._chance.hex(_ID_DIGITS)

    def hear(self, connection: Connection, text: str, now_us: int) -> None:
        """Answer ping, subscribe and unsubscribe."""
        try:
            asked = msgspec.json.decode(text)
        except msgspec.DecodeError:
            asked = None
        if not isinstance(asked, dict):
            self._refuse(connection, {}, _UNREADABLE, "invalid request body", now_us)
            return
        if asked.get("channel") == f"{self.market}.ping":
            now_s = now_us // _US_PER_S
            connection.reply(f'{{"time":{now_s},"channel":"{self.market}.pong","event":"","result":null}}')
            return
        try:
            streams = self._read(asked, now_us)
        except Wrong as wrong:
            self._refuse(connection, asked, _INVALID, str(wrong), now_us)
            return
        if asked["event"] == "unsubscribe":
            self._unsubscribe(connection, asked, streams, now_us)
        else:
            self._subscribe(connection, asked, streams, now_us)

    def part(self, connection: Connection, now_us: int) -> None:
        """Say nothing: a connection may end at any time."""

    def advance(self, step: Step, now_us: int) -> None:
        """Publish what changed."""
        self.feeds[native_of(step.listing.instrument)].advance(step, now_us)

    def rest(self, request: Request) -> Answer:
        """Answer a REST request."""
        return self._rest.answer(request)

    def _read(self, asked: dict[str, Any], now_us: int) -> list[Stream]:
        """Return the streams of a request; raise Wrong when it is not taken."""
        channel, payload, said_s = asked.get("channel"), asked.get("payload"), asked.get("time")
        market, _, what = channel.partition(".") if isinstance(channel, str) else ("", "", "")
        if market != self.market or what not in _CHANNELS[self.market]:
            raise Wrong(f"unknown channel {channel}")
        if asked.get("event") not in {"subscribe", "unsubscribe"}:
            raise Wrong(f"unknown event {asked.get('event')}")
        if said_s is not None and (type(said_s) is not int or abs(said_s - now_us // _US_PER_S) > _MOST_SKEW_S):
            raise Wrong("invalid time")
        if not isinstance(payload, list) or not payload or not all(isinstance(one, str) for one in payload):
            raise Wrong("invalid argument")
        return parse(self.market, what, payload, self._known)

    def _subscribe(self, connection: Connection, asked: dict[str, Any], streams: list[Stream], now_us: int) -> None:
        read = {_native(name) for name in connection.streams if f".{OBU} " in name}
        for stream in streams:
            if asked["channel"] != f"{self.market}.{OBU}" or stream.silent:
                continue
            if stream.native in read:
                self._refuse(connection, asked, _INVALID, f"Alert sub {stream.name.partition(' ')[2]}", now_us)
                return
            read.add(stream.native)
        self._accept(connection, asked, now_us)
        for stream in streams:
            self._begin(connection, stream, now_us)

    def _begin(self, connection: Connection, stream: Stream, now_us: int) -> None:
        decimal = self._decimal(connection)
        if stream.silent:
            record = Subscribed(at_us=now_us, connection=connection.number, stream=stream.name)
            self._outlet.record(record)
            return
        feed = self.feeds[stream.native]
        feed.activate(stream)
        self._outlet.record(
            Subscribed(
                at_us=now_us,
                connection=connection.number,
                stream=stream.name if decimal else stream.name + INTEGERS,
                symbol=feed.listing.instrument.symbol,
                channel=stream.channel,
                type=stream.kind,
            )
        )
        text, served = feed.greeting(stream, now_us, decimal=decimal)
        if text:
            connection.reply(text)
        if served is not None:
            self._outlet.record(msgspec.structs.replace(served, connection=connection.number))

    def _unsubscribe(self, connection: Connection, asked: dict[str, Any], streams: list[Stream], now_us: int) -> None:
        for stream in streams:
            for name in (stream.name, stream.name + INTEGERS):
                if name in connection.streams:
                    self._outlet.record(Unsubscribed(at_us=now_us, connection=connection.number, stream=name))
        self._accept(connection, asked, now_us)

    def _decimal(self, connection: Connection) -> bool:
        return self.market == "spot" or connection.headers.get(SIZES) == "1"

    def _accept(self, connection: Connection, asked: dict[str, Any], now_us: int) -> None:
        self._reply(connection, asked, {"error": None, "result": {"status": "success"}}, now_us)

    def _refuse(self, connection: Connection, asked: dict[str, Any], code: int, told: str, now_us: int) -> None:
        said = {"error": {"code": code, "message": told}, "result": {"status": "fail"}}
        self._reply(connection, asked, said, now_us)

    def _reply(self, connection: Connection, asked: dict[str, Any], said: dict[str, object], now_us: int) -> None:
        trace = self._chance.hex(_TRACE_DIGITS)
        answer = {
            "time": now_us // _US_PER_S,
            "time_ms": now_us // 1000,
            **({"id": asked["id"]} if "id" in asked else {}),
            "conn_id": self._names[connection.number],
            "trace_id": trace,
            "channel": asked.get("channel") or "",
            "event": asked.get("event") or "",
            **({"payload": asked["payload"]} if "payload" in asked else {}),
            **said,
            "requestId": trace,
        }
        connection.reply(msgspec.json.encode(answer).decode())


def _native(name: str) -> str:
    """Return the instrument of an obu stream: between the first `ob.` and the last dot."""
    return name.partition("ob.")[2].rpartition(".")[0]
