"""Gate's instruments: currency pairs of spot, contracts of futures that are settled in USDT."""

from __future__ import annotations

from simulator.faces.gateio_feed import Feed

_MOST_CONTRACTS = 1_000_000


def pair(feed: Feed) -> dict[str, object]:
    """Return a currency pair; decimals stand for steps, so they are the next finer ones."""
    one = feed.listing.instrument
    return {
        "id": feed.native,
        "base": one.base,
        "base_name": one.base,
        "quote": one.quote,
        "quote_name": one.quote,
        "fee": "0.2",
        "min_base_amount": one.lot.text,
        "min_quote_amount": "3",
        "max_base_amount": None,
        "max_quote_amount": "5000000",
        "amount_precision": one.lot.digits,
        "precision": one.tick.digits,
        "trade_status": "tradable",
        "sell_start": 1516378650,
        "buy_start": 1516378650,
        "delisting_time": 0,
        "type": "normal",
        "st_tag": False,
    }


def contract(feed: Feed, now_us: int, *, decimal: bool) -> dict[str, object]:
    """Return a contract; its sizes are text for a client that asked for decimal ones."""
    one, told = feed.listing.instrument, feed.funding(now_us)

    def size(count: int) -> object:
        return str(count) if decimal else count

    return {
        "name": feed.native,
        "type": "direct",
        "contract_type": "",
        "quanto_multiplier": one.lot.text,
        "ref_discount_rate": "0",
        "order_price_deviate": "0.5",
        "maintenance_rate": "0.005",
        "mark_type": "index",
        **told,
        "funding_rate_indicative": told["funding_rate"],
        "funding_rate_limit": "0.003",
        "mark_price_round": "0.01",
        "funding_offset": 0,
        "in_delisting": False,
        "is_pre_market": False,
        "status": "trading",
        "enable_decimal": False,
        "interest_rate": "0.0003",
        "order_price_round": one.tick.text,
        "order_size_min": size(1),
        "order_size_max": size(_MOST_CONTRACTS),
        "market_order_size_max": str(_MOST_CONTRACTS),
        "ref_rebate_rate": "0.2",
        "taker_fee_rate": "0.00075",
        "maker_fee_rate": "-0.0001",
        "orders_limit": 100,
        "leverage_min": "1",
        "leverage_max": "100",
        "create_time": 1585526400,
    }
