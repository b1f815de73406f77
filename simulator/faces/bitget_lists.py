"""Bitget's lists of instruments: rules by multiples on v3, by digits on v2, where a tick of spot is a power of ten."""

from __future__ import annotations

from collections.abc import Sequence

from simulator.faces.bitget_feed import Feed
from simulator.terms import Terms

_MS_PER_H = 3_600_000
_SPOT = "SPOT"


def instruments(feeds: Sequence[Feed], category: str, terms: Terms) -> list[dict[str, object]]:
    """Return v3's list: ours, and what is none of ours."""
    listed = [_instrument(one, category, terms) for one in feeds]
    if category == _SPOT:
        gone = {"symbol": "GONEUSDT", "baseCoin": "GONE", "status": "offline"}
        return [*listed, {**listed[0], **gone}]
    dated = {"type": "delivery", "deliveryTime": "1806048000000", "symbol": f"{listed[0]['symbol']}H27"}
    return [*listed, {**listed[0], **dated}]


def spot_symbol(feed: Feed, terms: Terms) -> dict[str, object]:
    """Return one of v2's spot list."""
    one = feed.listing.instrument
    return {
        "symbol": feed.wire,
        "baseCoin": one.base,
        "quoteCoin": one.quote,
        "minTradeAmount": one.lot.text,
        "maxTradeAmount": one.lot.format(10**7),
        "takerFeeRate": str(terms.fees.taker),
        "makerFeeRate": str(terms.fees.maker),
        "pricePrecision": str(one.tick.digits),
        "quantityPrecision": str(one.lot.digits),
        "quotePrecision": str(one.tick.digits + one.lot.digits),
        "minTradeUSDT": "5",
        "status": "online",
        "buyLimitPriceRatio": "0.05",
        "sellLimitPriceRatio": "0.05",
    }


def contract(feed: Feed, terms: Terms) -> dict[str, object]:
    """Return one of v2's futures list."""
    one = feed.listing.instrument
    return {
        "symbol": feed.wire,
        "baseCoin": one.base,
        "quoteCoin": one.quote,
        "makerFeeRate": str(terms.fees.maker),
        "takerFeeRate": str(terms.fees.taker),
        "supportMarginCoins": [one.quote],
        "minTradeNum": one.lot.text,
        "priceEndStep": str(one.tick.units),
        "volumePlace": str(one.lot.digits),
        "pricePlace": str(one.tick.digits),
        "sizeMultiplier": one.lot.text,
        "symbolType": "perpetual",
        "minTradeUSDT": "5",
        "maxMarketOrderQty": one.lot.format(10**6),
        "symbolStatus": "normal",
        "offTime": "-1",
        "deliveryTime": "",
        "launchTime": "",
        "fundInterval": _interval(feed),
        "minLever": "1",
        "maxLever": "125",
    }


def _instrument(feed: Feed, category: str, terms: Terms) -> dict[str, object]:
    one = feed.listing.instrument
    shared: dict[str, object] = {
        "symbol": feed.wire,
        "category": category,
        "baseCoin": one.base,
        "quoteCoin": one.quote,
        "minOrderQty": one.lot.text,
        "maxOrderQty": one.lot.format(10**7),
        "pricePrecision": str(one.tick.digits),
        "quantityPrecision": str(one.lot.digits),
        "quotePrecision": str(one.tick.digits + one.lot.digits),
        "priceMultiplier": one.tick.text,
        "quantityMultiplier": one.lot.text,
        "minOrderAmount": "5",
        "maxMarketOrderQty": one.lot.format(10**6),
        "makerFeeRate": str(terms.fees.maker),
        "takerFeeRate": str(terms.fees.taker),
        "status": "online",
        "isRwa": "NO",
        "symbolType": "crypto",
        "launchTime": "1585526400000",
        "offTime": "-1",
    }
    if category == _SPOT:
        return shared
    return {
        **shared,
        "type": "perpetual",
        "fundInterval": _interval(feed),
        "minLeverage": "1",
        "maxLeverage": "125",
        "deliveryTime": "",
    }


def _interval(feed: Feed) -> str:
    return str(max(1, feed.engine.funding_ms // _MS_PER_H))
