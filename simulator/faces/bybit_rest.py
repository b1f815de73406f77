"""Bybit's public REST v5: one envelope for all, errors in retCode, paging by cursor, 600 requests in 5 s."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from simulator.face import Answer, Outlet, Request
from simulator.faces.bybit_feed import Feed
from simulator.faces.bybit_gate import Gate, Refusal, envelope, wrong
from simulator.faces.texts import as_json
from simulator.journal import Served

_CATEGORIES = ("spot", "linear", "inverse", "option")
_BOOK_DEFAULT = {"spot": 1, "linear": 25}
_MOST_LEVELS = 1000
_MOST_TRADES = {"spot": 60, "linear": 1000}
_USUAL_TRADES = {"spot": 60, "linear": 500}
_MOST_INSTRUMENTS = 1000
_USUAL_INSTRUMENTS = 500
_DELIVERY_MS = "1806048000000"


class Rest:
    """Answers the requests of one product; the other categories exist and are empty."""

    def __init__(self, outlet: Outlet, category: str, feeds: Mapping[str, Feed], gate: Gate) -> None:
        """Answer for these instruments those whom the gate admits."""
        self._outlet = outlet
        self._category = category
        self._feeds = feeds
        self._gate = gate
        self._calls: dict[str, Callable[[Request], str]] = {
            "/v5/market/time": self._time,
            "/v5/market/instruments-info": self._instruments,
            "/v5/market/orderbook": self._orderbook,
            "/v5/market/recent-trade": self._recent_trade,
            "/v5/market/tickers": self._tickers,
            "/v5/market/funding/history": self._funding,
        }

    def answer(self, request: Request) -> Answer:
        """Answer, or refuse an address that asks too often."""
        refused = self._gate.admit(request)
        if refused is not None:
            return refused
        call = self._calls.get(request.path)
        if call is None or request.method != "GET":
            return Answer("404 page not found", 404, {"Content-Type": "text/plain"})
        try:
            return Answer(envelope(call(request), request.venue_ms))
        except Refusal as refusal:
            return Answer(envelope("{}", request.venue_ms, refusal.code, str(refusal)))

    def _time(self, request: Request) -> str:
        now_us = request.at_us + request.skew_us
        return f'{{"timeSecond":"{now_us // 1_000_000}","timeNano":"{now_us * 1000}"}}'

    def _instruments(self, request: Request) -> str:
        category, query = _category(request.query), request.query
        listed = [_listed(feed, category) for feed in self._feeds.values()]
        if category != self._category:
            listed = []
        elif category == "linear":
            # A dated contract, which is no perpetual.
            dated = {"symbol": "BTC-26MAR27", "contractType": "LinearFutures", "deliveryTime": _DELIVERY_MS}
            listed.append({**listed[0], **dated})
        if "symbol" in query:
            listed = [one for one in listed if one["symbol"] == query["symbol"]]
        if category == "spot":
            return msgspec.json.encode({"category": category, "list": listed}).decode()
        limit = min(_MOST_INSTRUMENTS, _number(query.get("limit"), _USUAL_INSTRUMENTS))
        begin = _number(query.get("cursor") or None, 0)
        cursor = str(begin + limit) if begin + limit < len(listed) else ""
        page = {"category": category, "list": listed[begin : begin + limit], "nextPageCursor": cursor}
        return msgspec.json.encode(page).decode()

    def _orderbook(self, request: Request) -> str:
        feed = self._feed(request.query)
        limit = _number(request.query.get("limit"), _BOOK_DEFAULT[self._category])
        if not 1 <= limit <= _MOST_LEVELS:
            raise wrong("limit invalid")
        bids, asks, u, seq = feed.snapshot(limit)
        now_ms = request.at_us // 1000
        self._outlet.record(
            Served(
                at_us=request.at_us,
                symbol=feed.listing.instrument.symbol,
                channel="orderbook.1000",
                sequence=u,
                levels=len(bids),
            )
        )
        return (
            f'{{"s":"{feed.listing.instrument.wire}","b":{as_json(bids)},"a":{as_json(asks)},'
            f'"ts":{now_ms},"u":{u},"seq":{seq},"cts":{now_ms}}}'
        )

    def _recent_trade(self, request: Request) -> str:
        feed = self._feed(request.query)
        limit = _number(request.query.get("limit"), _USUAL_TRADES[self._category])
        newest = list(feed.fills)[-max(1, min(limit, _MOST_TRADES[self._category])) :][::-1]
        listed = [
            {
                "execId": fill.id,
                "symbol": feed.listing.instrument.wire,
                "price": fill.price,
                "size": fill.quantity,
                "side": fill.side,
                "time": str(fill.at_ms),
                "isBlockTrade": False,
                "isRPITrade": False,
                "seq": str(fill.seq),
            }
            for fill in newest
        ]
        return msgspec.json.encode({"category": self._category, "list": listed}).decode()

    def _tickers(self, request: Request) -> str:
        category = _category(request.query)
        feeds = [self._feed(request.query)] if "symbol" in request.query else list(self._feeds.values())
        listed = [feed.ticker(request.at_us) for feed in feeds] if category == self._category else []
        return msgspec.json.encode({"category": category, "list": listed}).decode()

    def _funding(self, request: Request) -> str:
        feed = self._feed(request.query)
        found = feed.ticker(request.at_us)
        if "fundingRate" not in found:
            raise wrong("Category is invalid")
        last = {
            "symbol": feed.listing.instrument.wire,
            "fundingRate": found["fundingRate"],
            "fundingRateTimestamp": str(int(found["nextFundingTime"]) - feed.engine.funding_ms),
        }
        return msgspec.json.encode({"category": self._category, "list": [last]}).decode()

    def _feed(self, query: Mapping[str, str]) -> Feed:
        feed = self._feeds.get(query.get("symbol", "")) if _category(query) == self._category else None
        if feed is None:
            raise wrong("symbol invalid")
        return feed


def _category(query: Mapping[str, str]) -> str:
    category = query.get("category", "")
    if category not in _CATEGORIES:
        raise wrong("Category is invalid")
    return category


def _number(text: str | None, default: int) -> int:
    if text is None:
        return default
    if not text.isdecimal():
        raise wrong("a number is expected")
    return int(text)


def _listed(feed: Feed, category: str) -> dict[str, object]:
    one = feed.listing.instrument
    tick, lot = one.tick.text, one.lot.text
    shared: dict[str, object] = {
        "symbol": one.wire,
        "baseCoin": one.base,
        "quoteCoin": one.quote,
        "status": "Trading",
    }
    most = one.lot.format(10**7)
    if category == "spot":
        return {
            **shared,
            "innovation": "0",
            "marginTrading": "none",
            "lotSizeFilter": {
                "basePrecision": lot,
                "quotePrecision": "0.00000001",
                "minOrderQty": lot,
                "maxOrderQty": most,
                "minOrderAmt": "5",
                "maxOrderAmt": "4000000",
                "maxLimitOrderQty": most,
                "maxMarketOrderQty": most,
            },
            "priceFilter": {"tickSize": tick},
            "riskParameters": {"priceLimitRatioX": "0.05", "priceLimitRatioY": "0.05"},
        }
    return {
        **shared,
        "contractType": "LinearPerpetual",
        "settleCoin": one.quote,
        "launchTime": "1585526400000",
        "deliveryTime": "0",
        "deliveryFeeRate": "",
        "priceScale": str(one.tick.digits),
        "leverageFilter": {"minLeverage": "1", "maxLeverage": "100.00", "leverageStep": "0.01"},
        "priceFilter": {"minPrice": tick, "maxPrice": one.tick.format(10**6), "tickSize": tick},
        "lotSizeFilter": {
            "maxOrderQty": most,
            "maxMktOrderQty": most,
            "minOrderQty": lot,
            "qtyStep": lot,
            "minNotionalValue": "5",
        },
        "unifiedMarginTrade": True,
        "fundingInterval": max(1, feed.engine.funding_ms // 60_000),
        "copyTrading": "none",
        "isPreListing": False,
    }
