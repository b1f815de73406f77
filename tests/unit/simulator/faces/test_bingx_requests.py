"""BingX as the fact sheet has it: answers and refusals, limits, its own pings, REST."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from simulator.face import Request
from simulator.faces.bingx import LIMITS, PATHS
from simulator.journal import Closed, Delta, Served, Subscribed, Unsubscribed
from tests.support.bingx_client import BOOK, BOTH, TRADES, applied, client_of, listened, of_topic
from tests.support.gzipped import taken
from tests.support.stage import stage


def test_requests_are_answered_in_the_words_of_the_market(tmp_path: Path) -> None:
    answers = {}
    for market in PATHS:
        with stage("bingx", market, tmp_path / market, symbols=1) as scene:
            client = client_of(scene, "BTC-USDT@trade")
            client.say({"id": "u1", "reqType": "unsub", "dataType": "BTC-USDT@trade"})
            now_ms = scene.now_us // 1000
            answers[market] = taken(client)
            assert [one.stream for one in scene.of(Unsubscribed)] == ["BTC-USDT@trade"]
    assert answers == {
        "spot": [{"id": name, "code": 0, "msg": "SUCCESS", "timestamp": now_ms} for name in ("0", "u1")],
        "futures": [{"id": name, "code": 0, "msg": "", "dataType": "", "data": None} for name in ("0", "u1")],
    }


def test_spot_takes_a_request_without_its_type_as_a_subscription(tmp_path: Path) -> None:
    with stage("bingx", "spot", tmp_path, symbols=1) as scene:
        client_of(scene).say({"id": "1", "dataType": "BTC-USDT@trade"})
        assert [one.stream for one in scene.of(Subscribed)] == ["BTC-USDT@trade"]


REFUSED: dict[str, Any] = {"id": "7", "dataType": "", "data": None}


UNKNOWN = {**REFUSED, "code": 80015, "msg": "dataType not support"}


@pytest.mark.parametrize(
    ("market", "message", "told"),
    [
        ("futures", {"id": "7", "reqType": "sub", "dataType": "btc-usdt@trade"}, [UNKNOWN]),
        ("spot", {"id": "7", "reqType": "sub", "dataType": "NOPE-USDT@trade"}, [UNKNOWN]),
        ("futures", {"id": "7", "reqType": "sub", "dataType": "BTC-USDT@depth7"}, [UNKNOWN]),
        ("futures", {"id": "7", "reqType": "unsub", "dataType": "BTC-USDT"}, [UNKNOWN]),
        (
            "spot",
            {"id": "7", "reqType": "sub", "dataType": "BTC-USDT@depth20@500ms"},
            [{"code": 100400, "msg": "code:100400:depth20@500ms dataType is not supported"}],
        ),
        (
            "spot",
            {"id": "7", "reqType": "dance", "dataType": "BTC-USDT@trade"},
            [{**REFUSED, "code": 100400, "msg": "reqType or dataType is wrong"}],
        ),
        (
            "futures",
            {"id": "7", "reqType": "sub", "dataType": ["BTC-USDT@trade"]},
            [{**REFUSED, "code": 100400, "msg": "reqType or dataType is wrong"}],
        ),
        ("spot", [{"id": "7", "reqType": "sub", "dataType": "BTC-USDT@trade"}], []),
        ("spot", "nonsense", []),
    ],
)
def test_wrong_requests_are_refused_or_get_no_answer(
    market: str, message: object, told: list[object], tmp_path: Path
) -> None:
    with stage("bingx", market, tmp_path, symbols=1) as scene:
        client = client_of(scene)
        client.say(message)
        answers = taken(client)
        for one in answers:
            one.pop("timestamp", None)
        assert answers == told
        scene.play(3)
        assert taken(client) == []


def test_a_connection_has_so_many_topics_and_ten_requests_a_second(tmp_path: Path) -> None:
    with stage("bingx", "futures", tmp_path, limits=replace(LIMITS, streams=6)) as scene:
        client = client_of(scene, *(f"{base}-USDT@trade" for base in ("BTC", "ETH", "SOL", "XRP", "BNB")), BOOK)
        assert [one["code"] for one in taken(client)] == [0] * 7
        client.say({"id": "7", "reqType": "sub", "dataType": "BTC-USDT@depth5"})
        client.say({"id": "8", "reqType": "sub", "dataType": "BTC-USDT@trade"})
        assert taken(client) == [
            {**REFUSED, "code": 80403, "msg": "your topic num over max 6"},
            {**REFUSED, "id": "8", "code": 0, "msg": ""},
        ]
        codes = []
        for _ in range(4):
            client.say({"id": "9", "reqType": "unsub", "dataType": BOOK})
            codes += [one["code"] for one in taken(client)]
        assert codes == [0, 0, 100410, 100410]
        scene.play(1.02)
        taken(client)
        client.say({"id": "9", "reqType": "unsub", "dataType": BOOK})
        assert taken(client)[-1]["code"] == 0
    assert LIMITS.streams == 200


@BOTH
def test_who_does_not_answer_pings_is_cut_after_half_a_minute_also_when_the_market_stands_still(
    market: str, tmp_path: Path
) -> None:
    with stage("bingx", market, tmp_path, symbols=1) as scene:
        scene.exchange.halt(scene.now_us)
        silent, good = client_of(scene), client_of(scene, TRADES)
        taken(good)
        pings = listened(scene, good, 34)
        assert not silent.line.closed
        pings += listened(scene, good, 4)
        assert (silent.line.aborted, good.line.closed) == (True, False)
        assert len(pings) == 7
        assert [one.reason for one in scene.of(Closed)] == ["no answer to the venue's ping"]
    if market == "futures":
        assert set(pings) == {"Ping"}
    else:
        assert {len(one["ping"]) for one in pings} == {32}
        assert pings[0]["time"] == "2026-11-18T19:06:45.000+0800"


def test_spot_wants_the_id_of_its_ping(tmp_path: Path) -> None:
    with stage("bingx", "spot", tmp_path, symbols=1) as scene:
        client = client_of(scene)
        scene.play(38, lambda: client.say({"pong": "0" * 32, "time": ""}))
        assert client.line.aborted
        helper = client_of(scene)
        scene.play(38, lambda: helper.say("Pong"))
        assert not helper.line.closed


@BOTH
def test_instruments_are_listed_in_the_form_of_the_market_and_the_other_lists_are_empty(
    market: str, tmp_path: Path
) -> None:
    spot, swap = "/openApi/spot/v1/common/symbols", "/openApi/swap/v2/quote/contracts"
    with stage("bingx", market, tmp_path) as scene:
        lists = scene.rest(spot)[2]["data"]["symbols"], scene.rest(swap)[2]["data"]
        assert scene.rest("/openApi/cswap/v1/market/contracts")[2]["data"] == []
        mine, other = lists if market == "spot" else lists[::-1]
        one = scene.rest(spot if market == "spot" else swap, symbol="XRP-USDT")[2]["data"]
    assert other == []
    assert [row["symbol"] for row in mine] == ["BTC-USDT", "ETH-USDT", "SOL-USDT", "XRP-USDT", "BNB-USDT"]
    (row,) = one["symbols"] if market == "spot" else one
    steps = {"tickSize": 0.00005, "stepSize": 1, "minNotional": 2, "status": 1}
    digits = {"quantityPrecision": 0, "pricePrecision": 5, "tradeMinQuantity": 1, "tradeMinUSDT": 2, "status": 1}
    wanted = steps if market == "spot" else digits
    assert {name: row[name] for name in wanted} == wanted


@BOTH
def test_the_rest_book_is_the_one_told_last(market: str, tmp_path: Path) -> None:
    path = "/openApi/spot/v1/market/depth" if market == "spot" else "/openApi/swap/v2/quote/depth"
    with stage("bingx", market, tmp_path, symbols=1) as scene:
        client = client_of(scene, BOOK)
        scene.play(3.1)
        book = applied(of_topic(taken(client), BOOK))
        _, headers, body = scene.rest(path, symbol="BTC-USDT", limit="1000")
        data = body["data"]
        assert [{float(p): float(q) for p, q in data[side]} for side in ("bids", "asks")] == book
        assert scene.of(Served)[-1] == Served(
            at_us=scene.now_us, symbol="BTC/USDT", channel="depth", sequence=scene.of(Delta)[-1].sequence, levels=500
        )
        short = scene.rest(path, symbol="BTC-USDT", limit="5")[2]["data"]
        assert [len(short[side]) for side in ("bids", "asks")] == [5, 5]
        assert float(short["asks"][-1][0]) == min(book[1])
        codes = [scene.rest(path, **query)[2]["code"] for query in ({}, {"symbol": "NOPE-USDT"})]
        codes += [scene.rest(path, symbol="BTC-USDT", limit=limit)[2]["code"] for limit in ("1001", "x", "0")]
        now_ms = scene.now_us // 1000
    assert headers["X-RateLimit-Requests-Remain"] == "499"
    assert int(headers["X-RateLimit-Requests-Expire"]) == (now_ms // 10_000 + 1) * 10_000
    assert (set(body), data["ts" if market == "spot" else "T"]) == (
        {"code", "timestamp", "data"} if market == "spot" else {"code", "msg", "data"}, now_ms,
    )  # fmt: skip
    assert codes == [109425, 109425, 109400, 109400, 109400]


def test_funding_of_swap_is_asked_for(tmp_path: Path) -> None:
    path = "/openApi/swap/v2/quote/"
    with stage("bingx", "futures", tmp_path) as scene:
        scene.play(3)
        listing = scene.exchange.market.listings[1]
        eight_hours = 8 * 3_600_000
        next_ms = (scene.now_us // 1000 // eight_hours + 1) * eight_hours
        wanted = {
            "symbol": "ETH-USDT",
            "markPrice": listing.mark_price,
            "indexPrice": f"{listing.index_price:.8f}",
            "lastFundingRate": listing.funding_rate,
            "fundingIntervalHours": 8,
            "nextFundingTime": next_ms,
        }
        assert scene.rest(f"{path}premiumIndex", symbol="ETH-USDT")[2] == {"code": 0, "msg": "", "data": wanted}
        assert scene.rest(f"{path}premiumIndex")[2]["data"][1] == wanted
        assert scene.rest(f"{path}fundingRate", symbol="ETH-USDT")[2]["data"] == [
            {"symbol": "ETH-USDT", "fundingRate": listing.funding_rate, "fundingTime": next_ms - eight_hours}
        ]


@BOTH
def test_rest_answers_errors_and_limits_with_codes(market: str, tmp_path: Path) -> None:
    path = f"/openApi/{'spot/v1' if market == 'spot' else 'swap/v2'}/server/time"
    with stage("bingx", market, tmp_path, symbols=1) as scene:
        now_ms = scene.now_us // 1000
        assert scene.rest(path)[2] == {"code": 0, "msg": "", "data": {"serverTime": now_ms}}
        assert [scene.rest("/openApi/nothing")[at] for at in (0, 2)] == [
            200, {"code": 100400, "msg": "this api is not exist, path: /openApi/nothing", "timestamp": now_ms},
        ]  # fmt: skip
        statuses = [scene.rest(path)[0] for _ in range(519)]
        assert statuses == [200] * 499 + [429] * 20
        status, _, body = scene.rest(path)
        assert (status, body["code"]) == (418, 100410)
        # Other addresses have a limit of their own; faults refuse all.
        face, other = scene.exchange.face, "/openApi/cswap/v1/market/contracts"
        assert scene.rest(other)[0] == 200
        asked = Request(path=other, query={}, at_us=scene.now_us)
        refused = face.rest(replace(asked, refuse_s=3))
        assert (refused.status, refused.headers["X-RateLimit-Requests-Expire"]) == (429, str(now_ms + 3000))
        assert face.rest(replace(asked, address_ban_s=2)).status == 418
        assert "Retry-After" not in refused.headers


def test_every_market_has_one_address(tmp_path: Path) -> None:
    for market, path in PATHS.items():
        with stage("bingx", market, tmp_path / market, symbols=1) as scene:
            face = scene.exchange.face
            assert face.channels == ("incrDepth", "trade")
            assert [face.route(one, {}) is not None for one in ("/market", "/swap-market", "/")] == [
                path == "/market", path == "/swap-market", False,
            ]  # fmt: skip
