"""What one recorded answer of REST says, read a second time by the fact sheets alone, as `plain_frames` reads frames.

Only the calls that the product makes are known here: of others it has no reader, and their answers say nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.plain_frames import Note, maker, snapshot, trade

ANY = "?"
"""The name of an instrument that neither the address nor the answer tells."""

BOOKS = {
    "binance": r"/(api/v3|fapi/v1)/depth",
    "bybit": r"/v5/market/orderbook",
    "okx": r"/api/v5/market/books(-full)?",
    "kucoin": r"/api/v[13]/(market/orderbook/level2(_20|_100)?|level2/snapshot)",
    "coinex": r"/v2/(spot|futures)/depth",
    "htx": r"(/linear-swap-ex)?/market/depth",
    "mexc": r"/api/v3/depth|/api/v1/contract/depth/.+",
    "bitget": r"/api/v3/market/orderbook",
    "bingx": r"/openApi/(spot/v1/market|swap/v2/quote)/depth",
    "gateio": r"/api/v4/(spot|futures/usdt)/order_book",
}
TRADES = {
    "binance": r"/api/v3/trades|/fapi/v1/aggTrades",
    "bybit": r"/v5/market/recent-trade",
    "okx": r"/api/v5/market/trades",
    "kucoin": r"/api/ua/v1/market/trade|/api/v1/trade/history",
    "coinex": r"/v2/(spot|futures)/deals",
    "htx": r"(/linear-swap-ex)?/market/history/trade",
    "mexc": r"/api/v3/trades|/api/v1/contract/deals/.+",
    "bitget": r"/api/v3/market/fills",
    "bingx": r"/openApi/(spot/v1/market|swap/v2/quote)/trades",
    "gateio": r"/api/v4/(spot|futures/usdt)/trades",
}


def answer(venue: str, url: str, body: Any) -> list[Note]:  # noqa: ANN401 - JSON is anything
    """Return the notes of an answer."""
    address = urlsplit(url.removeprefix("GET ").strip())
    native = _native(venue, address.path, parse_qs(address.query)) or _told(body) or ANY
    if re.fullmatch(BOOKS[venue], address.path):
        return [_book(native, body)]
    if re.fullmatch(TRADES[venue], address.path):
        return list(_trades(native, body))
    return []


def _native(venue: str, path: str, query: Mapping[str, list[str]]) -> str:
    if venue == "mexc" and path.startswith("/api/v1/contract/"):
        return path.rpartition("/")[2]
    names = ("symbol", "instId", "market", "contract_code", "currency_pair", "contract")
    return next((query[name][0] for name in names if name in query), "")


def _told(body: Any) -> str:  # noqa: ANN401 - JSON is anything
    """Return the name that an answer itself gives, at its head or with its first trade."""
    rows = body if isinstance(body, list) else [body, *(_inner(body, name) for name in ("data", "result", "list"))]
    for row in rows[:4]:
        one = row[0] if isinstance(row, list) and row else row
        if isinstance(one, Mapping):
            if "ch" in one:
                return str(one["ch"]).split(".")[1]
            for name in ("symbol", "instId", "market", "contract", "currency_pair", "s"):
                if name in one:
                    return str(one[name])
    return ""


def _inner(body: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 - JSON is anything
    held = body.get("result", body) if name == "list" else body
    return held.get(name) if isinstance(held, Mapping) else None


def _book(native: str, body: Any) -> Note:  # noqa: ANN401 - JSON is anything
    """Return the book of any envelope: the first thing inside that has two sides."""
    for name in ("data", "result", "tick", "depth"):
        if isinstance(body, Mapping) and name in body and "bids" not in body:
            body = body[name][0] if isinstance(body[name], list) else body[name]
    bids, asks = body.get("bids", body.get("b")), body.get("asks", body.get("a"))
    numbers = (body.get(name) for name in ("lastUpdateId", "sequence", "id", "u", "seqId"))
    number = next((one for one in numbers if one is not None), None)
    checked = {"check": body["checksum"]} if "checksum" in body else {}
    return snapshot(native, bids, asks, number, rest=True, **checked)


def _trades(native: str, body: Any) -> Iterable[Note]:  # noqa: ANN401 - JSON is anything
    """Return the trades of any envelope, each by what its fields are called."""
    for name in ("data", "result", "list"):
        body = body[name] if isinstance(body, Mapping) and name in body else body
    # HTX gives those of one moment together.
    rows = [inner for one in body for inner in one.get("data", [one])]
    for one in rows:
        price = _first(one, "price", "px", "p")
        quantity = _first(one, "qty", "size", "sz", "amount", "v", "q")
        side = _first(one, "side", "direction", "S")
        if side is None and "T" in one and one["T"] in {1, 2}:
            side = {1: "buy", 2: "sell"}[one["T"]]
        if side is None:
            side = maker(_first(one, "isBuyerMaker", "buyerMaker", "m"))
        yield trade(native, price, str(quantity), side)


def _first(one: Mapping[str, Any], *names: str) -> Any:  # noqa: ANN401 - JSON is anything
    return next((one[name] for name in names if name in one), None)
