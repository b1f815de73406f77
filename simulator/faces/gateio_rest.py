"""Gate's public REST: bodies without an envelope, errors as a label with HTTP 4xx, 200 requests in 10 s by endpoint.

A tick that is no power of ten cannot be told on spot, where prices have so many decimals: it is told as the next finer
one. Not known, so chosen plainly: a ban of an address is the rate limit's answer that lasts longer; the REST book of
spot with more than 100 levels is up to ten seconds old.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from simulator.face import Answer, Outlet, Request
from simulator.faces.gateio_feed import Feed, Sides
from simulator.faces.gateio_lists import contract, pair
from simulator.faces.gateio_texts import milliseconds
from simulator.faces.texts import as_json
from simulator.journal import Served
from simulator.limits import RestLimits, Weights

SIZES = "x-gate-size-decimal"
LIMITS = RestLimits(weight=200, window_s=10, patience=1 << 62)

_OK = 200
_ROOT = "/api/v4/"
_USUAL_LEVELS = 10
_MOST_LEVELS = {"spot": 5000, "futures": 300}
_FRESH_LEVELS = 100
_CACHED_US = 10_000_000
_USUAL_TRADES = 100
_MOST_TRADES = 1000
_US_PER_S = 1_000_000


class Refusal(Exception):
    """The venue's label and message."""

    def __init__(self, label: str, told: str, status: int = 400) -> None:
        """Say no."""
        super().__init__(told)
        self.label = label
        self.status = status

    def answer(self, headers: Mapping[str, str] | None = None) -> Answer:
        """Return the answer of it."""
        body = msgspec.json.encode({"label": self.label, "message": str(self)}).decode()
        return Answer(body, self.status, headers or {})


class Rest:
    """Answers the requests of one market."""

    def __init__(self, outlet: Outlet, market: str, feeds: Mapping[str, Feed]) -> None:
        """Answer for these instruments."""
        self._outlet = outlet
        self._feeds = feeds
        self._is_spot = market == "spot"
        self._market = market
        self._weights: dict[str, Weights] = {}
        self._old: dict[str, tuple[int, int, Sides]] = {}
        self._calls: dict[str, Callable[[Request], object]] = {
            "spot/time": lambda request: {"server_time": request.venue_ms}
        }
        if self._is_spot:
            self._calls |= {
                "spot/currency_pairs": lambda _: [pair(feed) for feed in feeds.values()],
                "spot/order_book": self._order_book,
                "spot/trades": self._trades,
                "margin/currency_pairs": lambda _: [],
            }
        else:
            self._calls |= {
                "futures/usdt/contracts": self._contracts,
                "futures/usdt/order_book": self._order_book,
                "futures/usdt/trades": self._trades,
                "futures/usdt/funding_rate": self._funding_rate,
                "futures/btc/contracts": lambda _: [],
            }

    def answer(self, request: Request) -> Answer:
        """Answer, or refuse an address that asks too often."""
        name = request.path.removeprefix(_ROOT)
        call = self._calls.get(name)
        if call is None and name != request.path:
            name, _, one = name.rpartition("/")
            call = self._one(one) if name in {"spot/currency_pairs", "futures/usdt/contracts"} else None
        if call is None or name not in self._calls or request.method != "GET":
            return Refusal("NOT_FOUND", "path not found", 404).answer()
        verdict = self._weights.setdefault(name, Weights(LIMITS)).spend(1, request.at_us)
        wait_s = max(request.refuse_s, request.address_ban_s, verdict.retry_after_s)
        now_s = request.at_us // _US_PER_S
        headers = {
            "X-Gate-RateLimit-Requests-Remain": str(0 if wait_s else max(0, LIMITS.weight - verdict.used)),
            "X-Gate-RateLimit-Limit": str(LIMITS.weight),
            "X-Gate-RateLimit-Reset-Timestamp": str(now_s + (wait_s or LIMITS.window_s)),
        }
        if wait_s:
            return Refusal("TOO_MANY_REQUESTS", "Request Rate limit Exceeded", 429).answer(headers)
        try:
            return Answer(msgspec.json.encode(call(request)).decode(), headers=headers)
        except Refusal as refusal:
            return refusal.answer(headers)

    def _one(self, native: str) -> Callable[[Request], object]:
        def found(request: Request) -> object:
            feed = self._found(native)
            return pair(feed) if self._is_spot else contract(feed, request.at_us, decimal=_decimal(request))

        return found

    def _contracts(self, request: Request) -> object:
        return [contract(feed, request.at_us, decimal=_decimal(request)) for feed in self._feeds.values()]

    def _order_book(self, request: Request) -> object:
        feed, now_us = self._feed(request), request.at_us
        limit = _number(request.query.get("limit"), _USUAL_LEVELS)
        if not 1 <= limit <= _MOST_LEVELS[self._market]:
            raise Refusal("TOO_BIG", f"limit should be in 1 to {_MOST_LEVELS[self._market]}")
        number, sides = self._image(feed, limit, now_us)
        self._outlet.record(
            Served(
                at_us=now_us,
                symbol=feed.listing.instrument.symbol,
                channel="order_book",
                sequence=number,
                levels=len(sides[0]),
            )
        )
        numbered = {"id": number} if request.query.get("with_id", "").lower() == "true" else {}
        changed_ms = feed.changed_ms or now_us // 1000
        if self._is_spot:
            shown = [as_json(feed.wire.texts.levels(side)) for side in sides]
            times: dict[str, object] = {"current": now_us // 1000, "update": changed_ms}
        else:
            shown = [feed.wire.points(side, decimal=_decimal(request)) for side in sides]
            times = {"current": now_us // 1000 / 1000, "update": changed_ms / 1000}
        bids, asks = (msgspec.Raw(one.encode()) for one in shown)
        return {**numbered, **times, "asks": asks, "bids": bids}

    def _image(self, feed: Feed, limit: int, now_us: int) -> tuple[int, Sides]:
        """Return the book as it is now, a deep one of spot as it was a while ago."""
        if not self._is_spot or limit <= _FRESH_LEVELS:
            return feed.last_id, feed.book(limit)
        at_us, number, sides = self._old.get(feed.native, (0, 0, ([], [])))
        if now_us - at_us > _CACHED_US:
            number, sides = feed.last_id, feed.book(_MOST_LEVELS[self._market])
            self._old[feed.native] = (now_us, number, sides)
        return number, (sides[0][:limit], sides[1][:limit])

    def _trades(self, request: Request) -> object:
        feed = self._feed(request)
        limit = min(_MOST_TRADES, max(1, _number(request.query.get("limit"), _USUAL_TRADES)))
        newest = list(feed.fills)[-limit:][::-1]
        if self._is_spot:
            return [
                {
                    "id": str(fill.id),
                    "create_time": str(fill.at_us // _US_PER_S),
                    "create_time_ms": milliseconds(fill.at_us),
                    "currency_pair": feed.native,
                    "side": fill.side,
                    "amount": feed.wire.texts.quantity(fill.lots),
                    "price": fill.price,
                    "sequence_id": str(fill.number),
                }
                for fill in newest
            ]
        decimal = _decimal(request)
        return [
            {
                "id": fill.id,
                "create_time": fill.at_us // 1000 / 1000,
                "create_time_ms": fill.at_us // 1000 / 1000,
                "contract": feed.native,
                "size": str(fill.signed) if decimal else fill.signed,
                "price": fill.price,
            }
            for fill in newest
        ]

    def _funding_rate(self, request: Request) -> object:
        told = self._feed(request).funding(request.at_us)
        return [{"r": told["funding_rate"], "t": int(told["funding_next_apply"]) - int(told["funding_interval"])}]

    def _feed(self, request: Request) -> Feed:
        name = "currency_pair" if self._is_spot else "contract"
        native = request.query.get(name, "")
        if not native:
            raise Refusal("MISSING_REQUIRED_PARAM", f"Missing required parameter: {name}")
        return self._found(native)

    def _found(self, native: str) -> Feed:
        feed = self._feeds.get(native)
        if feed is None and self._is_spot:
            raise Refusal("INVALID_CURRENCY_PAIR", f"Invalid currency pair {native}")
        if feed is None:
            raise Refusal("CONTRACT_NOT_FOUND", f"contract {native} not found")
        return feed


def _decimal(request: Request) -> bool:
    return request.headers.get(SIZES) == "1"


def _number(text: str | None, default: int) -> int:
    if text is None:
        return default
    if not text.isdecimal():
        raise Refusal("INVALID_PARAM_VALUE", "a number is expected")
    return int(text)
