"""HTX as the fact sheet has it: books with seqNum and version, trades, index and mark price, funding."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from simulator.faces.htx_topics import FEED, INDEX, LINEAR, MARKET, NOTICES
from simulator.journal import Delta, Served, Trade
from tests.support.gzipped import taken
from tests.support.htx_client import applied, client_of, listened, of_topic, own_book
from tests.support.stage import stage


@pytest.mark.parametrize("depth", [150, 400])
def test_spot_s_changes_name_the_one_before_and_follow_the_book_that_was_asked_for(depth: int, tmp_path: Path) -> None:
    topic, channel = f"market.btcusdt.mbp.{depth}", f"mbp.{depth}"
    with stage("htx", "spot", tmp_path) as scene:
        scene.play(1)
        client = client_of(scene, FEED, topic)
        before = listened(scene, client, 2)
        client.say({"req": topic, "id": "r1"})
        after = listened(scene, client, 50)
        now_ms = after[0]["ts"]
        (book,) = (one for one in after if "rep" in one)
        assert book == {"id": "r1", "status": "ok", "rep": topic, "data": book["data"], "ts": now_ms}
        ticks = [one["tick"] for one in of_topic([*before, *after], topic)]
        later = [one for one in ticks if one["seqNum"] > book["data"]["seqNum"]]
        assert applied([book["data"], *later]) == own_book(scene, depth)
        served = scene.of(Served)
        own = [one for one in scene.of(Delta) if (one.symbol, one.channel) == ("BTC/USDT", channel)]
    assert before[0] == {"id": "0", "status": "ok", "subbed": topic, "ts": before[0]["ts"]}
    assert list(of_topic(after, topic)[0]) == ["ch", "ts", "tick"]
    assert {tuple(one) for one in ticks} == {("seqNum", "prevSeqNum", "bids", "asks")}
    assert len(ticks) > 300
    assert all(then["prevSeqNum"] == first["seqNum"] < then["seqNum"] for first, then in pairwise(ticks))
    assert later[0]["prevSeqNum"] == book["data"]["seqNum"]
    assert [len(book["data"][side]) for side in ("bids", "asks")] == [depth, depth]
    told = [(one.sequence, one.first, one.follows) for one in own if one.sequence >= ticks[0]["seqNum"]]
    assert told == [(one["seqNum"], one["prevSeqNum"] + 1, one["prevSeqNum"]) for one in ticks]
    assert [(one.channel, one.sequence, one.levels, one.connection) for one in served] == [
        (channel, book["data"]["seqNum"], depth, 1)
    ]


@pytest.mark.parametrize("size", [20, 150])
def test_linear_begins_with_the_whole_book_and_counts_its_messages(size: int, tmp_path: Path) -> None:
    channel = f"depth.size_{size}.high_freq"
    topic = f"market.BTC-USDT.{channel}"
    with stage("htx", "futures", tmp_path) as scene:
        scene.play(1)
        client = client_of(scene, LINEAR, topic, data_type="incremental")
        found = of_topic(listened(scene, client, 50), topic)
        ticks = [one["tick"] for one in found]
        assert applied(ticks) == own_book(scene, size)
        served = scene.of(Served)
        own = [one for one in scene.of(Delta) if (one.symbol, one.channel) == ("BTC/USDT", channel)]
    assert [one["event"] for one in ticks] == ["snapshot"] + ["update"] * (len(ticks) - 1)
    assert {tuple(one) for one in ticks} == {("asks", "bids", "ch", "event", "id", "mrid", "ts", "version")}
    assert {(one["ch"], one["tick"]["ch"]) for one in found} == {(topic, topic)}
    assert len(ticks) > 300
    assert all(then["version"] == first["version"] + 1 for first, then in pairwise(ticks))
    assert {type(size) for tick in ticks for _, size in (*tick["bids"], *tick["asks"])} == {int}
    told = [(one.sequence, one.first, one.follows) for one in own if one.sequence > ticks[0]["version"]]
    assert told == [(one["version"], one["version"], one["version"] - 1) for one in ticks[1:]]
    assert [(one.channel, one.sequence, one.levels, one.connection) for one in served] == [
        (channel, ticks[0]["version"], size, 1)
    ]


def test_linear_tells_the_whole_book_each_time_to_who_does_not_ask_for_changes(tmp_path: Path) -> None:
    topic = "market.BTC-USDT.depth.size_20.high_freq"
    with stage("htx", "futures", tmp_path, symbols=1) as scene:
        client = client_of(scene, LINEAR, topic)
        ticks = [one["tick"] for one in of_topic(listened(scene, client, 3), topic)]
        assert applied([ticks[-1]]) == own_book(scene, 20)
        assert scene.of(Served) == []
    assert {(one["event"], len(one["bids"]), len(one["asks"])) for one in ticks} == {("snapshot", 20, 20)}
    assert all(then["version"] == first["version"] + 1 for first, then in pairwise(ticks))


def test_spot_trades_have_an_id_to_use_and_one_that_no_float_holds(tmp_path: Path) -> None:
    topic = "market.btcusdt.trade.detail"
    with stage("htx", "spot", tmp_path) as scene:
        client = client_of(scene, MARKET, topic)
        found = of_topic(listened(scene, client, 60), topic)
        written = [one for one in scene.of(Trade) if one.symbol == "BTC/USDT"]
        body = scene.rest("/market/history/trade", symbol="btcusdt", size="3")[2]
    dealt = [one for message in found for one in message["tick"]["data"]]
    assert {len(message["tick"]["data"]) for message in found} == {1, 2}
    assert {tuple(one) for one in dealt} == {("id", "ts", "tradeId", "amount", "price", "direction")}
    assert {len(str(one["id"])) for one in dealt} == {27}
    assert [
        (str(one["tradeId"]), one["direction"], float(one["price"]), float(one["amount"]), one["ts"]) for one in dealt
    ] == [(one.id, one.side, float(one.price), float(one.quantity), one.at_us // 1000) for one in written]
    assert (body["ch"], body["status"]) == (topic, "ok")
    assert [(one["id"], one["data"]) for one in body["data"]] == [
        (
            message["tick"]["id"],
            [
                {("trade-id" if name == "tradeId" else name): value for name, value in one.items()}
                for one in reversed(message["tick"]["data"])
            ],
        )
        for message in found[:-4:-1]
    ]


def test_linear_trades_are_contracts_and_the_same_in_base_coin_and_in_money(tmp_path: Path) -> None:
    topic = "market.BTC-USDT.trade.detail"
    with stage("htx", "futures", tmp_path, symbols=1) as scene:
        client = client_of(scene, LINEAR, topic)
        found = of_topic(listened(scene, client, 60), topic)
        written = scene.of(Trade)
        body = scene.rest("/linear-swap-ex/market/history/trade", contract_code="BTC-USDT", size="2000")[2]
    dealt = [one for message in found for one in message["tick"]["data"]]
    assert {tuple(one) for one in dealt} == {("amount", "quantity", "trade_turnover", "ts", "id", "price", "direction")}
    assert [(str(one["id"]), one["direction"], one["price"], one["quantity"]) for one in dealt] == [
        (one.id, one.side, float(one.price), float(one.quantity)) for one in written
    ]
    assert all(one["id"] > 1 << 53 for one in dealt)
    assert all(one["quantity"] == pytest.approx(one["amount"] * 0.0001) for one in dealt)
    assert all(one["trade_turnover"] == pytest.approx(one["quantity"] * one["price"]) for one in dealt)
    assert [one["data"] for one in body["data"]] == [message["tick"]["data"][::-1] for message in found[::-1]]


def test_index_and_mark_price_are_candles_of_a_minute(tmp_path: Path) -> None:
    topics = ("market.BTC-USDT.index.1min", "market.BTC-USDT.mark_price.1min")
    with stage("htx", "futures", tmp_path, symbols=1) as scene:
        client = client_of(scene, INDEX, *topics)
        heard = listened(scene, client, 70)
        listing = scene.exchange.market.listings[0]
        prices = (f"{listing.index_price:.8f}", listing.mark_price)
    tails: list[dict[str, object]] = [{"count": 0}, {"count": "0", "trade_turnover": "0"}]
    for topic, price, tail in zip(topics, prices, tails, strict=True):
        found = of_topic(heard, topic)
        ticks = [one["tick"] for one in found]
        last = ticks[-1]
        minute = [float(one["close"]) for one in ticks if one["id"] == last["id"]]
        assert len(ticks) > 400
        assert {one["id"] % 60 for one in ticks} == {0}
        assert len({one["id"] for one in ticks}) == 2
        assert last == {
            "id": found[-1]["ts"] // 60_000 * 60,
            "open": f"{minute[0]:.8f}",
            "close": price,
            "high": f"{max(minute):.8f}",
            "low": f"{min(minute):.8f}",
            "amount": "0",
            "vol": "0",
            **tail,
        }


def test_funding_rates_are_told_once_a_minute_of_one_contract_or_of_all(tmp_path: Path) -> None:
    with stage("htx", "futures", tmp_path, symbols=2) as scene:
        client = scene.connect(NOTICES)
        topics = ("public.BTC-USDT.funding_rate", "public.*.funding_rate")
        for topic in topics:
            client.say({"op": "sub", "cid": "c1", "topic": topic})
        now_ms = scene.now_us // 1000
        assert taken(client) == [
            {"op": "sub", "cid": "c1", "topic": topic, "ts": now_ms, "err-code": 0} for topic in topics
        ]
        # The stage begins in the middle of a minute.
        found = [one for one in listened(scene, client, 61) if one["op"] == "notify"]
        last = [one for one in found if one["topic"] == topics[0]][-1]
        now_ms = last["ts"]
    assert last["data"] == [
        {
            "symbol": "BTC",
            "contract_code": "BTC-USDT",
            "fee_asset": "USDT",
            "funding_time": str(now_ms // 60_000 * 60_000),
            "funding_rate": last["data"][0]["funding_rate"],
            "settlement_time": str((now_ms // 28_800_000 + 1) * 28_800_000),
            "estimated_rate": None,
        }
    ]
    told = [(one["topic"], row["contract_code"]) for one in found[-3:] for row in one["data"]]
    assert sorted(told) == [(topics[1], "BTC-USDT"), (topics[1], "ETH-USDT"), (topics[0], "BTC-USDT")]
