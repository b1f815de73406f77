"""Bybit as its documents have it: numbers of each depth, snapshots, acknowledgements, pings, envelopes, paging."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from simulator.journal import Closed, Delta, Served
from tests.support.stage import Client, Stage, stage

BOTH = pytest.mark.parametrize("market", ["spot", "futures"])
CATEGORY = {"spot": "spot", "futures": "linear"}


def client_of(scene: Stage, *topics: str) -> Client:
    """Connect and subscribe to topics."""
    client = scene.connect(f"/v5/public/{CATEGORY[scene.exchange.face.market]}")
    for topic in topics:
        client.say({"op": "subscribe", "args": [topic]})
    return client


def of_topic(messages: list[Any], topic: str) -> list[Any]:
    """Return the messages of a topic."""
    return [one for one in messages if one.get("topic") == topic]


def applied(messages: list[Any]) -> tuple[dict[float, float], dict[float, float]]:
    """Return the book that a snapshot and its deltas make."""
    books: tuple[dict[float, float], dict[float, float]] = ({}, {})
    for one in messages:
        for book, levels in zip(books, (one["data"]["b"], one["data"]["a"]), strict=True):
            if one["type"] == "snapshot":
                book.clear()
            for price, quantity in levels:
                book.pop(float(price), None)
                if float(quantity):
                    book[float(price)] = float(quantity)
        assert max(books[0]) < min(books[1])
    return books


@BOTH
@pytest.mark.parametrize("depth", [50, 200, 1000])
def test_a_book_topic_is_a_snapshot_and_deltas_numbered_one_by_one(market: str, depth: int, tmp_path: Path) -> None:
    topic = f"orderbook.{depth}.BTCUSDT"
    with stage("bybit", market, tmp_path) as scene:
        scene.play(1)
        client = client_of(scene, topic)
        scene.play(6)
        found = of_topic(client.take(), topic)
        listing = scene.exchange.market.listings[0]
        served = scene.of(Served)
        own = [
            {listing.instrument.tick.value(p): listing.instrument.lot.value(q) for p, q in side}
            for side in scene.exchange.face.feeds["BTCUSDT"]._views[depth].image()  # type: ignore[attr-defined]  # noqa: SLF001 - what the topic shows
        ]
    assert [one["type"] for one in found] == ["snapshot"] + ["delta"] * (len(found) - 1)
    assert len(found) > 15
    assert [after["data"]["u"] - before["data"]["u"] for before, after in pairwise(found)] == [1] * (len(found) - 1)
    assert all(after["data"]["seq"] > before["data"]["seq"] for before, after in pairwise(found))
    assert list(applied(found)) == own
    assert [len(side) for side in applied(found)] == [min(depth, 500)] * 2
    assert [(one.sequence, one.connection, one.channel) for one in served] == [
        (found[0]["data"]["u"], 1, f"orderbook.{depth}")
    ]


def test_the_order_of_keys_differs_by_product(tmp_path: Path) -> None:
    keys = {}
    for market in CATEGORY:
        with stage("bybit", market, tmp_path / market) as scene:
            (_, book) = client_of(scene, "orderbook.50.BTCUSDT").take()
            keys[market] = list(book)
    assert keys == {
        "spot": ["topic", "ts", "type", "data", "cts"],
        "futures": ["topic", "type", "ts", "data", "cts"],
    }


@BOTH
def test_the_rest_book_is_that_of_the_deepest_topic(market: str, tmp_path: Path) -> None:
    with stage("bybit", market, tmp_path) as scene:
        client = client_of(scene, "orderbook.1000.ETHUSDT")
        scene.play(3.1)
        found = of_topic(client.take(), "orderbook.1000.ETHUSDT")
        _, _, body = scene.rest("/v5/market/orderbook", category=CATEGORY[market], symbol="ETHUSDT", limit="1000")
    assert (body["retCode"], body["retMsg"]) == (0, "OK")
    result = body["result"]
    assert result["u"] == found[-1]["data"]["u"]
    assert ({float(p): float(q) for p, q in result["b"]}, {float(p): float(q) for p, q in result["a"]}) == applied(
        found
    )


def test_the_best_prices_come_as_snapshots_only_and_repeat_after_three_seconds(tmp_path: Path) -> None:
    with stage("bybit", "spot", tmp_path) as scene:
        client = client_of(scene, "orderbook.1.BTCUSDT")
        scene.play(5)
        found = of_topic(client.take(), "orderbook.1.BTCUSDT")
        assert {one["type"] for one in found} == {"snapshot"}
        assert {(len(one["data"]["b"]), len(one["data"]["a"])) for one in found} == {(1, 1)}
        for own in scene.exchange.market._own:  # noqa: SLF001 - a market that stands still for once
            own.random = lambda: 0.999  # type: ignore[method-assign] # as above
        scene.play(4)
        still = of_topic(client.take(), "orderbook.1.BTCUSDT")[-1:]
        assert [one["data"]["u"] for one in still] == [found[-1]["data"]["u"]]


@BOTH
def test_trades_name_the_taker_and_ids_that_cannot_be_ordered(market: str, tmp_path: Path) -> None:
    with stage("bybit", market, tmp_path) as scene:
        client = client_of(scene, "publicTrade.BTCUSDT")
        scene.play(40)
        found = of_topic(client.take(), "publicTrade.BTCUSDT")
        told = [one for message in found for one in message["data"]]
        _, _, body = scene.rest("/v5/market/recent-trade", category=CATEGORY[market], symbol="BTCUSDT")
    assert {one["type"] for one in found} == {"snapshot"}
    assert {one["S"] for one in told} == {"Buy", "Sell"}
    assert len({one["i"] for one in told}) == len(told) > 15
    assert {len(one["i"]) for one in told} == ({19} if market == "spot" else {36})
    newest = told[::-1][: 60 if market == "spot" else 500]
    assert [(one["execId"], one["price"], one["size"], one["side"], one["time"]) for one in body["result"]["list"]] == [
        (one["i"], one["p"], one["v"], one["S"], str(one["T"])) for one in newest
    ]


@BOTH
def test_requests_are_answered_in_the_words_of_the_product(market: str, tmp_path: Path) -> None:
    with stage("bybit", market, tmp_path) as scene:
        client = client_of(scene)
        client.say({"op": "ping", "req_id": "9"})
        client.say({"op": "ping"})
        client.say({"op": "subscribe", "args": ["publicTrade.BTCUSDT"], "req_id": "1"})
        client.say({"op": "unsubscribe", "args": ["publicTrade.BTCUSDT"]})
        answers = client.take()
    (conn_id,) = {one.pop("conn_id") for one in answers}
    assert len(conn_id) == 25
    assert answers == [
        {"success": True, "ret_msg": "pong", "req_id": "9", "op": "ping"},
        {"success": True, "ret_msg": "pong", "op": "ping"},
        {"success": True, "ret_msg": "subscribe" if market == "spot" else "", "req_id": "1", "op": "subscribe"},
        {"success": True, "ret_msg": "", "op": "unsubscribe"},
    ]


@pytest.mark.parametrize(
    ("market", "message", "told"),
    [
        ("spot", {"op": "subscribe", "args": [f"publicTrade.S{n}" for n in range(11)]}, "args size >10"),
        ("futures", {"op": "subscribe", "args": ["publicTrade." + "X" * 21_000]}, "args length >21000"),
        ("spot", {"op": "subscribe", "args": ["publicTrade.BTCUSDT", "nonsense.BTCUSDT"]}, "Invalid topic: nonsense.B"),
        ("spot", {"op": "subscribe", "args": ["orderbook.77.BTCUSDT"]}, "Invalid topic: orderbook.77.BTCUSDT"),
        ("futures", {"op": "subscribe", "args": ["publicTrade.NOPE"]}, "handler not found,topic:publicTrade.NOPE"),
        ("spot", {"op": "subscribe", "args": []}, "args is empty"),
        ("spot", {"op": "dance"}, "unknown op"),
        ("spot", "nonsense", "unmarshal failed"),
    ],
)
def test_one_wrong_topic_fails_the_whole_request(market: str, message: object, told: str, tmp_path: Path) -> None:
    with stage("bybit", market, tmp_path) as scene:
        client = client_of(scene)
        client.say(message)
        (answer,) = client.take()
        assert (answer["success"], told in answer["ret_msg"]) == (False, True), answer
        scene.play(3)
        assert client.take() == []


def test_a_topic_cannot_be_subscribed_to_twice(tmp_path: Path) -> None:
    with stage("bybit", "spot", tmp_path) as scene:
        client = client_of(scene, "orderbook.50.BTCUSDT", "orderbook.50.BTCUSDT")
        assert [one.get("success", one.get("type")) for one in client.take()] == [True, "snapshot", False]


def test_tickers_are_whole_on_spot_and_what_changed_on_linear(tmp_path: Path) -> None:
    for market, kind in (("spot", "snapshot"), ("futures", "delta")):
        with stage("bybit", market, tmp_path / market) as scene:
            client = client_of(scene, "tickers.BTCUSDT")
            scene.play(3)
            first, *later = of_topic(client.take(), "tickers.BTCUSDT")
            late = client_of(scene, "tickers.BTCUSDT")
            whole = first["data"]
            for one in [*later, *of_topic(client.take(), "tickers.BTCUSDT")]:
                assert one["type"] == kind
                whole = {**whole, **one["data"]}
            assert of_topic(late.take(), "tickers.BTCUSDT")[0]["data"] == whole
            assert ("fundingRate" in whole) == (market == "futures")


def test_a_depth_that_nobody_reads_is_not_written_and_one_that_was_read_is(tmp_path: Path) -> None:
    with stage("bybit", "spot", tmp_path, symbols=1) as scene:
        scene.play(2)
        assert {one.channel for one in scene.of(Delta)} == {"orderbook.50"}
        client = client_of(scene, "orderbook.200.BTCUSDT")
        scene.exchange.disconnect(client.connection, scene.now_us)
        before = len(scene.of(Delta))
        scene.play(2)
        assert {one.channel for one in scene.of(Delta)[before:]} == {"orderbook.50", "orderbook.200"}


def test_a_connection_that_is_silent_and_reads_nothing_is_cut_after_ten_minutes(tmp_path: Path) -> None:
    with stage("bybit", "spot", tmp_path, symbols=1) as scene:
        idle, reading = client_of(scene), client_of(scene, "publicTrade.BTCUSDT")
        scene.exchange.halt(scene.now_us)
        scene.play(602)
        assert (idle.line.aborted, reading.line.aborted) == (True, False)
        assert len(scene.of(Closed)) == 1


@BOTH
def test_instruments_are_paged_on_linear_and_other_categories_are_empty(market: str, tmp_path: Path) -> None:
    path, own = "/v5/market/instruments-info", CATEGORY[market]
    with stage("bybit", market, tmp_path) as scene:
        first = scene.rest(path, category=own, limit="4")[2]["result"]
        if market == "spot":
            assert len(first["list"]) == 5
            assert first["list"][0]["lotSizeFilter"]["basePrecision"] == "0.0001"
        else:
            second = scene.rest(path, category=own, limit="4", cursor=first["nextPageCursor"])[2]["result"]
            assert (len(first["list"]), len(second["list"]), second["nextPageCursor"]) == (4, 2, "")
            assert second["list"][-1]["contractType"] == "LinearFutures"
            assert first["list"][0]["lotSizeFilter"]["qtyStep"] == "0.0001"
        assert first["list"][0]["priceFilter"]["tickSize"] == "5"
        assert scene.rest(path, category="inverse")[2]["result"]["list"] == []
        assert scene.rest(path)[2]["retCode"] == 10001


@BOTH
def test_rest_speaks_in_envelopes(market: str, tmp_path: Path) -> None:
    own = CATEGORY[market]
    with stage("bybit", market, tmp_path) as scene:
        now_ms = scene.now_us // 1000
        assert scene.rest("/v5/market/time")[2] == {
            "retCode": 0,
            "retMsg": "OK",
            "result": {"timeSecond": str(now_ms // 1000), "timeNano": str(scene.now_us * 1000)},
            "retExtInfo": {},
            "time": now_ms,
        }
        assert scene.rest("/v5/market/orderbook", category=own, symbol="NOPE")[2]["retCode"] == 10001
        assert scene.rest("/v5/market/orderbook", category=own, symbol="BTCUSDT", limit="1001")[2]["retCode"] == 10001
        default = scene.rest("/v5/market/orderbook", category=own, symbol="BTCUSDT")[2]["result"]
        assert len(default["b"]) == (1 if market == "spot" else 25)
        assert len(scene.rest("/v5/market/tickers", category=own)[2]["result"]["list"]) == 5
        funding = scene.rest("/v5/market/funding/history", category=own, symbol="BTCUSDT")[2]
        assert funding["retCode"] == (10001 if market == "spot" else 0)


def test_600_requests_in_five_seconds_are_the_most_of_an_address(tmp_path: Path) -> None:
    with stage("bybit", "spot", tmp_path, symbols=1) as scene:
        statuses = [scene.rest("/v5/market/time")[0] for _ in range(601)]
    assert statuses == [200] * 600 + [403]
