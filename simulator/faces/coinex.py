"""CoinEx's face v2, spot and futures: every frame gzip, lists of markets per request, silence instead of most errors.

Not known, so chosen plainly: another `depth` or `deals` subscription adds markets, one of a market already read begins
anew in its place, and only `state` replaces the whole list, which is then told every second; an empty list means all
markets, except for `depth`, which has none without a limit; a price merge other than "0" is acknowledged and silent,
as an unknown market or limit is; who says nothing for 60 s is cut, whatever it reads. Best prices (`bbo`), `index` and
accounts are not served: their methods are unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from simulator.connection import Connection
from simulator.desk import Desk
from simulator.face import Answer, Outlet, Request, Route
from simulator.faces.coinex_feed import Engine, Feed
from simulator.faces.coinex_rest import Rest
from simulator.faces.coinex_topics import BOOK, DEALS, FAMILIES, STATE, Topic, Unread, read_depth
from simulator.faces.reading import Reading, reading_terms
from simulator.frames import gzip_message
from simulator.journal import Subscribed, Unsubscribed
from simulator.limits import SocketLimits
from simulator.market import Step

VENUE = "coinex"
LIMITS = SocketLimits(connections=10_000, silent_cut_s=60.0, silent_cut_reads=True)
TERMS = {"spot": reading_terms(maker="0.002", taker="0.002"), "futures": reading_terms(maker="0.0003", taker="0.0005")}

_BAD_PARAMS = 20001
_NO_METHOD = 30002


class CoinexFace(Reading):
    """The face of `coinex:spot` or `coinex:futures`."""

    def __init__(self, outlet: Outlet, desk: Desk, kind: str, seed: int, limits: SocketLimits | None = None) -> None:
        """Make a feed for each instrument; `limits` stand in for the venue's own."""
        self.venue = VENUE
        self.market = kind
        self.channels: tuple[str, ...] = (BOOK, DEALS)
        # A change that the whole book of each minute follows leaves no trace in the checksum.
        self.blind = ("book",)
        self.socket_limits = limits or LIMITS
        self._outlet = outlet
        engine = Engine(outlet, kind, seed, desk.funding_ms)
        self.feeds = {one.instrument.wire: Feed(engine, one) for one in desk.market.listings}
        self._rest = Rest(outlet, kind, self.feeds)

    def route(self, path: str, query: Mapping[str, str]) -> Route | None:
        """Know the address of this market, with or without a stroke at its end."""
        del query
        return Route(path) if path.rstrip("/") == f"/v2/{self.market}" else None

    def greet(self, connection: Connection, route: Route, now_us: int) -> None:
        """Say nothing until asked; pack what is said then."""
        del route, now_us
        connection.pack = gzip_message

    def hear(self, connection: Connection, text: str, now_us: int) -> None:
        """Answer a ping, a subscription or its end."""
        try:
            asked = msgspec.json.decode(text)
        except msgspec.DecodeError:
            asked = None
        if not isinstance(asked, dict):
            _reply(connection, {}, _BAD_PARAMS, "invalid argument")
            return
        method, params = asked.get("method"), asked.get("params")
        if method == "server.ping":
            _reply(connection, asked, result="pong")
            return
        family, _, verb = str(method).partition(".")
        if family not in FAMILIES or verb not in {"subscribe", "unsubscribe"}:
            _reply(connection, asked, _NO_METHOD, "unknown method")
            return
        try:
            if verb == "subscribe":
                self._subscribe(connection, asked, self._topics(family, _listed(params)), now_us)
            else:
                self._unsubscribe(connection, asked, family, _names(_listed(params)), now_us)
        except Unread:
            _reply(connection, asked, _BAD_PARAMS, "invalid argument")

    def part(self, connection: Connection, now_us: int) -> None:
        """Say nothing: a connection may end at any time."""

    def advance(self, step: Step, now_us: int) -> None:
        """Publish what changed."""
        self.feeds[step.listing.instrument.wire].advance(step, now_us)

    def rest(self, request: Request) -> Answer:
        """Answer a REST request."""
        return self._rest.answer(request)

    def _topics(self, family: str, listed: list[Any]) -> list[Topic]:
        """Read the list of a subscription."""
        if family == "depth":
            return [read_depth(entry) for entry in listed]
        return [Topic(name, family) for name in _names(listed) or self.feeds]

    def _subscribe(self, connection: Connection, asked: dict[str, Any], topics: list[Topic], now_us: int) -> None:
        _reply(connection, asked)
        if topics and topics[0].family == STATE:
            self._drop(connection, STATE, None, now_us)
        for topic in topics:
            self._drop(connection, topic.family, topic.market, now_us)
            feed = self.feeds.get(topic.market)
            if feed is None or not topic.exists:
                # Acknowledged, and then nothing ever comes.
                self._outlet.record(Subscribed(at_us=now_us, connection=connection.number, stream=topic.name))
                continue
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
            connection.reply(text)
            if served is not None:
                self._outlet.record(msgspec.structs.replace(served, connection=connection.number))

    def _unsubscribe(
        self, connection: Connection, asked: dict[str, Any], family: str, names: list[str], now_us: int
    ) -> None:
        for name in names or (None,):
            self._drop(connection, family, name, now_us)
        _reply(connection, asked)

    def _drop(self, connection: Connection, family: str, market: str | None, now_us: int) -> None:
        """End what a connection reads of a family, of one market or of all."""
        for stream in tuple(connection.streams):
            if stream.startswith(f"{family}.") and market in {None, stream.rpartition(".")[2]}:
                self._outlet.record(Unsubscribed(at_us=now_us, connection=connection.number, stream=stream))


def _listed(params: object) -> list[Any]:
    listed = params.get("market_list") if isinstance(params, dict) else None
    if not isinstance(listed, list):
        raise Unread
    return listed


def _names(listed: list[Any]) -> list[str]:
    if not all(isinstance(one, str) for one in listed):
        raise Unread
    return listed


def _reply(
    connection: Connection, asked: dict[str, Any], code: int = 0, told: str = "OK", *, result: str | None = None
) -> None:
    answer = {"id": asked.get("id"), "code": code}
    if result is not None:
        answer["data"] = {"result": result}
    connection.reply(msgspec.json.encode({**answer, "message": told}).decode())
