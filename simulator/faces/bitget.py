"""Bitget's public face, spot and USDT futures: both generations of its socket, text pings, one answer an argument.

Read from the Bitget sheet. A symbol of ours under another product is acknowledged and stays silent. What the sheet does
not say, and what is done here: a second subscription to the same channel is acknowledged and brings nothing new, and
what breaks a limit of subscriptions is told code 30007, and closed where the sheet says so.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

import msgspec

from simulator import chance
from simulator.connection import Connection
from simulator.desk import Desk
from simulator.face import Answer, Outlet, Request, Route
from simulator.faces.bitget_feed import BOOK, TRADES, Engine, Feed
from simulator.faces.bitget_rest import Rest
from simulator.faces.bitget_topics import V2, V3, Topic
from simulator.faces.reading import Reading, reading_terms
from simulator.journal import Subscribed, Unsubscribed
from simulator.limits import SocketLimits, within
from simulator.market import Step

VENUE = "bitget"
TERMS = {
    "spot": reading_terms(maker="0.001", taker="0.001"),
    "futures": reading_terms(maker="0.0002", taker="0.0006"),
}
LIMITS = SocketLimits(
    messages_per_s=10, streams=1000, connections=300, at_once=100, unpinged_cut_s=120.0, lifetime_s=86_400.0
)
PATHS = {"/v2/ws/public": V2, "/v3/ws/public": V3}
PRODUCTS = {"spot": "spot", "futures": "usdt-futures"}

_PER_HOUR = 240
_HOUR_S = 3600.0
_LONGEST_ARGS = 4096
# So many books asked for at once end the connection (v3, seen once).
_TOO_MANY_BOOKS = 25
_VIOLATION = 1008
_UNKNOWN, _ILLEGAL, _NO_OP, _OVER, _PARAM = 30001, 30002, 30003, 30007, 30016


class BitgetFace(Reading):
    """The face of `bitget:spot` or `bitget:futures`."""

    def __init__(self, outlet: Outlet, desk: Desk, kind: str, seed: int, limits: SocketLimits | None = None) -> None:
        """Make a feed for each instrument; `limits` stand in for the venue's own."""
        self.venue = VENUE
        self.market = kind
        self.channels: tuple[str, ...] = (BOOK, TRADES)
        self.socket_limits = limits or LIMITS
        self._outlet = outlet
        self._product = PRODUCTS[kind]
        self._chance = chance.stream(seed, VENUE, kind, "connections")
        self._names: dict[int, str] = {}
        self._asked_s: dict[int, deque[float]] = {}
        engine = Engine(outlet, self._product, seed, desk.funding_ms)
        self.feeds = {feed.wire: feed for feed in (Feed(engine, one) for one in desk.market.listings)}
        self._by_symbol = {feed.listing.instrument.symbol: feed for feed in self.feeds.values()}
        self._rest = Rest(outlet, self._product, self.feeds, TERMS[kind])

    def route(self, path: str, query: Mapping[str, str]) -> Route | None:
        """Know the public address of each generation."""
        del query
        return Route(path) if path in PATHS else None

    def greet(self, connection: Connection, route: Route, now_us: int) -> None:
        """Give the connection its id; the venue says nothing until it is asked."""
        del route, now_us
        self._names[connection.number] = self._chance.hex(32)

    def hear(self, connection: Connection, text: str, now_us: int) -> None:
        """Answer the text `ping`, and subscribe and unsubscribe."""
        if text == "ping":
            connection.kept_us = now_us
            connection.reply("pong")
            return
        try:
            asked = msgspec.json.decode(text)
        except msgspec.DecodeError:
            asked = None
        if not isinstance(asked, dict):
            self._refuse(connection, _ILLEGAL, "Illegal request")
            return
        op, args = asked.get("op"), asked.get("args")
        if op not in {"subscribe", "unsubscribe"}:
            self._refuse(connection, _NO_OP, "Invalid op")
        elif not isinstance(args, list) or not args or not all(isinstance(one, dict) for one in args):
            self._refuse(connection, _PARAM, "Param error")
        elif op == "unsubscribe":
            for arg in args:
                self._unsubscribe(connection, arg, now_us)
        elif self._may(connection, args, now_us):
            for arg in args:
                self._subscribe(connection, arg, now_us)

    def part(self, connection: Connection, now_us: int) -> None:
        """Say nothing."""

    def advance(self, step: Step, now_us: int) -> None:
        """Publish what changed."""
        self._by_symbol[step.listing.instrument.symbol].advance(step, now_us)

    def rest(self, request: Request) -> Answer:
        """Answer a REST request."""
        return self._rest.answer(request)

    def _may(self, connection: Connection, args: list[dict[str, Any]], now_us: int) -> bool:
        """Tell whether a request to subscribe is within the limits of a connection, or refuse it."""
        times, most = self._asked_s.setdefault(connection.number, deque()), self.socket_limits.streams
        if not within(times, now_us / 1e6, _HOUR_S, _PER_HOUR):
            self._refuse(connection, _OVER, "request over limit,connection close")
            connection.close(_VIOLATION, "request over limit")
        elif PATHS[connection.route] is V3 and [one.get("topic") for one in args].count(BOOK) >= _TOO_MANY_BOOKS:
            connection.cut("too many books in one request")
        elif len(msgspec.json.encode(args)) > _LONGEST_ARGS:
            self._refuse(connection, _PARAM, "Param error")
        elif most is not None and len(connection.streams) + len(args) > most:
            self._refuse(connection, _OVER, "channels over limit")
        else:
            return True
        return False

    def _subscribe(self, connection: Connection, arg: dict[str, Any], now_us: int) -> None:
        topic = PATHS[connection.route].parse(arg)
        feed = None if topic is None else self.feeds.get(topic.wire)
        if topic is None or feed is None:
            self._refuse_arg(connection, arg, "subscribe")
            return
        again, ours = topic.stream in connection.streams, topic.product == self._product
        self._done(connection, "subscribe", topic)
        if not ours:
            # Acknowledged, and then nothing ever comes.
            self._outlet.record(Subscribed(at_us=now_us, connection=connection.number, stream=topic.stream))
            return
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
        if again:
            return
        text, served = feed.greeting(topic, now_us)
        if text:
            connection.reply(text)
        if served is not None:
            self._outlet.record(msgspec.structs.replace(served, connection=connection.number))

    def _unsubscribe(self, connection: Connection, arg: dict[str, Any], now_us: int) -> None:
        topic = PATHS[connection.route].parse(arg)
        if topic is None or topic.wire not in self.feeds:
            self._refuse_arg(connection, arg, "unsubscribe")
            return
        if topic.stream in connection.streams:
            self._outlet.record(Unsubscribed(at_us=now_us, connection=connection.number, stream=topic.stream))
        self._done(connection, "unsubscribe", topic)

    def _done(self, connection: Connection, event: str, topic: Topic) -> None:
        if topic.generation is V2:
            connection.reply(f'{{"event":"{event}","arg":{topic.arg}}}')
            return
        arg = {"instType": topic.product, "symbol": topic.wire, "topic": topic.name}
        self._say(connection, {"event": event, "arg": arg})

    def _refuse_arg(self, connection: Connection, arg: dict[str, Any], op: str) -> None:
        """Say that there is no such channel or instrument; v3 names it only in the message."""
        if PATHS[connection.route] is V3:
            named = msgspec.json.encode(dict(sorted(arg.items()))).decode()
            self._refuse(connection, _UNKNOWN, f"{named} doesn't exist")
            return
        named = ",".join(f"{key}:{arg.get(key)}" for key in ("instType", "channel", "instId"))
        told = f"{named},precision:null doesn't exist"
        connection.reply(
            msgspec.json.encode({"event": "error", "arg": arg, "code": _UNKNOWN, "msg": told, "op": op}).decode()
        )

    def _refuse(self, connection: Connection, code: int, told: str) -> None:
        self._say(connection, {"event": "error", "code": code, "msg": told})

    def _say(self, connection: Connection, answer: dict[str, Any]) -> None:
        """Say it, on v3 with the connection's id."""
        if PATHS[connection.route] is V3:
            answer["connId"] = self._names.get(connection.number, "")
        connection.reply(msgspec.json.encode(answer).decode())
