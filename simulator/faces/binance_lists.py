"""Binance's lists of instruments, with a few that are no spot pair or perpetual of ours and must be left aside."""

from __future__ import annotations

from collections.abc import Iterable

from simulator.instruments import Instrument, Scale

_ORDER_TYPES = ["LIMIT", "LIMIT_MAKER", "MARKET"]
_FUTURES_ORDER_TYPES = ["LIMIT", "MARKET"]
_TIMES_IN_FORCE = ["GTC", "IOC", "FOK", "GTX"]
_ONBOARD_MS = 1569398400000
_PERPETUAL_DELIVERY_MS = 4133404800000
_QUARTER = "270326"
_QUARTER_DELIVERY_MS = 1806048000000


def spot_symbols(instruments: Iterable[Instrument]) -> list[dict[str, object]]:
    """Return the symbols of spot exchangeInfo."""
    return [_spot(one) for one in instruments]


def futures_symbols(instruments: Iterable[Instrument], *, whole: bool) -> list[dict[str, object]]:
    """Return the symbols of futures exchangeInfo; the whole list has a dated contract too."""
    found = [_futures(one) for one in instruments]
    if whole and found:
        dated = {
            **found[0],
            "symbol": f"{found[0]['symbol']}_{_QUARTER}",
            "contractType": "CURRENT_QUARTER",
            "deliveryDate": _QUARTER_DELIVERY_MS,
        }
        found.append(dated)
    return found


def _spot(one: Instrument) -> dict[str, object]:
    return {
        "symbol": one.wire,
        "status": "TRADING",
        "baseAsset": one.base,
        "baseAssetPrecision": 8,
        "quoteAsset": one.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "orderTypes": _ORDER_TYPES,
        "icebergAllowed": True,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "filters": [
            *_filters(one, 8),
            {
                "filterType": "NOTIONAL",
                "minNotional": "5.00000000",
                "applyMinToMarket": True,
                "maxNotional": "9000000.00000000",
                "applyMaxToMarket": False,
                "avgPriceMins": 5,
            },
        ],
    }


def _futures(one: Instrument) -> dict[str, object]:
    return {
        "symbol": one.wire,
        "pair": one.wire,
        "contractType": "PERPETUAL",
        "deliveryDate": _PERPETUAL_DELIVERY_MS,
        "onboardDate": _ONBOARD_MS,
        "status": "TRADING",
        "baseAsset": one.base,
        "quoteAsset": one.quote,
        "marginAsset": one.quote,
        # Not the tick and the step: a parser that takes them for it is wrong here as it is there.
        "pricePrecision": max(8, one.tick.digits),
        "quantityPrecision": max(3, one.lot.digits),
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "orderTypes": _FUTURES_ORDER_TYPES,
        "timeInForce": _TIMES_IN_FORCE,
        "filters": [*_filters(one, None), {"filterType": "MIN_NOTIONAL", "notional": "5"}],
    }


def _filters(one: Instrument, digits: int | None) -> list[dict[str, object]]:
    lots = {"minQty": _text(one.lot, 1, digits), "maxQty": _text(one.lot, 10**7, digits)}
    step = {"stepSize": _text(one.lot, 1, digits)}
    return [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": _text(one.tick, 1, digits),
            "maxPrice": _text(one.tick, 10**6, digits),
            "tickSize": _text(one.tick, 1, digits),
        },
        {"filterType": "LOT_SIZE", **lots, **step},
        {"filterType": "MARKET_LOT_SIZE", **lots, **step},
    ]


def _text(scale: Scale, count: int, digits: int | None) -> str:
    return scale.format(count, digits)
