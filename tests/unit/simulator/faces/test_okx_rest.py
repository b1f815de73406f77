"""OKX's REST as our fact sheet has it: instruments in contracts, books without a sequence, limits of each call."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from simulator.face import Request
from tests.support.okx_client import NAME, applied, client_of, of_channel
from tests.support.stage import START_US, stage

BOTH = pytest.mark.parametrize("market", ["spot", "futures"])
START_MS = START_US // 1000


@BOTH
def test_instruments_count_in_coins_on_spot_and_in_contracts_on_swaps(market: str, tmp_path: Path) -> None:
    path = "/api/v5/public/instruments"
    with stage("okx", market, tmp_path, symbols=3) as scene:
        own, other = ("SPOT", "SWAP") if market == "spot" else ("SWAP", "SPOT")
        listed = scene.rest(path, instType=own)[2]["data"]
        assert scene.rest(path, instType=other)[2] == {"code": "0", "msg": "", "data": []}
        one = scene.rest(path, instType=own, instId=NAME[market])[2]["data"]
        assert scene.rest(path, instType=own, instId="NOPE")[2]["code"] == "51001"
        assert scene.rest(path)[2]["code"] == "51000"
    assert one == listed[:1]
    names = ("instId", "baseCcy", "quoteCcy", "ctType", "ctVal", "ctMult", "ctValCcy", "settleCcy", "uly")
    steps = ("tickSz", "lotSz", "minSz", "state")
    if market == "spot":
        assert [one["instId"] for one in listed] == ["BTC-USDT", "ETH-USDT", "SOL-USDT"]
        assert [listed[0][name] for name in names] == ["BTC-USDT", "BTC", "USDT", "", "", "", "", "", ""]
        assert [listed[0][name] for name in steps] == ["5", "0.0001", "0.0001", "live"]
    else:
        assert [one["instId"] for one in listed] == ["BTC-USDT-SWAP", "ETH-USDT-SWAP", "SOL-USDT-SWAP", "BTC-USD-SWAP"]
        assert [listed[0][name] for name in names] == [
            "BTC-USDT-SWAP", "", "", "linear", "0.0001", "1", "BTC", "USDT", "BTC-USDT",
        ]  # fmt: skip
        assert [listed[0][name] for name in steps] == ["5", "1", "1", "live"]
        assert (listed[-1]["ctType"], listed[-1]["settleCcy"]) == ("inverse", "BTC")


@BOTH
def test_the_rest_book_is_the_one_of_the_channel(market: str, tmp_path: Path) -> None:
    with stage("okx", market, tmp_path, symbols=1) as scene:
        client = client_of(scene, "books")
        scene.play(3)
        found = of_channel(client.take(), "books")
        _, _, body = scene.rest("/api/v5/market/books", instId=NAME[market], sz="400")
        full = scene.rest("/api/v5/market/books-full", instId=NAME[market], sz="5000")[2]
        assert len(scene.rest("/api/v5/market/books", instId=NAME[market])[2]["data"][0]["asks"]) == 1
        assert scene.rest("/api/v5/market/books", instId=NAME[market], sz="401")[2]["code"] == "51000"
        assert scene.rest("/api/v5/market/books", instId=NAME[market], sz="x")[2]["code"] == "51000"
        assert scene.rest("/api/v5/market/books", instId="NOPE")[2] == {
            "code": "51001",
            "msg": "Instrument ID does not exist",
            "data": [],
        }
        assert scene.rest("/api/v5/market/trades")[2]["code"] == "51000"
        assert scene.rest("/api/v5/market/trades", instId=NAME[market], limit="501")[2]["code"] == "51000"
    (data,) = body["data"]
    assert ({p: q for p, q, _, _ in data["bids"]}, {p: q for p, q, _, _ in data["asks"]}) == applied(found)
    assert data["ts"] == found[-1]["data"][0]["ts"]
    assert full["data"] == body["data"]


def test_each_call_has_its_limit_in_two_seconds_and_faults_look_like_it(tmp_path: Path) -> None:
    with stage("okx", "spot", tmp_path, symbols=1) as scene:
        refused = (429, {"code": "50011", "msg": "Too Many Requests", "data": []})
        assert scene.rest("/api/v5/public/time")[::2] == (
            200, {"code": "0", "msg": "", "data": [{"ts": str(START_MS)}]},
        )  # fmt: skip
        assert [scene.rest("/api/v5/public/time")[0] for _ in range(9)] == [200] * 9
        assert scene.rest("/api/v5/public/time")[::2] == refused
        assert scene.rest("/api/v5/market/books", instId="BTC-USDT")[0] == 200
        assert scene.rest("/api/v5/public/instruments", instType="SPOT")[0] == 200
        scene.play(2)
        assert scene.rest("/api/v5/public/time")[0] == 200
        face = scene.exchange.face
        plain = Request(path="/api/v5/public/time", query={}, at_us=scene.now_us)
        for request in (replace(plain, refuse_s=3), replace(plain, address_ban_s=3)):
            assert face.rest(request).status == 429
