"""MEXC's public REST v1 of futures: one envelope, errors with HTTP 200, so many requests in 2 s for each endpoint.

Of the limit's refusal only the code 510 is known, so a ban of the address (UNCONFIRMED) is the same answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from simulator.face import Answer, Outlet, Request
from simulator.faces.mexc_futures import Feed, number
from simulator.instruments import QUOTE
from simulator.journal import Served
from simulator.limits import RestLimits, Weights
from simulator.terms import Terms

_OFTEN, _SELDOM = 20, 10
_PER_2_S = {"ping": _OFTEN, "funding_rate": _OFTEN, "ticker": _SELDOM, "depth": _SELDOM, "detail": _SELDOM}
_NO_END = 1 << 62
_OK = 200
_MOST = 1000
_USUAL_TRADES = 100
_MS_PER_H = 3_600_000


class Refusal(Exception):
    """The venue's code and sentence."""

    def __init__(self, code: int, told: str) -> None:
        """Say no."""
        super().__init__(told)
        self.code = code


class Rest:
    """Answers the requests of futures."""

    def __init__(self, outlet: Outlet, feeds: Mapping[str, Feed], terms: Terms) -> None:
        """Answer for these contracts."""
        self._outlet = outlet
        self._feeds = feeds
        self._terms = terms
        self._weights: dict[str, Weights] = {}
        self._calls: dict[str, Callable[[Request, str], str]] = {
            "ping": lambda request, _: str(request.venue_ms),
            "detail": self._detail,
            "depth": self._depth,
            "deals": self._deals,
            "ticker": self._ticker,
            "funding_rate": self._funding_rate,
            "index_price": lambda request, wire: self._price(request, wire, "index"),
            "fair_price": lambda request, wire: self._price(request, wire, "fair"),
        }

    def answer(self, request: Request) -> Answer:
        """Answer, or refuse an address that asks too often; a contract stands in the path or in the query."""
        name, _, wire = request.path.removeprefix("/api/v1/contract/").partition("/")
        call = self._calls.get(name)
        if call is None or request.method != "GET":
            return Answer('{"success":false,"code":404,"message":"Not Found"}', 404)
        limits = RestLimits(weight=_PER_2_S.get(name, _SELDOM), window_s=2, patience=_NO_END)
        verdict = self._weights.setdefault(name, Weights(limits)).spend(1, request.at_us)
        if verdict.status != _OK or request.refuse_s or request.address_ban_s:
            return Answer('{"success":false,"code":510,"message":"Requests are too frequent"}')
        try:
            return Answer(
                f'{{"success":true,"code":0,"data":{call(request, wire or request.query.get("symbol", ""))}}}'
            )
        except Refusal as refusal:
            return Answer(f'{{"success":false,"code":{refusal.code},"message":"{refusal}"}}')

    def _detail(self, request: Request, wire: str) -> str:
        del request
        if wire:
            return _listed(self._feed(wire), self._terms)
        listed = [_listed(feed, self._terms) for feed in self._feeds.values()]
        # A contract that is settled in its coin.
        first = next(iter(self._feeds.values()))
        inverse = _listed(first, self._terms, quote="USD", settle=first.listing.instrument.base)
        return f"[{','.join([*listed, inverse])}]"

    def _depth(self, request: Request, wire: str) -> str:
        feed = self._feed(wire)
        bids, asks, version, levels = feed.snapshot(_limit(request, _MOST))
        symbol = feed.listing.instrument.symbol
        self._outlet.record(
            Served(at_us=request.at_us, symbol=symbol, channel="depth", sequence=version, levels=levels)
        )
        return f'{{"asks":{asks},"bids":{bids},"version":{version},"timestamp":{request.at_us // 1000}}}'

    def _deals(self, request: Request, wire: str) -> str:
        newest = list(self._feed(wire).fills)[-_limit(request, _USUAL_TRADES) :][::-1]
        return f"[{','.join(fill.told() for fill in newest)}]"

    def _ticker(self, request: Request, wire: str) -> str:
        if wire:
            return self._feed(wire).ticker(request.at_us)
        return f"[{','.join(feed.ticker(request.at_us) for feed in self._feeds.values())}]"

    def _funding_rate(self, request: Request, wire: str) -> str:
        feeds = [self._feed(wire)] if wire else list(self._feeds.values())
        found = [_funding(feed, request.at_us) for feed in feeds]
        return found[0] if wire else f"[{','.join(found)}]"

    def _price(self, request: Request, wire: str, which: str) -> str:
        feed = self._feed(wire)
        price = feed.funding(request.at_us)[which]
        return f'{{"symbol":"{feed.wire}","{which}Price":{price},"timestamp":{request.at_us // 1000}}}'

    def _feed(self, wire: str) -> Feed:
        feed = self._feeds.get(wire)
        if feed is None:
            raise Refusal(1001, "contract not exists")
        return feed


def _limit(request: Request, default: int) -> int:
    text = request.query.get("limit", str(default))
    if not text.isdecimal() or int(text) < 1:
        raise Refusal(600, "Parameter error!")
    return min(_MOST, int(text))


def _funding(feed: Feed, at_us: int) -> str:
    found = feed.funding(at_us)
    return (
        f'{{"symbol":"{feed.wire}","fundingRate":{found["rate"]},"maxFundingRate":0.003,"minFundingRate":-0.003,'
        f'"collectCycle":{max(1, feed.engine.funding_ms // _MS_PER_H)},"nextSettleTime":{found["next"]},'
        f'"timestamp":{at_us // 1000},"idxPrice":{found["index"]},"fairPrice":{found["fair"]}}}'
    )


def _listed(feed: Feed, terms: Terms, *, quote: str = QUOTE, settle: str = QUOTE) -> str:
    one = feed.listing.instrument
    wire = f"{one.base}_{quote}"
    return (
        f'{{"symbol":"{wire}","displayNameEn":"{wire} PERPETUAL","positionOpenType":3,'
        f'"baseCoin":"{one.base}","quoteCoin":"{quote}","settleCoin":"{settle}","futureType":1,"type":1,'
        f'"contractSize":{number(one.lot.text)},"minLeverage":1,"maxLeverage":100,"priceScale":{one.tick.digits},'
        f'"volScale":0,"amountScale":4,"priceUnit":{number(one.tick.text)},"volUnit":1,"minVol":1,"maxVol":10000000,'
        f'"limitOrderMaxVol":10000000,"takerFeeRate":{terms.fees.taker},"makerFeeRate":{terms.fees.maker},'
        f'"maintenanceMarginRate":0.004,"initialMarginRate":0.01,"state":0,"apiAllowed":true,"isNew":false,'
        f'"isHot":true,"isHidden":false}}'
    )
