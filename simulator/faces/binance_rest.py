"""Binance's public REST, spot `/api/v3` and futures `/fapi/v1`: weights, headers, 429 and 418, error bodies."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from simulator.face import Answer, Outlet, Request
from simulator.faces.binance_feed import Feed, Fill
from simulator.faces.binance_gate import ORDER_LIMITS, Gate, Refusal, missing
from simulator.faces.binance_lists import futures_symbols, spot_symbols
from simulator.faces.texts import as_json
from simulator.journal import Served

PREFIXES = {"spot": "/api/v3/", "futures": "/fapi/v1/"}
# limit up to -> weight
_DEPTH_WEIGHTS = {
    "spot": ((100, 5), (500, 25), (1000, 50), (5000, 250)),
    "futures": ((50, 2), (100, 5), (500, 10), (1000, 20)),
}
_FUTURES_DEPTHS = (5, 10, 20, 50, 100, 500, 1000)
_DEPTH_DEFAULT = {"spot": 100, "futures": 500}
_WEIGHTS = {
    "spot": {"ping": 1, "time": 1, "exchangeInfo": 20, "trades": 25, "aggTrades": 4},
    "futures": {"ping": 1, "time": 1, "exchangeInfo": 1, "trades": 5, "aggTrades": 20, "premiumIndex": 1},
}
_MOST_TRADES = 1000
_USUAL_TRADES = 500
_ORDER_INTERVALS = {"10S": ("SECOND", 10), "1M": ("MINUTE", 1), "1D": ("DAY", 1)}


class Rest:
    """Answers the requests of one market."""

    def __init__(self, outlet: Outlet, market: str, feeds: Mapping[str, Feed], gate: Gate) -> None:
        """Answer for these instruments those whom the gate admits."""
        self._outlet = outlet
        self._market = market
        self._feeds = feeds
        self._gate = gate
        self._calls: dict[str, Callable[[Request], str]] = {
            "ping": lambda _: "{}",
            "time": lambda request: f'{{"serverTime":{request.venue_ms}}}',
            "exchangeInfo": self._exchange_info,
            "depth": self._depth,
            "trades": self._trades,
            "aggTrades": self._agg_trades,
        }
        if market == "futures":
            self._calls |= {
                "premiumIndex": self._premium_index,
                "fundingRate": self._funding_rate,
                "fundingInfo": lambda _: "[]",
            }

    def answer(self, request: Request) -> Answer:
        """Answer, or refuse for the weight used."""
        name = request.path.removeprefix(PREFIXES[self._market])
        call = self._calls.get(name)
        if call is None or name == request.path or request.method != "GET":
            return Answer('{"code":-5000,"msg":"Path is invalid"}', 404)
        try:
            weight = self._weight(name, request.query)
        except Refusal as refusal:
            return refusal.answer
        refused, headers = self._gate.admit(request, weight)
        if refused is not None:
            return refused
        try:
            return Answer(call(request), headers=headers)
        except Refusal as refusal:
            return Answer(refusal.answer.body, refusal.answer.status, headers)

    def _weight(self, name: str, query: Mapping[str, str]) -> int:
        if name != "depth":
            return _WEIGHTS[self._market].get(name, 1)
        limit = _number(query.get("limit"), _DEPTH_DEFAULT[self._market])
        table = _DEPTH_WEIGHTS[self._market]
        return next((weight for most, weight in table if limit <= most), table[-1][1])

    def _exchange_info(self, request: Request) -> str:
        wanted = self._wanted(request.query)
        instruments = [
            feed.listing.instrument for wire, feed in self._feeds.items() if wanted is None or wire in wanted
        ]
        is_spot = self._market == "spot"
        limits = [
            {
                "rateLimitType": "REQUEST_WEIGHT",
                "interval": "MINUTE",
                "intervalNum": 1,
                "limit": self._gate.limits.weight,
            },
            *(
                {"rateLimitType": "ORDERS", "interval": unit, "intervalNum": number, "limit": limits.weight}
                for name, limits in ORDER_LIMITS[self._market].items()
                for unit, number in [_ORDER_INTERVALS[name]]
            ),
        ]
        listed = spot_symbols(instruments) if is_spot else futures_symbols(instruments, whole=wanted is None)
        found = {
            "timezone": "UTC",
            "serverTime": request.at_us // 1000,
            "rateLimits": limits,
            "exchangeFilters": [],
            "symbols": listed,
        }
        return msgspec.json.encode(found).decode()

    def _wanted(self, query: Mapping[str, str]) -> set[str] | None:
        if "symbol" in query:
            return {self._feed(query).listing.instrument.wire}
        if "symbols" not in query:
            return None
        try:
            named = msgspec.json.decode(query["symbols"], type=list[str])
        except msgspec.MsgspecError:
            raise Refusal(-1100, "Illegal characters found in parameter 'symbols'.") from None
        if any(wire not in self._feeds for wire in named):
            raise invalid_symbol()
        return set(named)

    def _depth(self, request: Request) -> str:
        feed = self._feed(request.query)
        limit = _number(request.query.get("limit"), _DEPTH_DEFAULT[self._market])
        if self._market == "futures" and limit not in _FUTURES_DEPTHS:
            raise Refusal(-4021, f"Depth limit {limit} is not valid.")
        bids, asks = feed.book(limit)
        self._outlet.record(
            Served(
                at_us=request.at_us,
                symbol=feed.listing.instrument.symbol,
                channel="depth",
                sequence=feed.last_id,
                levels=len(bids),
            )
        )
        now_ms = request.at_us // 1000
        times = "" if self._market == "spot" else f'"E":{now_ms},"T":{now_ms},'
        return f'{{"lastUpdateId":{feed.last_id},{times}"bids":{as_json(bids)},"asks":{as_json(asks)}}}'

    def _trades(self, request: Request) -> str:
        fills = list(self._feed(request.query).fills)[-_limit(request.query) :]
        best = {"isBestMatch": True} if self._market == "spot" else {}
        found = [
            {
                "id": fill.id,
                "price": fill.price,
                "qty": fill.quantity,
                "quoteQty": f"{float(fill.price) * float(fill.quantity):.8f}",
                "time": fill.at_ms,
                "isBuyerMaker": fill.maker_bought,
                **best,
            }
            for fill in fills
        ]
        return msgspec.json.encode(found).decode()

    def _agg_trades(self, request: Request) -> str:
        feed, query = self._feed(request.query), request.query
        grouped: dict[int, list[Fill]] = {}
        for fill in feed.fills:
            grouped.setdefault(fill.agg_id, []).append(fill)
        found = list(grouped.values())
        begin, end = _number(query.get("startTime"), 0), _number(query.get("endTime"), 1 << 62)
        if "fromId" in query:
            found = [one for one in found if one[0].agg_id >= _number(query["fromId"], 0)][: _limit(query)]
        elif "startTime" in query or "endTime" in query:
            found = [one for one in found if begin <= one[0].at_ms <= end][: _limit(query)]
        else:
            found = found[-_limit(query) :]
        best = {"M": True} if self._market == "spot" else {}
        return msgspec.json.encode(
            [
                {
                    "a": one[0].agg_id,
                    "p": one[0].price,
                    "q": feed.texts.quantity(sum(fill.lots for fill in one)),
                    "f": one[0].id,
                    "l": one[-1].id,
                    "T": one[0].at_ms,
                    "m": one[0].maker_bought,
                    **best,
                }
                for one in found
            ]
        ).decode()

    def _premium_index(self, request: Request) -> str:
        feeds = [self._feed(request.query)] if "symbol" in request.query else list(self._feeds.values())
        found = [
            {
                "symbol": feed.listing.instrument.wire,
                "markPrice": (rates := feed.funding(request.at_us))["mark"],
                "indexPrice": rates["index"],
                "estimatedSettlePrice": rates["index"],
                "lastFundingRate": rates["rate"],
                "interestRate": "0.00010000",
                "nextFundingTime": rates["next"],
                "time": request.at_us // 1000,
            }
            for feed in feeds
        ]
        return msgspec.json.encode(found[0] if "symbol" in request.query else found).decode()

    def _funding_rate(self, request: Request) -> str:
        feed = self._feed(request.query)
        rates = feed.funding(request.at_us)
        last = {
            "symbol": feed.listing.instrument.wire,
            "fundingTime": int(rates["next"]) - feed.engine.funding_ms,
            "fundingRate": rates["rate"],
            "markPrice": rates["mark"],
        }
        return msgspec.json.encode([last]).decode()

    def _feed(self, query: Mapping[str, str]) -> Feed:
        wire = query.get("symbol")
        if not wire:
            raise missing("symbol")
        feed = self._feeds.get(wire)
        if feed is None:
            raise invalid_symbol()
        return feed


def invalid_symbol() -> Refusal:
    """Say that nothing of that name is listed."""
    return Refusal(-1121, "Invalid symbol.")


def _limit(query: Mapping[str, str]) -> int:
    return max(1, min(_MOST_TRADES, _number(query.get("limit"), _USUAL_TRADES)))


def _number(text: str | None, default: int) -> int:
    if text is None:
        return default
    if not text.isdecimal():
        raise Refusal(-1100, "Illegal characters found in a parameter.")
    return int(text)
