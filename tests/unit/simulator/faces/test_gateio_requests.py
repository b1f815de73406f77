"""Gate as the fact sheet has it: answers and refusals on the socket, limits, REST."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from simulator.face import Request
from simulator.faces.gateio import PATHS
from simulator.journal import Closed, Delta, Served, Subscribed, Unsubscribed
from tests.support.stage import PING, Client, Stage, stage

BOTH = pytest.mark.parametrize("market", ["spot", "futures"])
FUTURES = "/api/v4/futures/usdt"


def client_of(scene: Stage) -> Client:
    return scene.connect(PATHS[scene.exchange.face.market])


def request(channel: str, *payload: str, event: str = "subscribe", **more: object) -> dict[str, object]:
    return {"channel": channel, "event": event, "payload": list(payload), **more}


def short(answers: list[Any]) -> list[Any]:
    """Return answers without the ids that nobody can foretell."""
    return [{name: one[name] for name in one if name not in {"conn_id", "trace_id", "requestId"}} for one in answers]


@BOTH
def test_a_subscription_is_answered_with_its_payload_and_id(market: str, tmp_path: Path) -> None:
    asked = request(f"{market}.trades", "BTC_USDT", "ETH_USDT", id=123)
    with stage("gateio", market, tmp_path) as scene:
        client = client_of(scene)
        client.say({**asked, "time": scene.now_us // 1_000_000})
        client.say(request(f"{market}.trades", "ETH_USDT", event="unsubscribe"))
        answers, now_us = client.take(), scene.now_us
        assert [one.stream for one in scene.of(Subscribed)] == [
            f"{market}.trades {one}{'' if market == 'spot' else ' integers'}" for one in ("BTC_USDT", "ETH_USDT")
        ]
        assert [one.stream for one in scene.of(Unsubscribed)] == [scene.of(Subscribed)[1].stream]
    times = {"time": now_us // 1_000_000, "time_ms": now_us // 1000}
    done = {"error": None, "result": {"status": "success"}}
    assert short(answers) == [
        {**times, "id": 123, "channel": f"{market}.trades", "event": "subscribe", "payload": asked["payload"], **done},
        {**times, "channel": f"{market}.trades", "event": "unsubscribe", "payload": ["ETH_USDT"], **done},
    ]
    assert len({one["conn_id"] for one in answers}) == 1
    assert len({one["trace_id"] for one in answers}) == 2
    assert [one["requestId"] for one in answers] == [one["trace_id"] for one in answers]


@BOTH
def test_pings_are_answered_and_the_server_pings_by_the_protocol(market: str, tmp_path: Path) -> None:
    with stage("gateio", market, tmp_path, symbols=1) as scene:
        client = client_of(scene)
        client.say({"time": 1, "channel": f"{market}.ping"})
        assert client.take() == [
            {"time": scene.now_us // 1_000_000, "channel": f"{market}.pong", "event": "", "result": None}
        ]
        scene.play(21)
        assert [opcode for opcode, _ in client.line.messages] == [PING]


@pytest.mark.parametrize(
    ("market", "asked", "code", "told"),
    [
        ("spot", "nonsense", 1, "invalid request body"),
        ("spot", [], 1, "invalid request body"),
        ("spot", request("spot.nonsense", "BTC_USDT"), 2, "unknown channel spot.nonsense"),
        ("spot", request("futures.trades", "BTC_USDT"), 2, "unknown channel futures.trades"),
        ("spot", request("spot.trades", "BTC_USDT", event="dance"), 2, "unknown event dance"),
        ("spot", request("spot.trades", "BTC_USDT", "NOPE_USDT"), 2, "unknown currency pair NOPE_USDT"),
        ("futures", request("futures.tickers", "BTC_USDT", "NOPE_USDT"), 2, "unknown contract NOPE_USDT"),
        ("spot", request("spot.trades"), 2, "invalid argument"),
        ("spot", request("spot.trades", "BTC_USDT", time=1), 2, "invalid time"),
        ("spot", request("spot.order_book_update", "BTC_USDT", "1ms"), 2, "invalid argument"),
        ("futures", request("futures.order_book_update", "BTC_USDT", "100ms"), 2, "invalid argument"),
        ("futures", request("futures.order_book_update", "BTC_USDT", "20ms", "100"), 2, "invalid argument"),
        ("futures", request("futures.obu", "ob.BTC_USDT.50", "ob.BTC_USDT.400"), 2, "Alert sub ob.BTC_USDT.400"),
    ],
)
def test_what_is_wrong_fails_as_a_whole(market: str, asked: Any, code: int, told: str, tmp_path: Path) -> None:  # noqa: ANN401 - any JSON
    with stage("gateio", market, tmp_path, symbols=1) as scene:
        client = client_of(scene)
        client.say(asked)
        scene.play(1)
        (answer,) = client.take()
        assert scene.of(Subscribed) == []
    named = asked if isinstance(asked, dict) else {}
    assert (answer["error"], answer["result"]) == ({"code": code, "message": told}, {"status": "fail"})
    assert (answer["channel"], answer["event"]) == (named.get("channel", ""), named.get("event", ""))


@BOTH
def test_a_second_depth_of_an_instrument_is_refused_until_the_first_ends(market: str, tmp_path: Path) -> None:
    with stage("gateio", market, tmp_path, symbols=2) as scene:
        client = client_of(scene)
        client.say(request(f"{market}.obu", "ob.BTC_USDT.50", "ob.ETH_USDT.400"))
        client.say(request(f"{market}.obu", "ob.BTC_USDT.50"))
        client.say(request(f"{market}.obu", "ob.BTC_USDT.400"))
        client.say(request(f"{market}.obu", "ob.BTC_USDT.50", event="unsubscribe"))
        client.say(request(f"{market}.obu", "ob.BTC_USDT.400"))
        found = [one["error"] or "fine" if "error" in one else one["result"]["s"] for one in client.take()]
    assert found == [
        "fine", "ob.BTC_USDT.50", "ob.ETH_USDT.400",
        {"code": 2, "message": "Alert sub ob.BTC_USDT.50"},
        {"code": 2, "message": "Alert sub ob.BTC_USDT.400"},
        "fine", "fine", "ob.BTC_USDT.400",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["ob.NOPE_USDT.50", "ob.BTC_USDT.77", "BTC_USDT"])
def test_a_depth_stream_that_does_not_exist_is_acknowledged_and_stays_silent(name: str, tmp_path: Path) -> None:
    with stage("gateio", "spot", tmp_path, symbols=1) as scene:
        client = client_of(scene)
        client.say(request("spot.obu", name))
        scene.play(5)
        assert [one["result"] for one in client.take()] == [{"status": "success"}]
        assert [(one.symbol, one.channel) for one in scene.of(Subscribed)] == [("", "")]


def test_books_of_the_first_version_are_written_from_their_first_subscription(tmp_path: Path) -> None:
    with stage("gateio", "futures", tmp_path, symbols=1) as scene:
        scene.play(1)
        assert {one.channel for one in scene.of(Delta)} == {"futures.obu.50", "futures.obu.400"}
        client = client_of(scene)
        client.say(request("futures.order_book_update", "BTC_USDT", "100ms", "100"))
        scene.exchange.disconnect(client.connection, scene.now_us)
        before = len(scene.of(Delta))
        scene.play(1)
        assert "futures.order_book_update.100.100ms" in {one.channel for one in scene.of(Delta)[before:]}


def test_who_neither_subscribes_nor_says_anything_is_cut_after_thirty_seconds(tmp_path: Path) -> None:
    with stage("gateio", "spot", tmp_path, symbols=1) as scene:
        idle, reading = client_of(scene), client_of(scene)
        reading.say(request("spot.trades", "BTC_USDT"))
        scene.play(32)
        assert (idle.line.aborted, reading.line.aborted) == (True, False)
        assert len(scene.of(Closed)) == 1


def test_spot_lists_decimals_and_futures_contracts_of_one_lot(tmp_path: Path) -> None:
    with stage("gateio", "spot", tmp_path / "spot") as scene:
        pairs = scene.rest("/api/v4/spot/currency_pairs")[2]
        assert scene.rest("/api/v4/spot/currency_pairs/BTC_USDT")[2] == pairs[0]
        assert scene.rest("/api/v4/margin/currency_pairs")[2] == []
    assert [one["id"] for one in pairs] == ["BTC_USDT", "ETH_USDT", "SOL_USDT", "XRP_USDT", "BNB_USDT"]
    names = ("base", "quote", "precision", "amount_precision", "min_base_amount", "trade_status")
    assert [pairs[0][name] for name in names] == ["BTC", "USDT", 0, 4, "0.0001", "tradable"]
    with stage("gateio", "futures", tmp_path / "futures") as scene:
        contracts = scene.rest(f"{FUTURES}/contracts")[2]
        asked = Request(path=f"{FUTURES}/contracts/BTC_USDT", query={}, at_us=scene.now_us)
        one = scene.ask(asked)[2]
        decimal = scene.ask(replace(asked, headers={"x-gate-size-decimal": "1"}))[2]
        assert scene.rest("/api/v4/futures/btc/contracts")[2] == []
    assert contracts[0] == one
    fields = ("name", "type", "quanto_multiplier", "order_price_round", "order_size_min", "status", "funding_interval")
    assert [one[name] for name in fields] == ["BTC_USDT", "direct", "0.0001", "5", 1, "trading", 28800]
    assert decimal == {**one, "order_size_min": "1", "order_size_max": str(one["order_size_max"])}


def test_a_deep_book_of_spot_is_that_of_a_while_ago(tmp_path: Path) -> None:
    with stage("gateio", "spot", tmp_path, symbols=1) as scene:
        query = {"currency_pair": "BTC_USDT", "with_id": "true"}
        path = "/api/v4/spot/order_book"
        first = scene.rest(path, **query, limit="200")[2]
        scene.play(5)
        again, fresh = scene.rest(path, **query, limit="101")[2], scene.rest(path, **query, limit="100")[2]
        scene.play(6)
        newer = scene.rest(path, **query, limit="200")[2]
        levels = [one.levels for one in scene.of(Served)]
    assert (again["id"], again["bids"]) == (first["id"], first["bids"][:101])
    assert first["id"] < fresh["id"] < newer["id"]
    assert levels == [200, 101, 100, 200]


def test_rest_answers_without_an_envelope(tmp_path: Path) -> None:
    with stage("gateio", "futures", tmp_path, symbols=1) as scene:
        scene.play(1)
        now_us, path = scene.now_us, f"{FUTURES}/order_book"
        assert scene.rest("/api/v4/spot/time")[2] == {"server_time": now_us // 1000}
        book = scene.rest(path, contract="BTC_USDT")[2]
        listing = scene.exchange.market.listings[0]
        funding = scene.rest(f"{FUTURES}/funding_rate", contract="BTC_USDT")[2]
        ladder, price = listing.ladder, listing.instrument.tick.format
        changed = scene.exchange.face.feeds["BTC_USDT"].changed_ms  # type: ignore[attr-defined] # Gate's own
    assert book == {
        "current": now_us // 1000 / 1000,
        "update": changed / 1000,
        "asks": [{"p": price(one), "s": ladder.levels[1][one]} for one in range(ladder.ask, ladder.ask + 10)],
        "bids": [{"p": price(one), "s": ladder.levels[0][one]} for one in range(ladder.bid, ladder.bid - 10, -1)],
    }
    assert funding == [{"r": listing.funding_rate, "t": now_us // 1_000_000 // 28800 * 28800}]


@pytest.mark.parametrize(
    ("market", "path", "query", "status", "label"),
    [
        ("spot", "/api/v4/spot/order_book", {"currency_pair": "NOPE_USDT"}, 400, "INVALID_CURRENCY_PAIR"),
        ("spot", "/api/v4/spot/order_book", {}, 400, "MISSING_REQUIRED_PARAM"),
        ("spot", "/api/v4/spot/currency_pairs/NOPE_USDT", {}, 400, "INVALID_CURRENCY_PAIR"),
        ("spot", "/api/v4/spot/trades", {"currency_pair": "BTC_USDT", "limit": "x"}, 400, "INVALID_PARAM_VALUE"),
        ("futures", f"{FUTURES}/order_book", {"contract": "NOPE_USDT"}, 400, "CONTRACT_NOT_FOUND"),
        ("futures", f"{FUTURES}/order_book", {"contract": "BTC_USDT", "limit": "1000"}, 400, "TOO_BIG"),
        ("futures", "/api/v4/spot/order_book", {"currency_pair": "BTC_USDT"}, 404, "NOT_FOUND"),
    ],
)
def test_errors_are_labels(
    market: str, path: str, query: dict[str, str], status: int, label: str, tmp_path: Path
) -> None:
    with stage("gateio", market, tmp_path, symbols=1) as scene:
        found, _, body = scene.rest(path, **query)
    assert (found, body["label"], sorted(body)) == (status, label, ["label", "message"])


def test_200_requests_of_an_endpoint_in_ten_seconds_are_the_most(tmp_path: Path) -> None:
    with stage("gateio", "spot", tmp_path, symbols=1) as scene:
        scene.now_us -= scene.now_us % 10_000_000
        answers = [scene.rest("/api/v4/spot/time") for _ in range(201)]
        assert [one[0] for one in answers] == [200] * 200 + [429]
        assert scene.rest("/api/v4/spot/currency_pairs")[0] == 200
        now_s = scene.now_us // 1_000_000
    names = [f"X-Gate-RateLimit-{name}" for name in ("Requests-Remain", "Limit", "Reset-Timestamp")]
    assert [answers[0][1][name] for name in names] == ["199", "200", str(now_s + 10)]
    assert [answers[200][1][name] for name in names] == ["0", "200", str(now_s + 10)]
    assert answers[200][2]["label"] == "TOO_MANY_REQUESTS"


@pytest.mark.parametrize("fault", ["refuse_s", "address_ban_s"])
def test_the_faults_429_and_ban_are_the_rate_limit_s_answer(fault: str, tmp_path: Path) -> None:
    with stage("gateio", "spot", tmp_path, symbols=1) as scene:
        asked = Request(path="/api/v4/spot/time", query={}, at_us=scene.now_us)
        faults = {"refuse_s": replace(asked, refuse_s=7), "address_ban_s": replace(asked, address_ban_s=7)}
        answer = scene.exchange.face.rest(faults[fault])
        now_s = scene.now_us // 1_000_000
    assert (answer.status, answer.headers["X-Gate-RateLimit-Reset-Timestamp"]) == (429, str(now_s + 7))
