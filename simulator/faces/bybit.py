"""Bybit's face v5, spot and linear: topics, acknowledgements that name no topic, JSON pings, and its account.

Read from bybit-exchange.github.io/docs/v5/websocket. One bad topic fails the whole request; subscribing to a topic a
second time without unsubscribing is such a failure.
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
from simulator.faces.bybit_feed import Engine, Feed, Topic, parse_topic
from simulator.faces.bybit_gate import Gate
from simulator.faces.bybit_private import Private
from simulator.faces.bybit_rest import Rest
from simulator.faces.bybit_trading import Trading
from simulator.faces.bybit_user import PRIVATE, User
from simulator.frames import Kind
from simulator.journal import Funded, Subscribed, Unsubscribed
from simulator.ladder import Change
from simulator.limits import SocketLimits
from simulator.market import Deal, Listing, Step
from simulator.orders import Order, OwnFill
from simulator.wallets import Position

VENUE = "bybit"
LIMITS = SocketLimits(connections=500, silent_cut_s=600.0)
CATEGORIES = {"spot": "spot", "futures": "linear"}

_MOST_SPOT_ARGS = 10
_LONGEST_ARGS = 21_000


class BybitFace:
    """The face of `bybit:spot` or `bybit:futures`."""

    def __init__(self, outlet: Outlet, desk: Desk, kind: str, seed: int, limits: SocketLimits | None = None) -> None:
        """Make a feed for each instrument; `limits` stand in for the venue's own."""
        self.venue = VENUE
        self.market = kind
        self.channels: tuple[str, ...] = ("orderbook.50", "publicTrade")
        self.blind: tuple[Kind, ...] = ()
        self.away_s = 0.0
        self.socket_limits = limits or LIMITS
        self._outlet = outlet
        self._chance = chance.stream(seed, VENUE, kind, "connections")
        self._names: dict[int, str] = {}
        category = CATEGORIES[kind]
        engine = Engine(outlet, category, seed, desk.funding_ms)
        self.feeds = {one.instrument.wire: Feed(engine, one) for one in desk.market.listings}
        gate, trading = Gate(category, desk.key), Trading(desk, category, self.feeds)
        self._rest = Rest(outlet, category, self.feeds, gate)
        self._private = Private(outlet, desk, category, gate=gate, trading=trading)
        self._user = User(
            outlet,
            desk,
            category,
            gate=gate,
            trading=trading,
            feeds=self.feeds,
            name=lambda connection: self._names.get(connection.number, ""),
            drawn=chance.stream(seed, VENUE, kind, "account"),
        )

    def route(self, path: str, query: Mapping[str, str]) -> Route | None:
        """Know the address of this product and that of the account."""
        del query
        return Route(path) if path in {f"/v5/public/{CATEGORIES[self.market]}", PRIVATE} else None

    def greet(self, connection: Connection, route: Route, now_us: int) -> None:
        """Give the connection its id; the venue says nothing until it is asked."""
        del route, now_us
        self._names[connection.number] = f"{self._chance.hex(20)}-{self._chance.hex(4)}"

    def hear(self, connection: Connection, text: str, now_us: int) -> None:
        """Answer ping, subscribe and unsubscribe."""
        if connection.route == PRIVATE:
            self._user.hear(connection, text, now_us)
            return
        try:
            asked = msgspec.json.decode(text)
        except msgspec.DecodeError:
            asked = None
        if not isinstance(asked, dict):
            self._reply(connection, {}, op="", problem="error:invalid request,unmarshal failed")
            return
        op = asked.get("op")
        if op == "ping":
            self._reply(connection, asked, op="ping", told="pong")
        elif op == "subscribe":
            self._subscribe(connection, asked, now_us)
        elif op == "unsubscribe":
            self._unsubscribe(connection, asked, now_us)
        else:
            self._reply(connection, asked, op=str(op or ""), problem=f"error:unknown op,op:{op}")

    def part(self, connection: Connection, now_us: int) -> None:
        """Say nothing: a connection may end at any time."""

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
        self._user.order(order, what, fill, now_us)

    def funding(self, paid: Funded, position: Position, now_us: int) -> None:
        """Tell the account of funding."""
        self._user.funding(paid, position, now_us)

    def leverage(self, position: Position, now_us: int) -> None:
        """Tell the account of another leverage."""
        self._user.leverage(position, now_us)

    def _subscribe(self, connection: Connection, asked: dict[str, Any], now_us: int) -> None:
        topics, problem = self._read(asked)
        taken = next((topic.name for topic in topics if topic.name in connection.streams), None)
        if problem is None and taken is not None:
            problem = f"error:already subscribed,topic:{taken}"
        if problem is not None:
            self._reply(connection, asked, op="subscribe", problem=problem)
            return
        self._reply(connection, asked, op="subscribe", told="subscribe" if self.market == "spot" else "")
        for topic in topics:
            feed = self.feeds[topic.wire]
            feed.activate(topic, now_us)
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

    def _unsubscribe(self, connection: Connection, asked: dict[str, Any], now_us: int) -> None:
        topics, problem = self._read(asked)
        if problem is not None:
            self._reply(connection, asked, op="unsubscribe", problem=problem)
            return
        for topic in topics:
            if topic.name in connection.streams:
                self._outlet.record(Unsubscribed(at_us=now_us, connection=connection.number, stream=topic.name))
        self._reply(connection, asked, op="unsubscribe")

    def _read(self, asked: dict[str, Any]) -> tuple[list[Topic], str | None]:
        """Return the topics of a request, or what is wrong with it."""
        args = asked.get("args")
        if not isinstance(args, list) or not args or not all(isinstance(one, str) for one in args):
            return [], "error:request args is empty"
        if self.market == "spot" and len(args) > _MOST_SPOT_ARGS:
            return [], f"error:args size >{_MOST_SPOT_ARGS}"
        if len("".join(args)) > _LONGEST_ARGS:
            return [], f"error:args length >{_LONGEST_ARGS}"
        topics: list[Topic] = []
        for name in args:
            topic = parse_topic(name)
            if topic is None:
                return [], f"Invalid topic: {name}"
            if topic.wire not in self.feeds:
                unknown = (
                    f"Invalid symbol :[{name}]" if self.market == "spot" else f"error:handler not found,topic:{name}"
                )
                return [], unknown
            topics.append(topic)
        return topics, None

    def _reply(
        self, connection: Connection, asked: dict[str, Any], *, op: str, told: str = "", problem: str | None = None
    ) -> None:
        request = {"req_id": asked["req_id"]} if asked.get("req_id") else {}
        answer = {
            "success": problem is None,
            "ret_msg": told if problem is None else problem,
            "conn_id": self._names.get(connection.number, ""),
            **request,
            "op": op,
        }
        connection.reply(msgspec.json.encode(answer).decode())
