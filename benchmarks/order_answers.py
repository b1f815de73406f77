"""What the made-up exchange answers to orders, as Binance's spot does: each is taken and expires with nothing dealt.

So nothing is ever held, a strategy's slot is free again as soon as its order has ended, and rounds go on.
"""

from __future__ import annotations

import itertools

from aiohttp import web

from tapeline.runtime import clock

_RICH = "1000000000"
_NUMBERS = itertools.count(1)


async def _time(_request: web.Request) -> web.Response:
    return web.json_response({"serverTime": clock.now_us() // 1_000})


async def _account(_request: web.Request) -> web.Response:
    return web.json_response({"balances": [{"asset": "USDT", "free": _RICH, "locked": "0"}]})


async def _nothing(_request: web.Request) -> web.Response:
    return web.json_response([])


async def _order(request: web.Request) -> web.Response:
    asked = await request.post()
    return web.json_response(
        {
            "symbol": asked["symbol"],
            "orderId": next(_NUMBERS),
            "clientOrderId": asked["newClientOrderId"],
            "transactTime": clock.now_us() // 1_000,
            "price": asked["price"],
            "origQty": asked["quantity"],
            "executedQty": "0.00000000",
            "cummulativeQuoteQty": "0.00000000",
            "status": "EXPIRED",
            "timeInForce": asked["timeInForce"],
            "type": asked["type"],
            "side": asked["side"],
            "fills": [],
        }
    )


async def _unknown(_request: web.Request) -> web.Response:
    return web.json_response({"code": -2013, "msg": "Order does not exist."}, status=400)


ROUTES = (
    web.get("/api/v3/time", _time),
    web.get("/api/v3/account", _account),
    web.get("/api/v3/openOrders", _nothing),
    web.get("/api/v3/myTrades", _nothing),
    web.get("/api/v3/order", _unknown),
    web.post("/api/v3/order", _order),
)
