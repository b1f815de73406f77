"""MEXC futures as their sheet has them: merged changes, contracts, answers that name no contract, exponents, pings."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest

from simulator.faces.mexc_futures import number
from simulator.journal import Closed, Delta, Trade
from simulator.limits import SocketLimits
from tests.support.mexc_client import applied, exact, floats, futures
from tests.support.stage import stage


def test_futures_cut_who_does_not_ping_while_data_flow(tmp_path: Path) -> None:
    with stage("mexc", "futures", tmp_path, symbols=1) as scene:
        silent, pinging = futures(scene, "sub.depth"), futures(scene, "sub.depth")
        scene.play(50)
        silent.say({"method": "sub.deal", "param": {"symbol": "BTC_USDT"}})
        pinging.say({"method": "ping"})
        scene.play(12)
        assert (silent.line.aborted, pinging.line.aborted) == (True, False)
        assert [one.reason for one in scene.of(Closed)] == ["no ping for too long"]


def test_merged_changes_of_futures_have_begin_and_end_and_straddle_the_seed(tmp_path: Path) -> None:
    with stage("mexc", "futures", tmp_path) as scene:
        client = futures(scene, "sub.depth")
        seeds = []
        for _ in range(10):
            scene.play(0.9)
            seeds.append(scene.rest("/api/v1/contract/depth/BTC_USDT", limit="1000")[2])
        client.say({"method": "ping"})
        # Then both the message and REST's book are due.
        scene.play(45)
        found = [one for one in client.take() if one["channel"] == "push.depth"]
        written = [one for one in scene.of(Delta) if one.symbol == "BTC/USDT"]
        last = scene.rest("/api/v1/contract/depth/BTC_USDT")[2]["data"]
    data = [one["data"] for one in found]
    lot = 0.0001
    told = [(one["begin"], one["end"], floats(one["bids"]), floats(one["asks"])) for one in data]
    assert len(told) > 200
    assert set(data[0]) == {"cts", "asks", "bids", "end", "begin", "version"}
    assert set(found[0]) == {"symbol", "data", "channel", "ts"}
    assert all(one["version"] == one["end"] for one in data)
    assert [after[0] for _, after in pairwise(told)] == [before[1] + 1 for before, _ in pairwise(told)]
    in_contracts = [
        (first, end, *([(p, round(q / lot)) for p, q in side] for side in (bids, asks)))
        for first, end, bids, asks in exact(written)
    ]
    assert told == in_contracts
    assert {level[2] for one in data for level in one["bids"] if level[1] == 0} == {0}
    straddled = 0
    for seed in seeds:
        book, at = {side: dict(floats(seed["data"][side])) for side in ("bids", "asks")}, seed["data"]["version"]
        straddled += any(first <= at < end for first, end, _, _ in told)
        applied(book, (one for one in told if one[1] <= last["version"]), at)
    assert straddled > 0
    assert told[-1][1] == last["version"]
    assert book == {side: dict(floats(last[side])) for side in ("bids", "asks")}


def test_trades_of_futures_count_contracts_and_the_journal_coins(tmp_path: Path) -> None:
    with stage("mexc", "futures", tmp_path) as scene:
        client = futures(scene, "sub.deal", wire="SOL_USDT")
        scene.play(40)
        found = [one for one in client.take() if one["channel"] == "push.deal"]
        written = [one for one in scene.of(Trade) if one.symbol == "SOL/USDT"]
        listed = scene.rest("/api/v1/contract/deals/SOL_USDT", limit="5")[2]["data"]
    told = [one for message in found for one in message["data"]]
    assert len(told) > 15
    assert [(one["i"], {1: "buy", 2: "sell"}[one["T"]], one["p"], one["v"], one["O"], one["M"]) for one in told] == [
        (one.id, one.side, float(one.price), round(float(one.quantity) / 0.01), 3, 2) for one in written
    ]
    assert listed == told[:-6:-1]


@pytest.mark.parametrize(
    ("text", "written"),
    [("64000", "6.4E+4"), ("64005", "64005"), ("0.60010", "0.6001"), ("-0.00000123", "-0.00000123"), ("0.0000", "0")],
)
def test_numbers_of_futures_have_no_zeros_at_their_end(text: str, written: str) -> None:
    assert number(text) == written
    assert json.loads(written) == float(text)


def test_requests_of_futures_are_answered_without_the_contract(tmp_path: Path) -> None:
    with stage("mexc", "futures", tmp_path) as scene:
        now_ms = scene.now_us // 1000
        client = futures(scene, "sub.depth", "sub.depth", "sub.dance", "unsub.depth", "dance")
        client.say({"method": "sub.depth", "param": {"symbol": "NOPE_USDT"}})
        client.say({"method": "sub.depth.full", "param": {"symbol": "BTC_USDT", "limit": 5}})
        client.say({"method": "unsub.depth.full", "param": {"symbol": "BTC_USDT"}})
        client.say({"method": "ping"})
        client.say("nonsense")
        done = {"data": "success", "ts": now_ms}
        assert client.take() == [
            {"channel": "rs.sub.depth", **done},
            {"channel": "rs.sub.depth", **done},
            {"channel": "rs.unsub.depth", **done},
            {"channel": "rs.error", "data": "Contract [NOPE_USDT] not exists", "ts": now_ms},
            {"channel": "rs.sub.depth.full", **done},
            {"channel": "rs.unsub.depth.full", **done},
            {"channel": "pong", "data": now_ms, "ts": now_ms},
        ]
        scene.play(2)
        assert client.take() == []


def test_funding_and_prices_of_futures_agree_with_rest(tmp_path: Path) -> None:
    with stage("mexc", "futures", tmp_path, symbols=2) as scene:
        client = futures(scene, "sub.funding.rate", "sub.fair.price", "sub.index.price", "sub.ticker")
        client.say({"method": "sub.depth.full", "param": {"symbol": "BTC_USDT", "limit": 10}})
        scene.play(1)
        told = {one["channel"]: one["data"] for one in client.take()}
        (one, _) = scene.rest("/api/v1/contract/funding_rate")[2]["data"]
        fair = scene.rest("/api/v1/contract/fair_price/BTC_USDT")[2]["data"]
        ticker = scene.rest("/api/v1/contract/ticker", symbol="BTC_USDT")[2]["data"]
        next_ms = (scene.now_us // 1000 // 28_800_000 + 1) * 28_800_000
    assert told["push.funding.rate"] == {"symbol": "BTC_USDT", "rate": one["fundingRate"], "nextSettleTime": next_ms}
    assert told["push.fair.price"] == {"symbol": "BTC_USDT", "price": one["fairPrice"]}
    assert told["push.index.price"] == {"symbol": "BTC_USDT", "price": one["idxPrice"]}
    assert (one["collectCycle"], one["nextSettleTime"], fair["fairPrice"]) == (8, next_ms, one["fairPrice"])
    assert {**told["push.ticker"], "timestamp": 0} == {**ticker, "timestamp": 0}
    top = told["push.depth.full"]
    assert (len(top["bids"]), len(top["asks"]), set(top)) == (10, 10, {"cts", "asks", "bids", "version"})


def test_a_limit_can_be_given(tmp_path: Path) -> None:
    limits = SocketLimits(connections=9, unpinged_cut_s=1.0)
    with stage("mexc", "futures", tmp_path, symbols=1, limits=limits) as scene:
        client = futures(scene, "sub.depth")
        scene.play(3)
        assert client.line.aborted
        assert scene.exchange.face.route("/ws", {}) is None
