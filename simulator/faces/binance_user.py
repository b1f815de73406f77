"""Binance's streams of an account: on spot by the WebSocket API, on futures by listen key on the private route.

Read from developers.binance.com (spot: web-socket-api, user data stream; futures: user data streams, change notice of
2026-03-06). No stream begins with a picture of the account: that is what REST is for.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from simulator.booking import What
from simulator.connection import Connection
from simulator.desk import Desk
from simulator.face import Outlet, Request
from simulator.faces import binance_account as accounts
from simulator.faces.binance_futures_orders import FuturesOrders
from simulator.faces.binance_gate import Gate, Refusal, check_time, missing
from simulator.faces.binance_listening import ListenKeys
from simulator.faces.binance_spot_orders import SpotOrders
from simulator.faces.binance_words import Json
from simulator.faces.texts import fixed
from simulator.frames import Frame
from simulator.journal import Funded, Subscribed, Unsubscribed
from simulator.orders import Order, OwnFill
from simulator.wallets import Position

WS_API = "ws-api"
_STREAM = "user/0"
_CHANNEL = "user"
_WEIGHT = 2
_UNAUTHORIZED = 401
_TOO_MANY = 429


class SpotUser:
    """The account's stream on spot."""

    def __init__(self, outlet: Outlet, desk: Desk, gate: Gate, writers: Mapping[str, Any]) -> None:
        """Tell of one account."""
        self._outlet = outlet
        self._desk = desk
        self._gate = gate
        self._writers: Mapping[str, SpotOrders] = writers

    def hear(self, connection: Connection, text: str, now_us: int) -> None:
        """Answer a request of the WebSocket API."""
        try:
            asked = msgspec.json.decode(text, type=dict[str, Any])
        except msgspec.MsgspecError:
            asked = {}
        params = asked.get("params") or {}
        try:
            result = self._answer(connection, asked.get("method"), params, now_us)
        except Refusal as refusal:
            error = {"code": refusal.code, "msg": str(refusal)}
            said: Json = {"id": asked.get("id"), "status": refusal.answer.status, "error": error}
        else:
            said = {"id": asked.get("id"), "status": 200, "result": result}
        connection.reply(msgspec.json.encode(said).decode())
        if said["status"] == 200 and asked.get("method") == "userDataStream.unsubscribe":  # noqa: PLR2004 - HTTP's OK
            ended = {"e": "eventStreamTerminated", "E": now_us // 1000}
            connection.reply(msgspec.json.encode({"subscriptionId": 0, "event": ended}).decode())

    def order(self, order: Order, what: What, fill: OwnFill | None, now_us: int) -> None:
        """Tell of an order and of the coins that it moved."""
        if self._outlet.has_readers(_STREAM):
            one, coins = order.instrument, self._desk.coins
            self._tell(one.symbol, self._writers[one.wire].event(order, what, fill, now_us))
            position = {
                "e": "outboundAccountPosition",
                "E": now_us // 1000,
                "u": now_us // 1000,
                "B": [
                    {"a": coin, "f": fixed(coins.balances[coin].free), "l": fixed(coins.balances[coin].locked)}
                    for coin in (one.base, one.quote)
                ],
            }
            self._tell(one.symbol, position)

    def _answer(self, connection: Connection, method: object, params: dict[str, Any], now_us: int) -> Json:
        if method == "ping":
            return {}
        if method == "time":
            return {"serverTime": now_us // 1000}
        if method == "userDataStream.subscribe.signature":
            self._check(params, now_us)
            if _STREAM in connection.streams:
                raise Refusal(-2035, "User Data Stream subscription already active.")
            self._outlet.record(
                Subscribed(at_us=now_us, connection=connection.number, stream=_STREAM, channel=_CHANNEL, type="private")
            )
            return {"subscriptionId": 0}
        if method == "userDataStream.unsubscribe":
            if _STREAM not in connection.streams:
                raise Refusal(-2036, "User Data Stream subscription not active.")
            self._outlet.record(Unsubscribed(at_us=now_us, connection=connection.number, stream=_STREAM))
            return {}
        if method == "userDataStream.subscribe":
            # Only a session that has logged on may, for which an HMAC key is not enough.
            raise Refusal(-1002, "You are not authorized to execute this request.", _UNAUTHORIZED)
        raise Refusal(-1020, "This operation is not supported.")

    def _check(self, params: dict[str, Any], now_us: int) -> None:
        """Raise the refusal of a request that is not signed: all parameters by name, as they are."""
        texts = {name: str(value) for name, value in params.items()}
        refused, _ = self._gate.admit(Request(path="", query={}, at_us=now_us), _WEIGHT)
        if refused is not None:
            raise Refusal(-1003, "Too many requests.", _TOO_MANY)
        for name in ("apiKey", "timestamp", "signature"):
            if not texts.get(name):
                raise missing(name)
        if not self._gate.knows(texts["apiKey"]):
            raise Refusal(-2015, "Invalid API-key, IP, or permissions for action.", _UNAUTHORIZED)
        payload = "&".join(f"{name}={texts[name]}" for name in sorted(texts) if name != "signature")
        if not self._gate.proves(payload, texts["signature"]):
            raise Refusal(-1022, "Signature for this request is not valid.")
        if not texts["timestamp"].isdecimal():
            raise missing("timestamp")
        check_time(texts, now_us // 1000)

    def _tell(self, symbol: str, event: Json) -> None:
        text = msgspec.json.encode({"subscriptionId": 0, "event": event}).decode()
        self._outlet.publish(Frame(stream=_STREAM, kind="private", symbol=symbol, channel=_CHANNEL, ids=(), text=text))


class FuturesUser:
    """The account's stream on futures; a wrong listen key brings nothing and is not refused."""

    def __init__(self, outlet: Outlet, desk: Desk, keys: ListenKeys, writers: Mapping[str, Any]) -> None:
        """Tell of one account."""
        self._outlet = outlet
        self._desk = desk
        self._keys = keys
        self._writers: Mapping[str, FuturesOrders] = writers
        # stream -> the events that it brings, all where none are named
        self._streams: dict[str, tuple[str, ...]] = {}
        keys.expired = self._expired

    def subscribe(self, connection: Connection, key: str, only: tuple[str, ...], now_us: int) -> None:
        """Let a connection read a listen key's stream."""
        stream = f"{key}?events={'/'.join(only)}" if only else key
        is_good = self._keys.is_good(key)
        if is_good:
            self._streams[stream] = only
        self._outlet.record(
            Subscribed(
                at_us=now_us,
                connection=connection.number,
                stream=stream,
                channel=_CHANNEL if is_good else "",
                type="private" if is_good else "",
            )
        )

    def order(self, order: Order, what: What, fill: OwnFill | None, now_us: int) -> None:
        """Tell of an order, and of the wallet and position that a fill has changed."""
        writer, one = self._writers[order.instrument.wire], order.instrument
        if fill is not None:
            self._tell(one.symbol, writer.lite(fill, now_us))
            margin = self._desk.margin
            self._tell(one.symbol, accounts.update(margin, margin.positions[one.symbol], "ORDER", Decimal(0), now_us))
        self._tell(one.symbol, writer.event(order, what, fill, now_us))

    def funding(self, paid: Funded, now_us: int) -> None:
        """Tell of a payment."""
        update = accounts.update(self._desk.margin, None, "FUNDING_FEE", Decimal(paid.amount), now_us)
        self._tell(paid.symbol, update)

    def leverage(self, position: Position, now_us: int) -> None:
        """Tell of another leverage."""
        one = position.listing.instrument
        config = {"s": one.wire, "l": self._desk.margin.leverage[one.symbol]}
        self._tell(one.symbol, {"e": "ACCOUNT_CONFIG_UPDATE", "E": now_us // 1000, "T": now_us // 1000, "ac": config})

    def _expired(self, key: str, now_us: int) -> None:
        self._tell("", {"e": "listenKeyExpired", "E": now_us // 1000, "listenKey": key})
        self._streams.clear()

    def _tell(self, symbol: str, event: Json) -> None:
        text = ""
        for stream, only in self._streams.items():
            if self._outlet.has_readers(stream) and (not only or event["e"] in only):
                text = text or msgspec.json.encode(event).decode()
                self._outlet.publish(
                    Frame(stream=stream, kind="private", symbol=symbol, channel=_CHANNEL, ids=(), text=text)
                )
