"""Stock ccxt as a client of a local exchange: every address replaced by its host, the path kept."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import ccxt.pro  # type: ignore[import-untyped] # it ships no types

from tests.support.simulated import Simulated

# Venues whose kinds of markets ccxt names spot and swap.
_TYPES_AS_THEY_ARE = frozenset({"okx", "kucoin", "bitget"})
# The venues that ccxt calls otherwise.
_NAMES = {"gateio": "gate"}
_HOST = re.compile(r"^(?P<scheme>https|wss)://[^/]+")


@asynccontextmanager
async def ccxt_client(venue: str, market: str, place: Simulated) -> AsyncIterator[Any]:
    """Yield ccxt.pro's exchange for a venue and market, pointed at `place`."""
    kind = "spot" if market == "spot" else "swap"
    options: dict[str, Any] = {"defaultType": kind, "watchTrades": {"name": "trade"}}
    if venue == "binance":
        options |= {"fetchMargins": False, "fetchMarkets": {"types": ["spot" if kind == "spot" else "linear"]}}
        options["watchTrades"] = {"name": "trade" if kind == "spot" else "aggTrade"}
    elif venue in _TYPES_AS_THEY_ARE:
        options |= {"fetchMarkets": {"types": [kind], "fetchTickersFees": False}, "watchTrades": {}}
    else:
        options |= {"enableUnifiedAccount": True, "fetchMarkets": {"types": ["spot" if kind == "spot" else "linear"]}}
    key = place.exchange.desk.key
    signing = {"apiKey": key.key, "secret": key.secret, "password": "any"}
    client = getattr(ccxt.pro, _NAMES.get(venue, venue))({"enableRateLimit": False, "options": options, **signing})
    client.has["fetchCurrencies"] = False
    client.urls["api"] = _local(client.urls["api"], place)
    if venue == "binance" and kind == "spot":
        # ccxt tells spot from futures by the host, which is gone here.
        client.is_spot_url = lambda _: True
    if venue == "kucoin":
        client.options["hf"] = True
        fetch_markets = client.fetch_markets
        # Which pairs can be had on margin is for accounts to know.
        client.fetch_markets = lambda params=None: fetch_markets({**(params or {}), "marginables": False})
    if venue == "mexc":
        # It loads both lists, whatever is asked for.
        setattr(client, "fetch_swap_markets" if kind == "spot" else "fetch_spot_markets", _nothing)
    if venue == "gateio":
        # As binance's; and it would ask for the kind of account before anything signed.
        client.get_market_type_by_url = lambda _: kind
        client.options |= {"unifiedAccount": False, "fetchMarkets": {"types": [kind]}}
    if venue == "htx":
        swap = kind == "swap"
        client.options["fetchMarkets"] = {"types": {"spot": not swap, "linear": swap, "inverse": False}}
    try:
        yield client
    finally:
        await client.close()


async def _nothing(_: object) -> list[Any]:
    return []


def _local(value: Any, place: Simulated) -> Any:  # noqa: ANN401 - a tree of addresses of any depth
    if isinstance(value, dict):
        return {name: _local(inner, place) for name, inner in value.items()}
    found = _HOST.match(value) if isinstance(value, str) else None
    if found is None:
        return value
    return (place.rest if found["scheme"] == "https" else place.ws) + value[found.end() :]
