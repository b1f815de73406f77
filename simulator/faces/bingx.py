"""BingX's face, spot and USDT-M swap: every frame gzip, one topic per request, its own pings, errors as codes.

Not known, so chosen plainly: spot pings as often as swap does; a topic subscribed to a second time is answered and told
from its beginning; unsubscribing from what is not read is answered as if it were; more than ten requests in a second
are refused with the code of REST's rate limit; the 60 connections of an address are counted as they are opened, within
a minute. A request without `reqType` subscribes, which is what spot's clients send. Topics of best prices, last prices
and candles are not served.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

import msgspec

from simulator import chance
from simulator.connection import Connection
from simulator.desk import Desk
from simulator.face import Answer, Outlet, Request, Route
from simulator.faces.bingx_feed import Engine, Feed
from simulator.faces.bingx_rest import Rest
from simulator.faces.bingx_topics import BOOK, TRADES, Topic, native_of, parse_topic
from simulator.faces.reading import Reading, reading_terms
from simulator.frames import gzip_message
from simulator.journal import Subscribed, Unsubscribed
from simulator.limits import SocketLimits, within
from simulator.market import Step

VENUE = "bingx"
LIMITS = SocketLimits(streams=200, connections=60, connections_within_s=60.0, ping_every_s=5.0, pong_within_s=30.0)
TERMS = {"spot": reading_terms(maker="0.001", taker="0.001"), "futures": reading_terms(maker="0.0002", taker="0.0005")}
PATHS = {"spot": "/market", "futures": "/swap-market"}

_REQUESTS_PER_S = 10
# "IP restored after about five minutes": to go on before that ends in a ban.
_AWAY_S = 300.0
_PING_DIGITS = 32
_PING_ZONE = timezone(timedelta(hours=8))
_UNKNOWN = 80015
_TOO_MANY_TOPICS = 80403
_TOO_OFTEN = 100410
_WRONG = 100400
_US_PER_S = 1_000_000


class BingxFace(Reading):
    """The face of `bingx:spot` or `bingx:futures`."""

    def __init__(self, outlet: Outlet, desk: Desk, kind: str, seed: int, limits: SocketLimits | None = None) -> None:
        """Make a feed for each instrument; `limits` stand in for the venue's own."""
        self.venue = VENUE
        self.market = kind
        self.channels: tuple[str, ...] = (BOOK, TRADES)
        self.away_s = _AWAY_S
        self.blind = ("book",) if kind == "spot" else ("book", "trade")
        self.socket_limits = limits or LIMITS
        self._outlet = outlet
        self._chance = chance.stream(seed, VENUE, kind, "pings")
        self._asked: dict[int, str] = {}
        engine = Engine(outlet, kind, seed, desk.funding_ms)
        self.feeds = {native_of(one.instrument): Feed(engine, one) for one in desk.market.listings}
        self._rest = Rest(outlet, kind, self.feeds)

    def route(self, path: str, query: Mapping[str, str]) -> Route | None:
        """Know the address of this market."""
        del query
        return Route(path) if path == PATHS[self.market] else None

    def greet(self, connection: Connection, route: Route, now_us: int) -> None:
        """Say nothing yet: pack what is said from now on, and ping in the words of the market."""
        del route, now_us
        connection.pack = gzip_message
        connection.own_ping = (
            (lambda now_us: self._ping(connection, now_us)) if self.market == "spot" else (lambda _: "Ping")
        )

    def hear(self, connection: Connection, text: str, now_us: int) -> None:
        """Answer a request; a list, or what is no JSON, gets no answer."""
        if text == "Pong":
            connection.unanswered_s = None
            return
        try:
            asked = msgspec.json.decode(text)
        except msgspec.DecodeError:
            return
        if not isinstance(asked, dict):
            return
        if "pong" in asked:
            if asked["pong"] == self._asked.get(connection.number):
                connection.unanswered_s = None
            return
        self._answer(connection, asked, now_us)

    def part(self, connection: Connection, now_us: int) -> None:
        """Say nothing: a connection may end at any time."""

    def advance(self, step: Step, now_us: int) -> None:
        """Publish what changed."""
        self.feeds[native_of(step.listing.instrument)].advance(step, now_us)

    def rest(self, request: Request) -> Answer:
        """Answer a REST request."""
        return self._rest.answer(request)

    def _ping(self, connection: Connection, now_us: int) -> str:
        """Return spot's ping, whose id the answer must name."""
        number = self._asked[connection.number] = self._chance.hex(_PING_DIGITS)
        told = datetime.fromtimestamp(now_us / _US_PER_S, _PING_ZONE)
        return f'{{"ping":"{number}","time":"{told.isoformat(timespec="milliseconds").replace("+08:00", "+0800")}"}}'

    def _answer(self, connection: Connection, asked: dict[str, Any], now_us: int) -> None:
        name, wish = asked.get("dataType"), asked.get("reqType", "sub")
        if not within(connection.asked_s, now_us / _US_PER_S, 1.0, _REQUESTS_PER_S):
            self._refuse(connection, asked, _TOO_OFTEN, "too many requests, please try again later")
            return
        if wish not in {"sub", "unsub"} or not isinstance(name, str):
            self._refuse(connection, asked, _WRONG, "reqType or dataType is wrong")
            return
        topic, most = parse_topic(name, self.market), self.socket_limits.streams
        if topic is None and self.market == "spot":
            told = f"code:{_WRONG}:{name.partition('@')[2]} dataType is not supported"
            connection.reply(_text({"code": _WRONG, "msg": told, "timestamp": now_us // 1000}))
        elif topic is None or topic.native not in self.feeds:
            self._refuse(connection, asked, _UNKNOWN, "dataType not support")
        elif wish == "unsub":
            self._unsubscribe(connection, asked, topic, now_us)
        elif most is not None and len({*connection.streams, name}) > most:
            self._refuse(connection, asked, _TOO_MANY_TOPICS, f"your topic num over max {most}")
        else:
            self._subscribe(connection, asked, topic, now_us)

    def _subscribe(self, connection: Connection, asked: dict[str, Any], topic: Topic, now_us: int) -> None:
        self._accept(connection, asked, now_us)
        feed = self.feeds[topic.native]
        feed.activate(topic)
        self._outlet.record(
            Subscribed(
                at_us=now_us,
                connection=connection.number,
                stream=topic.name,
                symbol=feed.listing.instrument.symbol,
                channel=topic.channel,
                type=topic.kind,
            )
        )
        text, served = feed.greeting(topic, now_us)
        if text:
            connection.reply(text)
        if served is not None:
            self._outlet.record(msgspec.structs.replace(served, connection=connection.number))

    def _unsubscribe(self, connection: Connection, asked: dict[str, Any], topic: Topic, now_us: int) -> None:
        if topic.name in connection.streams:
            self._outlet.record(Unsubscribed(at_us=now_us, connection=connection.number, stream=topic.name))
        self._accept(connection, asked, now_us)

    def _accept(self, connection: Connection, asked: dict[str, Any], now_us: int) -> None:
        said = {"id": asked.get("id", ""), "code": 0}
        if self.market == "spot":
            connection.reply(_text({**said, "msg": "SUCCESS", "timestamp": now_us // 1000}))
        else:
            connection.reply(_text({**said, "msg": "", "dataType": "", "data": None}))

    @staticmethod
    def _refuse(connection: Connection, asked: dict[str, Any], code: int, told: str) -> None:
        connection.reply(_text({"id": asked.get("id", ""), "code": code, "msg": told, "dataType": "", "data": None}))


def _text(message: dict[str, object]) -> str:
    return msgspec.json.encode(message).decode()
