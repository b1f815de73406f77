"""KuCoin's unified socket: JSON in binary messages, one symbol to a request, a book that brings its own snapshot.

A symbol that does not exist is acknowledged and stays silent; what is no JSON gets no answer; more than one ping in a
second costs the connection.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from simulator.chance import Chance
from simulator.connection import Connection
from simulator.face import Outlet
from simulator.faces.kucoin_feed import DEPTH, FUNDING, KINDS, MARK, OBU, TRADE, Feed
from simulator.faces.kucoin_telling import binary_text
from simulator.faces.texts import as_uuid
from simulator.journal import Subscribed, Unsubscribed

PING_INTERVAL_MS = 18_000

_TYPES = ("SPOT", "FUTURES")
_ACTIONS = ("SUBSCRIBE", "UNSUBSCRIBE")
_PING_EVERY_US = 1_000_000
_UUID_DIGITS = 32
_OF_FUTURES = (FUNDING, MARK)
"""Channels that futures alone have; the sheet does not say that they are asked for with a kind of trade."""
_INVALID = {"message": "invalid request data"}


class Unified:
    """Answers the connections of this socket."""

    def __init__(
        self, outlet: Outlet, trade_type: str, feeds: Mapping[str, Feed], drawn: Chance, most: int | None
    ) -> None:
        """Answer for these instruments, by name; `most` topics to a connection."""
        self._outlet = outlet
        self._type = trade_type
        self._feeds = feeds
        self._drawn = drawn
        self._most = most
        self._channels = tuple(KINDS) if trade_type == "FUTURES" else (OBU, TRADE)
        self._pinged_us: dict[int, int] = {}

    def greet(self, connection: Connection) -> None:
        """Welcome the client; all that it gets is binary."""
        connection.pack = binary_text
        session = as_uuid(self._drawn.hex(_UUID_DIGITS))
        _say(connection, {"sessionId": session, "message": "welcome", "pingInterval": PING_INTERVAL_MS})

    def hear(self, connection: Connection, text: str, now_us: int) -> None:
        """Answer ping, subscribe and unsubscribe."""
        try:
            asked = msgspec.json.decode(text)
        except msgspec.DecodeError:
            return
        if not isinstance(asked, dict):
            return
        number = asked.get("id")
        if asked.get("type") == "ping":
            self._ping(connection, number, now_us)
            return
        problem = self._problem(connection, asked)
        if problem is not None:
            _say(connection, {"id": number, "result": False, **problem})
            return
        _say(connection, {"id": number, "result": True})
        channel, name = asked["channel"], asked["symbol"]
        if asked["action"].upper() == "SUBSCRIBE":
            self._subscribe(connection, channel, name, now_us)
        elif f"{channel}:{name}" in connection.streams:
            self._outlet.record(Unsubscribed(at_us=now_us, connection=connection.number, stream=f"{channel}:{name}"))

    def _ping(self, connection: Connection, number: object, now_us: int) -> None:
        before_us = self._pinged_us.get(connection.number)
        self._pinged_us[connection.number] = now_us
        if before_us is not None and now_us - before_us < _PING_EVERY_US:
            connection.cut("more than one ping in a second")
            return
        _say(connection, {"type": "pong", "id": number, "ts": now_us * 1000})

    def _problem(self, connection: Connection, asked: dict[str, Any]) -> dict[str, str] | None:
        """Return what is wrong with a request."""
        action, channel, trade_type = (str(asked.get(name)) for name in ("action", "channel", "tradeType"))
        if "tradeType" not in asked and channel in _OF_FUTURES:
            trade_type = self._type
        if action.upper() not in _ACTIONS or channel not in self._channels or trade_type not in _TYPES:
            return _INVALID
        if trade_type != self._type:
            topic = f'topic {channel.capitalize()} type = "public_{trade_type.lower()}"'
            return {"message": f"{topic} not allowed in current environment"}
        if "symbols" in asked:
            return {"reason": f"symbols are not supported for topic {channel}"}
        if not isinstance(asked.get("symbol"), str):
            return {"reason": f"missing `symbol` for topic: {channel}"}
        if channel == OBU and asked.get("depth") != DEPTH:
            return _INVALID
        return self._too_many(connection, f"{channel}:{asked['symbol']}")

    def _too_many(self, connection: Connection, stream: str) -> dict[str, str] | None:
        if self._most is None or len({*connection.streams, stream}) <= self._most:
            return None
        return {"message": f"more than {self._most} topics"}

    def _subscribe(self, connection: Connection, channel: str, name: str, now_us: int) -> None:
        feed, stream = self._feeds.get(name), f"{channel}:{name}"
        if feed is None:
            # Acknowledged, and then nothing ever comes.
            self._outlet.record(Subscribed(at_us=now_us, connection=connection.number, stream=stream))
            return
        self._outlet.record(
            Subscribed(
                at_us=now_us,
                connection=connection.number,
                stream=stream,
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


def _say(connection: Connection, said: dict[str, object]) -> None:
    connection.reply(msgspec.json.encode(said).decode())
