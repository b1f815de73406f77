"""KuCoin's lists of instruments: spot in text and base units, contracts in JSON numbers and lots."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Raw

from simulator.faces.kucoin_feed import Feed
from simulator.faces.texts import shortest

_FIRST_MS = 1_585_555_200_000
_EXPIRES_MS = 1_806_048_000_000
_MOST_CONTRACTS = 1_000_000


def spot_symbol(feed: Feed) -> dict[str, object]:
    """Return the rules of a spot pair."""
    one = feed.listing.instrument
    return {
        "symbol": feed.teller.name,
        "name": feed.teller.name,
        "baseCurrency": one.base,
        "quoteCurrency": one.quote,
        "feeCurrency": one.quote,
        "market": "USDS",
        "baseMinSize": one.lot.text,
        "quoteMinSize": "0.1",
        "baseMaxSize": "10000000000",
        "quoteMaxSize": "99999999",
        "baseIncrement": one.lot.text,
        "quoteIncrement": "0.000001",
        "priceIncrement": one.tick.text,
        "priceLimitRate": "0.1",
        "minFunds": "0.1",
        "isMarginEnabled": False,
        "enableTrading": True,
        "feeCategory": 1,
        "makerFeeCoefficient": "1.00",
        "takerFeeCoefficient": "1.00",
        "callauctionIsEnabled": False,
    }


def contracts(feeds: Mapping[str, Feed], now_us: int) -> list[dict[str, object]]:
    """Return all contracts: the perpetuals, one that is settled in its coin, one that ends on a day."""
    listed = [contract(feed, now_us) for feed in feeds.values()]
    inverse = {
        "symbol": "XBTUSDM",
        "quoteCurrency": "USD",
        "settleCurrency": "XBT",
        "multiplier": -1,
        "isInverse": True,
    }
    dated = {"symbol": "XBTUSDTM26MAR", "type": "FFICSX", "expireDate": _EXPIRES_MS, "nextFundingRateTime": None}
    return [*listed, {**listed[0], **inverse}, {**listed[0], **dated}]


def contract(feed: Feed, now_us: int) -> dict[str, object]:
    """Return the rules of a perpetual, its prices and its funding."""
    one, now_ms = feed.listing.instrument, now_us // 1000
    _, next_ms = feed.funding_times(now_ms)
    return {
        "symbol": feed.teller.name,
        "rootSymbol": one.quote,
        "type": "FFWCSX",
        "firstOpenDate": _FIRST_MS,
        "expireDate": None,
        "settleDate": None,
        "baseCurrency": feed.teller.base,
        "quoteCurrency": one.quote,
        "settleCurrency": one.quote,
        "maxOrderQty": _MOST_CONTRACTS,
        "maxPrice": Raw(one.tick.format(10**6).encode()),
        "lotSize": 1,
        "tickSize": Raw(one.tick.text.encode()),
        "multiplier": Raw(one.lot.text.encode()),
        "isInverse": False,
        "makerFeeRate": 0.0002,
        "takerFeeRate": 0.0006,
        "maxLeverage": 100,
        "status": "Open",
        "supportCross": True,
        "markPrice": Raw(feed.listing.mark_price.encode()),
        "indexPrice": Raw(shortest(feed.listing.index_price).encode()),
        "fundingFeeRate": Raw(feed.listing.funding_rate.encode()),
        "fundingRateGranularity": feed.engine.funding_ms,
        # How long until then, in spite of its name; the other is the time itself.
        "nextFundingRateTime": next_ms - now_ms,
        "nextFundingRateDateTime": next_ms,
    }
