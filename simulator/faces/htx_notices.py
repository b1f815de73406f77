"""HTX's notification socket of linear swap, as far as it is public: funding rates, in messages with an operation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from simulator.connection import Connection
from simulator.face import Outlet
from simulator.faces.htx_feed import Feed
from simulator.faces.htx_topics import FUNDING
from simulator.journal import Subscribed, Unsubscribed

_TOPIC_ERROR = 2010
_NO_CONTRACT = 2011
_ALL = "*"


class Notices:
    """Answers subscriptions of the funding rate of one contract, or of all."""

    def __init__(self, outlet: Outlet, feeds: Mapping[str, Feed]) -> None:
        """Know the contracts."""
        self._outlet = outlet
        self._feeds = feeds

    def hear(self, connection: Connection, asked: dict[str, Any], now_us: int) -> None:
        """Answer a request."""
        op, name = asked.get("op"), asked.get("topic")
        first, _, rest = name.partition(".") if isinstance(name, str) else ("", "", "")
        native, _, channel = rest.rpartition(".")
        if op not in {"sub", "unsub"} or first != "public" or channel != FUNDING or not isinstance(name, str):
            self._reply(connection, asked, now_us, code=_TOPIC_ERROR, told="Topic error.")
        elif native != _ALL and native not in self._feeds:
            self._reply(connection, asked, now_us, code=_NO_CONTRACT, told="Contract doesn't exist.")
        else:
            self._take(connection, op, native, name, now_us)
            self._reply(connection, asked, now_us)

    def _take(self, connection: Connection, op: str, native: str, name: str, now_us: int) -> None:
        if op == "unsub":
            if name in connection.streams:
                self._outlet.record(Unsubscribed(at_us=now_us, connection=connection.number, stream=name))
            return
        self._outlet.record(
            Subscribed(
                at_us=now_us,
                connection=connection.number,
                stream=name,
                symbol="" if native == _ALL else self._feeds[native].listing.instrument.symbol,
                channel=FUNDING,
                type="ticker",
            )
        )

    @staticmethod
    def _reply(connection: Connection, asked: dict[str, Any], now_us: int, *, code: int = 0, told: str = "") -> None:
        answer: dict[str, object] = {
            **{name: asked[name] for name in ("op", "cid", "topic") if name in asked},
            "ts": now_us // 1000,
            "err-code": code,
            **({"err-msg": told} if told else {}),
        }
        connection.reply(msgspec.json.encode(answer).decode())
