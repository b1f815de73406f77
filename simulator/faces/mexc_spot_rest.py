"""MEXC's public REST v3 of spot: 500 of weight in 10 s for each endpoint, 429 and 418 with the time to wait.

Trades carry no id (as recorded), so they cannot be matched with those of the socket. Weights other than that of the
lists (10) are 1; how patient the venue is before a ban, and the words of its refusals, are UNCONFIRMED.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from simulator.face import Answer, Outlet, Request
from simulator.faces.mexc_spot import Feed
from simulator.faces.texts import as_json
from simulator.journal import Served
from simulator.limits import RestLimits, Verdict, Weights
from simulator.terms import Terms

LIMITS = RestLimits(weight=500, window_s=10)
_WEIGHTS = {"exchangeInfo": 10}
_MOST_LEVELS, _USUAL_LEVELS = 5000, 100
_MOST_TRADES, _USUAL_TRADES = 1000, 500
_OK, _TOO_MANY, _BANNED = 200, 429, 418


class Refusal(Exception):
    """The venue's code and sentence."""

    def __init__(self, code: int, told: str) -> None:
        """Say no."""
        super().__init__(told)
        self.code = code


class Rest:
    """Answers the requests of spot."""

    def __init__(self, outlet: Outlet, feeds: Mapping[str, Feed], terms: Terms) -> None:
        """Answer for these instruments."""
        self._outlet = outlet
        self._feeds = feeds
        self._terms = terms
        self._weights: dict[str, Weights] = {}
        self._calls: dict[str, Callable[[Request], str]] = {
            "ping": lambda _: "{}",
            "time": lambda request: f'{{"serverTime":{request.venue_ms}}}',
            "exchangeInfo": self._exchange_info,
            "defaultSymbols": self._default_symbols,
            "depth": self._depth,
            "trades": self._trades,
        }

    def answer(self, request: Request) -> Answer:
        """Answer, or refuse an address that asks too often."""
        name = request.path.removeprefix("/api/v3/")
        call = self._calls.get(name)
        if call is None or name == request.path or request.method != "GET":
            return Answer(f'{{"timestamp":{request.venue_ms},"status":404,"error":"Not Found"}}', 404)
        verdict = self._verdict(request, name)
        if verdict.status != _OK:
            told = f'{{"code":{verdict.status},"msg":"Too many requests"}}'
            return Answer(told, verdict.status, {"Retry-After": str(verdict.retry_after_s)})
        try:
            return Answer(call(request))
        except Refusal as refusal:
            return Answer(msgspec.json.encode({"code": refusal.code, "msg": str(refusal)}).decode(), 400)

    def _verdict(self, request: Request, name: str) -> Verdict:
        verdict = self._weights.setdefault(name, Weights(LIMITS)).spend(_WEIGHTS.get(name, 1), request.at_us)
        if verdict.status == _OK and request.address_ban_s:
            return Verdict(_BANNED, verdict.used, request.address_ban_s)
        if verdict.status == _OK and request.refuse_s:
            return Verdict(_TOO_MANY, verdict.used, request.refuse_s)
        return verdict

    def _exchange_info(self, request: Request) -> str:
        query = request.query
        named = query.get("symbols", query.get("symbol", ""))
        wanted = set(named.split(",")) - {""}
        listed = [_listed(feed, self._terms) for feed in self._feeds.values()]
        if not wanted <= self._feeds.keys():
            raise Refusal(10007, "symbol not support api")
        if not wanted:
            # A pair that rests, as some always do.
            listed.append({**listed[0], "symbol": "RESTUSDT", "baseAsset": "REST", "status": "2"})
        found = {
            "timezone": "CST",
            "serverTime": request.venue_ms,
            "rateLimits": [],
            "exchangeFilters": [],
            "symbols": [one for one in listed if not wanted or one["symbol"] in wanted],
        }
        return msgspec.json.encode(found).decode()

    def _default_symbols(self, request: Request) -> str:
        del request
        return msgspec.json.encode({"code": 200, "data": list(self._feeds), "msg": None}).decode()

    def _depth(self, request: Request) -> str:
        feed = self._feed(request.query)
        limit = min(_MOST_LEVELS, _number(request.query, "limit", _USUAL_LEVELS))
        bids, asks, version = feed.snapshot(limit)
        symbol = feed.listing.instrument.symbol
        self._outlet.record(
            Served(at_us=request.at_us, symbol=symbol, channel="depth", sequence=version, levels=len(bids))
        )
        sides = f'"bids":{as_json(bids)},"asks":{as_json(asks)}'
        return f'{{"lastUpdateId":{version},{sides},"timestamp":{request.at_us // 1000}}}'

    def _trades(self, request: Request) -> str:
        feed = self._feed(request.query)
        limit = min(_MOST_TRADES, _number(request.query, "limit", _USUAL_TRADES))
        found = [
            {
                "id": None,
                "price": fill.price,
                "qty": fill.quantity,
                "quoteQty": f"{float(fill.price) * float(fill.quantity):.8f}",
                "time": fill.at_ms,
                "isBuyerMaker": fill.side == "sell",
                "isBestMatch": True,
                "tradeType": "BID" if fill.side == "buy" else "ASK",
            }
            for fill in list(feed.fills)[-limit:][::-1]
        ]
        return msgspec.json.encode(found).decode()

    def _feed(self, query: Mapping[str, str]) -> Feed:
        if not query.get("symbol"):
            raise Refusal(700004, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.")
        feed = self._feeds.get(query["symbol"])
        if feed is None:
            raise Refusal(10007, "symbol not support api")
        return feed


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not text.isdecimal() or int(text) < 1:
        raise Refusal(700004, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")
    return int(text)


def _listed(feed: Feed, terms: Terms) -> dict[str, object]:
    one = feed.listing.instrument
    return {
        "symbol": feed.wire,
        "status": "1",
        "baseAsset": one.base,
        "baseAssetPrecision": one.lot.digits,
        "quoteAsset": one.quote,
        "quotePrecision": one.tick.digits,
        "quoteAssetPrecision": one.tick.digits,
        "baseCommissionPrecision": one.lot.digits,
        "quoteCommissionPrecision": one.tick.digits,
        "orderTypes": ["LIMIT", "MARKET", "LIMIT_MAKER", "IMMEDIATE_OR_CANCEL", "FILL_OR_KILL"],
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "quoteAmountPrecision": "1",
        "baseSizePrecision": one.lot.text,
        "permissions": ["SPOT"],
        "filters": [],
        "maxQuoteAmount": "2000000",
        "makerCommission": str(terms.fees.maker),
        "takerCommission": str(terms.fees.taker),
        "quoteAmountPrecisionMarket": "1",
        "maxQuoteAmountMarket": "100000",
        "fullName": one.base,
        "tradeSideType": 1,
    }
