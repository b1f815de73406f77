"""What a venue tells in parts comes whole: every place where it keeps orders, every page, nothing twice, in its order.

The venue is a few lines on loopback that answer as Bybit does; the simulated one keeps all on one page.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import web

from executor.link import venue
from executor.link.tradings import trading
from executor.link.venue import HttpLink
from tapeline.errors import Unavailable
from tapeline.runtime import clock
from tapeline.venues.calls import FillsQuery, FoundOrder, NotFound, OpenOrdersQuery, OrderQuery, PositionsQuery
from tapeline.venues.contract import Hosts
from tapeline.venues.orders import Keys

AT_MS = 1_790_000_000_000
Json = dict[str, Any]
Script = Callable[[str, dict[str, str]], Json]
QUERY = OrderQuery(native="BTCUSDT", client_id="tl1")
FILLS = FillsQuery(native="BTCUSDT", since_us=AT_MS * 1000, until_us=(AT_MS + 1000) * 1000)


@asynccontextmanager
async def answering(script: Script) -> AsyncIterator[HttpLink]:
    """Link to a venue whose answers a script gives by path and query."""

    async def answer(request: web.Request) -> web.Response:
        now_us = clock.now_us()
        if request.path == "/v5/market/time":
            result: Json = {"timeNano": str(now_us * 1000)}
        else:
            result = script(request.path, dict(request.query))
        return web.json_response({"retCode": 0, "retMsg": "OK", "result": result, "time": now_us // 1000})

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        address = f"127.0.0.1:{runner.addresses[0][1]}"
        hosts = Hosts(rest=f"http://{address}", ws=f"ws://{address}")
        async with HttpLink(trading("bybit", "futures"), Keys(key="k", secret="s"), hosts, {}) as link:
            yield link
    finally:
        await runner.cleanup()


def order(number: int) -> Json:
    """Return an order in Bybit's words."""
    return {
        "symbol": "BTCUSDT", "orderId": f"v{number}", "orderLinkId": f"tl{number}", "side": "Buy",
        "orderType": "Limit", "price": "100", "qty": "1", "timeInForce": "GTC", "orderStatus": "New",
        "cumExecQty": "0", "updatedTime": str(AT_MS),
    }  # fmt: skip


def execution(number: int) -> Json:
    """Return a fill in Bybit's words, so many milliseconds late."""
    return {
        "symbol": "BTCUSDT", "orderId": "v1", "orderLinkId": "tl1", "execId": f"e{number}", "execType": "Trade",
        "execPrice": "100", "execQty": "1", "execFee": "0.1", "execTime": str(AT_MS + number), "side": "Buy",
        "isMaker": False,
    }  # fmt: skip


async def test_an_order_is_looked_for_in_every_place() -> None:
    asked: list[str] = []

    def script(path: str, query: dict[str, str]) -> Json:
        asked.append(path)
        assert query["orderLinkId"] == "tl1"
        return {"list": [order(1)] if path == known else []}

    async with answering(script) as link:
        known = "/v5/order/history"
        found = await link.query(QUERY)
        known = "/v5/nowhere"
        assert await link.query(QUERY) == NotFound()
    assert isinstance(found, FoundOrder)
    assert found.order.venue_id == "v1"
    assert asked == ["/v5/order/realtime", "/v5/order/history"] * 2


async def test_fills_of_all_pages_come_once_and_the_oldest_first() -> None:
    pages = {"": ([5, 4], "c1"), "c1": ([4, 2], "c2"), "c2": ([1], "")}

    def script(path: str, query: dict[str, str]) -> Json:
        assert path == "/v5/execution/list"
        numbers, more = pages[query.get("cursor", "")]
        return {"list": [execution(number) for number in numbers], "nextPageCursor": more}

    async with answering(script) as link:
        fills = await link.fills(FILLS)
    assert [one.fill_id for one in fills.fills] == ["e1:v1", "e2:v1", "e4:v1", "e5:v1"]
    assert fills.then is None


async def test_orders_and_positions_of_all_pages_come_once() -> None:
    def script(path: str, query: dict[str, str]) -> Json:
        first = query["settleCoin"] == "USDT" and "cursor" not in query
        more = "more" if first else ""
        if path == "/v5/order/realtime":
            return {"list": [order(1), order(2)] if first else [order(2), order(3)], "nextPageCursor": more}
        size = {"symbol": "BTCUSDT", "side": "Sell", "size": "0.5", "positionIdx": 0}
        other = {**size, "symbol": "ETHUSDT"}
        return {"list": [size] if first else [size, other], "nextPageCursor": more}

    async with answering(script) as link:
        orders = await link.open_orders(OpenOrdersQuery())
        positions = await link.positions(PositionsQuery())
    assert [one.venue_id for one in orders.orders] == ["v1", "v2", "v3"]
    assert [(one.native, one.quantity) for one in positions.positions] == [
        ("BTCUSDT", Decimal("-0.5")),
        ("ETHUSDT", Decimal("-0.5")),
    ]
    assert (orders.then, positions.then) == (None, None)


async def test_pages_without_end_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(venue, "MOST_PAGES", 3)

    def script(path: str, query: dict[str, str]) -> Json:
        del path, query
        return {"list": [execution(1)], "nextPageCursor": "again"}

    async with answering(script) as link:
        with pytest.raises(Unavailable, match="has answered 3 pages and has more to come"):
            await link.fills(FILLS)
