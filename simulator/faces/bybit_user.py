"""Bybit's private WebSocket: sign on, subscribe to orders, executions, positions and wallet, JSON pings.

Read from bybit-exchange.github.io/docs/v5/ws/connect and websocket/private. No topic begins with a picture of the
account: that is what REST is for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from simulator.booking import What
from simulator.chance import Chance
from simulator.connection import Connection
from simulator.desk import Desk
from simulator.face import Outlet
from simulator.faces import bybit_account as accounts
from simulator.faces.bybit_feed import Feed
from simulator.faces.bybit_gate import Gate
from simulator.faces.bybit_orders import Json, as_event, as_execution, as_funding
from simulator.faces.bybit_trading import Trading
from simulator.faces.texts import as_uuid
from simulator.frames import Frame
from simulator.journal import Funded, Subscribed, Unsubscribed
from simulator.orders import Order, OwnFill
from simulator.wallets import Position

PRIVATE = "/v5/private"
_WHOLE = ("order", "execution", "position", "wallet")
_CATEGORIES: dict[str, tuple[str, ...]] = {
    "order": ("spot", "linear", "inverse", "option"),
    "execution": ("spot", "linear", "inverse", "option"),
    "position": ("linear", "inverse", "option"),
}
_UUID_DIGITS = 32

Name = Callable[[Connection], str]
"""Returns the id that the venue has given a connection."""


class User:
    """The account's streams on one product."""

    def __init__(
        self,
        outlet: Outlet,
        desk: Desk,
        category: str,
        *,
        gate: Gate,
        trading: Trading,
        feeds: Mapping[str, Feed],
        name: Name,
        drawn: Chance,
    ) -> None:
        """Tell of one account."""
        self._outlet = outlet
        self._desk = desk
        self._category = category
        self._gate = gate
        self._trading = trading
        self._feeds = feeds
        self._name = name
        self._drawn = drawn
        self._signed_on: set[int] = set()

    def hear(self, connection: Connection, text: str, now_us: int) -> None:
        """Answer auth, ping, subscribe and unsubscribe."""
        try:
            asked = msgspec.json.decode(text, type=dict[str, Any])
        except msgspec.MsgspecError:
            self._reply(connection, {}, "", "error:invalid request,unmarshal failed")
            return
        op, args = asked.get("op"), asked.get("args")
        args = args if isinstance(args, list) else []
        if op == "ping":
            pong = {"op": "pong", "args": [str(now_us // 1000)], "conn_id": self._name(connection)}
            connection.reply(msgspec.json.encode({**_request(asked), **pong}).decode())
        elif op == "auth":
            problem = self._problem_of_auth(args, now_us)
            if problem is None:
                self._signed_on.add(connection.number)
            self._reply(connection, asked, "auth", problem)
        elif connection.number not in self._signed_on:
            self._reply(connection, asked, str(op or ""), "Request not authorized")
        elif op in {"subscribe", "unsubscribe"}:
            problem = self._problem_of(args, connection, fresh=op == "subscribe")
            self._reply(connection, asked, op, problem)
            for topic in args if problem is None else ():
                self._note(connection, topic, now_us, begins=op == "subscribe")
        else:
            self._reply(connection, asked, str(op or ""), f"error:unknown op,op:{op}")

    def order(self, order: Order, what: What, fill: OwnFill | None, now_us: int) -> None:
        """Tell of an order and of all that it moved; one that ends at once is told by its end alone."""
        if what == "new" and not self._desk.rests(order):
            return
        one = order.instrument
        texts = self._feeds[one.wire].texts
        self._tell("order", lambda: [as_event(order, texts, self._category)], now_us)
        if fill is not None:
            rate = self._desk.terms.fees.rate(maker=fill.maker)
            row = {**as_execution(fill, texts, self._category, rate), "category": self._category}
            self._tell("execution", lambda: [row], now_us)
        if self._category == "linear":
            self._tell_position(self._desk.margin.positions[one.symbol], now_us)
        self._tell("wallet", lambda: [accounts.wallet(self._desk)], now_us)

    def funding(self, paid: Funded, position: Position, now_us: int) -> None:
        """Tell of a payment, which is an execution."""
        ids = (as_uuid(self._drawn.hex(_UUID_DIGITS)), as_uuid(self._drawn.hex(_UUID_DIGITS)))
        row = as_funding(paid, position.listing.instrument.wire, (*ids, self._desk.seq_of(paid.symbol)))
        self._trading.funding.append(row)
        self._tell("execution", lambda: [{**row, "category": self._category}], now_us)
        self._tell("wallet", lambda: [accounts.wallet(self._desk)], now_us)

    def leverage(self, position: Position, now_us: int) -> None:
        """Tell of another leverage."""
        self._tell_position(position, now_us)

    def _tell_position(self, position: Position, now_us: int) -> None:
        seq = self._desk.seq_of(position.listing.instrument.symbol)
        self._tell("position", lambda: [accounts.position_event(self._desk.margin, position, seq)], now_us)

    def _tell(self, topic: str, rows: Callable[[], list[Json]], now_us: int) -> None:
        """Publish under the name of all products and under that of this one."""
        for stream in (topic, f"{topic}.{self._category}"):
            if self._outlet.has_readers(stream):
                message = {
                    "id": self._drawn.hex(_UUID_DIGITS),
                    "topic": stream,
                    "creationTime": now_us // 1000,
                    "data": rows(),
                }
                text = msgspec.json.encode(message).decode()
                self._outlet.publish(Frame(stream=stream, kind="private", symbol="", channel=topic, ids=(), text=text))

    def _problem_of_auth(self, args: list[Any], now_us: int) -> str | None:
        match args:
            case [str(key), int() | str() as expires, str(signature)] if str(expires).isdecimal():
                if not self._gate.knows(key):
                    return "API key is invalid."
                if int(expires) <= now_us // 1000:
                    return "Params Error: expires is in the past"
                if not self._gate.proves(f"GET/realtime{expires}", signature):
                    return "error:auth sign error"
                return None
            case _:
                return "Params Error"

    @staticmethod
    def _problem_of(topics: list[Any], connection: Connection, *, fresh: bool) -> str | None:
        """Return what is wrong with a list of topics; one that is wrong fails all."""
        bare: set[str] = set()
        cut: set[str] = set()
        for topic in topics:
            name, _, category = str(topic).partition(".")
            if name not in _WHOLE or (category and category not in _CATEGORIES.get(name, ())):
                return f"Invalid topic: {topic}"
            if fresh and topic in connection.streams:
                return f"error:already subscribed,topic:{topic}"
            (cut if category else bare).add(name)
        if bare & cut:
            return "error:all-in-one and categorised topics cannot be in the same request"
        return None if topics else "error:request args is empty"

    def _note(self, connection: Connection, topic: str, now_us: int, *, begins: bool) -> None:
        if begins:
            channel = topic.partition(".")[0]
            self._outlet.record(
                Subscribed(at_us=now_us, connection=connection.number, stream=topic, channel=channel, type="private")
            )
        elif topic in connection.streams:
            self._outlet.record(Unsubscribed(at_us=now_us, connection=connection.number, stream=topic))

    def _reply(self, connection: Connection, asked: Json, op: str, problem: str | None) -> None:
        answer = {
            "success": problem is None,
            "ret_msg": problem or "",
            "op": op,
            "conn_id": self._name(connection),
            **_request(asked),
        }
        connection.reply(msgspec.json.encode(answer).decode())


def _request(asked: Json) -> Json:
    return {"req_id": asked["req_id"]} if asked.get("req_id") else {}
