"""HTX's public REST: errors with HTTP 200 in a status, books and trades in the envelope of their topic.

Not known, so chosen plainly: codes and words of errors on linear; a ban of an address is the rate limit's answer that
lasts longer; books are not aggregated, so of the steps there are only those that do not merge levels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import groupby

import msgspec

from simulator.face import Answer, Outlet, Request
from simulator.faces.htx_feed import Feed
from simulator.faces.htx_lists import contract, dated, elements, rules, settings, symbols
from simulator.faces.htx_texts import Fill
from simulator.journal import Served
from simulator.limits import RestLimits, Weights

NO_END = 1 << 62
SPOT = RestLimits(weight=10, window_s=1, patience=NO_END)
LINEAR_REFERENCE = RestLimits(weight=240, window_s=3, patience=NO_END)
LINEAR_MARKET = RestLimits(weight=800, window_s=1, patience=NO_END)

_LEVELS = {"step0": 150, "step6": 20}
_SPOT_DEPTHS = ("5", "10", "20")
_MOST_TRADES = 2000
_MARKET = "/linear-swap-ex/"
_TOO_OFTEN = 1032
_NO_CONTRACT = 1332


class Refusal(Exception):
    """What is wrong with a request."""


class Rest:
    """Answers the requests of one market."""

    def __init__(self, outlet: Outlet, market: str, feeds: Mapping[str, Feed]) -> None:
        """Answer for these instruments."""
        self._outlet = outlet
        self._feeds = feeds
        self._is_spot = market == "spot"
        self._weights: dict[str, Weights] = {}
        self._calls: dict[str, Callable[[Request], dict[str, object]]]
        if self._is_spot:
            self._calls = {
                "/v1/common/timestamp": lambda request: {"data": request.venue_ms},
                "/v1/common/symbols": lambda _: {"data": [symbols(one) for one in feeds.values()]},
                "/v2/settings/common/symbols": lambda request: self._listed(settings, request),
                "/v1/settings/common/market-symbols": lambda request: self._listed(rules, request),
                "/market/depth": self._depth,
                "/market/history/trade": self._trades,
            }
        else:
            self._calls = {
                "/api/v1/timestamp": lambda _: {},
                "/linear-swap-api/v1/swap_contract_info": self._contracts,
                "/linear-swap-api/v1/swap_query_elements": self._elements,
                "/linear-swap-api/v1/swap_funding_rate": lambda request: {
                    "data": _funding(self._feed(request), request.at_us)
                },
                "/linear-swap-api/v1/swap_batch_funding_rate": lambda request: {
                    "data": [_funding(one, request.at_us) for one in self._chosen(request)]
                },
                "/linear-swap-ex/market/depth": self._depth,
                "/linear-swap-ex/market/history/trade": self._trades,
            }

    def answer(self, request: Request) -> Answer:
        """Answer, or refuse an address that asks too often."""
        call = self._calls.get(request.path)
        if call is None or request.method != "GET":
            return self._refused("invalid-path", "path not found", request, 404)
        wait_s, headers = self._spend(request)
        if wait_s:
            told = "The number of access exceeded the limit."
            return self._refused("rate-too-many-requests", told, request, 429, headers, _TOO_OFTEN)
        try:
            said = call(request)
        except Refusal as refusal:
            return self._refused("invalid-parameter", str(refusal), request, 200, headers, _NO_CONTRACT)
        return Answer(
            _text({"status": "ok", **said, **({} if "ts" in said else self._times(request))}), headers=headers
        )

    def _spend(self, request: Request) -> tuple[int, dict[str, str]]:
        """Count a request; return how long to wait, and the headers of the answer."""
        market = request.path.startswith(_MARKET)
        limits = SPOT if self._is_spot else LINEAR_MARKET if market else LINEAR_REFERENCE
        # Spot counts each endpoint alone, linear all of a kind together.
        counted = request.path if self._is_spot else _MARKET if market else ""
        verdict = self._weights.setdefault(counted, Weights(limits)).spend(1, request.at_us)
        wait_s = max(request.refuse_s, request.address_ban_s, verdict.retry_after_s)
        left = 0 if wait_s else max(0, limits.weight - verdict.used)
        reset_ms = request.at_us // 1000 + 1000 * (wait_s or limits.window_s)
        if self._is_spot:
            return wait_s, {
                "X-HB-RateLimit-Requests-Remain": str(left),
                "X-HB-RateLimit-Requests-Expire": str(reset_ms),
            }
        recovery = {"recovery-time": str(1000 * wait_s)} if wait_s else {}
        return wait_s, {
            "ratelimit-limit": str(limits.weight),
            "ratelimit-remaining": str(left),
            "ratelimit-reset": str(reset_ms),
            **recovery,
        }

    def _refused(
        self,
        word: str,
        told: str,
        request: Request,
        status: int,
        headers: Mapping[str, str] | None = None,
        code: int = 404,
    ) -> Answer:
        """Return a refusal: words and dashes on spot and for linear's books and trades, numbers for the rest."""
        said: dict[str, object]
        if self._is_spot:
            said = {"status": "error", "err-code": word, "err-msg": told, "data": None}
        elif request.path.startswith(_MARKET):
            said = {"status": "error", "err-code": word, "err-msg": told, **self._times(request)}
        else:
            said = {"status": "error", "err_code": code, "err_msg": told, **self._times(request)}
        return Answer(_text(said), status, headers or {})

    @staticmethod
    def _times(request: Request) -> dict[str, object]:
        return {"ts": request.venue_ms}

    def _listed(self, form: Callable[[Feed], dict[str, object]], request: Request) -> dict[str, object]:
        """Return the newer lists, whose time is text."""
        return {"data": [form(one) for one in self._feeds.values()], "ts": str(request.venue_ms), "full": 1}

    def _contracts(self, request: Request) -> dict[str, object]:
        kind, feeds = request.query.get("business_type", "swap"), self._chosen(request)
        listed = [contract(one, request.at_us) for one in feeds] if kind in {"swap", "all"} else []
        if kind in {"futures", "all"} and "contract_code" not in request.query:
            listed.append(dated(feeds[0], request.at_us))
        return {"data": listed}

    def _elements(self, request: Request) -> dict[str, object]:
        return {"data": [elements(one, request.at_us) for one in self._chosen(request)]}

    def _depth(self, request: Request) -> dict[str, object]:
        feed, step, now_ms = self._feed(request), request.query.get("type", ""), request.at_us // 1000
        if step not in _LEVELS or (self._is_spot and step != "step0"):
            raise Refusal("invalid type")
        limit = _LEVELS[step]
        depth = request.query.get("depth")
        if self._is_spot and depth is not None:
            if depth not in _SPOT_DEPTHS:
                raise Refusal("invalid depth")
            limit = int(depth)
        self._outlet.record(
            Served(
                at_us=request.at_us,
                symbol=feed.listing.instrument.symbol,
                channel=f"depth.{step}",
                sequence=feed.version,
                levels=limit,
            )
        )
        topic = f"market.{feed.native}.depth.{step}"
        named = "" if self._is_spot else f',"ch":"{topic}","id":{now_ms // 1000},"mrid":{feed.last_id}'
        tick = f'{{{feed.book(limit)},"ts":{now_ms}{named}}}'
        return {"ch": topic, "tick": msgspec.Raw(tick.encode())}

    def _trades(self, request: Request) -> dict[str, object]:
        feed = self._feed(request)
        text = request.query.get("size", "1")
        if not text.isdecimal() or not 1 <= int(text) <= _MOST_TRADES:
            raise Refusal("invalid size")
        orders = [list(group) for _, group in groupby(feed.fills, key=lambda fill: fill.match)]
        data = ",".join(self._order(feed, fills) for fills in orders[-int(text) :][::-1])
        return {"ch": f"market.{feed.native}.trade.detail", "data": msgspec.Raw(f"[{data}]".encode())}

    @staticmethod
    def _order(feed: Feed, fills: list[Fill]) -> str:
        shown = ",".join(feed.wire.trade(fill, "trade-id") for fill in reversed(fills))
        return f'{{"id":{fills[0].match},"ts":{fills[0].at_ms},"data":[{shown}]}}'

    def _chosen(self, request: Request) -> list[Feed]:
        return [self._feed(request)] if "contract_code" in request.query else list(self._feeds.values())

    def _feed(self, request: Request) -> Feed:
        name = "symbol" if self._is_spot else "contract_code"
        feed = self._feeds.get(request.query.get(name, ""))
        if feed is None:
            raise Refusal("invalid symbol" if self._is_spot else "The contract code doesn't exist.")
        return feed


def _funding(feed: Feed, now_us: int) -> dict[str, object]:
    rate, next_ms = feed.funding(now_us)
    one = feed.listing.instrument
    return {
        "estimated_rate": None,
        "funding_rate": rate,
        "contract_code": feed.native,
        "symbol": one.base,
        "fee_asset": one.quote,
        "funding_time": str(next_ms),
        "next_funding_time": str(next_ms + feed.engine.funding_ms),
    }


def _text(message: dict[str, object]) -> str:
    return msgspec.json.encode(message).decode()
