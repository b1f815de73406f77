"""Binance as its documents have it: ids, routes, acknowledgements, silence, limits, weights, error bodies."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from simulator.faces.binance import FUTURES_LIMITS, SPOT_LIMITS
from simulator.journal import Closed, Served, Subscribed
from simulator.limits import SocketLimits
from tests.support.stage import CLOSE, PING, PONG, Client, Stage, stage, subscribed

BOTH = pytest.mark.parametrize("market", ["spot", "futures"])


def diffs(client: Client, wire: str = "BTCUSDT") -> list[Any]:
    """Return the depth updates of one symbol that arrived."""
    found = [one["data"] for one in client.take() if one and "stream" in one]
    return [one for one in found if one["e"] == "depthUpdate" and one["s"] == wire]


def streams(scene: Stage, path: str, *names: str, seconds: float = 4) -> list[str]:
    """Return which streams said something on a route."""
    client = scene.connect(path)
    client.say({"method": "SUBSCRIBE", "params": list(names), "id": 1})
    assert client.take() == [{"result": None, "id": 1}]
    scene.play(seconds)
    return sorted({one["stream"] for one in client.take()})


def test_spot_numbers_every_change_without_holes(tmp_path: Path) -> None:
    with stage("binance", "spot", tmp_path) as scene:
        client = subscribed(scene)
        scene.play(10)
        found = diffs(client)
    assert len(found) > 30
    assert [after["U"] for _, after in pairwise(found)] == [before["u"] + 1 for before, _ in pairwise(found)]
    assert all(one["u"] - one["U"] + 1 >= len(one["b"]) + len(one["a"]) for one in found)
    assert set(found[0]) == {"e", "E", "s", "U", "u", "b", "a"}


def test_futures_ids_jump_and_pu_proves_the_order(tmp_path: Path) -> None:
    with stage("binance", "futures", tmp_path) as scene:
        client = subscribed(scene)
        scene.play(10)
        found = diffs(client)
    assert [after["pu"] for _, after in pairwise(found)] == [before["u"] for before, _ in pairwise(found)]
    assert all(after["U"] > before["u"] for before, after in pairwise(found))
    assert any(after["U"] != before["u"] + 1 for before, after in pairwise(found))
    assert set(found[0]) == {"e", "E", "T", "s", "U", "u", "pu", "st", "ps", "b", "a"}


@BOTH
def test_a_rest_book_and_the_diffs_after_it_make_the_own_book(market: str, tmp_path: Path) -> None:
    prefix = "/api/v3" if market == "spot" else "/fapi/v1"
    with stage("binance", market, tmp_path) as scene:
        client = subscribed(scene)
        scene.play(3)
        _, _, body = scene.rest(f"{prefix}/depth", symbol="BTCUSDT", limit="1000")
        book = {side: {float(p): float(q) for p, q in body[side]} for side in ("bids", "asks")}
        at_id = body["lastUpdateId"]
        scene.play(5)
        after = [one for one in diffs(client) if one["u"] > at_id]
        assert after[0]["U"] <= at_id + 1 if market == "spot" else after[0]["pu"] == at_id
        for one in after:
            for side, name in (("bids", "b"), ("asks", "a")):
                for price, quantity in one[name]:
                    book[side].pop(float(price), None)
                    if float(quantity):
                        book[side][float(price)] = float(quantity)
            assert max(book["bids"]) < min(book["asks"])
        _, _, last = scene.rest(f"{prefix}/depth", symbol="BTCUSDT", limit="1000")
        assert book == {side: {float(p): float(q) for p, q in last[side]} for side in ("bids", "asks")}
        assert [one.sequence for one in scene.of(Served)] == [at_id, last["lastUpdateId"]]


def test_futures_streams_are_served_on_their_own_route_only(tmp_path: Path) -> None:
    names = ("btcusdt@depth@100ms", "btcusdt@bookTicker", "btcusdt@aggTrade", "btcusdt@markPrice@1s", "btcusdt@trade")
    with stage("binance", "futures", tmp_path) as scene:
        book = ["btcusdt@bookTicker", "btcusdt@depth@100ms", "btcusdt@trade"]
        assert streams(scene, "/public/stream", *names, seconds=8) == book
        assert streams(scene, "/market/stream", *names, seconds=8) == ["btcusdt@aggTrade", "btcusdt@markPrice@1s"]
        assert streams(scene, "/stream", *names, seconds=8) == book
        assert streams(scene, "/private/stream", *names) == []
        silent = [one.stream for one in scene.of(Subscribed) if not one.channel and one.connection == 1]
        assert silent == ["btcusdt@aggTrade", "btcusdt@markPrice@1s"]


def test_spot_streams_bring_what_their_names_say(tmp_path: Path) -> None:
    names = ("btcusdt@depth", "btcusdt@depth20@100ms", "btcusdt@bookTicker", "btcusdt@trade", "btcusdt@aggTrade")
    with stage("binance", "spot", tmp_path) as scene:
        client = scene.connect("/stream", streams="/".join(names))
        scene.play(15)
        found = client.take()
    by_name = {one["stream"]: one["data"] for one in found}
    assert sorted(by_name) == sorted(names)
    top = by_name["btcusdt@depth20@100ms"]
    assert (set(top), len(top["bids"]), len(top["asks"])) == ({"lastUpdateId", "bids", "asks"}, 20, 20)
    assert set(by_name["btcusdt@bookTicker"]) == {"u", "s", "b", "B", "a", "A"}
    assert set(by_name["btcusdt@trade"]) == {"e", "E", "s", "t", "p", "q", "T", "m", "M"}
    assert set(by_name["btcusdt@aggTrade"]) == {"e", "E", "a", "s", "p", "q", "f", "l", "T", "m", "M"}
    assert [one["stream"] for one in found].count("btcusdt@depth") <= 15


@BOTH
def test_aggregated_trades_cover_the_single_ones(market: str, tmp_path: Path) -> None:
    with stage("binance", market, tmp_path) as scene:
        client = scene.connect("/ws" if market == "spot" else "/market/ws")
        single = client if market == "spot" else scene.connect("/public/ws")
        client.say({"method": "SUBSCRIBE", "params": ["ethusdt@aggTrade"], "id": "x"})
        single.say({"method": "SUBSCRIBE", "params": ["ethusdt@trade"], "id": None})
        scene.play(60)
        found = [*client.take(), *(single.take() if single is not client else [])]
    aggregated = [one for one in found if one.get("e") == "aggTrade"]
    trades = {one["t"]: float(one["q"]) for one in found if one.get("e") == "trade"}
    assert [after["a"] - before["a"] for before, after in pairwise(aggregated)] == [1] * (len(aggregated) - 1)
    assert sorted(trades) == [number for one in aggregated for number in range(one["f"], one["l"] + 1)]
    for one in aggregated:
        assert float(one["q"]) == pytest.approx(sum(trades[number] for number in range(one["f"], one["l"] + 1)))


def test_requests_are_answered_as_documented(tmp_path: Path) -> None:
    with stage("binance", "spot", tmp_path) as scene:
        client = scene.connect("/ws/btcusdt@depth@100ms")
        client.say({"method": "SUBSCRIBE", "params": ["nosuch@depth@100ms", "btcusdt@trade"], "id": 2})
        client.say({"method": "UNSUBSCRIBE", "params": ["btcusdt@trade"], "id": 3})
        client.say({"method": "LIST_SUBSCRIPTIONS", "id": 4})
        assert client.take() == [
            {"result": None, "id": 2},
            {"result": None, "id": 3},
            {"result": ["btcusdt@depth@100ms", "nosuch@depth@100ms"], "id": 4},
        ]
        scene.play(1)
        assert {one["s"] for one in client.take()} == {"BTCUSDT"}


@pytest.mark.parametrize(
    ("message", "code", "told"),
    [
        ("{", 3, "Invalid JSON"),
        ("[]", 2, "request must be an object"),
        ({"id": 4}, 2, "missing field `method`"),
        ({"method": "DANCE", "id": 4}, 2, "unknown variant `DANCE`"),
        ({"method": "SUBSCRIBE", "params": "btcusdt@trade", "id": 4}, 2, "array of strings"),
        ({"method": "SUBSCRIBE", "params": [], "id": "x" * 37}, 2, "request ID"),
        ({"method": "SUBSCRIBE", "params": [f"s{n}@trade" for n in range(1025)], "id": 4}, 4, "1024"),
    ],
)
def test_a_wrong_request_is_an_error_object(message: object, code: int, told: str, tmp_path: Path) -> None:
    with stage("binance", "spot", tmp_path) as scene:
        client = scene.connect("/ws")
        client.say(message)
        (answer,) = client.take()
    assert answer["code"] == code
    assert told in answer["msg"]


@pytest.mark.parametrize(("market", "most"), [("spot", 5), ("futures", 10)])
def test_too_many_messages_end_the_connection(market: str, most: int, tmp_path: Path) -> None:
    with stage("binance", market, tmp_path) as scene:
        client = scene.connect("/ws")
        for _ in range(most):
            client.ping(b"x")
        assert (client.line.closed, len(client.line.messages)) == (False, most)
        client.pong()
        assert (client.line.closed, client.line.messages[-1][0]) == (True, CLOSE)
        scene.play(0.1)
        assert [one.reason for one in scene.of(Closed)] == ["Too many requests"]


def test_the_limits_are_the_published_ones() -> None:
    assert (SPOT_LIMITS.messages_per_s, SPOT_LIMITS.ping_every_s, SPOT_LIMITS.pong_within_s) == (5, 20.0, 60.0)
    assert (FUTURES_LIMITS.messages_per_s, FUTURES_LIMITS.ping_every_s, FUTURES_LIMITS.pong_within_s) == (10, 180, 600)


def test_the_server_pings_and_ends_who_never_answers(tmp_path: Path) -> None:
    limits = SocketLimits(connections=300, ping_every_s=2.0, pong_within_s=5.0)
    with stage("binance", "spot", tmp_path, limits=limits) as scene:
        good, bad = scene.connect("/ws"), scene.connect("/ws")
        scene.play(10, lambda: good.pong() if good.line.messages and good.line.messages[-1][0] == PING else None)
        assert (good.line.closed, bad.line.closed) == (False, True)
        assert [one.reason for one in scene.of(Closed)] == ["Pong timeout"]
        assert {opcode for opcode, _ in good.line.messages} == {PING}
        good.ping(b"here")
        assert good.line.messages[-1] == (PONG, b"here")


def test_a_connection_ends_at_its_age_and_spot_says_so_before(tmp_path: Path) -> None:
    limits = SocketLimits(connections=300, lifetime_s=5.0)
    for market, told in (("spot", ["!serverShutdown"]), ("futures", [])):
        with stage("binance", market, tmp_path / market, limits=limits) as scene:
            client = scene.connect("/stream")
            scene.play(4)
            assert (client.take(), client.line.closed) == ([], False)
            scene.play(3)
            assert [one["stream"] for one in client.take()] == told
            assert client.line.messages[-1][0] == CLOSE


def test_connections_are_counted(tmp_path: Path) -> None:
    with stage("binance", "spot", tmp_path) as scene:
        assert [scene.exchange.may_connect(at_s) for at_s in range(301)] == [True] * 300 + [True]
        assert not scene.exchange.may_connect(300.5)


@pytest.mark.parametrize("path", ["/", "/other", "/public/ws", "/v5/public/spot"])
def test_an_address_that_does_not_exist_is_none(path: str, tmp_path: Path) -> None:
    with stage("binance", "spot", tmp_path) as scene:
        assert scene.exchange.face.route(path, {}) is None


@BOTH
def test_rest_answers_with_weights_and_venue_errors(market: str, tmp_path: Path) -> None:
    prefix = "/api/v3" if market == "spot" else "/fapi/v1"
    with stage("binance", market, tmp_path) as scene:
        assert scene.rest(f"{prefix}/time")[2] == {"serverTime": scene.now_us // 1000}
        used = [
            int(scene.rest(f"{prefix}/depth", symbol="BTCUSDT", limit=limit)[1]["X-MBX-USED-WEIGHT-1M"])
            for limit in ("50", "100", "500", "1000")
        ]
        assert used == ([6, 11, 36, 86] if market == "spot" else [3, 8, 18, 38])
        assert scene.rest(f"{prefix}/depth", symbol="NOPE")[::2] == (400, {"code": -1121, "msg": "Invalid symbol."})
        assert scene.rest(f"{prefix}/depth")[2]["code"] == -1102
        assert scene.rest(f"{prefix}/depth", symbol="BTCUSDT", limit="x")[2]["code"] == -1100
        assert scene.rest("/sapi/v1/other")[0] == 404
        if market == "futures":
            assert scene.rest(f"{prefix}/depth", symbol="BTCUSDT", limit="7")[2]["code"] == -4021
            rates = scene.rest(f"{prefix}/premiumIndex", symbol="BTCUSDT")[2]
            assert (rates["symbol"], rates["nextFundingTime"] % (8 * 3600 * 1000)) == ("BTCUSDT", 0)
            assert len(scene.rest(f"{prefix}/premiumIndex")[2]) == 5
            assert scene.rest(f"{prefix}/fundingRate", symbol="BTCUSDT")[2][0]["symbol"] == "BTCUSDT"


def test_too_much_weight_is_429_then_418_with_the_time_to_wait(tmp_path: Path) -> None:
    with stage("binance", "futures", tmp_path) as scene:
        answers = [scene.rest("/fapi/v1/depth", symbol="BTCUSDT", limit="1000") for _ in range(142)]
    statuses = [status for status, _, _ in answers]
    assert statuses == [200] * 120 + [429] * 20 + [418] * 2
    assert answers[120][2]["code"] == -1003
    assert 0 < int(answers[120][1]["Retry-After"]) <= 60
    assert int(answers[140][1]["Retry-After"]) == 120


@BOTH
def test_recent_trades_are_those_of_the_stream(market: str, tmp_path: Path) -> None:
    prefix = "/api/v3" if market == "spot" else "/fapi/v1"
    with stage("binance", market, tmp_path) as scene:
        client = subscribed(scene)
        scene.play(30)
        told = [one["data"] for one in client.take() if one.get("stream") == "btcusdt@trade"]
        _, _, listed = scene.rest(f"{prefix}/trades", symbol="BTCUSDT", limit="1000")
        assert [(one["id"], one["price"], one["qty"], one["time"], one["isBuyerMaker"]) for one in listed] == [
            (one["t"], one["p"], one["q"], one["T"], one["m"]) for one in told
        ]
        _, _, grouped = scene.rest(f"{prefix}/aggTrades", symbol="BTCUSDT")
        second = grouped[1]["a"]
        assert scene.rest(f"{prefix}/aggTrades", symbol="BTCUSDT", fromId=str(second), limit="2")[2] == grouped[1:3]
        since = scene.rest(f"{prefix}/aggTrades", symbol="BTCUSDT", startTime=str(grouped[2]["T"]))[2]
        assert since == [one for one in grouped if one["T"] >= grouped[2]["T"]]


@BOTH
def test_instruments_carry_the_rules_and_some_that_are_not_ours(market: str, tmp_path: Path) -> None:
    prefix = "/api/v3" if market == "spot" else "/fapi/v1"
    with stage("binance", market, tmp_path) as scene:
        _, _, body = scene.rest(f"{prefix}/exchangeInfo")
        assert [one["symbol"] for one in body["symbols"]][:5] == ["BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "BNBUSDT"]
        filters = {one["filterType"]: one for one in body["symbols"][0]["filters"]}
        assert float(filters["PRICE_FILTER"]["tickSize"]) == 5
        assert float(filters["LOT_SIZE"]["stepSize"]) == 0.0001
        if market == "spot":
            assert filters["NOTIONAL"]["minNotional"] == "5.00000000"
            two = scene.rest(f"{prefix}/exchangeInfo", symbols='["BTCUSDT","ETHUSDT"]')[2]
            assert [one["symbol"] for one in two["symbols"]] == ["BTCUSDT", "ETHUSDT"]
            assert scene.rest(f"{prefix}/exchangeInfo", symbols="[")[2]["code"] == -1100
        else:
            assert filters["MIN_NOTIONAL"]["notional"] == "5"
            kinds = [one["contractType"] for one in body["symbols"]]
            assert kinds == ["PERPETUAL"] * 5 + ["CURRENT_QUARTER"]
