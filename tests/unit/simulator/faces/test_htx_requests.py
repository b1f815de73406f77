"""HTX as the fact sheet has it: answers and refusals on the sockets, its own pings, limits, REST."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from simulator.face import Request
from simulator.faces.htx_topics import FEED, INDEX, LINEAR, MARKET, NOTICES, PATHS
from simulator.journal import Closed, Subscribed, Unsubscribed
from tests.support.gzipped import taken
from tests.support.htx_client import client_of, listened, of_topic
from tests.support.stage import stage

API = "/linear-swap-api/v1"
MBP, SWAP_BOOK = "market.btcusdt.mbp.150", "market.BTC-USDT.depth.size_150.high_freq"


def test_each_market_has_its_sockets(tmp_path: Path) -> None:
    for market, other in (("spot", "futures"), ("futures", "spot")):
        with stage("htx", market, tmp_path / market, symbols=1) as scene:
            route = scene.exchange.face.route
            assert {path: route(path, {}) is not None for paths in PATHS.values() for path in paths} == {
                **dict.fromkeys(PATHS[market], True),
                **dict.fromkeys(PATHS[other], False),
            }


def test_subscriptions_are_answered_by_their_topic(tmp_path: Path) -> None:
    with stage("htx", "spot", tmp_path, symbols=1) as scene:
        client = client_of(scene, MARKET, "market.btcusdt.trade.detail")
        client.say({"unsub": "market.btcusdt.trade.detail"})
        now_ms = scene.now_us // 1000
        assert taken(client) == [
            {"id": "0", "status": "ok", "subbed": "market.btcusdt.trade.detail", "ts": now_ms},
            {"status": "ok", "unsubbed": "market.btcusdt.trade.detail", "ts": now_ms},
        ]
        assert [one.stream for one in scene.of(Unsubscribed)] == ["market.btcusdt.trade.detail"]
        assert of_topic(listened(scene, client, 20), "market.btcusdt.trade.detail") == []


def test_a_linear_topic_that_is_subscribed_to_again_begins_with_the_whole_book(tmp_path: Path) -> None:
    with stage("htx", "futures", tmp_path, symbols=1) as scene:
        client = client_of(scene, LINEAR, SWAP_BOOK, data_type="incremental")
        listened(scene, client, 2)
        client.say({"unsub": SWAP_BOOK, "id": "u"})
        client.say({"sub": SWAP_BOOK, "data_type": "incremental", "id": "s"})
        listened_to = listened(scene, client, 1)
    assert [one.get("id") for one in listened_to[:2]] == ["u", "s"]
    assert [one["tick"]["event"] for one in of_topic(listened_to, SWAP_BOOK)[:2]] == ["snapshot", "update"]


@pytest.mark.parametrize(
    ("path", "asked", "told"),
    [
        (FEED, "nonsense", "invalid json"),
        (FEED, {"id": "7"}, "invalid command"),
        (FEED, {"sub": "market.nopeusdt.mbp.150", "id": "7"}, "invalid topic market.nopeusdt.mbp.150"),
        (FEED, {"sub": "market.btcusdt.mbp.77", "id": "7"}, "invalid topic market.btcusdt.mbp.77"),
        (FEED, {"sub": "market.btcusdt.trade.detail", "id": "7"}, "invalid topic market.btcusdt.trade.detail"),
        (MARKET, {"sub": MBP, "id": "7"}, f"invalid topic {MBP}"),
        (MARKET, {"req": MBP, "id": "7"}, f"invalid topic {MBP}"),
        (LINEAR, {"sub": "market.btcusdt.trade.detail", "id": "7"}, "invalid topic market.btcusdt.trade.detail"),
        (LINEAR, {"req": SWAP_BOOK, "id": "7"}, f"invalid topic {SWAP_BOOK}"),
        (INDEX, {"sub": SWAP_BOOK, "id": "7"}, f"invalid topic {SWAP_BOOK}"),
    ],
)
def test_what_a_socket_does_not_serve_is_refused(path: str, asked: Any, told: str, tmp_path: Path) -> None:  # noqa: ANN401 - any JSON
    market = "spot" if path in PATHS["spot"] else "futures"
    named = {"id": "7"} if isinstance(asked, dict) else {}
    with stage("htx", market, tmp_path, symbols=1) as scene:
        client = client_of(scene, path)
        client.say(asked)
        now_ms = scene.now_us // 1000
        assert taken(client) == [{"status": "error", "ts": now_ms, **named, "err-code": "bad-request", "err-msg": told}]
        assert scene.of(Subscribed) == []


@pytest.mark.parametrize(
    ("asked", "code", "told"),
    [
        ({"op": "sub", "cid": "c", "topic": "public.NOPE-USDT.funding_rate"}, 2011, "Contract doesn't exist."),
        ({"op": "sub", "cid": "c", "topic": "public.BTC-USDT.nonsense"}, 2010, "Topic error."),
        ({"op": "dance", "topic": "public.BTC-USDT.funding_rate"}, 2010, "Topic error."),
        ({}, 2010, "Topic error."),
    ],
)
def test_the_notification_socket_refuses_by_number(asked: dict[str, str], code: int, told: str, tmp_path: Path) -> None:
    with stage("htx", "futures", tmp_path, symbols=1) as scene:
        client = client_of(scene, NOTICES)
        client.say(asked)
        assert taken(client) == [{**asked, "ts": scene.now_us // 1000, "err-code": code, "err-msg": told}]


def test_books_are_asked_for_at_least_100_ms_apart(tmp_path: Path) -> None:
    with stage("htx", "spot", tmp_path, symbols=1) as scene:
        client = client_of(scene, FEED)
        answers = []
        for wait_s in (0.0, 0.08, 0.1):
            scene.play(wait_s)
            client.say({"req": MBP, "id": "r"})
            answers += taken(client)
    assert [one.get("err-code", one["status"]) for one in answers] == ["ok", "too-many-request", "ok"]


def test_linear_takes_40_requests_in_a_second_and_does_not_count_answers_to_pings(tmp_path: Path) -> None:
    with stage("htx", "futures", tmp_path, symbols=1) as scene:
        client = client_of(scene, LINEAR)
        for number in range(41):
            client.say({"pong": number})
            client.say({"unsub": SWAP_BOOK, "id": str(number)})
        statuses = [one["status"] for one in taken(client)]
        scene.play(1.1)
        client.say({"sub": SWAP_BOOK, "id": "later"})
        assert statuses == ["ok"] * 40 + ["error"]
        assert taken(client)[0]["status"] == "ok"


@pytest.mark.parametrize(("path", "most"), [(FEED, 2), (MARKET, 2), (LINEAR, 5), (INDEX, 5), (NOTICES, 5)])
def test_who_does_not_answer_so_many_pings_is_cut(path: str, most: int, tmp_path: Path) -> None:
    market = "spot" if path in PATHS["spot"] else "futures"
    with stage("htx", market, tmp_path, symbols=1) as scene:
        answering, silent = client_of(scene, path), client_of(scene, path)
        pings = [one for one in listened(scene, answering, 5 * most + 9) if "ping" in one or one.get("op") == "ping"]
        heard = [one for one in taken(silent) if "ping" in one or one.get("op") == "ping"]
        assert (answering.line.aborted, silent.line.aborted) == (False, True)
        assert [one.reason for one in scene.of(Closed)] == ["no answer to the venue's ping"]
    assert len(heard) in {most, most + 1}
    assert set(pings[0]) == ({"op", "ts"} if path == NOTICES else {"ping"})
    assert type(pings[0].get("ping", 0)) is int
    assert type(pings[0].get("ts", "")) is str


def test_an_answer_must_name_the_ping(tmp_path: Path) -> None:
    with stage("htx", "spot", tmp_path, symbols=1) as scene:
        client = client_of(scene, FEED)

        def answer() -> None:
            for one in taken(client):
                client.say({"pong": one["ping"] + 1})

        scene.play(20, answer)
        assert client.line.aborted


def test_spot_is_listed_in_three_forms(tmp_path: Path) -> None:
    with stage("htx", "spot", tmp_path) as scene:
        first, second, third = (
            scene.rest(path)[2]
            for path in ("/v1/common/symbols", "/v2/settings/common/symbols", "/v1/settings/common/market-symbols")
        )
        now_ms = scene.now_us // 1000
    assert [one["symbol"] for one in first["data"]] == ["btcusdt", "ethusdt", "solusdt", "xrpusdt", "bnbusdt"]
    one, two, three = first["data"][0], second["data"][0], third["data"][0]
    names = ("base-currency", "quote-currency", "price-precision", "amount-precision", "min-order-value", "state")
    assert [one[name] for name in names] == ["btc", "usdt", 0, 4, 10, "online"]
    assert [two[name] for name in ("sc", "bc", "qc", "tpp", "tap", "state", "te")] == [
        "btcusdt", "btc", "usdt", 0, 4, "online", True,
    ]  # fmt: skip
    fields = ("symbol", "bc", "qc", "pp", "ap", "minoa", "maxoa", "minov", "at")
    assert [three[name] for name in fields] == ["btcusdt", "btc", "usdt", 0, 4, 0.0001, 1000.0, 10, "enabled"]
    assert (first["status"], second["status"], second["ts"], second["full"]) == ("ok", "ok", str(now_ms), 1)


def test_linear_lists_contracts_of_one_lot_and_a_dated_one_for_who_asks_for_all(tmp_path: Path) -> None:
    with stage("htx", "futures", tmp_path) as scene:
        usual = scene.rest(f"{API}/swap_contract_info")[2]["data"]
        every = scene.rest(f"{API}/swap_contract_info", business_type="all")[2]["data"]
        one = scene.rest(f"{API}/swap_contract_info", contract_code="BTC-USDT")[2]["data"]
        elements = scene.rest(f"{API}/swap_query_elements", contract_code="BTC-USDT")[2]["data"]
        next_ms = str((scene.now_us // 1000 // 28_800_000 + 1) * 28_800_000)
    assert one == [
        {
            "symbol": "BTC",
            "contract_code": "BTC-USDT",
            "contract_size": 0.0001,
            "price_tick": 5.0,
            "delivery_date": "",
            "delivery_time": "",
            "create_date": "20201021",
            "contract_status": 1,
            "settlement_date": next_ms,
            "support_margin_mode": "all",
            "business_type": "swap",
            "pair": "BTC-USDT",
            "contract_type": "swap",
            "trade_partition": "USDT",
        }
    ]
    assert (usual[0], len(usual)) == (one[0], 5)
    assert every[:-1] == usual
    assert (every[-1]["business_type"], every[-1]["delivery_date"]) == ("futures", "20270326")
    assert [(found["contract_code"], found["settle_period"]) for found in elements] == [("BTC-USDT", 8)]


def test_funding_over_rest_is_the_next_payment(tmp_path: Path) -> None:
    with stage("htx", "futures", tmp_path, symbols=2, funding_s=3600) as scene:
        scene.play(1)
        body = scene.rest(f"{API}/swap_funding_rate", contract_code="BTC-USDT")[2]
        batch = scene.rest(f"{API}/swap_batch_funding_rate")[2]
        rate, now_ms = scene.exchange.market.listings[0].funding_rate, scene.now_us // 1000
    next_ms = (now_ms // 3_600_000 + 1) * 3_600_000
    assert body == {
        "status": "ok",
        "data": {
            "estimated_rate": None,
            "funding_rate": rate,
            "contract_code": "BTC-USDT",
            "symbol": "BTC",
            "fee_asset": "USDT",
            "funding_time": str(next_ms),
            "next_funding_time": str(next_ms + 3_600_000),
        },
        "ts": now_ms,
    }
    assert [one["contract_code"] for one in batch["data"]] == ["BTC-USDT", "ETH-USDT"]
    assert batch["data"][0] == body["data"]


@pytest.mark.parametrize(
    ("market", "path", "query", "levels"),
    [
        ("spot", "/market/depth", {"symbol": "btcusdt", "type": "step0"}, 150),
        ("spot", "/market/depth", {"symbol": "btcusdt", "type": "step0", "depth": "10"}, 10),
        ("futures", "/linear-swap-ex/market/depth", {"contract_code": "BTC-USDT", "type": "step0"}, 150),
        ("futures", "/linear-swap-ex/market/depth", {"contract_code": "BTC-USDT", "type": "step6"}, 20),
    ],
)
def test_a_book_over_rest_has_a_version_of_its_own(
    market: str, path: str, query: dict[str, str], levels: int, tmp_path: Path
) -> None:
    with stage("htx", market, tmp_path, symbols=1) as scene:
        scene.play(1)
        body, now_ms = scene.rest(path, **query)[2], scene.now_us // 1000
        feed = next(iter(scene.exchange.face.feeds.values()))  # type: ignore[attr-defined] # HTX's own
    native = query.get("symbol") or query["contract_code"]
    topic = f"market.{native}.depth.{query['type']}"
    tick = body["tick"]
    assert body == {"status": "ok", "ch": topic, "tick": tick, "ts": now_ms}
    more = {} if market == "spot" else {"ch": topic, "id": now_ms // 1000, "mrid": feed.last_id}
    assert tick == {"bids": tick["bids"], "asks": tick["asks"], "version": feed.version, "ts": now_ms, **more}
    assert (len(tick["bids"]), len(tick["asks"])) == (levels, levels)
    assert feed.version != feed.last_id


@pytest.mark.parametrize(
    ("market", "path", "query", "status", "said"),
    [
        (
            "spot", "/market/depth", {"symbol": "nope", "type": "step0"}, 200,
            {"err-code": "invalid-parameter", "err-msg": "invalid symbol", "data": None},
        ),
        (
            "spot", "/market/depth", {"symbol": "btcusdt", "type": "step1"}, 200,
            {"err-code": "invalid-parameter", "err-msg": "invalid type", "data": None},
        ),
        (
            "futures", "/linear-swap-ex/market/history/trade", {"contract_code": "BTC-USDT", "size": "x"}, 200,
            {"err-code": "invalid-parameter", "err-msg": "invalid size"},
        ),
        (
            "futures", f"{API}/swap_funding_rate", {"contract_code": "NOPE"}, 200,
            {"err_code": 1332, "err_msg": "The contract code doesn't exist."},
        ),
        (
            "spot", f"{API}/swap_funding_rate", {}, 404,
            {"err-code": "invalid-path", "err-msg": "path not found", "data": None},
        ),
    ],
)  # fmt: skip
def test_errors_stand_in_the_status(
    market: str, path: str, query: dict[str, str], status: int, said: dict[str, object], tmp_path: Path
) -> None:
    with stage("htx", market, tmp_path, symbols=1) as scene:
        found, _, body = scene.rest(path, **query)
    body.pop("ts", None)
    assert (found, body) == (status, {"status": "error", **said})


def test_time_is_told_by_each_market_in_its_way(tmp_path: Path) -> None:
    for market, path, name in (("spot", "/v1/common/timestamp", "data"), ("futures", "/api/v1/timestamp", "ts")):
        with stage("htx", market, tmp_path / market, symbols=1) as scene:
            body = scene.rest(path)[2]
            assert (body["status"], body[name]) == ("ok", scene.now_us // 1000)


@pytest.mark.parametrize(
    ("market", "path", "most", "said"),
    [
        ("spot", "/v1/common/timestamp", 10, {"err-code": "rate-too-many-requests"}),
        ("futures", "/api/v1/timestamp", 240, {"err_code": 1032}),
    ],
)
def test_who_asks_too_often_must_wait(
    market: str, path: str, most: int, said: dict[str, object], tmp_path: Path
) -> None:
    with stage("htx", market, tmp_path, symbols=1) as scene:
        scene.now_us -= scene.now_us % 3_000_000
        answers = [scene.rest(path) for _ in range(most + 1)]
        asked = Request(path=path, query={}, at_us=scene.now_us + 3_000_000)
        faults = [
            scene.exchange.face.rest(one) for one in (replace(asked, refuse_s=7), replace(asked, address_ban_s=7))
        ]
    assert [one[0] for one in answers] == [200] * most + [429]
    assert said.items() <= answers[-1][2].items()
    assert [one.status for one in faults] == [429, 429]
    left, reset = (
        ("X-HB-RateLimit-Requests-Remain", "X-HB-RateLimit-Requests-Expire")
        if market == "spot"
        else ("ratelimit-remaining", "ratelimit-reset")
    )
    assert (answers[0][1][left], answers[-1][1][left]) == (str(most - 1), "0")
    assert {one.headers[reset] for one in faults} == {str(scene.now_us // 1000 + 10_000)}
