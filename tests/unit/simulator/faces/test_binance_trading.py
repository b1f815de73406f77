"""Binance's signed REST as its documents have it: who is let in, answers to orders, and the code of every refusal."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.stage import Stage, stage
from tests.support.trading import Trader

BOTH = pytest.mark.parametrize("market", ["spot", "futures"])


def test_spot_answers_as_much_as_was_asked_for(tmp_path: Path) -> None:
    with stage("binance", "spot", tmp_path) as scene:
        trader = Trader(scene)
        now_ms, price = scene.now_us // 1000, trader.price("buy")
        shared = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.0100"}
        answers = [
            trader.binance(
                "POST", "/api/v3/order", **shared, price=price, newClientOrderId=kind, newOrderRespType=kind
            )[2]
            for kind in ("ACK", "RESULT", "FULL")
        ]
        orders = [scene.exchange.desk.orders.find("", kind, scene.now_us) for kind in ("ACK", "RESULT", "FULL")]
        ids = [int(one.id) for one in orders if one is not None]
        ack = {"symbol": "BTCUSDT", "orderListId": -1, "transactTime": now_ms}
        result = {
            "price": f"{price}.00000000",
            "origQty": "0.01000000",
            "executedQty": "0.01000000",
            "origQuoteOrderQty": "0.00000000",
            "cummulativeQuoteQty": f"{float(price) / 100:.8f}",
            "status": "FILLED",
            "timeInForce": "GTC",
            "type": "LIMIT",
            "side": "BUY",
            "workingTime": now_ms,
            "selfTradePreventionMode": "EXPIRE_MAKER",
        }
        assert orders[2] is not None
        part = {
            "price": f"{price}.00000000",
            "qty": "0.01000000",
            "commission": "0.00001000",
            "commissionAsset": "BTC",
            "tradeId": int(orders[2].fills[0].id),
        }
        assert answers == [
            {**ack, "orderId": ids[0], "clientOrderId": "ACK"},
            {**ack, "orderId": ids[1], "clientOrderId": "RESULT", **result},
            {**ack, "orderId": ids[2], "clientOrderId": "FULL", **result, "fills": [part]},
        ]
        assert ids == sorted(ids)
        # Without a wish: FULL for LIMIT and MARKET, ACK for LIMIT_MAKER; the venue makes an id where there is none.
        full = trader.binance("POST", "/api/v3/order", symbol="BTCUSDT", side="SELL", type="MARKET", quantity="0.01")[2]
        assert (len(full["fills"]), full["status"], len(full["clientOrderId"])) == (1, "FILLED", 22)
        maker = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT_MAKER", "quantity": "0.01"}
        assert "status" not in trader.binance("POST", "/api/v3/order", **maker, price=trader.price("buy", 50))[2]


def test_spot_lists_queries_and_cancels(tmp_path: Path) -> None:
    with stage("binance", "spot", tmp_path) as scene:
        trader = Trader(scene)
        price = trader.price("buy", 50)
        trader.place("buy", "0.01", price, client_id="one")
        trader.place("buy", "0.02", price, client_id="two")
        trader.place("buy", "1", trader.price("buy", 50, "ETH/USDT"), client_id="eth", symbol="ETH/USDT")
        one = scene.exchange.desk.orders.find("", "one", scene.now_us)
        assert one is not None
        queried = {
            "symbol": "BTCUSDT",
            "orderId": int(one.id),
            "orderListId": -1,
            "clientOrderId": "one",
            "price": f"{price}.00000000",
            "origQty": "0.01000000",
            "executedQty": "0.00000000",
            "origQuoteOrderQty": "0.00000000",
            "cummulativeQuoteQty": "0.00000000",
            "status": "NEW",
            "timeInForce": "GTC",
            "type": "LIMIT",
            "side": "BUY",
            "stopPrice": "0.00000000",
            "icebergQty": "0.00000000",
            "time": scene.now_us // 1000,
            "updateTime": scene.now_us // 1000,
            "isWorking": True,
            "workingTime": scene.now_us // 1000,
            "selfTradePreventionMode": "EXPIRE_MAKER",
        }
        assert trader.look_up("one") == queried
        assert trader.binance("GET", "/api/v3/order", symbol="BTCUSDT", orderId=one.id)[2] == queried
        _, headers, listed, _ = trader.binance("GET", "/api/v3/openOrders", symbol="BTCUSDT")
        assert [row["clientOrderId"] for row in listed] == ["one", "two"]
        used = int(headers["X-MBX-USED-WEIGHT-1M"])
        _, headers, listed, _ = trader.binance("GET", "/api/v3/openOrders")
        assert [row["clientOrderId"] for row in listed] == ["one", "two", "eth"]
        assert int(headers["X-MBX-USED-WEIGHT-1M"]) - used == 80


def test_spot_cancels_one_order_and_all(tmp_path: Path) -> None:
    with stage("binance", "spot", tmp_path) as scene:
        trader = Trader(scene)
        price = trader.price("buy", 50)
        trader.place("buy", "0.01", price, client_id="one")
        trader.place("buy", "0.02", price, client_id="two")
        one = scene.exchange.desk.orders.find("", "one", scene.now_us)
        assert one is not None
        queried = trader.look_up("one")
        names = ("stopPrice", "icebergQty", "time", "updateTime", "isWorking", "workingTime")
        assert trader.binance(
            "DELETE", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="one", newClientOrderId="bye"
        )[2] == {
            **{name: value for name, value in queried.items() if name not in names},
            "origClientOrderId": "one",
            "clientOrderId": "bye",
            "transactTime": scene.now_us // 1000,
            "status": "CANCELED",
        }
        assert trader.cancel("one")[::2] == (400, {"code": -2011, "msg": "Unknown order sent."})
        missing = trader.binance("GET", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="none")
        assert missing[::2] == (400, {"code": -2013, "msg": "Order does not exist."})
        assert trader.binance("GET", "/api/v3/order", symbol="ETHUSDT", orderId=one.id)[2]["code"] == -2013
        assert trader.binance("GET", "/api/v3/order", symbol="BTCUSDT")[2]["code"] == -1102
        cancelled = trader.binance("DELETE", "/api/v3/openOrders", symbol="BTCUSDT")[2]
        assert [(row["origClientOrderId"], row["status"]) for row in cancelled] == [("two", "CANCELED")]
        assert trader.binance("DELETE", "/api/v3/openOrders", symbol="BTCUSDT")[2]["code"] == -2011
        every = trader.binance("GET", "/api/v3/allOrders", symbol="BTCUSDT")[2]
        assert [(row["clientOrderId"], row["status"]) for row in every] == [("one", "CANCELED"), ("two", "CANCELED")]
        later = trader.binance("GET", "/api/v3/allOrders", symbol="BTCUSDT", orderId=every[1]["orderId"], limit=1)[2]
        assert later == every[1:]


def test_futures_acknowledge_without_a_fill_and_know_it_when_asked(tmp_path: Path) -> None:
    with stage("binance", "futures", tmp_path) as scene:
        trader = Trader(scene)
        asked = {"symbol": "BTCUSDT", "side": "SELL", "type": "MARKET", "quantity": "0.01"}
        answer = trader.binance("POST", "/fapi/v1/order", **asked, newClientOrderId="x")[2]
        order = scene.exchange.desk.orders.find("", "x", scene.now_us)
        assert order is not None
        shared = {
            "orderId": int(order.id),
            "symbol": "BTCUSDT",
            "clientOrderId": "x",
            "price": "0",
            "origQty": "0.0100",
            "type": "MARKET",
            "origType": "MARKET",
            "side": "SELL",
            "positionSide": "BOTH",
            "reduceOnly": False,
            "closePosition": False,
            "timeInForce": "GTC",
            "stopPrice": "0",
            "workingType": "CONTRACT_PRICE",
            "priceProtect": False,
            "priceMatch": "NONE",
            "selfTradePreventionMode": "EXPIRE_MAKER",
            "goodTillDate": 0,
            "updateTime": scene.now_us // 1000,
        }
        assert answer == {**shared, "status": "NEW", "executedQty": "0.0000"}
        (fill,) = order.fills
        average = order.instrument.tick.exact(fill.price)
        queried = trader.look_up("x")
        assert queried == {
            **shared,
            "status": "FILLED",
            "executedQty": "0.0100",
            "avgPrice": f"{average:.8f}",
            "cumQuote": f"{(average / 100).normalize():f}",
            "time": scene.now_us // 1000,
        }
        assert trader.binance("GET", "/fapi/v1/openOrder", symbol="BTCUSDT", orderId=order.id)[2]["code"] == -2013


def test_futures_list_the_account_s_trades(tmp_path: Path) -> None:
    with stage("binance", "futures", tmp_path) as scene:
        trader = Trader(scene)
        trader.place("sell", "0.01", client_id="x")
        order = scene.exchange.desk.orders.find("", "x", scene.now_us)
        assert order is not None
        (fill,) = order.fills
        average = order.instrument.tick.exact(fill.price)
        trades = trader.binance("GET", "/fapi/v1/userTrades", symbol="BTCUSDT")[2]
        assert trades == [
            {
                "symbol": "BTCUSDT",
                "id": int(fill.id),
                "orderId": int(order.id),
                "side": "SELL",
                "price": f"{average:f}",
                "qty": "0.0100",
                "realizedPnl": "0.00000000",
                "quoteQty": f"{(average / 100).normalize():f}",
                "commission": f"{average / 100 * 5 / 10_000:.8f}",
                "commissionAsset": "USDT",
                "time": scene.now_us // 1000,
                "positionSide": "BOTH",
                "buyer": False,
                "maker": False,
            }
        ]


def test_the_newest_trades_or_those_from_a_point_on(tmp_path: Path) -> None:
    with stage("binance", "spot", tmp_path) as scene:
        trader = Trader(scene)
        for number in range(5):
            trader.place("buy", "0.001", client_id=f"{number}")
            scene.play(1)
        trades = trader.binance("GET", "/api/v3/myTrades", symbol="BTCUSDT")[2]
        assert [one["isBuyer"] for one in trades] == [True] * 5
        assert set(trades[0]) == {
            "symbol", "id", "orderId", "orderListId", "price", "qty", "quoteQty", "commission", "commissionAsset",
            "time", "isBuyer", "isMaker", "isBestMatch",
        }  # fmt: skip
        ask = "/api/v3/myTrades"
        assert trader.binance("GET", ask, symbol="BTCUSDT", limit=2)[2] == trades[3:]
        assert trader.binance("GET", ask, symbol="BTCUSDT", fromId=trades[1]["id"], limit=2)[2] == trades[1:3]
        assert trader.binance("GET", ask, symbol="BTCUSDT", startTime=trades[2]["time"])[2] == trades[2:]
        assert trader.binance("GET", ask, symbol="BTCUSDT", orderId=trades[4]["orderId"])[2] == trades[4:]
        assert trader.binance("GET", ask, symbol="ETHUSDT")[2] == []
        assert trader.binance("GET", ask, symbol="BTCUSDT", limit="x")[2]["code"] == -1100


@pytest.mark.parametrize(("market", "most", "told"), [("spot", 50, "50 orders per 10 SECOND"), ("futures", 300, "300")])
def test_too_many_orders_are_refused_and_counted_in_headers(market: str, most: int, told: str, tmp_path: Path) -> None:
    with stage("binance", market, tmp_path) as scene:
        trader = Trader(scene)
        price = trader.price("buy", 50)
        answers = [trader.place("buy", "0.0001", price, client_id=f"{number}") for number in range(most + 1)]
        assert [one[0] for one in answers] == [200] * most + [429]
        assert answers[0][1]["X-MBX-ORDER-COUNT-10S"] == "1"
        assert (answers[-1][2]["code"], told in answers[-1][2]["msg"]) == (-1015, True)
        assert 0 < int(answers[-1][1]["Retry-After"]) <= 10
        other = {"spot": "X-MBX-ORDER-COUNT-1D", "futures": "X-MBX-ORDER-COUNT-1M"}[market]
        assert answers[-2][1][other] == str(most)
        scene.play(10)
        assert trader.place("buy", "0.0001", price, client_id="later")[0] == 200


def test_signed_requests_weigh_on_the_same_budget_as_public_ones(tmp_path: Path) -> None:
    with stage("binance", "futures", tmp_path) as scene:
        trader = Trader(scene)
        weights = []
        for method, path, params in (
            ("GET", "/fapi/v3/account", {}), ("GET", "/fapi/v3/balance", {}), ("GET", "/fapi/v3/positionRisk", {}),
            ("GET", "/fapi/v1/openOrders", {}), ("GET", "/fapi/v1/openOrders", {"symbol": "BTCUSDT"}),
            ("GET", "/fapi/v1/commissionRate", {"symbol": "BTCUSDT"}),
        ):  # fmt: skip
            weights.append(int(trader.binance(method, path, **params)[1]["X-MBX-USED-WEIGHT-1M"]))
        assert weights == [5, 10, 15, 55, 56, 76]
        _, headers, _ = scene.rest("/fapi/v1/depth", symbol="BTCUSDT", limit="1000")
        assert headers["X-MBX-USED-WEIGHT-1M"] == "96"


@BOTH
def test_the_list_of_instruments_names_the_limits_that_hold(market: str, tmp_path: Path) -> None:
    with stage("binance", market, tmp_path) as scene:
        limits = scene.rest(f"{Trader(scene).prefix}/exchangeInfo")[2]["rateLimits"]
        second = {"spot": ("DAY", 1, 160_000), "futures": ("MINUTE", 1, 1200)}[market]
        assert [(one["interval"], one["intervalNum"], one["limit"]) for one in limits] == [
            ("MINUTE", 1, 6000 if market == "spot" else 2400),
            ("SECOND", 10, 50 if market == "spot" else 300),
            second,
        ]


def test_a_countdown_that_nobody_stops_cancels_all_of_its_symbol(tmp_path: Path) -> None:
    with stage("binance", "futures", tmp_path) as scene:
        trader = Trader(scene)
        for symbol in ("BTC/USDT", "ETH/USDT"):
            trader.place("buy", "1", trader.price("buy", 50, symbol), client_id=symbol[:3], symbol=symbol)
        path = "/fapi/v1/countdownCancelAll"
        asked = trader.binance("POST", path, symbol="BTCUSDT", countdownTime=1000)[2]
        assert asked == {"symbol": "BTCUSDT", "countdownTime": "1000"}
        scene.play(0.8)
        trader.binance("POST", path, symbol="BTCUSDT", countdownTime=1000)
        scene.play(0.8)
        assert open_ids(scene) == ["BTC", "ETH"]
        scene.play(0.3)
        assert open_ids(scene) == ["ETH"]
        trader.binance("POST", path, symbol="ETHUSDT", countdownTime=500)
        trader.binance("POST", path, symbol="ETHUSDT", countdownTime=0)
        scene.play(1)
        assert open_ids(scene) == ["ETH"]
        assert trader.binance("POST", path, symbol="ETHUSDT", countdownTime="soon")[2]["code"] == -1102


def open_ids(scene: Stage) -> list[str]:
    """Return the client ids of open orders."""
    return [one.client_id for one in scene.exchange.desk.orders.open(scene.now_us)]


def test_reduce_only_closes_and_no_more(tmp_path: Path) -> None:
    with stage("binance", "futures", tmp_path) as scene:
        trader = Trader(scene)
        trader.place("sell", "0.02", client_id="open")
        assert trader.refused(trader.place("sell", "0.01", client_id="more", reduce_only=True)) == -2022
        trader.place("buy", "0.05", client_id="close", reduce_only=True)
        closed = trader.look_up("close")
        assert (closed["status"], closed["executedQty"], closed["reduceOnly"]) == ("EXPIRED", "0.0200", True)
        assert trader.binance("GET", "/fapi/v3/positionRisk")[2] == []
        assert trader.refused(trader.place("buy", "0.01", client_id="flat", reduce_only=True)) == -2022
