"""CoinEx's public REST v2: one envelope, HTTP 200 also for errors, 400 requests a second of an address.

The list of the other market exists and is empty. Beside what is traded futures list an inverse contract, and one that
calls itself online and is not available. A ban is not described: it has the answer of the rate limit. A path that does
not exist has HTTP 404.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec

from simulator.face import Answer, Outlet, Request
from simulator.faces.coinex_feed import Feed
from simulator.faces.coinex_topics import LIMITS as DEPTH_LIMITS
from simulator.instruments import Instrument
from simulator.limits import RestLimits, Weights

LIMITS = RestLimits(weight=400, window_s=1, patience=1 << 62)

_DELISTED_MS = 1_700_000_000_000
_OK = 200
_NOT_FOUND = 404
_WRONG = 4004
_TOO_OFTEN = 4213
_USUAL_DEALS = 100
_MOST_DEALS = 1000
_HIGHEST_RATE = "0.00375"
_LEVERAGES = ("3", "5", "10", "20", "50", "100")


class _Refusal(Exception):
    pass


class Rest:
    """Answers the requests of one market."""

    def __init__(self, outlet: Outlet, market: str, feeds: Mapping[str, Feed]) -> None:
        """Answer for these instruments."""
        self._outlet = outlet
        self._market = market
        self._feeds = feeds
        self._weights = Weights(LIMITS)
        other = "futures" if market == "spot" else "spot"
        self._calls: dict[str, Callable[[Request], str]] = {
            "/v2/time": lambda request: f'{{"timestamp":{request.venue_ms}}}',
            f"/v2/{market}/market": self._markets,
            f"/v2/{other}/market": lambda _: "[]",
            f"/v2/{market}/depth": self._depth,
            f"/v2/{market}/deals": self._deals,
        }
        if market == "futures":
            self._calls["/v2/futures/funding-rate"] = self._funding_rate

    def answer(self, request: Request) -> Answer:
        """Answer, or refuse an address that asks too often."""
        call = self._calls.get(request.path)
        if call is None or request.method != "GET":
            return Answer(_envelope("{}", _NOT_FOUND, "Not Found"), _NOT_FOUND)
        verdict = self._weights.spend(1, request.at_us)
        if verdict.status != _OK or request.refuse_s or request.address_ban_s:
            return Answer(_envelope("{}", _TOO_OFTEN, "Rate limit triggered"))
        try:
            return Answer(_envelope(call(request)))
        except _Refusal as refusal:
            return Answer(_envelope("{}", _WRONG, str(refusal)))

    def _markets(self, request: Request) -> str:
        row = _spot_row if self._market == "spot" else _futures_row
        listed = [row(feed.listing.instrument) for feed in self._named(request)]
        if self._market == "futures" and "market" not in request.query:
            listed += [
                {**listed[0], "market": "BTCUSD", "quote_ccy": "USD", "contract_type": "inverse"},
                {
                    **listed[0],
                    "market": "LUNAUSDT",
                    "base_ccy": "LUNA",
                    "is_market_available": False,
                    "delisted_at": _DELISTED_MS,
                },
            ]
        return msgspec.json.encode(listed).decode()

    def _depth(self, request: Request) -> str:
        limit, merge = request.query.get("limit", ""), request.query.get("interval", "0")
        if limit not in map(str, DEPTH_LIMITS) or merge != "0":
            raise _Refusal("limit or interval is wrong")
        text, served = self._feed(request.query.get("market", "")).book(int(limit), request.at_us)
        self._outlet.record(served)
        return text

    def _deals(self, request: Request) -> str:
        feed, limit = self._feed(request.query.get("market", "")), request.query.get("limit", str(_USUAL_DEALS))
        if not limit.isdecimal() or not 1 <= int(limit) <= _MOST_DEALS:
            raise _Refusal("limit is wrong")
        return f"[{','.join(fill.text() for fill in reversed(list(feed.fills)[-int(limit) :]))}]"

    def _funding_rate(self, request: Request) -> str:
        bounds = {"max_funding_rate": _HIGHEST_RATE, "min_funding_rate": f"-{_HIGHEST_RATE}"}
        found = [
            {"market": feed.listing.instrument.wire, **feed.funding(request.at_us), **bounds}
            for feed in self._named(request)
        ]
        return msgspec.json.encode(found).decode()

    def _named(self, request: Request) -> Iterable[Feed]:
        """Return the markets that a request names, without any all."""
        names = [name for name in request.query.get("market", "").split(",") if name]
        return [self._feed(name) for name in names] if names else self._feeds.values()

    def _feed(self, name: str) -> Feed:
        feed = self._feeds.get(name)
        if feed is None:
            raise _Refusal(f"market {name} does not exist")
        return feed


def _envelope(data: str, code: int = 0, told: str = "OK") -> str:
    return f'{{"code":{code},"data":{data},"message":{msgspec.json.encode(told).decode()}}}'


def _row(one: Instrument, maker: str, taker: str) -> dict[str, object]:
    return {
        "market": one.wire,
        "base_ccy": one.base,
        "quote_ccy": one.quote,
        "base_ccy_precision": one.lot.digits,
        "quote_ccy_precision": one.tick.digits,
        "min_amount": one.lot.text,
        "maker_fee_rate": maker,
        "taker_fee_rate": taker,
        "is_api_trading_available": True,
    }


def _spot_row(one: Instrument) -> dict[str, object]:
    return {
        **_row(one, "0.002", "0.002"),
        "is_pre_trading_available": False,
        "is_amm_available": False,
        "is_margin_available": False,
    }


def _futures_row(one: Instrument) -> dict[str, object]:
    return {
        **_row(one, "0.0003", "0.0005"),
        "contract_type": "linear",
        "leverage": _LEVERAGES,
        "open_interest_volume": "0",
        "tick_size": one.tick.text,
        "status": "online",
        "is_market_available": True,
        "delisted_at": 0,
    }
