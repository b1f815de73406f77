"""Binance's private side: spot, and USD-M perpetuals as futures in one-way position mode; facts with their evidence.

| fact | rule | source |
|---|---|---|
| `newClientOrderId` | spot `[a-zA-Z0-9-_]{1,36}`, futures `[.A-Z:/a-z0-9_-]{1,36}`; unique among open orders | docs |
| `recvWindow` | taken while server time <= timestamp + window; at most 60 s; at most 1 s ahead | docs |
| `newOrderRespType` | FULL tells a spot order's fills, RESULT a futures order's end; acks lost prices in 2026 | docs |
| `countdownCancelAll` | futures alone: cancels an instrument's orders when not called again in time | docs |
| `GET order` | forgets a futures order without fills three days after its end | docs |
| orders 50 and 300 in 10 s | per account; the docs' examples, the real ones stand in `exchangeInfo` | docs |
| request weight | 6000 and 2400 a minute for an address: `limits` name the part that trading may take of it | docs |

UNCONFIRMED: how soon an order is seen by a query (`visibility_s`: a backend timeout lasts 10 s); whether futures ids
are unique among open orders only; which id a cancelled order has in a query; the sign of `commission` in `userTrades`
(the docs' sample shows minus, other programs read a plus as paid, as here); the real ORDERS limits; that HTTP 403 is
always the firewall; the least countdown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

import msgspec

from tapeline.errors import InvalidMessage
from tapeline.venues.account import US_PER_MS
from tapeline.venues.binance import funding, private, signing, trading_errors
from tapeline.venues.binance import trading_answers as answers
from tapeline.venues.binance import trading_wire as wire
from tapeline.venues.binance.trading_requests import BinanceRequests, Calls
from tapeline.venues.calls import Call
from tapeline.venues.contract import Hosts, Keepalive
from tapeline.venues.orders import (
    A,
    ClientIds,
    DeadMan,
    Expiry,
    Keys,
    RateLimit,
    SignedRequest,
    StreamFacts,
    TradingFacts,
    window_ms,
)
from tapeline.venues.outcomes import judged, retry_after_s, unsupported
from tapeline.venues.refusals import Complaint, Reason, complaint, read_answer

WAITS_S: Final[Mapping[Reason, float]] = {Reason.RATE_LIMITED: 60.0, Reason.BANNED: 120.0}
"""How long to wait where Binance does not say: a window of the limit, the shortest ban."""
TOO_MANY_ORDERS: Final = -1015
ORDERS_WINDOW_S: Final = 10.0
SUCCESS: Final = range(200, 300)
FORM: Final = "application/x-www-form-urlencoded"


class BinanceTrading(private.BinanceStream):
    """The private side of one market of Binance."""

    def __init__(
        self, facts: TradingFacts, errors: Mapping[int, Reason], calls: Calls, readers: Mapping[type, answers.Reader]
    ) -> None:
        """Take the market's facts, its error table, where its calls are and how their answers are read."""
        super().__init__(facts, errors)
        self._requests = BinanceRequests(facts, calls)
        self._readers = readers

    def build(self, call: Call[object], keys: Keys, *, at_us: int, expires_in_ms: int) -> SignedRequest:
        """Return the signed request of a call."""
        way = self._requests.way(call)
        text, headers = "", {} if way.security == "none" else {signing.KEY_HEADER: keys.key}
        if way.security == "signed":
            window = str(window_ms(self.facts, expires_in_ms))
            stamps = (("recvWindow", window), ("timestamp", str(at_us // US_PER_MS)))
            text = signing.signed((*way.parameters, *stamps), keys.secret)
        posted = way.method == "POST" and bool(text)
        if posted:
            headers["Content-Type"] = FORM
        return SignedRequest(
            method=way.method,
            path=way.path,
            query="" if posted else text,
            body=text.encode() if posted else b"",
            headers=headers,
            bucket=way.bucket,
            cost=way.cost,
            urgent=way.urgent,
        )

    def decode(self, call: Call[A], status: int, headers: Mapping[str, str], body: bytes) -> A:
        """Return what an answer means."""
        reader = self._readers.get(type(call))
        if reader is None:
            raise unsupported(self.facts, call)
        no = None if status in SUCCESS else self._complaint(status, headers, body)
        return cast("A", judged(call, self.facts, no, lambda: reader(call, body)))

    def _complaint(self, status: int, headers: Mapping[str, str], body: bytes) -> Complaint:
        code: int | None = None
        text = body[:1000].decode("utf-8", "replace")
        try:
            found = read_answer(_COMPLAINT, body)
        except InvalidMessage:
            pass  # a page of a proxy or of the firewall: the status alone speaks
        else:
            code, text = found.code, found.message
        reason = trading_errors.reason_of(code, text, status, self._errors)
        wait_s = None if reason is None else WAITS_S.get(reason)
        waits_s = retry_after_s(headers, ORDERS_WINDOW_S if code == TOO_MANY_ORDERS else wait_s)
        return complaint(reason, status=status, code=code, text=text, retry_after_s=waits_s)


_COMPLAINT: Final = msgspec.json.Decoder(wire.Complaint)

SPOT: Final = BinanceTrading(
    TradingFacts(
        venue="binance",
        market="spot",
        main=Hosts(rest="https://api.binance.com", ws="wss://ws-api.binance.com:443"),
        test=Hosts(rest="https://testnet.binance.vision", ws="wss://ws-api.testnet.binance.vision"),
        wallet="spot",
        client_ids=ClientIds(pattern=r"[a-zA-Z0-9\-_]{1,36}", longest=36, unique="among_open"),
        expiry=Expiry(parameter="recvWindow", most_ms=60_000, ahead_ms=1_000),
        order_places=1,
        visibility_s=10,
        reduce_only=False,
        limits={
            "rest_trade": RateLimit(tokens=50, window_s=10, used_header="X-MBX-ORDER-COUNT-10S"),
            "rest_account": RateLimit(tokens=1_200, window_s=60),
        },
        dead_man=None,
        stream=StreamFacts(
            path="/ws-api/v3",
            keepalive=Keepalive(ping="frame", every_s=5, server_ping_s=20, server_patience_s=60),
            lifetime_s=86_400,
        ),
    ),
    trading_errors.SPOT,
    Calls(
        prefix="/api/v3",
        answer="FULL",
        fills="myTrades",
        fills_window_us=answers.SPOT_WINDOW_US,
        cancel_all="openOrders",
        find=4,
        open_one=6,
        open_all=80,
        list_fills=20,
    ),
    answers.SPOT,
)

FUTURES: Final = BinanceTrading(
    TradingFacts(
        venue="binance",
        market="futures",
        main=Hosts(rest="https://fapi.binance.com", ws="wss://fstream.binance.com"),
        test=Hosts(rest="https://testnet.binancefuture.com", ws="wss://fstream.binancefuture.com"),
        wallet="futures",
        client_ids=ClientIds(pattern=r"[.A-Z:/a-z0-9_\-]{1,36}", longest=36, unique="among_open"),
        expiry=Expiry(parameter="recvWindow", most_ms=60_000, ahead_ms=1_000),
        order_places=1,
        visibility_s=10,
        reduce_only=True,
        limits={
            "rest_trade": RateLimit(tokens=300, window_s=10, used_header="X-MBX-ORDER-COUNT-10S"),
            "rest_account": RateLimit(tokens=480, window_s=60),
            "rest_position": RateLimit(tokens=240, window_s=60),
        },
        dead_man=DeadMan(by="countdown", scope="instrument", least_ms=1_000, most_ms=86_400_000),
        stream=StreamFacts(
            path="/private/ws",
            keepalive=Keepalive(ping="frame", every_s=5, server_ping_s=180, server_patience_s=600),
            lifetime_s=86_400,
            key_valid_s=3_600,
            key_renew_s=1_800,
        ),
    ),
    trading_errors.FUTURES,
    Calls(
        prefix="/fapi/v1",
        answer="RESULT",
        fills="userTrades",
        fills_window_us=answers.FUTURES_WINDOW_US,
        cancel_all="allOpenOrders",
        find=1,
        open_one=1,
        open_all=40,
        list_fills=5,
    ),
    {**answers.FUTURES, **funding.READERS},
)
