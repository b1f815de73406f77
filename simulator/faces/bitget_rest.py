"""Bitget's public REST of both generations: one envelope, errors with HTTP 400, 20 requests a second for each endpoint.

Books carry no number, so they cannot be aligned with those of the socket. The names of a recent trade on v3, how many
are listed, and the answer to a banned address (here that of the rate limit) are UNCONFIRMED.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from simulator.face import Answer, Outlet, Request
from simulator.faces.bitget_feed import Feed
from simulator.faces.bitget_lists import contract, instruments, spot_symbol
from simulator.faces.texts import as_json
from simulator.journal import Served
from simulator.limits import RestLimits, Weights
from simulator.terms import Terms

_NO_END = 1 << 62
_PER_S = RestLimits(weight=20, window_s=1, patience=_NO_END)
_PER_MINUTE = RestLimits(weight=6000, window_s=60, patience=_NO_END)
_OK = 200
_UNKNOWN_V3, _UNKNOWN_V2, _WRONG = "25100", "40034", "40020"
_MOST_V3, _USUAL_V3, _MOST_SPOT = 1000, 5, 150
_MERGED = {"1": 1, "5": 5, "15": 15, "50": 50, "100": 100, "max": 100}
_MOST_TRADES = 100
_MS_PER_H = 3_600_000
_CATEGORIES = ("SPOT", "MARGIN", "USDT-FUTURES", "USDC-FUTURES", "COIN-FUTURES")
_V2_FAMILIES = (*_CATEGORIES[2:], "SUSDT-FUTURES", "SUSDC-FUTURES", "SCOIN-FUTURES")


class Refusal(Exception):
    """The venue's code and sentence."""

    def __init__(self, code: str, told: str) -> None:
        """Say no."""
        super().__init__(told)
        self.code = code


class Rest:
    """Answers the requests of one product; the others exist and are empty."""

    def __init__(self, outlet: Outlet, product: str, feeds: Mapping[str, Feed], terms: Terms) -> None:
        """Answer for these instruments."""
        self._outlet = outlet
        self._category = product.upper()
        self._feeds = feeds
        self._terms = terms
        self._all = Weights(_PER_MINUTE)
        self._weights: dict[str, Weights] = {}
        self._calls: dict[str, Callable[[Request], object]] = {
            "/api/v2/public/time": lambda request: {"serverTime": str(request.venue_ms)},
            "/api/v3/market/instruments": self._instruments,
            "/api/v3/market/orderbook": self._orderbook,
            "/api/v3/market/fills": self._fills_v3,
            "/api/v3/market/tickers": self._tickers_v3,
            "/api/v3/market/current-fund-rate": self._fund_rate,
        }
        spot: dict[str, Callable[[Request], object]] = {
            "/api/v2/spot/public/symbols": self._symbols,
            "/api/v2/spot/market/orderbook": self._spot_book,
            "/api/v2/spot/market/fills": self._fills_v2,
            "/api/v2/margin/currencies": lambda _: [],
        }
        mix: dict[str, Callable[[Request], object]] = {
            "/api/v2/mix/market/contracts": self._contracts,
            "/api/v2/mix/market/merge-depth": self._merge_depth,
            "/api/v2/mix/market/fills": self._fills_v2,
            "/api/v2/mix/market/current-fund-rate": self._fund_rate,
        }
        self._calls |= spot if product == "spot" else mix

    def answer(self, request: Request) -> Answer:
        """Answer, or refuse an address that asks too often."""
        call = self._calls.get(request.path)
        if call is None or request.method != "GET":
            return Answer(_envelope(request, None, "40404", "Request URL NOT FOUND"), 404)
        whole = self._all.spend(1, request.at_us)
        verdict = self._weights.setdefault(request.path, Weights(_PER_S)).spend(1, request.at_us)
        left = {"x-mbx-used-remain-limit": str(max(0, _PER_S.weight - verdict.used))}
        often = {whole.status, verdict.status} != {_OK}
        if often or request.refuse_s or request.address_ban_s:
            return Answer(_envelope(request, None, "429", "Too Many Requests"), 429, left)
        try:
            return Answer(_envelope(request, call(request)), headers=left)
        except Refusal as refusal:
            return Answer(_envelope(request, None, refusal.code, str(refusal)), 400, left)

    def _instruments(self, request: Request) -> object:
        if self._other(request, "category", _CATEGORIES):
            return []
        listed = instruments(list(self._feeds.values()), self._category, self._terms)
        wanted = request.query.get("symbol")
        return [one for one in listed if wanted in (None, one["symbol"])]

    def _symbols(self, request: Request) -> object:
        wanted = request.query.get("symbol")
        return [spot_symbol(one, self._terms) for one in self._feeds.values() if wanted in (None, one.wire)]

    def _contracts(self, request: Request) -> object:
        if self._other(request, "productType", _V2_FAMILIES):
            return []
        listed = [contract(one, self._terms) for one in self._feeds.values()]
        # A dated contract, which is no perpetual.
        dated = {"symbolType": "delivery", "deliveryTime": "1806048000000"}
        listed.append({**listed[0], **dated, "symbol": f"{listed[0]['symbol']}H27"})
        return [one for one in listed if request.query.get("symbol") in (None, one["symbol"])]

    def _orderbook(self, request: Request) -> object:
        feed = self._feed_v3(request)
        limit = _number(request, _USUAL_V3, _MOST_V3)
        return self._book(feed, request, limit, names=("a", "b"), bare=True)

    def _spot_book(self, request: Request) -> object:
        return self._book(self._feed_v2(request), request, _number(request, _MOST_SPOT, _MOST_SPOT))

    def _merge_depth(self, request: Request) -> object:
        feed, limit = self._feed_v2(request, family=True), _MERGED.get(request.query.get("limit", "max"))
        if limit is None:
            raise Refusal(_WRONG, "Parameter limit error")
        return self._book(feed, request, limit, bare=True)

    def _book(
        self,
        feed: Feed,
        request: Request,
        limit: int,
        *,
        names: tuple[str, str] = ("asks", "bids"),
        bare: bool = False,
    ) -> object:
        """Return a book; `bare` is with JSON numbers."""
        bids, asks = (feed.texts.levels(side) for side in feed.book(limit))
        symbol = feed.listing.instrument.symbol
        self._outlet.record(
            Served(at_us=request.at_us, symbol=symbol, channel="orderbook", sequence=feed.sequence, levels=len(bids))
        )
        sides = (as_json(side).replace('"', "") if bare else as_json(side) for side in (asks, bids))
        found: dict[str, object] = {name: msgspec.Raw(side.encode()) for name, side in zip(names, sides, strict=True)}
        return {**found, "ts": str(request.at_us // 1000)}

    def _fills_v3(self, request: Request) -> object:
        return self._fills(self._feed_v3(request), request, "execId")

    def _fills_v2(self, request: Request) -> object:
        feed = self._feed_v2(request, family=self._category != "SPOT")
        return [{"symbol": feed.wire, **one} for one in self._fills(feed, request, "tradeId")]

    def _fills(self, feed: Feed, request: Request, key: str) -> list[dict[str, str]]:
        newest = list(feed.trades)[-_number(request, _MOST_TRADES, _MOST_TRADES) :][::-1]
        return [
            {key: one.id, "price": one.price, "size": one.quantity, "side": one.side, "ts": str(one.at_us // 1000)}
            for one in newest
        ]

    def _tickers_v3(self, request: Request) -> object:
        if self._other(request, "category", _CATEGORIES):
            return []
        feeds = [self._feed_v3(request)] if "symbol" in request.query else list(self._feeds.values())
        now_ms = str(request.at_us // 1000)
        return [
            {"category": self._category, "symbol": one.wire, "ts": now_ms, **one.ticker(request.at_us)} for one in feeds
        ]

    def _fund_rate(self, request: Request) -> object:
        query = request.query
        category = query.get("category", query.get("productType", self._category))
        if category not in _V2_FAMILIES:
            raise Refusal(_WRONG, "Parameter category error")
        wanted = query.get("symbol")
        if wanted is not None and wanted not in self._feeds:
            raise Refusal(_UNKNOWN_V3, f"Symbol {wanted} does not exist")
        feeds = [one for one in self._feeds.values() if wanted in (None, one.wire)]
        return [] if category != self._category else [_funding(one, request.at_us) for one in feeds]

    def _other(self, request: Request, key: str, known: tuple[str, ...]) -> bool:
        """Tell whether a request is for another product than this one, or refuse what is none."""
        category = request.query.get(key, "")
        if category not in known:
            raise Refusal(_WRONG, f"Parameter {key} error")
        return category != self._category

    def _feed_v3(self, request: Request) -> Feed:
        wire = request.query.get("symbol", "")
        feed = None if self._other(request, "category", _CATEGORIES) else self._feeds.get(wire)
        if feed is None:
            raise Refusal(_UNKNOWN_V3, f"Symbol {wire} does not exist")
        return feed

    def _feed_v2(self, request: Request, *, family: bool = False) -> Feed:
        wire = request.query.get("symbol", "")
        other = family and self._other(request, "productType", _V2_FAMILIES)
        feed = None if other else self._feeds.get(wire)
        if feed is None:
            raise Refusal(_UNKNOWN_V2, f"Parameter {wire} does not exist")
        return feed


def _envelope(request: Request, data: object, code: str = "00000", told: str = "success") -> str:
    found = {"code": code, "msg": told, "requestTime": request.venue_ms, "data": data}
    return msgspec.json.encode(found).decode()


def _number(request: Request, default: int, most: int) -> int:
    text = request.query.get("limit", str(default))
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise Refusal(_WRONG, "Parameter limit error")
    return int(text)


def _funding(feed: Feed, at_us: int) -> dict[str, str]:
    return {
        "symbol": feed.wire,
        "fundingRate": feed.listing.funding_rate,
        "fundingRateInterval": str(max(1, feed.engine.funding_ms // _MS_PER_H)),
        "nextUpdate": str(feed.next_funding_ms(at_us)),
        "minFundingRate": "-0.003",
        "maxFundingRate": "0.003",
    }
