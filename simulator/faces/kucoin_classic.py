"""KuCoin's classic socket: a token from REST, topics with lists of symbols, an answer only to those who ask for one.

A token is good for a day. A symbol that does not exist is acknowledged and stays silent. Who says nothing for a minute
is told goodbye, also one who reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from simulator.chance import Chance
from simulator.connection import Connection
from simulator.face import Outlet
from simulator.faces.kucoin_classic_feed import LEVELS, MATCHES
from simulator.faces.kucoin_feed import Feed
from simulator.frames import Kind
from simulator.journal import Subscribed, Unsubscribed

_TOKEN_DIGITS = 64
_TOKEN_US = 86_400_000_000
_SILENT_US = 60_000_000
_NORMAL = 1000
_MOST_SYMBOLS = 100


class Tokens:
    """The tokens that REST has given out."""

    def __init__(self, drawn: Chance) -> None:
        """Start with none."""
        self._drawn = drawn
        self._given_us: dict[str, int] = {}

    def give(self, now_us: int) -> str:
        """Make a token."""
        token = self._drawn.hex(_TOKEN_DIGITS)
        self._given_us[token] = now_us
        return token

    def good(self, token: str, now_us: int) -> bool:
        """Tell whether a token was given out, and not too long ago."""
        given_us = self._given_us.get(token)
        return given_us is not None and now_us - given_us < _TOKEN_US


class Classic:
    """Answers the connections of this socket."""

    def __init__(self, outlet: Outlet, market: str, feeds: Mapping[str, Feed], tokens: Tokens) -> None:
        """Answer for these instruments, by name."""
        self._outlet = outlet
        self._feeds = feeds
        self._tokens = tokens
        self._kinds: dict[str, Kind] = {LEVELS[market]: "book", MATCHES[market]: "trade"}
        self._heard_us: dict[Connection, int] = {}

    def greet(self, connection: Connection, token: str, name: str, now_us: int) -> None:
        """Welcome a client whose token is good."""
        if not self._tokens.good(token, now_us):
            _say(connection, {"id": name, "type": "error", "code": 401, "data": "token is expired"})
            connection.close(_NORMAL, "Bye")
            return
        self._heard_us[connection] = now_us
        _say(connection, {"id": name, "type": "welcome"})

    def hear(self, connection: Connection, text: str, now_us: int) -> None:
        """Answer ping, subscribe and unsubscribe."""
        self._heard_us[connection] = now_us
        try:
            asked = msgspec.json.decode(text)
        except msgspec.DecodeError:
            asked = None
        if not isinstance(asked, dict):
            _refuse(connection, "", 400, "invalid json")
            return
        number, kind = asked.get("id", ""), str(asked.get("type"))
        if kind == "ping":
            _say(connection, {"id": number, "type": "pong", "timestamp": now_us})
        elif kind in {"subscribe", "unsubscribe"}:
            self._topic(connection, asked, now_us)
        else:
            _refuse(connection, number, 415, "type is not supported")

    def look_after(self, now_us: int) -> None:
        """Say goodbye to those who are silent, forget those who are gone."""
        for connection, heard_us in tuple(self._heard_us.items()):
            if not connection.ended and now_us - heard_us > _SILENT_US:
                connection.close(_NORMAL, "Bye")
            if connection.ended:
                del self._heard_us[connection]

    def _topic(self, connection: Connection, asked: dict[str, Any], now_us: int) -> None:
        number, topic = asked.get("id", ""), asked.get("topic")
        channel, _, listed = topic.partition(":") if isinstance(topic, str) else ("", "", "")
        names = [name for name in listed.split(",") if name]
        if channel not in self._kinds or not names:
            _refuse(connection, number, 404, "topic does not exist")
            return
        if len(names) > _MOST_SYMBOLS:
            _refuse(connection, number, 509, f"more than {_MOST_SYMBOLS} symbols")
            return
        if asked.get("response") is True:
            _say(connection, {"id": number, "type": "ack"})
        for name in names:
            if asked["type"] == "subscribe":
                self._subscribe(connection, channel, name, now_us)
            elif f"{channel}:{name}" in connection.streams:
                self._outlet.record(
                    Unsubscribed(at_us=now_us, connection=connection.number, stream=f"{channel}:{name}")
                )

    def _subscribe(self, connection: Connection, channel: str, name: str, now_us: int) -> None:
        feed, stream = self._feeds.get(name), f"{channel}:{name}"
        if feed is None:
            self._outlet.record(Subscribed(at_us=now_us, connection=connection.number, stream=stream))
            return
        feed.classic.activate(channel)
        self._outlet.record(
            Subscribed(
                at_us=now_us,
                connection=connection.number,
                stream=stream,
                symbol=feed.listing.instrument.symbol,
                channel=channel,
                type=self._kinds[channel],
            )
        )


def _refuse(connection: Connection, number: object, code: int, told: str) -> None:
    _say(connection, {"id": number, "type": "error", "code": code, "data": told})


def _say(connection: Connection, said: dict[str, object]) -> None:
    connection.reply(msgspec.json.encode(said).decode())
