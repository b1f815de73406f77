"""HTX's instruments in each of the forms in which spot lists them, and the contracts of linear swap."""

from __future__ import annotations

from simulator.faces.htx_feed import Feed

_MOST_LOTS = 10**7
_LEAST_VALUE = 10
_MOST_VALUE = 5_000_000
_VALUE_DIGITS = 8
_HOUR_MS = 3_600_000


def symbols(feed: Feed) -> dict[str, object]:
    """Return a pair as `/v1/common/symbols` has it; decimals stand for steps, so they are the next finer ones."""
    one = feed.listing.instrument
    least, most = float(one.lot.text), one.lot.value(_MOST_LOTS)
    return {
        "base-currency": one.base.lower(),
        "quote-currency": one.quote.lower(),
        "price-precision": one.tick.digits,
        "amount-precision": one.lot.digits,
        "symbol-partition": "main",
        "symbol": feed.native,
        "state": "online",
        "value-precision": _VALUE_DIGITS,
        "min-order-amt": least,
        "max-order-amt": most,
        "min-order-value": _LEAST_VALUE,
        "limit-order-min-order-amt": least,
        "limit-order-max-order-amt": most,
        "limit-order-max-buy-amt": most,
        "limit-order-max-sell-amt": most,
        "sell-market-min-order-amt": least,
        "sell-market-max-order-amt": most,
        "buy-market-max-order-value": _MOST_VALUE,
        "api-trading": "enabled",
        "tags": "",
    }


def settings(feed: Feed) -> dict[str, object]:
    """Return a pair as `/v2/settings/common/symbols` has it."""
    one = feed.listing.instrument
    return {
        "tags": "",
        "state": "online",
        "sc": feed.native,
        "bc": one.base.lower(),
        "qc": one.quote.lower(),
        "bcdn": one.base,
        "qcdn": one.quote,
        "dn": f"{one.base}/{one.quote}",
        "tpp": one.tick.digits,
        "tap": one.lot.digits,
        "ttp": _VALUE_DIGITS,
        "fp": 8,
        "te": True,
        "whe": False,
        "cd": False,
        "sp": "main",
        "toa": 1514779200000,
        "w": 999400000,
        "lr": None,
    }


def rules(feed: Feed) -> dict[str, object]:
    """Return a pair as `/v1/settings/common/market-symbols` has it."""
    one = feed.listing.instrument
    least, most = float(one.lot.text), one.lot.value(_MOST_LOTS)
    return {
        "symbol": feed.native,
        "state": "online",
        "bc": one.base.lower(),
        "qc": one.quote.lower(),
        "pp": one.tick.digits,
        "ap": one.lot.digits,
        "vp": _VALUE_DIGITS,
        "sp": "main",
        "minoa": least,
        "maxoa": most,
        "minov": _LEAST_VALUE,
        "lominoa": least,
        "lomaxoa": most,
        "lomaxba": most,
        "lomaxsa": most,
        "smminoa": least,
        "smmaxoa": most,
        "bmmaxov": _MOST_VALUE,
        "blmlt": 1.1,
        "slmgt": 0.9,
        "at": "enabled",
        "tags": "",
    }


def contract(feed: Feed, now_us: int) -> dict[str, object]:
    """Return a perpetual contract."""
    one = feed.listing.instrument
    return {
        "symbol": one.base,
        "contract_code": feed.native,
        "contract_size": float(one.lot.text),
        "price_tick": float(one.tick.text),
        "delivery_date": "",
        "delivery_time": "",
        "create_date": "20201021",
        "contract_status": 1,
        "settlement_date": str(feed.funding(now_us)[1]),
        "support_margin_mode": "all",
        "business_type": "swap",
        "pair": feed.native,
        "contract_type": "swap",
        "trade_partition": one.quote,
    }


def dated(feed: Feed, now_us: int) -> dict[str, object]:
    """Return a contract that is delivered on a day, which is no perpetual."""
    return {
        **contract(feed, now_us),
        "contract_code": f"{feed.native}-270326",
        "delivery_date": "20270326",
        "delivery_time": "1806048000000",
        "support_margin_mode": "cross",
        "business_type": "futures",
        "contract_type": "quarter",
    }


def elements(feed: Feed, now_us: int) -> dict[str, object]:
    """Return what else is set for a contract: the hours between fundings, and the bounds of the rate."""
    one = feed.listing.instrument
    return {
        "contract_code": feed.native,
        "instrument_index_code": feed.native,
        "settle_period": max(1, feed.engine.funding_ms // _HOUR_MS),
        "price_tick": one.tick.text,
        "instrument_value": one.lot.text,
        "min_level": "1",
        "max_level": "200",
        "funding_rate_cap": "0.003750000000000000",
        "funding_rate_floor": "-0.003750000000000000",
        "contract_infos": [
            {
                "contract_code": feed.native,
                "instrument_type": [0],
                "settlement_date": str(feed.funding(now_us)[1]),
                "delivery_time": "",
                "create_date": "20201021",
                "contract_status": 1,
            }
        ],
    }
