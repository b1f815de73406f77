"""Binance lets in who signs as its documents have it, and has a code for everything that is wrong with an order."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path
from typing import Any

import pytest

from simulator.face import Request
from simulator.faces.binance_gate import Gate
from simulator.journal import OrderRefused
from simulator.terms import Key
from tests.support.stage import stage
from tests.support.trading import Trader

DOC_SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
VECTORS = [
    (
        DOC_SECRET,
        "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559",
        "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71",
    ),
    (
        DOC_SECRET,
        (
            "symbol=%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1"
            "&price=0.1&recvWindow=5000&timestamp=1499827319559"
        ),
        "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3",
    ),
    (
        "test-secret",
        (
            "symbol=BTCUSDT&side=BUY&type=LIMIT_MAKER&quantity=0.001&price=50000.00&newClientOrderId=cid-0001"
            "&recvWindow=5000&timestamp=1700000000000"
        ),
        "800bae9a02cf25aceb179afb95e572985b0998e4c5d06022fd762634f514bf3d",
    ),
    (
        "test-secret",
        (
            "symbol=BTCUSDT&side=SELL&type=LIMIT&timeInForce=GTX&quantity=0.002&price=60000.0&reduceOnly=true"
            "&newClientOrderId=cid-0002&timestamp=1700000000000"
        ),
        "33e82f83a4b5d1ab546b21c6ead6885793fc3beb6449a82f7e118da375140fae",
    ),
]


@pytest.mark.parametrize(("secret", "payload", "signature"), VECTORS)
@pytest.mark.parametrize("where", ["query", "body", "both"])
def test_the_documents_signatures_let_in(secret: str, payload: str, signature: str, where: str) -> None:
    gate = Gate("spot", Key("test-key", secret))
    cut = payload.index("&side") if where == "both" else len(payload)
    # Query and body are signed as one text, without a sign between them.
    raw, body = (payload[:cut], payload[cut + 1 :]) if where != "body" else ("", payload)
    if where == "both":
        signature = gate_signature(secret, raw + body)
    signed = f"{body}&signature={signature}" if body else ""
    request = Request(
        path="", query={}, at_us=1_700_000_000_000_000 if "1700000000000" in payload else 1_499_827_319_559_000,
        raw=raw if signed else f"{raw}&signature={signature}", body=signed, headers={"x-mbx-apikey": "test-key"},
    )  # fmt: skip
    params = gate.signed(request)
    assert params.pop("signature") == signature
    assert params["symbol"] in {"LTCBTC", "１２３４５６", "BTCUSDT"}  # noqa: RUF001 - the documents' own symbol


def gate_signature(secret: str, payload: str) -> str:
    """Return a signature by another way than the gate's."""
    return hmac.digest(secret.encode(), payload.encode(), hashlib.sha256).hex()


@pytest.mark.parametrize("market", ["spot", "futures"])
def test_who_may_not_come_in_hears_why(market: str, tmp_path: Path) -> None:
    with stage("binance", market, tmp_path) as scene:
        trader = Trader(scene)
        path, now_ms = f"{trader.prefix}/openOrders", scene.now_us // 1000
        good = trader.binance_request("GET", path, {})

        def code(request: Request) -> tuple[int, int]:
            status, _, body, _ = trader.send(request)
            return status, body["code"] if isinstance(body, dict) else 0

        assert trader.send(good)[::2] == (200, [])
        assert code(changed(good, headers={})) == (401, -2014)
        assert code(changed(good, headers={"x-mbx-apikey": "other"})) == (401, -2015)
        assert code(changed(good, raw=good.raw[:-1] + ("0" if good.raw[-1] != "0" else "1"))) == (400, -1022)
        assert code(changed(good, raw=good.raw.partition("&signature")[0])) == (400, -1102)
        assert code(trader.binance_request("GET", path, {"timestamp": ""})) == (400, -1102)
        for away_ms, wanted in ((-5000, 200), (-5001, 400), (999, 200), (1000, 400)):
            status, seen = code(trader.binance_request("GET", path, {"timestamp": now_ms + away_ms}))
            assert (status, seen) == (wanted, 0 if wanted == 200 else -1021)
        wide: dict[str, object] = {"timestamp": now_ms - 50_000, "recvWindow": 60_000}
        assert code(trader.binance_request("GET", path, wide)) == (200, 0)
        assert code(trader.binance_request("GET", path, {"recvWindow": 60_001})) == (400, -1131)
        micro: dict[str, object] = {"timestamp": scene.now_us}
        assert code(trader.binance_request("GET", path, micro)) == (200, 0)
        # Another address is not there, whoever asks.
        assert trader.binance("POST", f"{trader.prefix}/nothing")[0] == 404
        assert trader.binance("PUT", f"{trader.prefix}/order")[0] == 404


def changed(request: Request, **fields: Any) -> Request:  # noqa: ANN401 - any field
    """Return a request with other values."""
    names = ("path", "query", "at_us", "method", "raw", "body", "headers")
    return Request(**{**{name: getattr(request, name) for name in names}, **fields})


LIMIT = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.01",
    "price": "60000",
}
MARKET = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}


@pytest.mark.parametrize(
    ("market", "asked", "code"),
    [
        ("spot", {**LIMIT, "symbol": "NOPE"}, -1121),
        ("spot", {**LIMIT, "symbol": ""}, -1102),
        ("spot", {**LIMIT, "side": "HOLD"}, -1117),
        ("spot", {**LIMIT, "side": ""}, -1102),
        ("spot", {**LIMIT, "type": ""}, -1102),
        ("spot", {**LIMIT, "type": "STOP_LOSS"}, -1116),
        ("spot", {**LIMIT, "timeInForce": "GTX"}, -1115),
        ("spot", {**LIMIT, "timeInForce": ""}, -1102),
        ("spot", {**LIMIT, "quantity": ""}, -1102),
        ("spot", {**LIMIT, "quantity": "one"}, -1100),
        ("spot", {**LIMIT, "quantity": "-1"}, -1100),
        ("spot", {**LIMIT, "quantity": "0.000000001"}, -1111),
        ("spot", {**LIMIT, "quantity": "0.00005"}, -1013),
        ("spot", {**LIMIT, "quantity": "1001"}, -1013),
        ("spot", {**LIMIT, "price": "60001"}, -1013),
        ("spot", {**LIMIT, "price": "0"}, -1013),
        ("spot", {**LIMIT, "price": "5", "quantity": "0.9"}, -1013),
        ("spot", {**LIMIT, "price": "64000", "quantity": "200"}, -1013),
        ("spot", {**LIMIT, "newClientOrderId": "a b"}, -1100),
        ("spot", {**LIMIT, "newClientOrderId": "x" * 37}, -1100),
        ("spot", {**LIMIT, "newOrderRespType": "SOME"}, -1102),
        ("spot", {**LIMIT, "type": "LIMIT_MAKER"}, -1106),
        ("spot", {**MARKET, "price": "60000"}, -1106),
        ("spot", {**MARKET, "timeInForce": "GTC"}, -1106),
        ("spot", {**MARKET, "quantity": "0.00001"}, -1013),
        ("spot", {**MARKET, "quantity": "", "quoteOrderQty": "4.99"}, -1013),
        ("futures", {**LIMIT, "type": "STOP_MARKET"}, -4120),
        ("futures", {**LIMIT, "type": "LIMIT_MAKER"}, -1116),
        ("futures", {**LIMIT, "timeInForce": "GTD"}, -1115),
        ("futures", {**LIMIT, "positionSide": "LONG"}, -4061),
        ("futures", {**LIMIT, "quantity": "0"}, -4003),
        ("futures", {**LIMIT, "quantity": "1001"}, -4005),
        ("futures", {**LIMIT, "quantity": "0.00001"}, -1111),
        ("futures", {**LIMIT, "price": "0"}, -4001),
        ("futures", {**LIMIT, "price": "5000005"}, -4002),
        ("futures", {**LIMIT, "price": "60001"}, -4014),
        ("futures", {**LIMIT, "price": "60000.000000001"}, -1111),
        ("futures", {**LIMIT, "price": "5", "quantity": "0.9"}, -4164),
        ("futures", {**LIMIT, "reduceOnly": "yes"}, -1100),
        ("futures", {**LIMIT, "reduceOnly": "true"}, -2022),
        ("futures", {**LIMIT, "newClientOrderId": "a b"}, -4015),
        ("futures", {**LIMIT, "newOrderRespType": "FULL"}, -1102),
        ("futures", {**LIMIT, "timeInForce": "GTX", "price": "99995"}, -5022),
        ("futures", {**LIMIT, "timeInForce": "FOK", "quantity": "20"}, -5021),
        ("futures", {**MARKET, "price": "60000"}, -1106),
        ("futures", {**MARKET, "quantity": "0.0001", "symbol": "BTCUSDT"}, 0),
        ("futures", {**MARKET, "quantity": "5", "symbol": "XRPUSDT"}, -4164),
        ("futures", {**MARKET, "quantity": "10.5", "symbol": "XRPUSDT"}, -4023),
    ],
)
def test_each_fault_of_an_order_has_its_code_and_leaves_nothing_behind(
    market: str, asked: dict[str, Any], code: int, tmp_path: Path
) -> None:
    with stage("binance", market, tmp_path) as scene:
        trader = Trader(scene)
        status, _, body, _ = trader.binance("POST", f"{trader.prefix}/order", **asked)
        assert (status, body.get("code", 0)) == ((400, code) if code else (200, 0))
        assert len(list(scene.exchange.desk.orders.every(scene.now_us))) == (0 if code else 1)
        known = asked["symbol"] in {"BTCUSDT", "XRPUSDT"} and "SOME" not in str(asked) and "FULL" not in str(asked)
        assert len(scene.of(OrderRefused)) == (1 if code and known else 0)
