"""MEXC's face, spot and futures: subscriptions, refusals inside of success, pings of the client, limits.

Read from the MEXC sheet. What it does not say, and what is done here: a text on spot that is no known request gets no
answer; the reason for a 31st subscription is in the words of the simulator; candles are acknowledged and stay silent;
`compress: false` is not served (all books and trades come merged); how many connections an address may have is not
known, so it is hardly limited.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from simulator.connection import Connection
from simulator.desk import Desk
from simulator.face import Answer, Outlet, Request, Route
from simulator.faces import mexc_futures, mexc_futures_rest, mexc_spot, mexc_spot_rest
from simulator.faces.mexc_futures import Topic, parse_topic
from simulator.faces.mexc_streams import Stream, parse_stream
from simulator.faces.reading import Reading, reading_terms
from simulator.journal import Subscribed, Unsubscribed
from simulator.limits import SocketLimits
from simulator.market import Step

VENUE = "mexc"
TERMS = {"spot": reading_terms(maker="0", taker="0.0005"), "futures": reading_terms(maker="0", taker="0.0002")}

_DAY_S = 86_400.0
_MANY = 1000
LIMITS = {
    "spot": SocketLimits(
        messages_per_s=100, streams=30, connections=_MANY, bare_cut_s=30.0, quiet_cut_s=60.0, lifetime_s=_DAY_S
    ),
    "futures": SocketLimits(connections=_MANY, unpinged_cut_s=60.0),
}
PATHS = {"spot": "/ws", "futures": "/edge"}
_REFUSED = "Not Subscribed successfully! [{names}].  Reason\uff1a {reason}! "
_BLOCKED = "Blocked"
_TOO_MANY = "Too many subscriptions"


class MexcFace(Reading):
    """The face of `mexc:spot` or `mexc:futures`."""

    def __init__(self, outlet: Outlet, desk: Desk, kind: str, seed: int, limits: SocketLimits | None = None) -> None:
        """Make a feed for each instrument; `limits` stand in for the venue's own."""
        self.venue = VENUE
        self.market = kind
        self.socket_limits = limits or LIMITS[kind]
        self._talk: _SpotTalk | _FuturesTalk
        if kind == "spot":
            self._talk = _SpotTalk(outlet, desk, seed, self.socket_limits)
        else:
            self._talk = _FuturesTalk(outlet, desk, seed)
        self.channels: tuple[str, ...] = self._talk.channels
        self.blind = ("trade",)

    def route(self, path: str, query: Mapping[str, str]) -> Route | None:
        """Know the one address of the product."""
        del query
        return Route(path) if path == PATHS[self.market] else None

    def greet(self, connection: Connection, route: Route, now_us: int) -> None:
        """Say nothing until asked."""

    def hear(self, connection: Connection, text: str, now_us: int) -> None:
        """Answer a JSON request; what is none, or asks for nothing known, gets no answer."""
        try:
            asked = msgspec.json.decode(text)
        except msgspec.DecodeError:
            return
        if isinstance(asked, dict) and isinstance(asked.get("method"), str):
            self._talk.answer(connection, asked, now_us)

    def part(self, connection: Connection, now_us: int) -> None:
        """Say nothing."""

    def advance(self, step: Step, now_us: int) -> None:
        """Publish what changed."""
        self._talk.advance(step, now_us)

    def rest(self, request: Request) -> Answer:
        """Answer a REST request."""
        return self._talk.rest.answer(request)


class _SpotTalk:
    """Requests and answers of spot's socket: text, with code 0 even where the answer is no."""

    channels = (mexc_spot.BOOK, mexc_spot.DEALS)

    def __init__(self, outlet: Outlet, desk: Desk, seed: int, limits: SocketLimits) -> None:
        self._outlet = outlet
        self._most = limits.streams
        engine = mexc_spot.Engine(outlet, seed)
        self.feeds = {feed.wire: feed for feed in (mexc_spot.Feed(engine, one) for one in desk.market.listings)}
        self._by_symbol = {feed.listing.instrument.symbol: feed for feed in self.feeds.values()}
        self.rest = mexc_spot_rest.Rest(outlet, self.feeds, TERMS["spot"])

    def advance(self, step: Step, now_us: int) -> None:
        self._by_symbol[step.listing.instrument.symbol].advance(step, now_us)

    def answer(self, connection: Connection, asked: dict[str, Any], now_us: int) -> None:
        method, names = asked["method"], asked.get("params")
        if method.upper() == "PING":
            _say(connection, "PONG")
        if not isinstance(names, list) or not names or not all(isinstance(one, str) for one in names):
            return
        if method == "SUBSCRIPTION":
            self._subscribe(connection, names, now_us)
        elif method == "UNSUBSCRIPTION":
            for name in names:
                if name in connection.streams:
                    self._outlet.record(Unsubscribed(at_us=now_us, connection=connection.number, stream=name))
            _say(connection, ",".join(names))

    def _subscribe(self, connection: Connection, names: list[str], now_us: int) -> None:
        found: dict[str, list[str]] = {"": [], _BLOCKED: [], _TOO_MANY: []}
        for name in names:
            stream = parse_stream(name)
            known = connection.streams
            if stream is None or stream.wire not in self.feeds:
                found[_BLOCKED].append(name)
            elif self._most is not None and name not in known and len(known) >= self._most:
                found[_TOO_MANY].append(name)
            else:
                self._take(connection, stream, now_us)
                found[""].append(name)
        for reason, named in found.items():
            if named:
                joined = ",".join(named)
                _say(connection, _REFUSED.format(names=joined, reason=reason) if reason else joined)

    def _take(self, connection: Connection, stream: Stream, now_us: int) -> None:
        if stream.kind is None:
            self._outlet.record(Subscribed(at_us=now_us, connection=connection.number, stream=stream.name))
            return
        feed = self.feeds[stream.wire]
        feed.activate(stream)
        self._outlet.record(
            Subscribed(
                at_us=now_us,
                connection=connection.number,
                stream=stream.name,
                symbol=feed.listing.instrument.symbol,
                channel=mexc_spot.DEALS if stream.kind == "trade" else stream.channel,
                type=stream.kind,
            )
        )


class _FuturesTalk:
    """Requests and answers of futures' socket: one contract a request, and answers that do not name it."""

    channels = (mexc_futures.BOOK, mexc_futures.DEALS)

    def __init__(self, outlet: Outlet, desk: Desk, seed: int) -> None:
        self._outlet = outlet
        engine = mexc_futures.Engine(outlet, seed, desk.funding_ms)
        self.feeds = {feed.wire: feed for feed in (mexc_futures.Feed(engine, one) for one in desk.market.listings)}
        self._by_symbol = {feed.listing.instrument.symbol: feed for feed in self.feeds.values()}
        self.rest = mexc_futures_rest.Rest(outlet, self.feeds, TERMS["futures"])

    def advance(self, step: Step, now_us: int) -> None:
        self._by_symbol[step.listing.instrument.symbol].advance(step, now_us)

    def answer(self, connection: Connection, asked: dict[str, Any], now_us: int) -> None:
        method, now_ms = asked["method"], now_us // 1000
        if method == "ping":
            connection.kept_us = now_us
            connection.reply(f'{{"channel":"pong","data":{now_ms},"ts":{now_ms}}}')
            return
        param = asked.get("param")
        param = param if isinstance(param, dict) else {}
        wire = str(param.get("symbol", ""))
        verb, _, name = method.partition(".")
        topic = parse_topic(name, wire, param.get("limit"))
        if topic is None or verb not in {"sub", "unsub"}:
            return
        told = {"channel": f"rs.{method}", "data": "success", "ts": now_ms}
        if wire not in self.feeds:
            told = {"channel": "rs.error", "data": f"Contract [{wire}] not exists", "ts": now_ms}
        elif verb == "sub":
            self._subscribe(connection, topic, now_us)
        else:
            self._unsubscribe(connection, topic, now_us)
        connection.reply(msgspec.json.encode(told).decode())

    def _subscribe(self, connection: Connection, topic: Topic, now_us: int) -> None:
        feed = self.feeds[topic.wire]
        feed.activate(topic)
        self._outlet.record(
            Subscribed(
                at_us=now_us,
                connection=connection.number,
                stream=topic.stream,
                symbol=feed.listing.instrument.symbol,
                channel=topic.channel,
                type=topic.kind,
            )
        )

    def _unsubscribe(self, connection: Connection, topic: Topic, now_us: int) -> None:
        """End a subscription; that of a top of the book at any depth."""
        whole = f"{topic.name}@{topic.wire}"
        for stream in tuple(connection.streams):
            if stream == whole or stream.startswith(f"{whole}@"):
                self._outlet.record(Unsubscribed(at_us=now_us, connection=connection.number, stream=stream))


def _say(connection: Connection, told: str) -> None:
    connection.reply(msgspec.json.encode({"id": 0, "code": 0, "msg": told}).decode())
