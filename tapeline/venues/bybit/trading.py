"""Bybit's private v5 side: spot, and linear perpetuals as futures; a unified account in one-way position mode.

| fact | rule | source |
|---|---|---|
| `orderLinkId` | `[A-Za-z0-9_-]{1,36}`, never to be used again | docs |
| `X-BAPI-RECV-WINDOW` | taken while server time - window <= timestamp < server time + 1 s | docs |
| answers to create and cancel | only say that it was taken: what becomes of it comes by the stream | docs |
| `GET order/realtime` | open orders and the last 500 closed ones, emptied when the service restarts | docs |
| `GET order/history` | what realtime no longer has; it may lag: the second place to look | docs |
| `disconnected-cancel-all` | 3 to 300 s after the last private stream with `dcp` is cut, on request to Bybit | docs |
| 10 (linear) or 20 (spot) orders in 1 s, 50 questions, 10 changes of leverage | per account and call | docs |
| 600 requests in 5 s | per address, together with public data | docs |
| spot market orders | `marketUnit=baseCoin`: a buy counts in quote currency by default | docs |

UNCONFIRMED: the most of the window (none is documented; 50 s stands in a sample of the docs); how soon an order is seen
by a query (`visibility_s`); what is available of a currency (what is bound is taken off the wallet: a lower bound);
that reduce-only orders are free of the least value; the fee's currency where `feeCurrency` is empty (enum page, "Spot
Fee Currency Instruction"); that a GET's cursor is signed as it came, percent-encoded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

import msgspec

from tapeline.errors import InvalidMessage
from tapeline.venues.account import US_PER_MS
from tapeline.venues.bybit import funding, private, signing, trading_errors
from tapeline.venues.bybit import trading_answers as answers
from tapeline.venues.bybit import trading_wire as wire
from tapeline.venues.bybit.trading_requests import BybitRequests
from tapeline.venues.calls import Call, TimeQuery
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

WAITS_S: Final[Mapping[Reason, float]] = {
    Reason.RATE_LIMITED: 1.0,
    Reason.BANNED: 600.0,
    Reason.OUTCOME_UNKNOWN: 1.0,
}
"""How long to wait where Bybit does not say: a window of the account's limit, the shortest ban of an address."""
ADDRESS_LIMITED: Final = 10018
ADDRESS_WINDOW_S: Final = 5.0
SUCCESS: Final = range(200, 300)


class BybitTrading(private.BybitStream):
    """The private side of one market of Bybit."""

    def __init__(
        self, facts: TradingFacts, errors: Mapping[int, Reason], category: str, readers: Mapping[type, answers.Reader]
    ) -> None:
        """Take the market's facts, its error table, Bybit's name for it and how its answers are read."""
        super().__init__(facts, category)
        self._errors = errors
        self._requests = BybitRequests(facts, category)
        self._readers = readers

    def build(self, call: Call[object], keys: Keys, *, at_us: int, expires_in_ms: int) -> SignedRequest:
        """Return the signed request of a call."""
        way = self._requests.way(call)
        query = "&".join(f"{name}={value}" for name, value in way.query)
        body = b"" if way.body is None else msgspec.json.encode(way.body)
        headers: dict[str, str] = {}
        if not isinstance(call, TimeQuery):
            window = window_ms(self.facts, expires_in_ms)
            headers = signing.headers(body or query.encode(), keys, at_ms=at_us // US_PER_MS, window_ms=window)
        if body:
            headers["Content-Type"] = signing.JSON
        return SignedRequest(
            method="POST" if body else "GET",
            path=way.path,
            query=query,
            body=body,
            headers=headers,
            bucket=way.bucket,
            cost=1,
            urgent=way.urgent,
        )

    def decode(self, call: Call[A], status: int, headers: Mapping[str, str], body: bytes) -> A:
        """Return what an answer means."""
        reader = self._readers.get(type(call))
        if reader is None:
            raise unsupported(self.facts, call)
        no = self._complaint(status, headers, body)
        return cast("A", judged(call, self.facts, no, lambda: reader(call, body)))

    def _complaint(self, status: int, headers: Mapping[str, str], body: bytes) -> Complaint | None:
        code: int | None = None
        text = body[:1000].decode("utf-8", "replace")
        try:
            found = read_answer(_ENVELOPE, body)
        except InvalidMessage:
            if status in SUCCESS:
                return None  # the reader of the answer says what is wrong with it
        else:
            if status in SUCCESS and found.code == 0:
                return None
            code, text = found.code, found.message
        reason = trading_errors.reason_of(code, status, self._errors)
        wait_s = ADDRESS_WINDOW_S if code == ADDRESS_LIMITED else WAITS_S.get(reason) if reason else None
        waits_s = retry_after_s(headers, wait_s)
        return complaint(reason, status=status, code=code, text=text, retry_after_s=waits_s)


_ENVELOPE: Final = msgspec.json.Decoder(wire.Envelope)
_MAIN: Final = Hosts(rest="https://api.bybit.com", ws="wss://stream.bybit.com")
_TEST: Final = Hosts(rest="https://api-testnet.bybit.com", ws="wss://stream-testnet.bybit.com")
_CLIENT_IDS: Final = ClientIds(pattern=r"[A-Za-z0-9_\-]{1,36}", longest=36, unique="for_ever")
_EXPIRY: Final = Expiry(parameter="X-BAPI-RECV-WINDOW", most_ms=50_000, ahead_ms=1_000)
_DEAD_MAN: Final = DeadMan(by="disconnect", scope="market", least_ms=3_000, most_ms=300_000)
# Pings of ours come every 5 s, so that a dead socket is known within 7 s; Bybit itself asks for one in 20 s.
_STREAM: Final = StreamFacts(path="/v5/private", keepalive=Keepalive(ping="message", every_s=5))

SPOT: Final = BybitTrading(
    TradingFacts(
        venue="bybit",
        market="spot",
        main=_MAIN,
        test=_TEST,
        wallet="unified",
        client_ids=_CLIENT_IDS,
        expiry=_EXPIRY,
        order_places=answers.ORDER_PLACES,
        visibility_s=10,
        reduce_only=False,
        limits={"rest_trade": RateLimit(tokens=20, window_s=1), "rest_account": RateLimit(tokens=50, window_s=1)},
        dead_man=_DEAD_MAN,
        stream=_STREAM,
    ),
    trading_errors.SPOT,
    "spot",
    answers.SPOT,
)

FUTURES: Final = BybitTrading(
    TradingFacts(
        venue="bybit",
        market="futures",
        main=_MAIN,
        test=_TEST,
        wallet="unified",
        client_ids=_CLIENT_IDS,
        expiry=_EXPIRY,
        order_places=answers.ORDER_PLACES,
        visibility_s=10,
        reduce_only=True,
        limits={
            "rest_trade": RateLimit(tokens=10, window_s=1),
            "rest_account": RateLimit(tokens=50, window_s=1),
            "rest_position": RateLimit(tokens=10, window_s=1),
        },
        dead_man=_DEAD_MAN,
        stream=_STREAM,
    ),
    trading_errors.FUTURES,
    "linear",
    {**answers.FUTURES, **funding.READERS},
)
