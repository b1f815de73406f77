"""HTX's face, spot and linear swap: every frame gzip, sockets by what they serve, the server's own pings.

Not known, so chosen plainly: what a limit says when it is met (`too-many-request`, of `req` on spot and of all requests
on linear, whose answers to pings do not count); a topic subscribed to a second time is answered and told from its
beginning, one unsubscribed from without being read is answered too; the codes of an unknown topic or contract on the
notification socket; how many connections an address may open. Whether `amount` of a linear trade counts both sides is
open: it is told as recorded ones are, where `quantity` is the same in the base coin. Not served: mbp.5 and mbp.20,
which only few symbols have, books as images on spot, best prices, candles of trades.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from simulator.connection import Connection
from simulator.desk import Desk
from simulator.face import Answer, Outlet, Request, Route
from simulator.faces.htx_feed import Engine, Feed
from simulator.faces.htx_notices import Notices
from simulator.faces.htx_rest import Rest
from simulator.faces.htx_topics import BOOKS, LINEAR, NOTICES, PATHS, TRADES, WHOLE, Topic, native_of, parse
from simulator.faces.reading import Reading, reading_terms
from simulator.frames import gzip_message
from simulator.journal import Subscribed, Unsubscribed
from simulator.limits import SocketLimits, within
from simulator.market import Step

VENUE = "htx"
# Two pings without an answer are too many on spot, five on linear.
LIMITS = {
    "spot": SocketLimits(connections=1000, ping_every_s=5.0, pong_within_s=10.0),
    "futures": SocketLimits(connections=1000, ping_every_s=5.0, pong_within_s=25.0),
}
TERMS = {"spot": reading_terms(maker="0.002", taker="0.002"), "futures": reading_terms(maker="0.0002", taker="0.0005")}

_REQUESTS_PER_S = 40
_BETWEEN_BOOKS_US = 100_000
_US_PER_S = 1_000_000


class HtxFace(Reading):
    """The face of `htx:spot` or `htx:futures`."""

    def __init__(self, outlet: Outlet, desk: Desk, kind: str, seed: int, limits: SocketLimits | None = None) -> None:
        """Make a feed for each instrument; `limits` stand in for the venue's own."""
        self.venue = VENUE
        self.market = kind
        self.channels: tuple[str, ...] = (*BOOKS[kind], TRADES)
        self.socket_limits = limits or LIMITS[kind]
        self._outlet = outlet
        self._pinged_ms: dict[int, int] = {}
        self._asked_us: dict[int, int] = {}
        engine = Engine(outlet, kind, seed, desk.funding_ms)
        self.feeds = {native_of(one.instrument, kind): Feed(engine, one) for one in desk.market.listings}
        self._notices = Notices(outlet, self.feeds)
        self._rest = Rest(outlet, kind, self.feeds)

    def route(self, path: str, query: Mapping[str, str]) -> Route | None:
        """Know the sockets of this market."""
        del query
        return Route(path) if path in PATHS[self.market] else None

    def greet(self, connection: Connection, route: Route, now_us: int) -> None:
        """Say nothing yet: pack what is said from now on, and ping in the words of the socket."""
        del now_us
        connection.pack = gzip_message
        word = '{{"op":"ping","ts":"{}"}}' if route.name == NOTICES else '{{"ping":{}}}'

        def ping(now_us: int) -> str:
            self._pinged_ms[connection.number] = now_us // 1000
            return word.format(now_us // 1000)

        connection.own_ping = ping

    def hear(self, connection: Connection, text: str, now_us: int) -> None:
        """Answer a request."""
        try:
            asked = msgspec.json.decode(text)
        except msgspec.DecodeError:
            asked = None
        if not isinstance(asked, dict):
            self._refuse(connection, {}, "invalid json", now_us)
        elif connection.route == NOTICES:
            self._notice(connection, asked, now_us)
        elif "pong" in asked:
            if asked["pong"] == self._pinged_ms.get(connection.number):
                connection.unanswered_s = None
        elif self.market == "futures" and not within(connection.asked_s, now_us / _US_PER_S, 1.0, _REQUESTS_PER_S):
            self._refuse(connection, asked, "request too many", now_us, code="too-many-request")
        else:
            self._answer(connection, asked, now_us)

    def part(self, connection: Connection, now_us: int) -> None:
        """Say nothing: a connection may end at any time."""

    def advance(self, step: Step, now_us: int) -> None:
        """Publish what changed."""
        self.feeds[native_of(step.listing.instrument, self.market)].advance(step, now_us)

    def rest(self, request: Request) -> Answer:
        """Answer a REST request."""
        return self._rest.answer(request)

    def _notice(self, connection: Connection, asked: dict[str, Any], now_us: int) -> None:
        if asked.get("op") == "pong":
            if asked.get("ts") == str(self._pinged_ms.get(connection.number)):
                connection.unanswered_s = None
        else:
            self._notices.hear(connection, asked, now_us)

    def _answer(self, connection: Connection, asked: dict[str, Any], now_us: int) -> None:
        wish = next((one for one in ("sub", "unsub", "req") if isinstance(asked.get(one), str)), None)
        topic = None if wish is None else parse(asked[wish], connection.route)
        if wish is None:
            self._refuse(connection, asked, "invalid command", now_us)
        elif topic is None or topic.native not in self.feeds:
            self._refuse(connection, asked, f"invalid topic {asked[wish]}", now_us)
        elif wish == "sub":
            self._subscribe(connection, asked, topic, now_us)
        elif wish == "unsub":
            self._unsubscribe(connection, asked, topic, now_us)
        elif self.market == "spot" and topic.kind == "book":
            self._snapshot(connection, asked, topic, now_us)
        else:
            self._refuse(connection, asked, f"invalid topic {topic.name}", now_us)

    def _subscribe(self, connection: Connection, asked: dict[str, Any], topic: Topic, now_us: int) -> None:
        self._accept(connection, asked, {"subbed": topic.name}, now_us)
        feed = self.feeds[topic.native]
        whole = connection.route == LINEAR and topic.kind == "book" and asked.get("data_type") != "incremental"
        self._outlet.record(
            Subscribed(
                at_us=now_us,
                connection=connection.number,
                stream=topic.name + WHOLE if whole else topic.name,
                symbol=feed.listing.instrument.symbol,
                channel=topic.channel,
                type="top" if whole else topic.kind,
            )
        )
        text, served = feed.greeting(topic.channel, now_us)
        if text:
            connection.reply(text)
        if served is not None and not whole:
            self._outlet.record(msgspec.structs.replace(served, connection=connection.number))

    def _unsubscribe(self, connection: Connection, asked: dict[str, Any], topic: Topic, now_us: int) -> None:
        for name in (topic.name, topic.name + WHOLE):
            if name in connection.streams:
                self._outlet.record(Unsubscribed(at_us=now_us, connection=connection.number, stream=name))
        self._accept(connection, asked, {"unsubbed": topic.name}, now_us)

    def _snapshot(self, connection: Connection, asked: dict[str, Any], topic: Topic, now_us: int) -> None:
        """Answer a request for a book, unless the last one was only just made."""
        before_us, self._asked_us[connection.number] = self._asked_us.get(connection.number, 0), now_us
        if now_us - before_us < _BETWEEN_BOOKS_US:
            self._refuse(connection, asked, "request too many", now_us, code="too-many-request")
            return
        data, served = self.feeds[topic.native].snapshot(topic.channel, now_us)
        said: dict[str, object] = {"rep": topic.name, "data": msgspec.Raw(data.encode())}
        self._accept(connection, asked, said, now_us)
        self._outlet.record(msgspec.structs.replace(served, connection=connection.number))

    @staticmethod
    def _accept(connection: Connection, asked: dict[str, Any], said: dict[str, object], now_us: int) -> None:
        named = {"id": asked["id"]} if "id" in asked else {}
        connection.reply(_text({**named, "status": "ok", **said, "ts": now_us // 1000}))

    @staticmethod
    def _refuse(
        connection: Connection, asked: dict[str, Any], told: str, now_us: int, *, code: str = "bad-request"
    ) -> None:
        named = {"id": asked["id"]} if "id" in asked else {}
        said = {"status": "error", "ts": now_us // 1000, **named, "err-code": code, "err-msg": told}
        connection.reply(_text(said))


def _text(message: dict[str, object]) -> str:
    return msgspec.json.encode(message).decode()
