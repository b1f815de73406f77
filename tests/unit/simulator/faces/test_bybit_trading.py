"""Bybit's signed REST as its documents have it: who is let in, answers, lists in pages, limits, and every code."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from simulator.face import Request
from simulator.faces.bybit_gate import Gate
from simulator.journal import OrderRefused
from simulator.orders import Order
from simulator.terms import Key
from tests.support.stage import Asked, Stage, stage
from tests.support.trading import CATEGORY, Trader, signature

D = Decimal
BOTH = pytest.mark.parametrize("market", ["spot", "futures"])
VECTORS = [
    ("GET", "category=linear&symbol=BTCUSDT", "9a7c8cfd6ba1a7c498aa4dd5a7f9cfbba01fcb6eebae734ffe0d775870a1a3fb"),
    (
        "POST",
        (
            '{"category":"linear","symbol":"BTCUSDT","side":"Buy","orderType":"Limit","qty":"0.001","price":"50000",'
            '"timeInForce":"PostOnly","orderLinkId":"cid-0001","reduceOnly":false,"positionIdx":0}'
        ),
        "0816e136130b5fad008cc2d8a207c0276bf74f3c4a1366d0f5145d76c094ddf8",
    ),
]


@pytest.mark.parametrize(("method", "payload", "sign"), VECTORS)
def test_the_documents_signatures_let_in(method: str, payload: str, sign: str) -> None:
    headers = {
        "x-bapi-api-key": "test-key",
        "x-bapi-timestamp": "1700000000000",
        "x-bapi-recv-window": "5000",
        "x-bapi-sign": sign,
    }
    request = Request(
        path="", query={}, at_us=1_700_000_000_000_000, method=method, raw=payload if method == "GET" else "",
        body="" if method == "GET" else payload, headers=headers,
    )  # fmt: skip
    gate = Gate("linear", Key("test-key", "test-secret"))
    gate.check(request)
    stream = "977d2a1068009c263a4e3e15a2838ccaf62d1eda4ca2ff08b5456910b481b58b"
    assert gate.proves("GET/realtime1700000010000", stream)
    assert not gate.proves("GET/realtime1700000010001", stream)


@BOTH
def test_who_may_not_come_in_hears_why(market: str, tmp_path: Path) -> None:
    with stage("bybit", market, tmp_path) as scene:
        trader = Trader(scene)
        good = trader.bybit_request("GET", "/v5/account/wallet-balance", {"accountType": "UNIFIED"})

        def code(**headers: str) -> tuple[int, int]:
            status, _, body, _ = trader.send(with_headers(good, headers))
            return status, body["retCode"]

        assert code() == (200, 0)
        assert trader.send(Request(path=good.path, query=good.query, at_us=good.at_us))[0] == 401
        assert code(**{"x-bapi-api-key": "other"}) == (200, 10003)
        assert code(**{"x-bapi-sign": "0" * 64}) == (200, 10004)
        assert code(**{"x-bapi-recv-window": "6000"}) == (200, 10004)
        now_ms = scene.now_us
        for away_us, wanted in ((5_000_000, 0), (5_001_000, 10002), (-999_000, 0), (-1_000_000, 10002)):
            scene.now_us = now_ms + away_us
            late = Request(path=good.path, query=good.query, at_us=scene.now_us, raw=good.raw, headers=good.headers)
            assert trader.send(late)[2]["retCode"] == wanted
        scene.now_us = now_ms


@BOTH
def test_an_answer_only_says_that_an_order_was_received(market: str, tmp_path: Path) -> None:
    with stage("bybit", market, tmp_path) as scene:
        trader = Trader(scene)
        answer = trader.place("buy", "0.01", trader.price("buy"), client_id="x", force="post_only")[2]
        order = found(scene, "x")
        assert answer == {
            "retCode": 0,
            "retMsg": "OK",
            "result": {"orderId": order.id, "orderLinkId": "x"},
            "retExtInfo": {},
            "time": scene.now_us // 1000,
        }
        assert len(order.id) == (19 if market == "spot" else 36)
        # It was never in the book, which only the lists and the stream say.
        seen = trader.look_up("x")
        assert (seen["orderStatus"], seen["rejectReason"], seen["cumExecQty"]) == (
            "Cancelled", "EC_PostOnlyWillTakeLiquidity", "0.0000",
        )  # fmt: skip


@BOTH
def test_an_order_in_the_lists_is_whole(market: str, tmp_path: Path) -> None:
    with stage("bybit", market, tmp_path) as scene:
        trader, now_ms = Trader(scene), str(scene.now_us // 1000)
        trader.place("buy", "0.01", trader.price("buy"), client_id="x")
        order = found(scene, "x")
        (fill,) = order.fills
        linear = {"createType": "CreateByUser", "tpslMode": ""} if market == "futures" else {}
        price = D(trader.price("buy"))
        row: dict[str, Any] = {
            "symbol": "BTCUSDT", "orderType": "Limit", "orderLinkId": "x", "orderId": order.id, "cancelType": "UNKNOWN",
            "avgPrice": f"{price}", "stopOrderType": "", "lastPriceOnCreated": "", "orderStatus": "Filled",
            "takeProfit": "", "cumExecValue": plain(price / 100), "triggerDirection": 0, "blockTradeId": "",
            "cumFeeDetail": {fill.asset: plain(fill.fee)}, "rejectReason": "EC_NoError",
            "isLeverage": "0" if market == "spot" else "", "price": f"{price}", "orderIv": "", "createdTime": now_ms,
            "tpTriggerBy": "", "positionIdx": 0, "timeInForce": "GTC", "marketUnit": "", "leavesValue": "0",
            "updatedTime": now_ms, "side": "Buy", "smpGroup": 0, "smpType": "None", "smpOrderId": "",
            "triggerPrice": "", "cumExecFee": plain(fill.fee), "slTriggerBy": "", "leavesQty": "0",
            "closeOnTrigger": False, "placeType": "", "cumExecQty": "0.0100", "reduceOnly": False, "qty": "0.0100",
            "stopLoss": "", "triggerBy": "", **linear,
        }  # fmt: skip
        assert trader.look_up("x") == row
        rate, fee = ("0.001", D("0.00001")) if market == "spot" else ("0.00055", price / 100 * D("0.00055"))
        executions = trader.bybit("GET", "/v5/execution/list", symbol="BTCUSDT")[2]["result"]
        assert executions == {
            "category": CATEGORY[market],
            "nextPageCursor": "",
            "list": [
                {
                    "symbol": "BTCUSDT", "orderType": "Limit", "underlyingPrice": "", "orderLinkId": "x",
                    "orderId": order.id, "stopOrderType": "", "execTime": now_ms,
                    "feeCurrency": "BTC" if market == "spot" else "USDT", "feeRate": rate, "tradeIv": "",
                    "blockTradeId": "", "markPrice": order.ticket.listing.mark_price, "execPrice": f"{price}",
                    "markIv": "", "orderQty": "0.0100", "orderPrice": f"{price}", "execValue": plain(price / 100),
                    "execType": "Trade", "seq": 1, "side": "Buy", "indexPrice": "", "leavesQty": "0.0000",
                    "isMaker": False, "execFee": plain(fee), "execId": fill.id, "execQty": "0.0100",
                    "closedSize": "" if market == "spot" else "0.0000", "extraFees": "",
                    **({"createType": "CreateByUser"} if market == "futures" else {}),
                }
            ],
        }  # fmt: skip


@BOTH
def test_open_orders_closed_ones_and_the_history(market: str, tmp_path: Path) -> None:
    with stage("bybit", market, tmp_path) as scene:
        trader = Trader(scene)
        price = trader.price("buy", 50)
        for name in ("a", "b", "c"):
            trader.place("buy", "0.01", price, client_id=name)
        trader.place("buy", "1", trader.price("buy", 50, "ETH/USDT"), client_id="eth", symbol="ETH/USDT")
        assert trader.cancel("b")[2]["result"] == {"orderId": found(scene, "b").id, "orderLinkId": "b"}
        assert ids(trader.bybit("GET", "/v5/order/realtime", symbol="BTCUSDT")) == ["c", "a"]
        assert ids(trader.bybit("GET", "/v5/order/realtime", symbol="BTCUSDT", openOnly=1)) == ["b"]
        assert ids(trader.bybit("GET", "/v5/order/history", symbol="BTCUSDT")) == ["b"]
        assert ids(trader.bybit("GET", "/v5/order/realtime", baseCoin="ETH", symbol="")) == ["eth"]
        assert ids(trader.bybit("GET", "/v5/order/realtime", settleCoin="USDT")) == ["eth", "c", "a"]
        everything = trader.bybit("GET", "/v5/order/realtime")[2]
        assert (everything["retCode"], market) in {(0, "spot"), (10001, "futures")}
        first = trader.bybit("GET", "/v5/order/realtime", settleCoin="USDT", limit=2)
        cursor = first[2]["result"]["nextPageCursor"]
        second = trader.bybit("GET", "/v5/order/realtime", settleCoin="USDT", limit=2, cursor=cursor)
        assert (ids(first), ids(second), second[2]["result"]["nextPageCursor"]) == (["eth", "c"], ["a"], "")
        # An order's own id counts before the client's.
        both = trader.bybit("GET", "/v5/order/realtime", orderId=found(scene, "a").id, orderLinkId="c")
        assert ids(both) == ["a"]
        assert ids(trader.bybit("GET", "/v5/order/realtime", orderLinkId="none")) == []
        gone = trader.bybit("POST", "/v5/order/cancel-all", settleCoin="USDT", symbol="BTCUSDT")[2]["result"]
        assert ([one["orderLinkId"] for one in gone["list"]], gone["success"]) == (["a", "c"], "1")
        assert ids(trader.bybit("GET", "/v5/order/realtime", settleCoin="USDT")) == ["eth"]
        assert trader.refused(trader.bybit("GET", "/v5/order/realtime", settleCoin="USDT", limit="x")) == 10001
        if market == "futures":
            assert trader.refused(trader.bybit("POST", "/v5/order/cancel-all")) == 10001


@BOTH
def test_a_cancel_that_comes_too_late_has_a_code_of_its_own(market: str, tmp_path: Path) -> None:
    with stage("bybit", market, tmp_path) as scene:
        trader = Trader(scene)
        trader.place("buy", "0.01", client_id="filled")
        trader.place("buy", "0.01", trader.price("buy", 50), client_id="gone")
        trader.cancel("gone")
        codes = [trader.refused(trader.cancel(name)) for name in ("none", "filled", "gone")]
        assert codes == ([170213, 170139, 170142] if market == "spot" else [110001, 110008, 110010])
        assert trader.refused(trader.bybit("POST", "/v5/order/cancel", symbol="BTCUSDT")) == 10001
        other = trader.bybit("POST", "/v5/order/cancel", symbol="ETHUSDT", orderId=found(scene, "filled").id)
        assert trader.refused(other) == (170213 if market == "spot" else 110001)


def test_a_spot_market_order_counts_money_or_coins(tmp_path: Path) -> None:
    with stage("bybit", "spot", tmp_path) as scene:
        trader = Trader(scene)
        shared = {"symbol": "BTCUSDT", "orderType": "Market"}
        path = "/v5/order/create"
        trader.bybit("POST", path, **shared, side="Buy", qty="1000", orderLinkId="money")
        trader.bybit("POST", path, **shared, side="Buy", qty="0.01", marketUnit="baseCoin", orderLinkId="coins")
        trader.bybit("POST", path, **shared, side="Sell", qty="0.02", orderLinkId="sold")
        trader.bybit("POST", path, **shared, side="Sell", qty="500", marketUnit="quoteCoin", orderLinkId="for-money")
        money, coins, sold, paid = (trader.look_up(name) for name in ("money", "coins", "sold", "for-money"))
        assert [(one["marketUnit"], one["qty"], one["orderStatus"]) for one in (money, coins, sold, paid)] == [
            ("quoteCoin", "1000", "Filled"), ("baseCoin", "0.0100", "Filled"), ("baseCoin", "0.0200", "Filled"),
            ("quoteCoin", "500", "Filled"),
        ]  # fmt: skip
        step = D("0.0001") * 65_000
        assert 0 <= 1000 - D(money["cumExecValue"]) < step
        assert 0 <= 500 - D(paid["cumExecValue"]) < step
        assert (coins["cumExecQty"], sold["cumExecQty"], money["price"]) == ("0.0100", "0.0200", "0")


def test_a_linear_market_order_is_an_ioc_with_a_guard(tmp_path: Path) -> None:
    with stage("bybit", "futures", tmp_path) as scene:
        trader = Trader(scene)
        mark = D(trader.listing().mark_price)
        trader.place("buy", "0.01", client_id="b")
        trader.place("sell", "0.01", client_id="s")
        rows = [trader.look_up(name) for name in "bs"]
        assert [(one["orderType"], one["timeInForce"], one["orderStatus"]) for one in rows] == [
            ("Market", "IOC", "Filled")
        ] * 2
        assert [
            abs(D(one["price"]) - mark * factor) < 5 for one, factor in zip(rows, (D("1.05"), D("0.95")), strict=True)
        ]
        # A quantity is cut to the step.
        trader.place("buy", "0.01009", trader.price("buy", 50), client_id="cut")
        assert trader.look_up("cut")["qty"] == "0.0100"


def test_reduce_only_closes_and_no_more(tmp_path: Path) -> None:
    with stage("bybit", "futures", tmp_path) as scene:
        trader = Trader(scene)
        assert trader.refused(trader.place("sell", "0.01", client_id="none", reduce_only=True)) == 110017
        trader.place("buy", "0.02", client_id="open")
        trader.place("sell", "0.01", trader.price("sell", 90), client_id="rests", reduce_only=True)
        trader.place("sell", "0.05", client_id="close", reduce_only=True)
        rows = {name: trader.look_up(name) for name in ("rests", "close")}
        assert [(one["orderStatus"], one["cancelType"], one["cumExecQty"]) for one in rows.values()] == [
            ("Cancelled", "CancelByReduceOnly", "0.0000"), ("Cancelled", "CancelByReduceOnly", "0.0200"),
        ]  # fmt: skip
        flat = trader.bybit("GET", "/v5/position/list", symbol="BTCUSDT")[2]["result"]["list"][0]
        assert (flat["side"], flat["size"], flat["avgPrice"]) == ("", "0", "0")


@BOTH
def test_requests_are_counted_by_the_second_and_by_what_they_ask_for(market: str, tmp_path: Path) -> None:
    most = 20 if market == "spot" else 10
    with stage("bybit", market, tmp_path) as scene:
        trader = Trader(scene)
        price = trader.price("buy", 50)
        answers = [trader.place("buy", "0.001", price) for _ in range(most + 1)]
        assert [trader.refused(one) for one in answers] == [0] * most + [10006]
        left = [(one[1]["X-Bapi-Limit"], one[1]["X-Bapi-Limit-Status"]) for one in answers]
        assert left == [(str(most), str(most - n)) for n in range(1, most + 1)] + [(str(most), "0")]
        reset_ms = int(answers[-1][1]["X-Bapi-Limit-Reset-Timestamp"])
        assert 0 < reset_ms - scene.now_us // 1000 <= 1000
        # Reading has a budget of its own.
        wallet = trader.bybit("GET", "/v5/account/wallet-balance", accountType="UNIFIED")
        assert (trader.refused(wallet), wallet[1]["X-Bapi-Limit"]) == (0, "50")
        scene.play(1)
        assert trader.refused(trader.place("buy", "0.001", price)) == 0


LIMIT = {"symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.01", "price": "60000"}
MARKET = {"symbol": "BTCUSDT", "side": "Buy", "orderType": "Market", "qty": "0.01"}


@pytest.mark.parametrize(
    ("market", "asked", "code"),
    [
        ("spot", {**LIMIT, "category": "linear"}, 10001),
        ("spot", {**LIMIT, "symbol": "NOPE"}, 10001),
        ("spot", {**LIMIT, "side": "buy"}, 10001),
        ("spot", {**LIMIT, "orderType": "Stop"}, 10001),
        ("spot", {**LIMIT, "qty": 0.01}, 10001),
        ("spot", {**LIMIT, "qty": "-1"}, 10001),
        ("spot", {**LIMIT, "timeInForce": "RPI"}, 10001),
        ("spot", {**LIMIT, "orderLinkId": "a b"}, 10001),
        ("spot", {**LIMIT, "orderLinkId": "x" * 37}, 10001),
        ("spot", {**LIMIT, "reduceOnly": True}, 10001),
        ("spot", {**LIMIT, "price": "60001"}, 170134),
        ("spot", {**LIMIT, "price": "70000"}, 170132),
        ("spot", {**LIMIT, "side": "Sell"}, 170133),
        ("spot", {**LIMIT, "qty": "0.00001"}, 170136),
        ("spot", {**LIMIT, "qty": "0.00011"}, 170137),
        ("spot", {**LIMIT, "qty": "1001"}, 170135),
        ("spot", {**LIMIT, "price": "40000", "qty": "0.0001"}, 170140),
        ("spot", {**MARKET, "qty": "4.99"}, 170140),
        ("spot", {**LIMIT, "qty": "2"}, 170131),
        ("futures", {**LIMIT, "positionIdx": 1}, 10001),
        ("futures", {**LIMIT, "price": "60001"}, 110003),
        ("futures", {**LIMIT, "price": "5000005"}, 110003),
        ("futures", {**LIMIT, "qty": "0.00009"}, 110017),
        ("futures", {**LIMIT, "qty": "1001"}, 10001),
        ("futures", {**LIMIT, "price": "40000", "qty": "0.0001"}, 110094),
        ("futures", {**LIMIT, "price": "40000", "qty": "0.0001", "reduceOnly": True}, 110017),
        ("futures", {**LIMIT, "qty": "30"}, 110007),
    ],
)
def test_each_fault_of_an_order_has_its_code_and_leaves_nothing_behind(
    market: str, asked: dict[str, Any], code: int, tmp_path: Path
) -> None:
    with stage("bybit", market, tmp_path) as scene:
        trader = Trader(scene)
        status, _, body, _ = trader.bybit("POST", "/v5/order/create", **asked)
        assert (status, body["retCode"], body["result"]) == (200, code, {})
        assert list(scene.exchange.desk.orders.every(scene.now_us)) == []
        known = asked["symbol"] == "BTCUSDT" and "category" not in asked
        assert len(scene.of(OrderRefused)) == (1 if known else 0)


def test_a_body_that_is_no_json_is_a_parameter_s_fault(tmp_path: Path) -> None:
    with stage("bybit", "spot", tmp_path) as scene:
        trader = Trader(scene)
        good = trader.bybit_request("POST", "/v5/order/create", dict(LIMIT))
        body = json.dumps([1])
        sign = signature(
            scene.exchange.desk.key.secret,
            f"{good.headers['x-bapi-timestamp']}{good.headers['x-bapi-api-key']}5000{body}",
        )
        request = Request(
            path=good.path, query={}, at_us=good.at_us, method="POST", body=body,
            headers={**good.headers, "x-bapi-sign": sign},
        )  # fmt: skip
        assert trader.send(request)[2]["retCode"] == 10001


def found(scene: Stage, client_id: str) -> Order:
    """Return an order."""
    one = scene.exchange.desk.orders.find("", client_id, scene.now_us)
    assert one is not None
    return one


def ids(asked: Asked) -> list[str]:
    """Return the client ids of a list."""
    return [one["orderLinkId"] for one in asked[2]["result"]["list"]]


def with_headers(request: Request, headers: dict[str, str]) -> Request:
    """Return a request with other headers."""
    return Request(
        path=request.path, query=request.query, at_us=request.at_us, method=request.method, raw=request.raw,
        body=request.body, headers={**request.headers, **headers},
    )  # fmt: skip


def plain(amount: Decimal) -> str:
    """Return an amount without zeros at its end."""
    return f"{amount.normalize():f}"
