"""OKX's socket as our fact sheet has it: seqId and prevSeqId, an idle heartbeat, an answer to each argument."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from simulator.journal import Closed, Delta, Served, Trade
from tests.support.okx_client import NAME, applied, arg_of, client_of, coins, of_channel, own_book
from tests.support.stage import START_US, stage

BOTH = pytest.mark.parametrize("market", ["spot", "futures"])


@BOTH
def test_updates_follow_the_snapshot_by_prev_seq_id_over_hundreds_of_steps(market: str, tmp_path: Path) -> None:
    with stage("okx", market, tmp_path, symbols=2) as scene:
        scene.play(1)
        client = client_of(scene, "books")
        scene.play(40)
        found = of_channel(client.take(), "books")
        own, served, deltas = own_book(scene, market, 400), scene.of(Served), scene.of(Delta)
    assert [one["action"] for one in found] == ["snapshot"] + ["update"] * (len(found) - 1)
    assert len(found) > 250
    assert list(applied(found)) == own
    first = found[0]["data"][0]
    assert [len(first[side]) for side in ("bids", "asks")] == [400, 400]
    assert [(one.connection, one.sequence, one.channel, one.levels) for one in served] == [
        (1, first["seqId"], "books", 400)
    ]
    jumps = {after["data"][0]["seqId"] - before["data"][0]["seqId"] for before, after in pairwise(found)}
    assert min(jumps) > 0
    assert len(jumps) > 10
    written = [one for one in deltas if one.symbol == "BTC/USDT" and one.at_us > START_US + 1_000_000]
    told = [one["data"][0] for one in found[1:]]
    assert [(one.sequence, one.first, one.follows) for one in written] == [
        (one["seqId"], one["seqId"], one["prevSeqId"]) for one in told
    ]
    # The journal has coins, also where the wire has contracts.
    assert [[(p, float(q)) for p, q in one.bids] for one in written] == [
        [(p, coins(market, q)) for p, q, _, _ in one["bids"]] for one in told
    ]


def test_frames_are_those_of_the_sheet(tmp_path: Path) -> None:
    with stage("okx", "spot", tmp_path, symbols=1) as scene:
        client = client_of(scene, "books")
        _, snapshot = client.take()
        while not scene.of(Delta):
            scene.play(0.1)
        (update,) = client.take()
        (delta,) = scene.of(Delta)
    zero = [(p, "0" if float(q) == 0 else q) for p, q in (*delta.bids, *delta.asks)]
    levels = [[p, q, "0", str(int(float(q) * 10_000) and 1 + round(float(q) * 10_000) % 9)] for p, q in zero]
    assert update == {
        "arg": {"channel": "books", "instId": "BTC-USDT"},
        "action": "update",
        "data": [
            {
                "asks": levels[len(delta.bids) :],
                "bids": levels[: len(delta.bids)],
                "ts": str(delta.at_us // 1000),
                "checksum": 0,
                "prevSeqId": delta.follows,
                "seqId": delta.sequence,
            }
        ],
    }
    assert {**snapshot, "data": None} == {
        "arg": {"channel": "books", "instId": "BTC-USDT"},
        "action": "snapshot",
        "data": None,
    }
    assert list(snapshot["data"][0]) == ["asks", "bids", "ts", "checksum", "prevSeqId", "seqId"]


@BOTH
def test_all_trades_and_the_merged_ones(market: str, tmp_path: Path) -> None:
    with stage("okx", market, tmp_path, symbols=1) as scene:
        merged, every = client_of(scene, "trades"), client_of(scene, "trades-all", path="business")
        scene.play(60)
        ones = [one for message in of_channel(every.take(), "trades-all") for one in message["data"]]
        sums = [one for message in of_channel(merged.take(), "trades") for one in message["data"]]
        written = scene.of(Trade)
        _, _, body = scene.rest("/api/v5/market/trades", instId=NAME[market], limit="20")
    assert len(ones) > len(sums) > 20
    assert set(ones[0]) == {"instId", "tradeId", "px", "sz", "side", "ts", "source"}
    assert set(sums[0]) == {"instId", "tradeId", "px", "sz", "side", "ts", "count", "source", "seqId"}
    assert {one["side"] for one in ones} == {"buy", "sell"}
    ids = [int(one["tradeId"]) for one in ones]
    assert ids == list(range(ids[0], ids[0] + len(ids)))
    by_id = {int(one["tradeId"]): one for one in ones}
    for one in sums:
        last, count = int(one["tradeId"]), int(one["count"])
        parts = [by_id[number] for number in range(last - count + 1, last + 1)]
        assert {(part["px"], part["side"], part["ts"]) for part in parts} == {(one["px"], one["side"], one["ts"])}
        assert sum(float(part["sz"]) for part in parts) == pytest.approx(float(one["sz"]))
    assert {one["count"] for one in sums} == {"1", "2"}
    for channel, told in (("trades-all", ones), ("trades", sums)):
        assert [(t.id, t.side, t.price, float(t.quantity)) for t in written if t.channel == channel] == [
            (one["tradeId"], one["side"], one["px"], coins(market, one["sz"])) for one in told
        ]
    assert body == {
        "code": "0",
        "msg": "",
        "data": [
            {name: one[name] for name in ("instId", "side", "sz", "px", "tradeId", "ts")} for one in ones[:-21:-1]
        ],
    }


def test_merged_trades_are_written_from_the_first_subscription_on(tmp_path: Path) -> None:
    with stage("okx", "spot", tmp_path, symbols=1) as scene:
        scene.play(20)
        assert {one.channel for one in scene.of(Trade)} == {"trades-all"}
        client = client_of(scene, "trades")
        scene.exchange.disconnect(client.connection, scene.now_us)
        scene.play(20)
        assert {one.channel for one in scene.of(Trade)} == {"trades-all", "trades"}


def test_a_book_that_stands_still_is_told_to_be_alive_each_minute(tmp_path: Path) -> None:
    with stage("okx", "spot", tmp_path, symbols=1) as scene:
        client = client_of(scene, "books")
        scene.play(5)
        before = of_channel(client.take(), "books")
        for own in scene.exchange.market._own:  # noqa: SLF001 - a market that stands still for once
            own.random = lambda: 0.999  # type: ignore[method-assign] # as above
        written = len(scene.of(Delta))
        scene.play(125)
        told = of_channel(client.take(), "books")
        assert len(scene.of(Delta)) == written
        _, _, body = scene.rest("/api/v5/market/books", instId="BTC-USDT", sz="400")
    last = before[-1]["data"][0]
    assert [(one["action"], {**one["data"][0], "ts": None}) for one in told] == [
        (
            "update",
            {
                "asks": [],
                "bids": [],
                "ts": None,
                "checksum": 0,
                "prevSeqId": last["seqId"],
                "seqId": last["seqId"],
            },
        )
    ] * 2
    times = [int(one["data"][0]["ts"]) for one in (before[-1], *told)]
    assert [after - earlier for earlier, after in pairwise(times)] == [60_000, 60_000]
    # REST tells the time of the last change and no sequence.
    assert {**body["data"][0], "asks": 0, "bids": 0} == {"asks": 0, "bids": 0, "ts": last["ts"]}


@BOTH
def test_each_argument_has_its_own_answer(market: str, tmp_path: Path) -> None:
    good, bad = arg_of("trades", market), {"channel": "trades", "instId": "NOPE-USDT"}
    with stage("okx", market, tmp_path, symbols=1) as scene:
        client = client_of(scene)
        client.say("ping")
        assert client.line.messages.pop() == (1, b"pong")
        client.say({"id": "1512", "op": "subscribe", "args": [bad, good]})
        client.say({"op": "subscribe", "args": [good]})
        client.say({"id": "2", "op": "unsubscribe", "args": [good]})
        answers = client.take()
        (name,) = {one.pop("connId") for one in answers}
        assert len(name) == 8
        told = (
            "Wrong URL or channel:trades,instId:NOPE-USDT doesn't exist. "
            "Please use the correct URL, channel and parameters referring to API document."
        )
        assert answers == [
            {"id": "1512", "event": "error", "code": "60018", "msg": told},
            {"id": "1512", "event": "subscribe", "arg": good},
            {"event": "subscribe", "arg": good},
            {"id": "2", "event": "unsubscribe", "arg": good},
        ]
        scene.play(30)
        assert client.take() == []


@BOTH
@pytest.mark.parametrize(
    ("path", "message", "code"),
    [
        ("public", "nonsense", "60012"),
        ("public", [1], "60012"),
        ("public", {"op": "dance", "args": [{"channel": "books"}]}, "60012"),
        ("public", {"op": ["subscribe"], "args": [{"channel": "books"}]}, "60012"),
        ("public", {"op": "subscribe", "argss": []}, "60012"),
        ("public", {"op": "subscribe", "args": []}, "60012"),
        ("public", {"op": "subscribe", "args": ["books:BTC-USDT"]}, "60012"),
        ("public", {"op": "subscribe", "args": [{"channel": "x" * 70_000}]}, "60012"),
        ("public", {"op": "subscribe", "id": "a-b", "args": [{"channel": "books"}]}, "60012"),
        ("public", {"op": "subscribe", "id": "a" * 33, "args": [{"channel": "books"}]}, "60012"),
        ("public", {"op": "subscribe", "args": [{"channel": "books"}]}, "60018"),
        ("public", {"op": "subscribe", "args": [{"channel": ["books"], "instId": {}}]}, "60018"),
        ("public", {"op": "subscribe", "args": [{"channel": "trades-all", "instId": "BTC-USDT"}]}, "60018"),
        ("business", {"op": "subscribe", "args": [{"channel": "books", "instId": "BTC-USDT"}]}, "60018"),
        ("public", {"op": "subscribe", "args": [{"channel": "books-l2-tbt", "instId": "BTC-USDT"}]}, "64003"),
        ("public", {"op": "login", "args": [{"apiKey": "a"}]}, "60009"),
    ],
)
def test_what_is_wrong_is_said_in_a_code(market: str, path: str, message: object, code: str, tmp_path: Path) -> None:
    with stage("okx", market, tmp_path, symbols=1) as scene:
        client = client_of(scene, path=path)
        client.say(message)
        (answer,) = client.take()
        assert (answer["event"], answer["code"]) == ("error", code)
        scene.play(3)
        assert client.take() == []


def test_a_book_subscribed_to_again_comes_whole_again(tmp_path: Path) -> None:
    with stage("okx", "spot", tmp_path, symbols=1) as scene:
        client = client_of(scene, "books")
        scene.play(3)
        client.say({"op": "unsubscribe", "args": [arg_of("books", "spot")]})
        client.take()
        scene.play(3)
        assert client.take() == []
        client.say({"op": "subscribe", "args": [arg_of("books", "spot")]})
        scene.play(3)
        found = of_channel(client.take(), "books")
        assert list(applied(found)) == own_book(scene, "spot", 400)


def test_limits_of_connections_and_requests(tmp_path: Path) -> None:
    with stage("okx", "spot", tmp_path, symbols=1) as scene:
        assert [scene.exchange.may_connect(at_s) for at_s in (0.0, 0.1, 0.2, 0.3, 1.35)] == [True] * 3 + [False, True]
        client = client_of(scene)
        for _ in range(481):
            client.say({"op": "subscribe", "args": [arg_of("trades", "spot")]})
        answers = client.take()
        assert [one["event"] for one in answers] == ["subscribe"] * 480 + ["error"]
        assert answers[-1]["code"] == "60014"


def test_who_reads_nothing_and_says_nothing_is_cut_after_thirty_seconds(tmp_path: Path) -> None:
    with stage("okx", "spot", tmp_path, symbols=1) as scene:
        idle, reading, pinging = client_of(scene), client_of(scene, "trades"), client_of(scene)
        for _ in range(4):
            scene.play(10)
            pinging.say("ping")
        assert [one.line.aborted for one in (idle, reading, pinging)] == [True, False, False]
        assert len(scene.of(Closed)) == 1


def test_notice_is_given_before_the_server_goes(tmp_path: Path) -> None:
    with stage("okx", "spot", tmp_path, symbols=1) as scene:
        client = client_of(scene)
    (notice,) = client.take()
    assert {**notice, "connId": ""} == {
        "event": "notice",
        "code": "64008",
        "msg": "The connection will soon be closed for a service upgrade. Please reconnect.",
        "connId": "",
    }


def test_unknown_addresses_are_not_there(tmp_path: Path) -> None:
    with stage("okx", "spot", tmp_path, symbols=1) as scene:
        assert [scene.exchange.face.route(path, {}) for path in ("/", "/ws/v5/private", "/ws/v5")] == [None] * 3
        assert scene.rest("/api/v5/market/nothing")[::2] == (404, {"code": "404", "msg": "Not Found", "data": []})
        assert scene.rest("/api/v5/public/funding-rate", instId="BTC-USDT")[0] == 404
