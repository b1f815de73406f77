"""Binance's face, spot and USD-M futures: streams, subscriptions, limits, silence on the wrong route, and its account.

Read from developers.binance.com (spot: web-socket-streams; futures: websocket-market-streams and the change notice of
2026-03-06 that routes futures streams by class). An unknown stream is acknowledged and stays silent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from simulator import chance
from simulator.booking import What
from simulator.connection import Connection
from simulator.desk import Desk
from simulator.face import Answer, Outlet, Request, Route
from simulator.faces.binance_feed import Engine, Feed
from simulator.faces.binance_gate import Gate
from simulator.faces.binance_income import Income
from simulator.faces.binance_listening import ListenKeys
from simulator.faces.binance_private import Private
from simulator.faces.binance_rest import Rest
from simulator.faces.binance_streams import Stream, parse_stream
from simulator.faces.binance_trading import Trading
from simulator.faces.binance_user import WS_API, FuturesUser, SpotUser
from simulator.frames import Kind
from simulator.journal import Funded, Subscribed, Unsubscribed
from simulator.ladder import Change
from simulator.limits import SocketLimits
from simulator.market import Deal, Listing, Step
from simulator.orders import Order, OwnFill
from simulator.wallets import Position

VENUE = "binance"
_DAY_S = 86_400.0
SPOT_LIMITS = SocketLimits(
    messages_per_s=5, streams=1024, connections=300, ping_every_s=20.0, pong_within_s=60.0, lifetime_s=_DAY_S
)
FUTURES_LIMITS = SocketLimits(
    messages_per_s=10, streams=200, connections=300, ping_every_s=180.0, pong_within_s=600.0, lifetime_s=_DAY_S
)

_CLASSES = ("public", "market", "private")
_LONGEST_ID = 36
_FAR_FUTURE = 1 << 63


class BinanceFace:
    """The face of `binance:spot` or `binance:futures`."""

    def __init__(self, outlet: Outlet, desk: Desk, kind: str, seed: int, limits: SocketLimits | None = None) -> None:
        """Make a feed for each instrument; `limits` stand in for the venue's own."""
        self.venue = VENUE
        self.market = kind
        self.channels: tuple[str, ...] = ("depth@100ms", "trade", "aggTrade")
        self.blind: tuple[Kind, ...] = ()
        self.away_s = 0.0
        self.socket_limits = limits or (SPOT_LIMITS if kind == "spot" else FUTURES_LIMITS)
        self._outlet = outlet
        engine = Engine(outlet, kind, seed, desk.funding_ms)
        self.feeds = {one.instrument.wire: Feed(engine, one) for one in desk.market.listings}
        gate, drawn = Gate(kind, desk.key), chance.stream(seed, VENUE, kind, "account")
        trading, keys = Trading(desk, kind, self.feeds, gate, drawn), ListenKeys(desk.agenda, drawn)
        self._rest = Rest(outlet, kind, self.feeds, gate)
        self._income = Income(chance.stream(seed, VENUE, kind, "income"))
        self._private = Private(outlet, desk, kind, gate=gate, trading=trading, keys=keys, income=self._income)
        self._spot = SpotUser(outlet, desk, gate, trading.writers) if kind == "spot" else None
        self._futures = FuturesUser(outlet, desk, keys, trading.writers) if kind == "futures" else None

    def route(self, path: str, query: Mapping[str, str]) -> Route | None:
        """Read `/ws`, `/ws/<stream or number>`, `/stream?streams=`; futures with their class in front.

        The account's are `/ws-api/v3` on spot and, on futures, `/private/ws` with the listen key.
        """
        words = [word for word in path.split("/") if word]
        if self.market == "spot" and words == [WS_API, "v3"]:
            # Its requests weigh like those of REST.
            return Route(WS_API, paced=False)
        name = ""
        if self.market == "futures" and words and words[0] in _CLASSES:
            name = words.pop(0)
        if not words or words[0] not in {"ws", "stream"}:
            return None
        if name == "private":
            keys = tuple(word for word in (query.get("listenKey", ""), *words[1:]) if word and not word.isdecimal())
            only = tuple(event for event in query.get("events", "").split("/") if event)
            return Route(name, combined=words[0] == "stream", streams=keys, only=only)
        if words[0] == "stream":
            named = query.get("streams", "")
            return Route(name, combined=True, streams=tuple(one for one in named.split("/") if one))
        # ccxt numbers its connections /ws/0, /ws/1; a stream's name has an @.
        return Route(name, streams=tuple(word for word in words[1:] if "@" in word))

    def greet(self, connection: Connection, route: Route, now_us: int) -> None:
        """Subscribe to what the URL names."""
        for stream in route.streams:
            self._subscribe(connection, stream, now_us, route.only)

    def hear(self, connection: Connection, text: str, now_us: int) -> None:
        """Answer SUBSCRIBE, UNSUBSCRIBE and LIST_SUBSCRIPTIONS; anything else is an error object."""
        if self._spot is not None and connection.route == WS_API:
            self._spot.hear(connection, text, now_us)
            return
        try:
            asked = msgspec.json.decode(text)
        except msgspec.DecodeError:
            connection.reply('{"code":3,"msg":"Invalid JSON: expected value at line 1 column 1"}')
            return
        if not isinstance(asked, dict):
            connection.reply('{"code":2,"msg":"Invalid request: request must be an object"}')
            return
        reply = self._answer(connection, asked, now_us)
        connection.reply(msgspec.json.encode({**reply, "id": asked.get("id")}).decode())

    def part(self, connection: Connection, now_us: int) -> None:
        """Say on spot that the server is about to close."""
        if self.market == "spot":
            event = f'{{"e":"serverShutdown","E":{now_us // 1000}}}'
            if connection.route == WS_API:
                event = f'{{"event":{event}}}'
            connection.reply(f'{{"stream":"!serverShutdown","data":{event}}}' if connection.combined else event)

    def advance(self, step: Step, now_us: int) -> None:
        """Publish what changed."""
        self.feeds[step.listing.instrument.wire].advance(step, now_us)

    def rest(self, request: Request) -> Answer:
        """Answer a REST request."""
        return self._private.answer(request) if self._private.knows(request) else self._rest.answer(request)

    def trade(self, listing: Listing, deals: tuple[Deal, ...], changes: list[Change], now_us: int) -> list[str]:
        """Publish what clients dealt."""
        return self.feeds[listing.instrument.wire].trade(deals, changes, now_us)

    def order(self, order: Order, what: What, fill: OwnFill | None, now_us: int) -> None:
        """Tell the account of an order."""
        if self._spot is not None:
            self._spot.order(order, what, fill, now_us)
        elif self._futures is not None:
            self._futures.order(order, what, fill, now_us)

    def funding(self, paid: Funded, position: Position, now_us: int) -> None:
        """Tell the account of funding."""
        self._income.add(paid, position.listing.instrument.wire)
        if self._futures is not None:
            self._futures.funding(paid, now_us)

    def leverage(self, position: Position, now_us: int) -> None:
        """Tell the account of another leverage."""
        if self._futures is not None:
            self._futures.leverage(position, now_us)

    def _answer(self, connection: Connection, asked: dict[str, Any], now_us: int) -> dict[str, object]:
        method, params = asked.get("method"), asked.get("params", [])
        problem = self._problem(connection, asked, params)
        if problem is not None:
            return problem
        if method == "LIST_SUBSCRIPTIONS":
            return {"result": list(connection.streams)}
        for stream in params:
            if method == "SUBSCRIBE":
                self._subscribe(connection, stream, now_us)
            elif stream in connection.streams:
                self._outlet.record(Unsubscribed(at_us=now_us, connection=connection.number, stream=stream))
        return {"result": None}

    def _problem(self, connection: Connection, asked: dict[str, Any], params: object) -> dict[str, object] | None:
        method, most = asked.get("method"), self.socket_limits.streams
        if "method" not in asked:
            return {"code": 2, "msg": "Invalid request: missing field `method` at line 1 column 73"}
        if not _is_id(asked.get("id")):
            return {"code": 2, "msg": "Invalid request: request ID must be an integer, a string or null"}
        if method not in {"SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS"}:
            return {"code": 2, "msg": f"Invalid request: unknown variant `{method}`"}
        if not isinstance(params, list) or not all(isinstance(one, str) for one in params):
            return {"code": 2, "msg": "Invalid request: params must be an array of strings"}
        if method == "SUBSCRIBE" and most is not None and len({*connection.streams, *params}) > most:
            return {"code": 4, "msg": f"Too many streams: a connection may have {most}"}
        return None

    def _subscribe(self, connection: Connection, name: str, now_us: int, only: tuple[str, ...] = ()) -> None:
        if self._futures is not None and connection.route == "private":
            self._futures.subscribe(connection, name, only, now_us)
            return
        stream = parse_stream(name, self.market)
        feed = None if stream is None else self.feeds.get(stream.wire)
        if stream is None or feed is None or not self._served(connection, stream):
            # Acknowledged, and then nothing ever comes.
            self._outlet.record(Subscribed(at_us=now_us, connection=connection.number, stream=name))
            return
        feed.activate(stream)
        self._outlet.record(
            Subscribed(
                at_us=now_us,
                connection=connection.number,
                stream=name,
                symbol=feed.listing.instrument.symbol,
                channel=stream.channel,
                type=stream.kind,
            )
        )

    def _served(self, connection: Connection, stream: Stream) -> bool:
        """Tell whether the connection's URL brings this class of streams; an unrouted one brings the book only."""
        return self.market == "spot" or stream.route == (connection.route or "public")


def _is_id(number: object) -> bool:
    if isinstance(number, str):
        return len(number) <= _LONGEST_ID
    return number is None or (isinstance(number, int) and abs(number) < _FAR_FUTURE)
