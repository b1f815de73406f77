"""BingX's public REST: one envelope, errors with HTTP 200 and a code, 500 requests in 10 s to each address of it.

The lists of the other markets exist and are empty. Not known, so chosen plainly: how many levels and trades come
unasked (100), that the rate limit's answer has the code 100410 and HTTP 429, that of a ban HTTP 418.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec

from simulator.face import Answer, Outlet, Request
from simulator.faces.bingx_feed import Feed
from simulator.faces.texts import as_json
from simulator.journal import Served
from simulator.limits import RestLimits, Verdict, Weights

LIMITS = RestLimits(weight=500, window_s=10, ban_s=300)

_OK = 200
_TOO_MANY = 429
_BANNED = 418
_TOO_OFTEN = 100410
_NO_PATH = 100400
_WRONG = 109400
_NO_SYMBOL = 109425
_USUAL = 100
_MOST_SPOT_LEVELS = 1000
_SWAP_LEVELS = (5, 10, 20, 50, 100, 500, 1000)
_MOST_TRADES = {"spot": 500, "futures": 1000}
_LEAST_NOTIONAL = 2
_MOST_NOTIONAL = 500_000
_ONLINE = 1


class _Refusal(Exception):
    def __init__(self, code: int, told: str) -> None:
        super().__init__(told)
        self.code = code


class Rest:
    """Answers the requests of one market."""

    def __init__(self, outlet: Outlet, market: str, feeds: Mapping[str, Feed]) -> None:
        """Answer for these instruments."""
        self._outlet = outlet
        self._market = market
        self._feeds = feeds
        self._weights: dict[str, Weights] = {}
        self._calls: dict[str, Callable[[Request], str]] = {
            "/openApi/spot/v1/common/symbols": self._symbols,
            "/openApi/swap/v2/quote/contracts": self._contracts,
            "/openApi/cswap/v1/market/contracts": lambda _: "[]",
            "/openApi/spot/v1/server/time": self._time,
            "/openApi/swap/v2/server/time": self._time,
        }
        if market == "spot":
            self._calls |= {
                "/openApi/spot/v1/market/depth": self._depth,
                "/openApi/spot/v1/market/trades": self._trades,
            }
        else:
            self._calls |= {
                "/openApi/swap/v2/quote/depth": self._depth,
                "/openApi/swap/v2/quote/trades": self._trades,
                "/openApi/swap/v2/quote/premiumIndex": self._premium_index,
                "/openApi/swap/v2/quote/fundingRate": self._funding_rate,
            }

    def answer(self, request: Request) -> Answer:
        """Answer, or refuse an address that asks too often."""
        call = self._calls.get(request.path)
        if call is None or request.method != "GET":
            return Answer(_said(_NO_PATH, f"this api is not exist, path: {request.path}", request))
        verdict, headers = self._admit(request)
        if verdict.status != _OK:
            return Answer(_said(_TOO_OFTEN, "too many requests", request), verdict.status, headers)
        try:
            return Answer(self._envelope(request, call(request)), headers=headers)
        except _Refusal as refusal:
            return Answer(_said(refusal.code, str(refusal), request), headers=headers)

    def _admit(self, request: Request) -> tuple[Verdict, dict[str, str]]:
        """Count a request; say whether it is answered, and the headers of any answer."""
        verdict = self._weights.setdefault(request.path, Weights(LIMITS)).spend(1, request.at_us)
        now_ms, window_ms = request.at_us // 1000, LIMITS.window_s * 1000
        until_ms = (now_ms // window_ms + 1) * window_ms
        for status, wait_s in ((_TOO_MANY, request.refuse_s), (_BANNED, request.address_ban_s)):
            if wait_s and verdict.status == _OK:
                verdict, until_ms = Verdict(status, LIMITS.weight, wait_s), now_ms + wait_s * 1000
        if verdict.status == _BANNED:
            until_ms = now_ms + verdict.retry_after_s * 1000
        remain = max(0, LIMITS.weight - verdict.used)
        return verdict, {"X-RateLimit-Requests-Remain": str(remain), "X-RateLimit-Requests-Expire": str(until_ms)}

    def _envelope(self, request: Request, data: str) -> str:
        if request.path.startswith("/openApi/spot/v1/market/"):
            return f'{{"code":0,"timestamp":{request.venue_ms},"data":{data}}}'
        return f'{{"code":0,"msg":"","data":{data}}}'

    def _time(self, request: Request) -> str:
        return f'{{"serverTime":{request.venue_ms}}}'

    def _symbols(self, request: Request) -> str:
        listed = [_symbol(feed) for feed in self._wanted(request)] if self._market == "spot" else []
        return f'{{"symbols":[{",".join(listed)}]}}'

    def _contracts(self, request: Request) -> str:
        if self._market == "spot":
            return "[]"
        return f"[{','.join(_contract(number, feed) for number, feed in enumerate(self._wanted(request), 100))}]"

    def _depth(self, request: Request) -> str:
        feed, limit = self._feed(request), _number(request.query.get("limit"))
        if self._market == "spot" and not 1 <= limit <= _MOST_SPOT_LEVELS:
            raise _Refusal(_WRONG, "limit is wrong")
        if self._market == "futures" and limit not in _SWAP_LEVELS:
            raise _Refusal(_WRONG, "limit is wrong")
        bids, asks = feed.snapshot(limit)
        self._outlet.record(
            Served(
                at_us=request.at_us,
                symbol=feed.listing.instrument.symbol,
                channel="depth",
                sequence=feed.sequence,
                levels=len(bids),
            )
        )
        bid_text, ask_text, now_ms = as_json(bids), as_json(asks[::-1]), request.venue_ms
        if self._market == "spot":
            return f'{{"bids":{bid_text},"asks":{ask_text},"ts":{now_ms}}}'
        return f'{{"T":{now_ms},"bids":{bid_text},"asks":{ask_text},"bidsCoin":{bid_text},"asksCoin":{ask_text}}}'

    def _trades(self, request: Request) -> str:
        feed, limit = self._feed(request), _number(request.query.get("limit"))
        newest = list(feed.fills)[-max(1, min(limit, _MOST_TRADES[self._market])) :][::-1]
        if self._market == "spot":
            return _listed(
                f'{{"id":{fill.id},"price":{fill.price},"qty":{fill.quantity},"time":{fill.at_ms},'
                f'"buyerMaker":{str(fill.maker_bought).lower()}}}'
                for fill in newest
            )
        return _listed(
            f'{{"time":{fill.at_ms},"isBuyerMaker":{str(fill.maker_bought).lower()},"price":"{fill.price}",'
            f'"qty":"{fill.quantity}","quoteQty":"{float(fill.price) * float(fill.quantity):.2f}"}}'
            for fill in newest
        )

    def _premium_index(self, request: Request) -> str:
        if "symbol" in request.query:
            return msgspec.json.encode(self._feed(request).funding(request.at_us)).decode()
        return msgspec.json.encode([feed.funding(request.at_us) for feed in self._feeds.values()]).decode()

    def _funding_rate(self, request: Request) -> str:
        feed = self._feed(request)
        found = feed.funding(request.at_us)
        last = {
            "symbol": feed.native,
            "fundingRate": found["lastFundingRate"],
            "fundingTime": int(found["nextFundingTime"]) - feed.engine.funding_ms,
        }
        return msgspec.json.encode([last]).decode()

    def _wanted(self, request: Request) -> list[Feed]:
        return [self._feed(request)] if "symbol" in request.query else list(self._feeds.values())

    def _feed(self, request: Request) -> Feed:
        feed = self._feeds.get(request.query.get("symbol", ""))
        if feed is None:
            raise _Refusal(_NO_SYMBOL, "symbol not exist")
        return feed


def _said(code: int, told: str, request: Request) -> str:
    return msgspec.json.encode({"code": code, "msg": told, "timestamp": request.venue_ms}).decode()


def _listed(rows: Iterable[str]) -> str:
    return f"[{','.join(rows)}]"


def _number(text: str | None) -> int:
    if text is None:
        return _USUAL
    if not text.isdecimal():
        raise _Refusal(_WRONG, "a number is expected")
    return int(text)


def _symbol(feed: Feed) -> str:
    """Return an instrument of spot; its numbers are numbers of JSON."""
    one = feed.listing.instrument
    return (
        f'{{"symbol":"{feed.native}","displayName":"{feed.native}","tickSize":{one.tick.text},'
        f'"stepSize":{one.lot.text},"minQty":{one.lot.text},"maxQty":{one.lot.format(10**7)},'
        f'"minNotional":{_LEAST_NOTIONAL},"maxNotional":{_MOST_NOTIONAL},"status":{_ONLINE},"apiStateBuy":true,'
        f'"apiStateSell":true,"timeOnline":0,"offTime":0,"maintainTime":0}}'
    )


def _contract(number: int, feed: Feed) -> str:
    """Return a contract of swap, whose steps are told as digits behind the point."""
    one = feed.listing.instrument
    return (
        f'{{"contractId":"{number}","symbol":"{feed.native}","displayName":"{feed.native}","size":"0",'
        f'"quantityPrecision":{one.lot.digits},"pricePrecision":{one.tick.digits},"feeRate":0.0005,'
        f'"makerFeeRate":0.0002,"takerFeeRate":0.0005,"tradeMinLimit":0,"tradeMinQuantity":{one.lot.text},'
        f'"tradeMinUSDT":{_LEAST_NOTIONAL},"currency":"{one.quote}","asset":"{one.base}","status":{_ONLINE},'
        f'"apiStateOpen":"true","apiStateClose":"true","offTime":0}}'
    )
