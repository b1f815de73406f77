"""OKX's public REST v5: one envelope for all, errors in `code` with HTTP 200, a limit of its own for each call.

The book has no sequence: whether REST tells one is unconfirmed, and nobody is to align by it. Who asks too often gets
429 and code 50011; the venue's documents know no ban of an address, so a ban looks the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from simulator.face import Answer, Outlet, Request
from simulator.faces.okx_feed import Feed
from simulator.instruments import Instrument
from simulator.limits import RestLimits, Weights

_TYPES = {"spot": "SPOT", "futures": "SWAP"}
_KNOWN_TYPES = ("SPOT", "MARGIN", "SWAP", "FUTURES", "OPTION")
_WINDOW_S = 2
_NO_END = 1 << 62
_MOST_BOOK = 400
_MOST_FULL_BOOK = 5000
_MOST_TRADES = 500
_USUAL_TRADES = 100
_OK = 200
_LISTED_MS = "1606468572000"


class Refusal(Exception):
    """The venue's code and message; HTTP 200 all the same."""

    def __init__(self, code: str, told: str) -> None:
        """Say no."""
        super().__init__(told)
        self.code = code


class Rest:
    """Answers the requests of one market; the other types of instruments exist and are empty."""

    def __init__(self, outlet: Outlet, market: str, feeds: Mapping[str, Feed]) -> None:
        """Answer for these instruments, by instId."""
        self._outlet = outlet
        self._market = market
        self._feeds = feeds
        # path -> the call, and how often it may be asked for in two seconds
        self._calls: dict[str, tuple[Callable[[Request], str], int]] = {
            "/api/v5/public/time": (lambda request: f'[{{"ts":"{request.venue_ms}"}}]', 10),
            "/api/v5/public/instruments": (self._instruments, 20),
            "/api/v5/market/books": (lambda request: self._book(request, _MOST_BOOK), 40),
            "/api/v5/market/books-full": (lambda request: self._book(request, _MOST_FULL_BOOK), 10),
            "/api/v5/market/trades": (self._trades, 100),
        }
        if market == "futures":
            self._calls["/api/v5/public/funding-rate"] = (self._funding, 20)
        self._used: dict[tuple[str, str], Weights] = {}

    def answer(self, request: Request) -> Answer:
        """Answer, or refuse an address that asks too often."""
        call, most = self._calls.get(request.path, (None, 0))
        if call is None or request.method != "GET":
            return Answer('{"code":"404","msg":"Not Found","data":[]}', 404)
        if request.refuse_s or request.address_ban_s or not self._admits(request, most):
            return Answer(_envelope("[]", "50011", "Too Many Requests"), 429)
        try:
            return Answer(_envelope(call(request)))
        except Refusal as refusal:
            return Answer(_envelope("[]", refusal.code, str(refusal)))

    def _admits(self, request: Request, most: int) -> bool:
        """Count a call; instruments are counted for each type."""
        counted = (request.path, request.query.get("instType", ""))
        used = self._used.setdefault(counted, Weights(RestLimits(weight=most, window_s=_WINDOW_S, patience=_NO_END)))
        return used.spend(1, request.at_us).status == _OK

    def _instruments(self, request: Request) -> str:
        wanted = request.query.get("instType", "")
        if wanted not in _KNOWN_TYPES:
            raise _wrong("instType")
        listed = [_listed(feed, self._market) for feed in self._feeds.values()]
        if wanted != _TYPES[self._market]:
            listed = []
        elif wanted == "SWAP":
            # Settled in the coin, which is another kind of contract.
            inverse = {"instId": "BTC-USD-SWAP", "instFamily": "BTC-USD", "uly": "BTC-USD", "ctType": "inverse"}
            listed.append({**listed[0], **inverse, "ctVal": "100", "ctValCcy": "USD", "settleCcy": "BTC"})
        if "instId" in request.query:
            listed = [one for one in listed if one["instId"] == request.query["instId"]]
            if not listed:
                raise _unknown()
        return msgspec.json.encode(listed).decode()

    def _book(self, request: Request, most: int) -> str:
        feed = self._feed(request)
        size = _number(request, "sz", 1)
        if not 1 <= size <= most:
            raise _wrong("sz")
        text, served = feed.book(size, request.at_us)
        self._outlet.record(served)
        return f"[{text}]"

    def _trades(self, request: Request) -> str:
        feed = self._feed(request)
        limit = _number(request, "limit", _USUAL_TRADES)
        if not 1 <= limit <= _MOST_TRADES:
            raise _wrong("limit")
        newest = list(feed.fills)[-limit:][::-1]
        listed = [
            {
                "instId": feed.name,
                "side": fill.side,
                "sz": fill.size,
                "px": fill.price,
                "tradeId": str(fill.id),
                "ts": str(fill.at_ms),
            }
            for fill in newest
        ]
        return msgspec.json.encode(listed).decode()

    def _funding(self, request: Request) -> str:
        return msgspec.json.encode([self._feed(request).prices.funding(request.at_us // 1000)]).decode()

    def _feed(self, request: Request) -> Feed:
        name = request.query.get("instId", "")
        if not name:
            raise _wrong("instId")
        feed = self._feeds.get(name)
        if feed is None:
            raise _unknown()
        return feed


def _envelope(data: str, code: str = "0", told: str = "") -> str:
    return f'{{"code":"{code}","msg":"{told}","data":{data}}}'


def _wrong(name: str) -> Refusal:
    return Refusal("51000", f"Parameter {name} error")


def _unknown() -> Refusal:
    return Refusal("51001", "Instrument ID does not exist")


def _number(request: Request, name: str, default: int) -> int:
    text = request.query.get(name)
    if text is None:
        return default
    if not text.isdecimal():
        raise _wrong(name)
    return int(text)


def _listed(feed: Feed, market: str) -> dict[str, object]:
    one = feed.listing.instrument
    return _spot(one, feed.name) if market == "spot" else _swap(one, feed)


def _spot(one: Instrument, name: str) -> dict[str, object]:
    most = one.lot.format(10**7)
    return {
        "baseCcy": one.base,
        "ctMult": "",
        "ctType": "",
        "ctVal": "",
        "ctValCcy": "",
        "expTime": "",
        "instFamily": "",
        "instId": name,
        "instType": "SPOT",
        "lever": "10",
        "listTime": _LISTED_MS,
        "lotSz": one.lot.text,
        "maxLmtSz": most,
        "maxMktSz": "1000000",
        "minSz": one.lot.text,
        "quoteCcy": one.quote,
        "ruleType": "normal",
        "settleCcy": "",
        "state": "live",
        "tickSz": one.tick.text,
        "uly": "",
    }


def _swap(one: Instrument, feed: Feed) -> dict[str, object]:
    """Return the rules of a swap in contracts; base and quote stand in the family only."""
    return {
        **_spot(one, feed.name),
        "baseCcy": "",
        "ctMult": "1",
        "ctType": "linear",
        "ctVal": one.lot.text,
        "ctValCcy": one.base,
        "instFamily": feed.index,
        "instType": "SWAP",
        "lever": "100",
        "lotSz": "1",
        "maxLmtSz": "100000000",
        "maxMktSz": "12000",
        "minSz": "1",
        "quoteCcy": "",
        "settleCcy": one.quote,
        "uly": feed.index,
    }
