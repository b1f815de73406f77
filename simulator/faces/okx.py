"""OKX's face v5, spot and linear swaps: one answer for each argument, text pings, trades of all kinds on a second URL.

Read from the venue's documents as our fact sheet has them. Where it is silent the plainest stands here: good arguments
of a request work beside bad ones, what is subscribed to again is acknowledged again and a book sent whole again, and
`login` fails, for there is no account. The venue has spot and swaps at one address; here each market has its own and
knows its own instruments only, and of the channels those that are read: books, trades, funding, mark and index.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from simulator import chance
from simulator.connection import Connection
from simulator.desk import Desk
from simulator.face import Answer, Outlet, Request, Route
from simulator.faces.okx_feed import ALL_TRADES, BOOKS, KINDS, TRADES, Engine, Feed, stream
from simulator.faces.okx_prices import CHANNELS, INDEX
from simulator.faces.okx_rest import Rest
from simulator.faces.reading import Reading, reading_terms
from simulator.journal import Subscribed, Unsubscribed
from simulator.limits import SocketLimits, within
from simulator.market import Step

VENUE = "okx"
TERMS = {
    "spot": reading_terms(maker="0.0008", taker="0.001"),
    "futures": reading_terms(maker="0.0002", taker="0.0005"),
}
LIMITS = SocketLimits(connections=3, connections_within_s=1.0, silent_cut_s=30.0)
PATHS = {"/ws/v5/public": "public", "/ws/v5/business": "business"}

_CHANNELS = {
    ("spot", "public"): {BOOKS, TRADES},
    ("futures", "public"): {BOOKS, TRADES, *CHANNELS},
    ("spot", "business"): {ALL_TRADES},
    ("futures", "business"): {ALL_TRADES},
}
_FOR_THE_FEW = frozenset({"books-l2-tbt", "books50-l2-tbt"})
_REQUESTS = 480
_REQUESTS_WITHIN_S = 3600.0
_LONGEST_ARGS = 64 << 10
_LONGEST_ID = 32
_US_PER_S = 1_000_000


class OkxFace(Reading):
    """The face of `okx:spot` or `okx:futures`."""

    def __init__(self, outlet: Outlet, desk: Desk, kind: str, seed: int, limits: SocketLimits | None = None) -> None:
        """Make a feed for each instrument; `limits` stand in for the venue's own."""
        self.venue = VENUE
        self.market = kind
        self.channels: tuple[str, ...] = (BOOKS, ALL_TRADES)
        self.socket_limits = limits or LIMITS
        self._outlet = outlet
        self._chance = chance.stream(seed, VENUE, kind, "connections")
        self._names: dict[int, str] = {}
        engine = Engine(outlet, kind, seed, desk.funding_ms)
        feeds = [Feed(engine, one) for one in desk.market.listings]
        self._of = {feed.listing.instrument.symbol: feed for feed in feeds}
        self.feeds = {feed.name: feed for feed in feeds}
        self._indices = {feed.index: feed for feed in feeds}
        self._rest = Rest(outlet, kind, self.feeds)

    def route(self, path: str, query: Mapping[str, str]) -> Route | None:
        """Know the two public addresses."""
        del query
        return Route(PATHS[path]) if path in PATHS else None

    def greet(self, connection: Connection, route: Route, now_us: int) -> None:
        """Give the connection its id; the venue says nothing until it is asked."""
        del route, now_us
        self._names[connection.number] = self._chance.hex(8)

    def hear(self, connection: Connection, text: str, now_us: int) -> None:
        """Answer ping, subscribe and unsubscribe."""
        if text == "ping":
            connection.reply("pong")
            return
        asked = _read(text)
        number = None if asked is None else asked.get("id")
        if asked is None or (number is not None and not _is_id(number)):
            self._refuse(connection, None, "60012", f"Invalid request: {text}")
            return
        op, args = str(asked.get("op")), _args(asked)
        if op == "login":
            self._refuse(connection, number, "60009", "Login failed.")
        elif op not in {"subscribe", "unsubscribe"} or args is None:
            self._refuse(connection, number, "60012", f"Invalid request: {text}")
        elif not within(connection.asked_s, now_us / _US_PER_S, _REQUESTS_WITHIN_S, _REQUESTS):
            self._refuse(connection, number, "60014", "Requests too frequent.")
        else:
            for arg in args:
                self._answer(connection, op, number, arg, now_us)

    def part(self, connection: Connection, now_us: int) -> None:
        """Give notice; the venue does so a minute ahead."""
        del now_us
        told = "The connection will soon be closed for a service upgrade. Please reconnect."
        self._say(connection, {"event": "notice", "code": "64008", "msg": told})

    def advance(self, step: Step, now_us: int) -> None:
        """Publish what changed."""
        self._of[step.listing.instrument.symbol].advance(step, now_us)

    def rest(self, request: Request) -> Answer:
        """Answer a REST request."""
        return self._rest.answer(request)

    def _answer(self, connection: Connection, op: str, number: object, arg: dict[str, Any], now_us: int) -> None:
        channel, name = str(arg.get("channel", "")), str(arg.get("instId", ""))
        if channel in _FOR_THE_FEW:
            told = f"Your trading fee tier does not meet the requirement to access the channel {channel}."
            self._refuse(connection, number, "64003", told)
            return
        feed = (self._indices if channel == INDEX else self.feeds).get(name)
        if channel not in _CHANNELS[self.market, connection.route] or feed is None:
            told = (
                f"Wrong URL or channel:{channel},instId:{name} doesn't exist. "
                "Please use the correct URL, channel and parameters referring to API document."
            )
            self._refuse(connection, number, "60018", told)
            return
        self._say(connection, {**_id(number), "event": op, "arg": arg})
        if op == "subscribe":
            self._subscribe(connection, channel, feed, now_us)
        elif stream(channel, name) in connection.streams:
            self._outlet.record(Unsubscribed(at_us=now_us, connection=connection.number, stream=stream(channel, name)))

    def _subscribe(self, connection: Connection, channel: str, feed: Feed, now_us: int) -> None:
        feed.activate(channel)
        self._outlet.record(
            Subscribed(
                at_us=now_us,
                connection=connection.number,
                stream=stream(channel, feed.names(channel)),
                symbol=feed.listing.instrument.symbol,
                channel=channel,
                type=KINDS[channel],
            )
        )
        text, served = feed.greeting(channel, now_us)
        if text:
            connection.reply(text)
        if served is not None:
            self._outlet.record(msgspec.structs.replace(served, connection=connection.number))

    def _refuse(self, connection: Connection, number: object, code: str, told: str) -> None:
        self._say(connection, {**_id(number), "event": "error", "code": code, "msg": told})

    def _say(self, connection: Connection, said: dict[str, object]) -> None:
        answer = {**said, "connId": self._names.get(connection.number, "")}
        connection.reply(msgspec.json.encode(answer).decode())


def _read(text: str) -> dict[str, Any] | None:
    try:
        asked = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return None
    return asked if isinstance(asked, dict) else None


def _args(asked: dict[str, Any]) -> list[dict[str, Any]] | None:
    args = asked.get("args")
    if not isinstance(args, list) or not args or not all(isinstance(one, dict) for one in args):
        return None
    return args if len(msgspec.json.encode(args)) <= _LONGEST_ARGS else None


def _is_id(number: object) -> bool:
    return isinstance(number, str) and number.isascii() and number.isalnum() and len(number) <= _LONGEST_ID


def _id(number: object) -> dict[str, object]:
    return {} if number is None else {"id": number}
