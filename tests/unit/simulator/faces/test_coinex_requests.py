"""CoinEx as the fact sheet has it: silence and codes for what is wrong, the idle cut, REST."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from simulator.face import Request
from simulator.journal import Closed, Delta, Served
from tests.support.coinex_client import BOTH, OK, Book, client_of, depth, listened, of
from tests.support.gzipped import taken
from tests.support.stage import stage

BAD = {"id": 1, "code": 20001, "message": "invalid argument"}


UNKNOWN = {"id": 1, "code": 30002, "message": "unknown method"}


@pytest.mark.parametrize(
    ("method", "params", "told"),
    [
        ("server.ping", {}, {"id": 1, "code": 0, "data": {"result": "pong"}, "message": "OK"}),
        ("depth.subscribe", {"market_list": [["NOPEUSDT", 50, "0", False]]}, OK),
        ("depth.subscribe", {"market_list": [["BTCUSDT", 30, "0", False]]}, OK),
        ("depth.subscribe", {"market_list": [["BTCUSDT", 50, "10", False]]}, OK),
        ("deals.subscribe", {"market_list": ["NOPEUSDT"]}, OK),
        ("depth.subscribe", {"market_list": []}, OK),
        ("depth.unsubscribe", {"market_list": ["BTCUSDT"]}, OK),
        ("depth.subscribe", {"market_list": ["BTCUSDT"]}, BAD),
        ("depth.subscribe", {"market_list": [["BTCUSDT", True, "0", False]]}, BAD),
        ("deals.subscribe", {"market_list": [1]}, BAD),
        ("deals.subscribe", {"market_list": "BTCUSDT"}, BAD),
        ("deals.subscribe", [], BAD),
        ("dance", {}, UNKNOWN),
        ("depth.dance", {}, UNKNOWN),
        (None, {}, UNKNOWN),
    ],
)
def test_what_is_wrong_is_silent_or_has_a_code(
    method: str | None, params: object, told: object, tmp_path: Path
) -> None:
    with stage("coinex", "futures", tmp_path, symbols=1) as scene:
        client = client_of(scene)
        client.say({"method": method, "params": params, "id": 1})
        scene.play(3)
        (answer,) = taken(client)
        assert answer == told


def test_what_is_no_request_has_no_id_in_its_answer(tmp_path: Path) -> None:
    with stage("coinex", "spot", tmp_path, symbols=1) as scene:
        client = client_of(scene)
        client.say("nonsense")
        client.say([])
        assert taken(client) == [{"id": None, "code": 20001, "message": "invalid argument"}] * 2


def test_who_says_nothing_for_a_minute_is_cut_whatever_it_reads(tmp_path: Path) -> None:
    with stage("coinex", "spot", tmp_path, symbols=1) as scene:
        silent, good = client_of(scene, "deals", "BTCUSDT"), client_of(scene, "deals", "BTCUSDT")
        listened(scene, good, 60)
        assert not silent.line.closed
        listened(scene, good, 1)
        assert (silent.line.aborted, good.line.closed) == (True, False)
        assert len(scene.of(Closed)) == 1


@BOTH
def test_instruments_are_listed_with_what_cannot_be_traded(market: str, tmp_path: Path) -> None:
    with stage("coinex", market, tmp_path) as scene:
        listed = scene.rest(f"/v2/{market}/market")[2]["data"]
        other = scene.rest(f"/v2/{'spot' if market == 'futures' else 'futures'}/market")[2]["data"]
        named = scene.rest(f"/v2/{market}/market", market="XRPUSDT,BTCUSDT")[2]["data"]
        unknown = scene.rest(f"/v2/{market}/market", market="NOPEUSDT")[2]["code"]
    assert (other, unknown) == ([], 4004)
    assert [row["market"] for row in named] == ["XRPUSDT", "BTCUSDT"]
    fee = ("0.002", "0.002") if market == "spot" else ("0.0003", "0.0005")
    row = {
        "market": "XRPUSDT",
        "base_ccy": "XRP",
        "quote_ccy": "USDT",
        "base_ccy_precision": 0,
        "quote_ccy_precision": 5,
        "min_amount": "1",
        "maker_fee_rate": fee[0],
        "taker_fee_rate": fee[1],
        "is_api_trading_available": True,
    }
    if market == "spot":
        assert named[0] == row | {
            "is_pre_trading_available": False, "is_amm_available": False, "is_margin_available": False,
        }  # fmt: skip
        assert [one["market"] for one in listed[5:]] == []
    else:
        assert named[0] == row | {
            "contract_type": "linear", "leverage": ["3", "5", "10", "20", "50", "100"], "open_interest_volume": "0",
            "tick_size": "0.00005", "status": "online", "is_market_available": True, "delisted_at": 0,
        }  # fmt: skip
        assert [(one["market"], one["contract_type"], one["is_market_available"]) for one in listed[5:]] == [
            ("BTCUSD", "inverse", True), ("LUNAUSDT", "linear", False),
        ]  # fmt: skip


@BOTH
def test_the_rest_book_is_what_the_deepest_window_told_last(market: str, tmp_path: Path) -> None:
    path = f"/v2/{market}/depth"
    with stage("coinex", market, tmp_path, symbols=1) as scene:
        client = client_of(scene, "depth", depth())
        scene.play(3.1)
        told, book = of(taken(client), "depth.update"), Book(50)
        for data in told:
            book.take(data)
        _, _, body = scene.rest(path, market="BTCUSDT", limit="50", interval="0")
        served = scene.of(Served)[-1]
        short = scene.rest(path, market="BTCUSDT", limit="5", interval="0")[2]["data"]
        assert [scene.rest(path, **query)[2]["code"] for query in (
            {}, {"market": "BTCUSDT"}, {"market": "BTCUSDT", "limit": "30"}, {"market": "NOPE", "limit": "5"},
            {"market": "BTCUSDT", "limit": "5", "interval": "10"},
        )] == [4004] * 5  # fmt: skip
        assert served == Served(
            at_us=scene.now_us, symbol="BTC/USDT", channel="depth", sequence=scene.of(Delta)[-1].sequence, levels=50
        )
    assert (body["code"], body["message"], body["data"]["is_full"]) == (0, "OK", True)
    assert body["data"]["depth"]["updated_at"] == told[-1]["depth"]["updated_at"]
    assert body["data"]["depth"]["checksum"] == told[-1]["depth"]["checksum"]
    again = Book(50)
    again.take(body["data"])
    assert again.levels() == book.levels()
    fifth = Book(5)
    fifth.take(short)
    assert fifth.levels() == [side[:5] for side in book.levels()]


@BOTH
def test_rest_answers_time_errors_and_limits_in_one_envelope(market: str, tmp_path: Path) -> None:
    with stage("coinex", market, tmp_path, symbols=1) as scene:
        now_ms = scene.now_us // 1000
        assert scene.rest("/v2/time")[::2] == (200, {"code": 0, "data": {"timestamp": now_ms}, "message": "OK"})
        assert scene.rest("/v2/nothing")[0] == 404
        assert [scene.rest(f"/v2/{market}/deals", market="BTCUSDT", limit=one)[2]["code"] for one in ("0", "x")] == [
            4004, 4004,
        ]  # fmt: skip
        answers = [scene.rest("/v2/time") for _ in range(398)]
        assert [body["code"] for _, _, body in answers] == [0] * 397 + [4213]
        assert answers[-1][::2] == (200, {"code": 4213, "data": {}, "message": "Rate limit triggered"})
        face, asked = scene.exchange.face, Request(path="/v2/time", query={}, at_us=scene.now_us + 2_000_000)
        assert '"code":0,' in face.rest(asked).body
        assert '"code":4213,' in face.rest(replace(asked, refuse_s=3)).body
        assert '"code":4213,' in face.rest(replace(asked, address_ban_s=3)).body


@BOTH
def test_every_market_has_one_address(market: str, tmp_path: Path) -> None:
    with stage("coinex", market, tmp_path, symbols=1) as scene:
        face = scene.exchange.face
        assert face.channels == ("depth.50", "deals")
        assert [face.route(one, {}) is not None for one in ("/v2/spot", "/v2/futures", "/v2/spot/", "/v2")] == [
            market == "spot", market == "futures", market == "spot", False,
        ]  # fmt: skip
