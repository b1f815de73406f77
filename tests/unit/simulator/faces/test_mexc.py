"""MEXC as its sheet has it: protocol buffers to the byte, versions without holes, refusals that say code 0, limits."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from simulator.face import Request
from simulator.faces import mexc_streams, protobuf
from simulator.faces.mexc_streams import Fill, parse_stream, wrapped
from simulator.journal import Closed, Delta, Served, Trade
from tests.support.mexc_client import BINARY, applied, exact, floats, pushed, spot
from tests.support.stage import stage

DEPTH = "spot@public.aggre.depth.v3.api.pb@100ms@BTCUSDT"
DEALS = "spot@public.aggre.deals.v3.api.pb@100ms@BTCUSDT"
REFUSED = "Not Subscribed successfully! [{}].  Reason\uff1a {}! "
VECTOR_D = (
    "0a2f73706f74407075626c69632e61676772652e64657074682e76332e6170692e7062403130306d7340425443555344541a0742544355534454"
    "30bad2c3d1c432ca13630a0d0a0839323837372e3538120130120f0a0839323837362e39391203302e351a2773706f74407075626c69632e6167"
    "6772652e64657074682e76332e6170692e7062403130306d73220b31303538393633323335392a0b3130353839363332333539"
)
VECTOR_T = (
    "0a2f73706f74407075626c69632e61676772652e6465616c732e76332e6170692e7062403130306d7340425443555344541a0742544355534454"
    "30bca9d9d0c432d2134a0a1f0a0839333232302e3030120a302e3034343338323433180220bba9d9d0c432122773706f74407075626c69632e61"
    "676772652e6465616c732e76332e6170692e7062403130306d73"
)


def test_the_bytes_are_those_of_the_sheet() -> None:
    depth, deals = parse_stream(DEPTH), parse_stream(DEALS)
    assert depth is not None
    assert deals is not None
    body = mexc_streams.depths([("92876.99", "0.5")], [("92877.58", "0")], depth, 10589632359, 10589632359)
    assert wrapped(depth, body, 1736411507002).hex() == VECTOR_D
    # The vector is older than the ids of trades.
    body = mexc_streams.deals([Fill("", "93220.00", "0.04438243", "sell", 1736409765051)], deals)
    assert wrapped(deals, body, 1736409765052).hex() == VECTOR_T


@pytest.mark.parametrize(("value", "written"), [(1, "01"), (127, "7f"), (128, "8001"), (300, "ac02"), (1 << 35, None)])
def test_numbers_are_written_seven_bits_at_a_time(value: int, written: str | None) -> None:
    found = protobuf.varint(value)
    assert found.hex() == (written or "808080808001")
    assert protobuf.whole(1, 0) + protobuf.text(2, "") == b""
    assert protobuf.inner(315, b"").hex() == "da1300"


def test_spot_numbers_every_change_and_a_reader_of_the_venue_s_own_classes_has_the_book(tmp_path: Path) -> None:
    with stage("mexc", "spot", tmp_path) as scene:
        client = spot(scene, DEPTH, DEALS)
        assert client.take() == [{"id": 0, "code": 0, "msg": f"{DEPTH},{DEALS}"}]
        scene.play(3)
        _, _, seed = scene.rest("/api/v3/depth", symbol="BTCUSDT", limit="1000")
        scene.play(37)
        found = [one for one in pushed(client) if "publicAggreDepths" in one]
        written = [one for one in scene.of(Delta) if one.symbol == "BTC/USDT"]
        last = scene.rest("/api/v3/depth", symbol="BTCUSDT", limit="5000")[2]
        served = [one.sequence for one in scene.of(Served)]
    assert set(found[0]) == {"channel", "symbol", "sendTime", "publicAggreDepths"}
    assert {(one["channel"], one["symbol"]) for one in found} == {(DEPTH, "BTCUSDT")}
    bodies = [one["publicAggreDepths"] for one in found]
    assert {one["eventType"] for one in bodies} == {DEPTH.rpartition("@")[0]}
    told: list[tuple[Any, ...]] = [
        (
            int(one["fromVersion"]),
            int(one["toVersion"]),
            *(floats([tuple(level.values()) for level in one.get(side, [])]) for side in ("bids", "asks")),
        )
        for one in bodies
    ]
    assert len(told) > 250
    assert [after[0] for _, after in pairwise(told)] == [before[1] + 1 for before, _ in pairwise(told)]
    assert told == exact(written)
    assert [one.follows for one in written] == [one.first - 1 for one in written]
    assert any(level.get("quantity") == "0" for one in bodies for level in one.get("bids", []))
    book = {side: dict(floats(seed[side])) for side in ("bids", "asks")}
    upto = (one for one in told if one[1] <= last["lastUpdateId"])
    assert applied(book, upto, seed["lastUpdateId"]) == last["lastUpdateId"]
    assert book == {side: dict(floats(last[side])) for side in ("bids", "asks")}
    assert served == [seed["lastUpdateId"], last["lastUpdateId"]]


def test_the_book_of_rest_is_behind_the_socket(tmp_path: Path) -> None:
    for market, path in (("spot", "/api/v3/depth"), ("futures", "/api/v1/contract/depth/BTC_USDT")):
        with stage("mexc", market, tmp_path / market) as scene:
            behind = []
            scene.play(1)
            for _ in range(8):
                scene.play(0.5)
                body = scene.rest(path, symbol="BTCUSDT")[2]
                version = body["lastUpdateId"] if market == "spot" else body["data"]["version"]
                behind.append([one for one in scene.of(Delta) if one.symbol == "BTC/USDT"][-1].sequence - version)
        assert max(behind) > 0


def test_a_faster_stream_begins_where_the_usual_one_is(tmp_path: Path) -> None:
    fast = DEPTH.replace("100ms", "10ms")
    with stage("mexc", "spot", tmp_path, symbols=1) as scene:
        scene.play(2)
        client = spot(scene, DEPTH, fast)
        scene.play(2)
        found = pushed(client)
        channels = {one.channel for one in scene.of(Delta)}
    versions = {
        name: [one["publicAggreDepths"]["fromVersion"] for one in found if one["channel"] == name]
        for name in (DEPTH, fast)
    }
    assert versions[DEPTH] == versions[fast]
    assert channels == {DEPTH.rpartition("@")[0], fast.rpartition("@")[0]}


def test_trades_of_spot_are_those_of_the_journal_and_of_rest(tmp_path: Path) -> None:
    with stage("mexc", "spot", tmp_path) as scene:
        client = spot(scene, DEALS)
        scene.play(40)
        raw = [payload for opcode, payload in client.line.messages if opcode == BINARY]
        found = pushed(client)
        written = [one for one in scene.of(Trade) if one.symbol == "BTC/USDT"]
        listed = scene.rest("/api/v3/trades", symbol="BTCUSDT")[2]
    told = [one for message in found for one in message["publicAggreDeals"]["deals"]]
    side = {1: "buy", 2: "sell"}
    assert [(side[one["tradeType"]], one["price"], one["quantity"]) for one in told] == [
        (one.side, one.price, one.quantity) for one in written
    ]
    assert {one.side for one in written} == {"buy", "sell"}
    # The classes are older than the ids, which are there all the same.
    assert all(protobuf.text(5, one.id) in b"".join(raw) for one in written)
    assert len({one.id for one in written}) == len(written)
    assert [(one["id"], one["price"], one["qty"], one["time"], one["tradeType"]) for one in listed] == [
        (None, one["price"], one["quantity"], int(one["time"]), "BID" if one["tradeType"] == 1 else "ASK")
        for one in told[::-1]
    ]


def test_images_of_the_top_are_whole(tmp_path: Path) -> None:
    limit, batch = "spot@public.limit.depth.v3.api.pb@BTCUSDT@5", "spot@public.bookTicker.batch.v3.api.pb@BTCUSDT"
    best, candles = DEPTH.replace("depth", "bookTicker"), "spot@public.kline.v3.api.pb@BTCUSDT@Min1"
    with stage("mexc", "spot", tmp_path, symbols=1) as scene:
        client = spot(scene, limit, batch, best, candles)
        scene.play(2)
        found = {one["channel"]: one for one in pushed(client)}
        ladder = scene.exchange.market.listings[0].ladder
        top = scene.exchange.face._talk.feeds["BTCUSDT"].texts  # type: ignore[attr-defined]  # noqa: SLF001 - to compare with
    assert set(found) == {limit, batch, best}
    assert {side: len(found[limit]["publicLimitDepths"][side]) for side in ("bids", "asks")} == {"bids": 5, "asks": 5}
    (bid, ask), item = (top.price(ladder.bid), top.price(ladder.ask)), found[best]["publicAggreBookTicker"]
    assert (item["bidPrice"], item["askPrice"]) == (bid, ask)
    assert found[batch]["publicBookTickerBatch"]["items"][0]["bidPrice"] == bid


def test_refusals_of_spot_say_code_0(tmp_path: Path) -> None:
    with stage("mexc", "spot", tmp_path) as scene:
        bad = ("spot@public.aggre.depth.v3.api.pb@100ms@NOPEUSDT", "spot@public.miniTicker.v3.api.pb@BTCUSDT@UTC+8")
        client = spot(scene, DEPTH, *bad)
        client.say({"method": "UNSUBSCRIPTION", "params": [DEPTH]})
        client.say({"method": "PING"})
        unknown: object
        for unknown in ({"method": "DANCE"}, {"method": "SUBSCRIPTION"}, {"params": []}, "nonsense", "[]"):
            client.say(unknown)
        assert client.take() == [
            {"id": 0, "code": 0, "msg": DEPTH},
            {"id": 0, "code": 0, "msg": REFUSED.format(",".join(bad), "Blocked")},
            {"id": 0, "code": 0, "msg": DEPTH},
            {"id": 0, "code": 0, "msg": "PONG"},
        ]
        scene.play(2)
        assert client.line.messages == []


def test_a_connection_of_spot_has_thirty_subscriptions(tmp_path: Path) -> None:
    with stage("mexc", "spot", tmp_path, symbols=16) as scene:
        wires = list(scene.exchange.face._talk.feeds)  # type: ignore[attr-defined]  # noqa: SLF001 - names of all
        names = [one.replace("BTCUSDT", wire) for one in (DEPTH, DEALS) for wire in wires]
        client = spot(scene, *names, DEPTH)
        assert [one["msg"] for one in client.take()] == [
            ",".join([*names[:30], DEPTH]),
            REFUSED.format(",".join(names[30:]), "Too many subscriptions"),
        ]


def test_spot_cuts_who_subscribes_to_nothing_and_who_hears_nothing(tmp_path: Path) -> None:
    with stage("mexc", "spot", tmp_path, symbols=1) as scene:
        bare, reading = spot(scene), spot(scene, DEPTH)
        scene.play(29)
        assert (bare.line.aborted, reading.line.aborted) == (False, False)
        scene.play(3, lambda: bare.say({"method": "PING"}) if scene.now_us % 1_000_000 == 0 else None)
        assert (bare.line.aborted, reading.line.aborted) == (True, False)
        scene.exchange.halt(scene.now_us)
        pinging = spot(scene, DEPTH)
        scene.play(63, lambda: pinging.say({"method": "PING"}) if scene.now_us % 20_000_000 == 0 else None)
        assert (reading.line.aborted, pinging.line.aborted) == (True, False)
        assert [one.reason for one in scene.of(Closed)] == ["no subscription for too long", "no data for too long"]


def test_a_hundred_messages_a_second_are_the_most_on_spot(tmp_path: Path) -> None:
    with stage("mexc", "spot", tmp_path, symbols=1) as scene:
        client = spot(scene)
        for _ in range(100):
            client.say({"method": "PING"})
        assert not client.line.closed
        client.say({"method": "PING"})
        assert client.line.closed


def test_lists_carry_the_rules_and_some_that_are_not_ours(tmp_path: Path) -> None:
    with stage("mexc", "spot", tmp_path / "spot", symbols=6) as scene:
        listed = scene.rest("/api/v3/exchangeInfo")[2]["symbols"]
        one = listed[5]
        assert (one["symbol"], one["status"], one["baseSizePrecision"]) == ("DOGEUSDT", "1", "5")
        assert (one["baseAssetPrecision"], one["quotePrecision"], one["quoteAmountPrecision"]) == (0, 5, "1")
        assert [other["status"] for other in listed] == ["1"] * 6 + ["2"]
        assert scene.rest("/api/v3/exchangeInfo", symbol="ETHUSDT")[2]["symbols"] == listed[1:2]
        assert scene.rest("/api/v3/defaultSymbols")[2]["data"] == [other["symbol"] for other in listed[:6]]
        assert scene.rest("/api/v3/time")[2] == {"serverTime": scene.now_us // 1000}
        assert scene.rest("/api/v3/depth", symbol="NOPE")[::2] == (
            400,
            {"code": 10007, "msg": "symbol not support api"},
        )
        assert scene.rest("/api/v3/depth")[2]["code"] == 700004
        assert len(scene.rest("/api/v3/depth", symbol="BTCUSDT")[2]["bids"]) == 100
    with stage("mexc", "futures", tmp_path / "futures", symbols=6) as scene:
        listed = scene.rest("/api/v1/contract/detail")[2]["data"]
        one = listed[5]
        assert (one["symbol"], one["contractSize"], one["priceUnit"]) == ("DOGE_USDT", 5, 0.00001)
        assert [other["settleCoin"] == other["quoteCoin"] for other in listed] == [True] * 6 + [False]
        assert scene.rest("/api/v1/contract/detail", symbol="DOGE_USDT")[2]["data"] == one
        no = scene.rest("/api/v1/contract/depth/NOPE_USDT")
        assert no[::2] == (200, {"success": False, "code": 1001, "message": "contract not exists"})
        assert scene.rest("/api/v1/contract/ping")[2]["data"] == scene.now_us // 1000
        assert scene.rest("/api/v1/contract/dance")[0] == 404


def test_limits_of_rest_are_each_endpoint_s_own(tmp_path: Path) -> None:
    with stage("mexc", "spot", tmp_path / "spot", symbols=1) as scene:
        statuses = [scene.rest("/api/v3/exchangeInfo")[0] for _ in range(71)]
        assert statuses == [200] * 50 + [429] * 20 + [418]
        status, headers, _ = scene.rest("/api/v3/exchangeInfo")
        assert (status, headers["Retry-After"]) == (418, "120")
        assert scene.rest("/api/v3/time")[0] == 200
    with stage("mexc", "futures", tmp_path / "futures", symbols=1) as scene:
        path = "/api/v1/contract/depth/BTC_USDT"
        assert [scene.rest(path)[2].get("code") for _ in range(11)] == [0] * 10 + [510]
        assert scene.rest("/api/v1/contract/detail")[2]["code"] == 0
        scene.now_us += 2_000_000
        assert scene.rest(path)[2]["code"] == 0


@pytest.mark.parametrize("ban", [False, True])
def test_faults_of_rest_are_the_venue_s_own_refusals(ban: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a case
    refuse_s, ban_s = (0, 3) if ban else (3, 0)
    for market, path, told in (
        ("spot", "/api/v3/time", (418 if ban else 429, {"Retry-After": "3"})),
        ("futures", "/api/v1/contract/ping", (200, {})),
    ):
        with stage("mexc", market, tmp_path / market, symbols=1) as scene:
            asked = Request(path=path, query={}, at_us=scene.now_us, refuse_s=refuse_s, address_ban_s=ban_s)
            answer = scene.exchange.face.rest(asked)
        assert (answer.status, answer.headers) == told
        assert json.loads(answer.body)["code"] == (told[0] if market == "spot" else 510)
