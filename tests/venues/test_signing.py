"""Signatures, byte for byte: the vectors of the docs (doc), those computed for the fact sheets, and our own (own)."""

from __future__ import annotations

import msgspec
import pytest

from tapeline.venues.binance import signing as binance
from tapeline.venues.bybit import signing as bybit
from tapeline.venues.orders import Keys

DOC_SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
KEYS = Keys(key="test-key", secret="test-secret")
ORDER = "side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"


def pairs(text: str) -> list[tuple[str, str]]:
    return [(name, value) for name, _, value in (pair.partition("=") for pair in text.split("&"))]


@pytest.mark.parametrize(
    ("secret", "parameters", "payload", "signature"),
    [
        pytest.param(
            DOC_SECRET,
            f"symbol=LTCBTC&{ORDER}",
            f"symbol=LTCBTC&{ORDER}",
            "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71",
            id="doc",
        ),
        pytest.param(
            DOC_SECRET,
            f"symbol=\uff11\uff12\uff13\uff14\uff15\uff16&{ORDER}",
            f"symbol=%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96&{ORDER}",
            "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3",
            id="doc, not ASCII",
        ),
        pytest.param(
            "test-secret",
            "symbol=BTCUSDT&side=BUY&type=LIMIT_MAKER&quantity=0.001&price=50000.00&newClientOrderId=cid-0001"
            "&recvWindow=5000&timestamp=1700000000000",
            "symbol=BTCUSDT&side=BUY&type=LIMIT_MAKER&quantity=0.001&price=50000.00&newClientOrderId=cid-0001"
            "&recvWindow=5000&timestamp=1700000000000",
            "800bae9a02cf25aceb179afb95e572985b0998e4c5d06022fd762634f514bf3d",
            id="sheet, spot",
        ),
        pytest.param(
            "test-secret",
            "symbol=BTCUSDT&side=SELL&type=LIMIT&timeInForce=GTX&quantity=0.002&price=60000.0&reduceOnly=true"
            "&newClientOrderId=cid-0002&timestamp=1700000000000",
            "symbol=BTCUSDT&side=SELL&type=LIMIT&timeInForce=GTX&quantity=0.002&price=60000.0&reduceOnly=true"
            "&newClientOrderId=cid-0002&timestamp=1700000000000",
            "33e82f83a4b5d1ab546b21c6ead6885793fc3beb6449a82f7e118da375140fae",
            id="sheet, futures",
        ),
        pytest.param(
            "test-secret",
            "a b=1+1/2~&timestamp=1",
            "a%20b=1%2B1%2F2~&timestamp=1",
            "b828bf04e48df794d4b17e439522984e2f6bd7902592aff76c92c3dfc23aab33",
            id="own",
        ),
    ],
)
def test_a_binance_request_is_encoded_then_signed(secret: str, parameters: str, payload: str, signature: str) -> None:
    assert binance.encoded(pairs(parameters)) == payload
    assert binance.signed(pairs(parameters), secret) == f"{payload}&signature={signature}"


def test_a_binance_socket_call_is_signed_in_the_order_of_its_names() -> None:
    assert binance.signed_socket({"timestamp": 1_700_000_000_000}, KEYS) == {
        "apiKey": "test-key",
        "timestamp": 1_700_000_000_000,
        "signature": "40b4b78df402bffcf600b5c8b83721f029b92dcf6287b6460f5947ed53376448",
    }
    # Sorted by name whatever their order is.
    sorted_too = binance.signed_socket({"timestamp": 1, "aa": "x"}, KEYS)
    assert sorted_too["signature"] == binance.signature("aa=x&apiKey=test-key&timestamp=1", "test-secret")


@pytest.mark.parametrize(
    ("sent", "signature"),
    [
        pytest.param(
            b"category=linear&symbol=BTCUSDT",
            "9a7c8cfd6ba1a7c498aa4dd5a7f9cfbba01fcb6eebae734ffe0d775870a1a3fb",
            id="sheet, GET",
        ),
        pytest.param(
            b'{"category":"linear","symbol":"BTCUSDT","side":"Buy","orderType":"Limit","qty":"0.001","price":"50000",'
            b'"timeInForce":"PostOnly","orderLinkId":"cid-0001","reduceOnly":false,"positionIdx":0}',
            "0816e136130b5fad008cc2d8a207c0276bf74f3c4a1366d0f5145d76c094ddf8",
            id="sheet, POST",
        ),
    ],
)
def test_a_bybit_request_is_signed_in_its_headers(sent: bytes, signature: str) -> None:
    assert bybit.headers(sent, KEYS, at_ms=1_700_000_000_000, window_ms=5_000) == {
        "X-BAPI-API-KEY": "test-key",
        "X-BAPI-TIMESTAMP": "1700000000000",
        "X-BAPI-RECV-WINDOW": "5000",
        "X-BAPI-SIGN": signature,
    }


def test_a_bybit_socket_logs_in_with_its_time_of_expiry() -> None:
    login = bybit.login(KEYS, expires_ms=1_700_000_010_000)
    assert msgspec.json.encode(login) == (
        b'["test-key",1700000010000,"977d2a1068009c263a4e3e15a2838ccaf62d1eda4ca2ff08b5456910b481b58b"]'
    )
