"""KuCoin's public REST, spot and futures: one envelope, errors in `code` with HTTP 200, weights in windows of 30 s.

The whole spot book needs a signature; there is no account here to check it against, so any signed headers will do.
Futures tell prices and sizes as JSON numbers. Recent trades, which the sheet does not have, are those of the venue's
recorded samples: the oldest of them first, on both the classic and the unified address.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from simulator.face import Answer, Outlet, Request
from simulator.faces.kucoin_classic import Tokens
from simulator.faces.kucoin_classic_feed import LEVELS
from simulator.faces.kucoin_feed import Feed
from simulator.faces.kucoin_lists import contract, contracts, spot_symbol
from simulator.faces.kucoin_telling import Engine
from simulator.faces.kucoin_unified import PING_INTERVAL_MS
from simulator.limits import RestLimits, Verdict, Weights

OK = "200000"
LIMITS = RestLimits(weight=2000, window_s=30, patience=1 << 62)
SIGNED = ("kc-api-key", "kc-api-sign", "kc-api-timestamp", "kc-api-passphrase")

_PING_TIMEOUT_MS = 10_000
_CONTRACTS = "/api/v1/contracts/"
_FUNDING = "/api/v1/funding-rate/"
_CURRENT = "/current"
_US_PER_S = 1_000_000
_FINE = 200

Call = tuple[Callable[[Request], str], int]
"""What answers, and what it weighs."""


class Refusal(Exception):
    """The venue's code and message; HTTP 200 all the same."""

    def __init__(self, code: str, told: str) -> None:
        """Say no."""
        super().__init__(told)
        self.code = code


class Rest:
    """Answers the requests of one market."""

    def __init__(self, outlet: Outlet, engine: Engine, feeds: Mapping[str, Feed], tokens: Tokens) -> None:
        """Answer for these instruments, by name."""
        self._outlet = outlet
        self._engine = engine
        self._feeds = feeds
        self._tokens = tokens
        self._weights = Weights(LIMITS)
        self._calls: dict[tuple[str, str], Call] = {
            ("GET", "/api/v1/timestamp"): (lambda request: str(request.venue_ms), 3),
            ("POST", "/api/v1/bullet-public"): (self._bullet, 10),
            ("GET", "/api/ua/v1/market/trade"): (self._unified_trades, 3),
            **(self._spot_calls() if engine.is_spot else self._futures_calls()),
        }

    def answer(self, request: Request) -> Answer:
        """Answer, or refuse for the weight used."""
        if request.address_ban_s:
            # What stands before the venue speaks another language.
            return Answer("error code: 1015", 429, {"Content-Type": "text/plain"})
        call = self._calls.get((request.method, request.path)) or self._named(request)
        if call is None:
            return Answer(_refusal("404", "Not Found"), 404)
        make, weight = call
        if request.refuse_s:
            return _too_often(_headers(0, request.refuse_s * 1000))
        verdict = self._weights.spend(weight, request.at_us)
        headers = _remaining(verdict, request.at_us)
        if verdict.status != _FINE:
            return _too_often(headers)
        try:
            return Answer(f'{{"code":"{OK}","data":{make(request)}}}', headers=headers)
        except Refusal as refusal:
            return Answer(_refusal(refusal.code, str(refusal)), headers=headers)

    def _spot_calls(self) -> dict[tuple[str, str], Call]:
        return {
            ("GET", "/api/v2/symbols"): (self._symbols, 4),
            ("GET", "/api/v1/market/orderbook/level2_20"): (lambda request: self._spot_book(request, 20), 2),
            ("GET", "/api/v1/market/orderbook/level2_100"): (lambda request: self._spot_book(request, 100), 2),
            ("GET", "/api/v3/market/orderbook/level2"): (self._whole_spot_book, 3),
            ("GET", "/api/v1/market/histories"): (self._spot_trades, 3),
        }

    def _futures_calls(self) -> dict[tuple[str, str], Call]:
        return {
            ("GET", "/api/v1/contracts/active"): (lambda request: _json(contracts(self._feeds, request.at_us)), 3),
            ("GET", "/api/v1/level2/snapshot"): (lambda request: self._futures_book(request, None), 3),
            ("GET", "/api/v1/level2/depth20"): (lambda request: self._futures_book(request, 20), 5),
            ("GET", "/api/v1/level2/depth100"): (lambda request: self._futures_book(request, 100), 5),
            ("GET", "/api/v1/trade/history"): (self._futures_trades, 5),
        }

    def _named(self, request: Request) -> Call | None:
        """Return the call of a futures address that has the symbol in its path."""
        path = request.path
        if self._engine.is_spot or request.method != "GET":
            return None
        if path.startswith(_FUNDING) and path.endswith(_CURRENT):
            return lambda request: self._funding(path.removeprefix(_FUNDING).removesuffix(_CURRENT), request), 2
        if path.startswith(_CONTRACTS):
            name = path.removeprefix(_CONTRACTS)
            return lambda request: _json(contract(self._named_feed(name), request.at_us)), 3
        return None

    def _bullet(self, request: Request) -> str:
        server = {
            "endpoint": f"ws://{request.headers.get('host', 'localhost')}/",
            "encrypt": False,
            "protocol": "websocket",
            "pingInterval": PING_INTERVAL_MS,
            "pingTimeout": _PING_TIMEOUT_MS,
        }
        return _json({"token": self._tokens.give(request.at_us), "instanceServers": [server]})

    def _symbols(self, request: Request) -> str:
        del request
        return _json([spot_symbol(feed) for feed in self._feeds.values()])

    def _whole_spot_book(self, request: Request) -> str:
        if not all(request.headers.get(name) for name in SIGNED):
            named = ", ".join(name.upper() for name in SIGNED)
            raise Refusal("400001", f"Please check the header of your request for {named}")
        return self._spot_book(request, None)

    def _spot_book(self, request: Request, limit: int | None) -> str:
        feed = self._feed(request)
        bids, asks = feed.view.image(limit)
        self._outlet.record(feed.served(LEVELS["spot"], len(bids), request.at_us))
        levels = f'"bids":{feed.teller.pairs(bids)},"asks":{feed.teller.pairs(asks)}'
        return f'{{"time":{request.at_us // 1000},"sequence":"{feed.view.sequence}",{levels}}}'

    def _futures_book(self, request: Request, limit: int | None) -> str:
        feed = self._feed(request)
        bids, asks = feed.view.image(limit)
        self._outlet.record(feed.served(LEVELS["futures"], len(bids), request.at_us))
        told = [
            ",".join([f"[{feed.teller.texts.price(price)},{lots}]" for price, lots in levels])
            for levels in (bids, asks)
        ]
        head = f'"symbol":"{feed.teller.name}","sequence":{feed.view.sequence},"ts":{request.at_us}000'
        return f'{{{head},"bids":[{told[0]}],"asks":[{told[1]}]}}'

    def _spot_trades(self, request: Request) -> str:
        return _json([
            {
                "sequence": str(fill.id),
                "price": fill.price,
                "size": fill.size,
                "side": fill.side,
                "time": fill.at_ms * _US_PER_S,
            }
            for fill in self._feed(request).fills
        ])  # fmt: skip

    def _futures_trades(self, request: Request) -> str:
        return _json([
            {
                "sequence": fill.id,
                "tradeId": str(fill.id),
                "takerOrderId": fill.taker,
                "makerOrderId": fill.maker,
                "price": fill.price,
                "size": int(fill.size),
                "side": fill.side,
                "ts": fill.at_ms * _US_PER_S,
            }
            for fill in self._feed(request).fills
        ])  # fmt: skip

    def _unified_trades(self, request: Request) -> str:
        if request.query.get("tradeType") != self._engine.type:
            raise Refusal("400100", "tradeType is invalid")
        listed = [
            {
                "sequence": str(fill.id),
                "tradeId": str(fill.id),
                "price": fill.price,
                "size": fill.size,
                "side": fill.side,
                "ts": fill.at_ms * _US_PER_S,
            }
            for fill in self._feed(request).fills
        ]
        return _json({"tradeType": self._engine.type, "list": listed})

    def _funding(self, name: str, request: Request) -> str:
        feed = self._named_feed(name)
        begin_ms, next_ms = feed.funding_times(request.at_us // 1000)
        return (
            f'{{"symbol":".{name}FPI8H","granularity":{feed.engine.funding_ms},"timePoint":{begin_ms},'
            f'"value":{feed.listing.funding_rate},"predictedValue":{feed.listing.funding_rate},'
            f'"fundingTime":{next_ms}}}'
        )

    def _feed(self, request: Request) -> Feed:
        return self._named_feed(request.query.get("symbol", ""))

    def _named_feed(self, name: str) -> Feed:
        feed = self._feeds.get(name)
        if feed is None:
            raise (
                Refusal("900001", "symbol not exists") if self._engine.is_spot else Refusal("200003", "symbol invalid")
            )
        return feed


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _refusal(code: str, told: str) -> str:
    return f'{{"code":"{code}","msg":"{told}"}}'


def _too_often(headers: Mapping[str, str]) -> Answer:
    told = "Too many requests in a short period of time, please retry later"
    return Answer(_refusal("429000", told), 429, headers)


def _remaining(verdict: Verdict, at_us: int) -> dict[str, str]:
    window_us = LIMITS.window_s * _US_PER_S
    return _headers(max(0, LIMITS.weight - verdict.used), (window_us - at_us % window_us) // 1000)


def _headers(remaining: int, reset_ms: int) -> dict[str, str]:
    return {
        "gw-ratelimit-limit": str(LIMITS.weight),
        "gw-ratelimit-remaining": str(remaining),
        "gw-ratelimit-reset": str(reset_ms),
    }
