"""Bitget as its sheet has it: one chain of numbers for both generations, text pings, acks that prove nothing."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from simulator.face import Request
from simulator.journal import Closed, Delta, Served, Subscribed, Trade
from tests.support.stage import TEXT, Client, Stage, stage

BOTH = pytest.mark.parametrize("market", ["spot", "futures"])
CASES = pytest.mark.parametrize(("market", "version"), [(m, v) for m in ("spot", "futures") for v in (2, 3)])
PRODUCT = {"spot": "spot", "futures": "usdt-futures"}


def arg_of(scene: Stage, version: int, name: str, wire: str = "BTCUSDT") -> dict[str, str]:
    """Return what names a channel."""
    product = PRODUCT[scene.exchange.face.market]
    if version == 2:
        return {"instType": product.upper(), "channel": name, "instId": wire}
    return {"instType": product, "topic": name, "symbol": wire}


def client_of(scene: Stage, version: int, *names: str, wire: str = "BTCUSDT") -> Client:
    """Connect to a generation and subscribe to channels of one instrument."""
    client = scene.connect(f"/v{version}/ws/public")
    if names:
        client.say({"op": "subscribe", "args": [arg_of(scene, version, name, wire) for name in names]})
    return client


def pushes(messages: list[Any], name: str) -> list[Any]:
    """Return the messages of a channel."""
    return [one for one in messages if "action" in one and name in one["arg"].values()]


def floats(levels: list[list[str]]) -> dict[float, float]:
    """Return levels as numbers."""
    return {float(price): float(quantity) for price, quantity in levels}


@CASES
def test_a_book_is_a_snapshot_and_a_chain_of_changes(market: str, version: int, tmp_path: Path) -> None:
    with stage("bitget", market, tmp_path) as scene:
        scene.play(1)
        client = client_of(scene, version, "books")
        scene.play(40)
        ack, *found = client.take()
        written = [one for one in scene.of(Delta) if one.symbol == "BTC/USDT"]
        served = scene.of(Served)
        listing = scene.exchange.market.listings[0]
        arg = arg_of(scene, version, "books")
    assert (ack["event"], ack["arg"]) == ("subscribe", arg)
    assert all(set(one) == {"action", "arg", "data", "ts"} and one["arg"] == arg for one in found)
    assert [one["action"] for one in found] == ["snapshot"] + ["update"] * (len(found) - 1)
    bids, asks = ("b", "a") if version == 3 else ("bids", "asks")
    (first, *items) = [item for one in found for item in one["data"]]
    assert set(first) == {bids, asks, "ts", "seq", "pseq"} | ({"maxdepth"} if version == 3 else set())
    assert first["pseq"] == 0
    assert [(one.sequence, one.connection, one.channel, one.levels) for one in served] == [
        (first["seq"], 1, "books", 500)
    ]
    assert len(items) > 250
    assert [after["pseq"] for _, after in pairwise([first, *items])] == [one["seq"] for one in [first, *items[:-1]]]
    assert all(one["seq"] > one["pseq"] + 1 for one in items)
    own = [one for one in written if one.sequence > first["seq"]]
    assert [(one["seq"], one["pseq"], floats(one[bids]), floats(one[asks])) for one in items] == [
        (one.sequence, one.follows, floats(one.bids), floats(one.asks)) for one in own
    ]
    book = {side: floats(first[side]) for side in (bids, asks)}
    for one in items:
        for side in (bids, asks):
            for price, quantity in floats(one[side]).items():
                book[side].pop(price, None)
                if quantity:
                    book[side][price] = quantity
        assert max(book[bids]) < min(book[asks])
    assert any(level[1:] == ["0"] for one in items for level in one[bids])
    tick, lot = listing.instrument.tick, listing.instrument.lot
    assert book == {
        name: {tick.value(p): lot.value(q) for p, q in side.items()}
        for name, side in zip((bids, asks), listing.ladder.levels, strict=True)
    }


def test_both_generations_bring_the_same_numbers(tmp_path: Path) -> None:
    with stage("bitget", "futures", tmp_path, symbols=1) as scene:
        clients = [client_of(scene, version, "books", trades) for version, trades in ((2, "trade"), (3, "publicTrade"))]
        scene.play(20)
        (old, new) = (client.take() for client in clients)
    (of_old, of_new) = ([one["data"][0] for one in pushes(found, "books")] for found in (old, new))
    assert [(one["seq"], one["pseq"], one["bids"], one["asks"]) for one in of_old] == [
        (one["seq"], one["pseq"], one["b"], one["a"]) for one in of_new
    ]
    (of_old, of_new) = (pushes(old, "trade"), pushes(new, "publicTrade"))
    assert [[one["tradeId"] for one in message["data"]] for message in of_old] == [
        [one["i"] for one in message["data"]] for message in of_new
    ]


@CASES
def test_the_first_trades_are_history_and_all_come_newest_first(market: str, version: int, tmp_path: Path) -> None:
    name = "publicTrade" if version == 3 else "trade"
    with stage("bitget", market, tmp_path) as scene:
        scene.play(20)
        client = client_of(scene, version, name)
        scene.play(40)
        found = pushes(client.take(), name)
        written = [one for one in scene.of(Trade) if one.symbol == "BTC/USDT"]
        begun_us = scene.of(Subscribed)[0].at_us
        if version == 3:
            query, key = {"category": PRODUCT[market].upper()}, "execId"
            path = "/api/v3/market/fills"
        else:
            query, key = {"productType": PRODUCT[market].upper()}, "tradeId"
            path = f"/api/v2/{'spot' if market == 'spot' else 'mix'}/market/fills"
        listed = scene.rest(path, symbol="BTCUSDT", limit="7", **query)[2]["data"]
    assert [one["action"] for one in found] == ["snapshot"] + ["update"] * (len(found) - 1)
    told = [one for message in found for one in message["data"][::-1]]
    words = ("i", "S", "p", "v", "T") if version == 3 else ("tradeId", "side", "price", "size", "ts")
    assert [tuple(one[word] for word in words) for one in told] == [
        (one.id, one.side, one.price, one.quantity, str(one.at_us // 1000)) for one in written
    ]
    assert [one.id for one in written if one.at_us <= begun_us] == [one[words[0]] for one in found[0]["data"][::-1]]
    assert {one.side for one in written} == {"buy", "sell"}
    assert len({one.id for one in written}) == len(written)
    assert set(told[0]) == {*words} | ({"L", "isRPI"} if version == 3 else set())
    assert [(one[key], one["price"], one["size"], one["side"], one["ts"]) for one in listed] == [
        (one.id, one.price, one.quantity, one.side, str(one.at_us // 1000)) for one in written[:-8:-1]
    ]


def test_who_subscribes_before_any_trade_gets_no_history(tmp_path: Path) -> None:
    with stage("bitget", "spot", tmp_path, symbols=1) as scene:
        client = client_of(scene, 3, "publicTrade")
        scene.play(30)
        assert {one["action"] for one in pushes(client.take(), "publicTrade")} == {"update"}


@BOTH
def test_tickers_are_whole_and_futures_have_funding(market: str, tmp_path: Path) -> None:
    with stage("bitget", market, tmp_path, symbols=1) as scene:
        client, old = client_of(scene, 3, "ticker"), client_of(scene, 2, "ticker")
        scene.play(5)
        found, of_old = pushes(client.take(), "ticker"), pushes(old.take(), "ticker")
        category = PRODUCT[market].upper()
        (listed,) = scene.rest("/api/v3/market/tickers", category=category)[2]["data"]
        rates = scene.rest("/api/v3/market/current-fund-rate", symbol="BTCUSDT", category=category)[2]["data"]
    assert {one["action"] for one in found} == {"snapshot"}
    assert len(found) > 20
    last = found[-1]["data"][0]
    extra = {name: listed.pop(name) for name in ("category", "symbol", "ts")}
    assert (extra["category"], extra["symbol"], listed) == (category, "BTCUSDT", last)
    before = of_old[-1]["data"][0]
    assert (before["lastPr"], before["bidPr"], before["askSz"]) == (
        last["lastPrice"],
        last["bid1Price"],
        last["ask1Size"],
    )
    if market == "spot":
        assert "fundingRate" not in last
        return
    (rate,) = rates
    assert (last["fundingRate"], last["nextFundingTime"]) == (rate["fundingRate"], rate["nextUpdate"])
    assert (before["markPrice"], before["indexPrice"]) == (last["markPrice"], last["indexPrice"])
    assert rate["fundingRateInterval"] == "8"


@pytest.mark.parametrize(("version", "name", "levels"), [(2, "books1", 1), (2, "books15", 15), (3, "books50", 50)])
def test_tops_of_the_book_are_always_snapshots(version: int, name: str, levels: int, tmp_path: Path) -> None:
    with stage("bitget", "spot", tmp_path, symbols=1) as scene:
        client = client_of(scene, version, name)
        scene.play(3)
        found = pushes(client.take(), name)
    assert {one["action"] for one in found} == {"snapshot"}
    sides = ("b", "a") if version == 3 else ("bids", "asks")
    assert {tuple(len(one["data"][0][side]) for side in sides) for one in found} == {(levels, levels)}
    assert len(found) > 10


@BOTH
def test_pings_are_text_and_answers_those_of_the_generation(market: str, tmp_path: Path) -> None:
    with stage("bitget", market, tmp_path) as scene:
        client, old = client_of(scene, 3, "ticker"), client_of(scene, 2, "ticker")
        for one, version in ((client, 3), (old, 2)):
            one.say({"op": "unsubscribe", "args": [arg_of(scene, version, "ticker")]})
            one.say("ping")
        found = [payload for opcode, payload in client.line.messages if opcode == TEXT]
        assert found[-1] == b"pong"
        (ack, _, gone) = [json.loads(payload) for payload in found[:-1]]
        name = ack["connId"]
        product, arg = PRODUCT[market], arg_of(scene, 3, "ticker")
        assert ack == {"event": "subscribe", "arg": arg, "connId": name}
        assert list(ack["arg"]) == ["instType", "symbol", "topic"]
        assert gone == {"event": "unsubscribe", "arg": arg, "connId": name}
        ack, _, gone, _ = old.take()
        old_arg = {"instType": product.upper(), "channel": "ticker", "instId": "BTCUSDT"}
        assert (ack, gone) == ({"event": "subscribe", "arg": old_arg}, {"event": "unsubscribe", "arg": old_arg})
        client.take()
        scene.play(2)
        assert (client.take(), old.take()) == ([], [])


def test_a_symbol_under_another_product_is_acknowledged_and_silent(tmp_path: Path) -> None:
    with stage("bitget", "spot", tmp_path, symbols=1) as scene:
        client = client_of(scene, 3)
        arg = {"instType": "usdt-futures", "topic": "books", "symbol": "BTCUSDT"}
        client.say({"op": "subscribe", "args": [arg]})
        scene.play(3)
        (ack,) = client.take()
        assert (ack["event"], ack["arg"]) == ("subscribe", arg)
        assert [(one.stream, one.channel) for one in scene.of(Subscribed)] == [("v3:usdt-futures:books:BTCUSDT", "")]


def test_a_second_subscription_brings_no_second_snapshot_and_one_after_its_end_does(tmp_path: Path) -> None:
    with stage("bitget", "futures", tmp_path, symbols=1) as scene:
        client = client_of(scene, 3, "books", "books")
        client.say({"op": "unsubscribe", "args": [arg_of(scene, 3, "books")]})
        scene.play(1)
        client.say({"op": "subscribe", "args": [arg_of(scene, 3, "books")]})
        found = [one.get("event") or one["action"] for one in client.take()]
    assert found == ["subscribe", "snapshot", "subscribe", "unsubscribe", "subscribe", "snapshot"]


def test_what_does_not_exist_is_refused_in_the_words_of_the_generation(tmp_path: Path) -> None:
    with stage("bitget", "futures", tmp_path) as scene:
        client, old = client_of(scene, 3), client_of(scene, 2, "books", wire="NOPEUSDT")
        new = {"instType": "usdt-futures", "topic": "books", "symbol": "NOPEUSDT"}
        wrong = {"instType": "USDT-FUTURES", "topic": "books", "symbol": "BTCUSDT"}
        for args in ([new], [wrong], [{**wrong, "instType": "usdt-futures", "topic": "dance"}]):
            client.say({"op": "subscribe", "args": args})
        for asked in ({"op": "dance"}, {"op": "subscribe", "args": []}, {"op": "subscribe", "args": ["x"]}, "nonsense"):
            client.say(asked)
        found = client.take()
        told = '{"instType":"usdt-futures","symbol":"NOPEUSDT","topic":"books"} doesn\'t exist'
        name = found[0]["connId"]
        assert found[0] == {"event": "error", "code": 30001, "msg": told, "connId": name}
        assert [one["code"] for one in found] == [30001, 30001, 30001, 30003, 30016, 30016, 30002]
        arg = {"instType": "USDT-FUTURES", "channel": "books", "instId": "NOPEUSDT"}
        told = "instType:USDT-FUTURES,channel:books,instId:NOPEUSDT,precision:null doesn't exist"
        assert old.take() == [{"event": "error", "arg": arg, "code": 30001, "msg": told, "op": "subscribe"}]


def test_who_does_not_ping_is_cut_after_two_minutes_while_data_flow(tmp_path: Path) -> None:
    with stage("bitget", "spot", tmp_path, symbols=1) as scene:
        silent, pinging = client_of(scene, 3, "books"), client_of(scene, 3, "books")
        scene.play(100)
        silent.say({"op": "subscribe", "args": [arg_of(scene, 3, "ticker")]})
        pinging.say("ping")
        scene.play(22)
        assert (silent.line.aborted, pinging.line.aborted) == (True, False)
        assert [one.reason for one in scene.of(Closed)] == ["no ping for too long"]


def test_the_limits_of_a_connection(tmp_path: Path) -> None:
    with stage("bitget", "spot", tmp_path, symbols=1) as scene:
        arg, many = arg_of(scene, 3, "books"), client_of(scene, 3)
        many.say({"op": "subscribe", "args": [arg] * 25})
        assert many.line.aborted
        few, old = client_of(scene, 3), client_of(scene, 2)
        few.say({"op": "subscribe", "args": [arg] * 24})
        assert not few.line.closed
        assert few.take()[0]["event"] == "subscribe"
        old.say({"op": "subscribe", "args": [arg_of(scene, 2, "books")] * 80})
        assert [one["code"] for one in old.take()] == [30016]
        hasty = client_of(scene, 3)
        ended = []
        for _ in range(11):
            hasty.say("ping")
            ended.append(hasty.line.closed)
        assert ended == [False] * 10 + [True]
        keen = client_of(scene, 3)
        for _ in range(240):
            scene.play(0.2)
            keen.say({"op": "subscribe", "args": [arg]})
        assert keen.take()[-1]["event"] == "subscribe"
        keen.say({"op": "subscribe", "args": [arg]})
        scene.play(0.1)
        assert (keen.take()[-1]["code"], keen.line.closed) == (30007, True)


def test_an_address_has_a_hundred_connections_and_opens_300_in_five_minutes(tmp_path: Path) -> None:
    with stage("bitget", "spot", tmp_path, symbols=1) as scene:
        assert [scene.exchange.may_connect(at_s) for at_s in range(301)] == [True] * 301
        assert not scene.exchange.may_connect(300.5)
        for _ in range(100):
            client_of(scene, 3)
        assert not scene.exchange.may_connect(10_000.0)
        assert scene.exchange.face.route("/v1/ws/public", {}) is None


@BOTH
def test_lists_carry_the_rules_of_each_generation(market: str, tmp_path: Path) -> None:
    category = PRODUCT[market].upper()
    with stage("bitget", market, tmp_path, symbols=6) as scene:
        listed = scene.rest("/api/v3/market/instruments", category=category)[2]["data"]
        one = listed[5]
        assert (one["symbol"], one["category"], one["status"]) == ("DOGEUSDT", category, "online")
        assert (one["priceMultiplier"], one["quantityMultiplier"], one["minOrderAmount"]) == ("0.00001", "5", "5")
        assert scene.rest("/api/v3/market/instruments", category="COIN-FUTURES")[2]["data"] == []
        assert scene.rest("/api/v3/market/instruments", category=category, symbol="DOGEUSDT")[2]["data"] == [one]
        if market == "spot":
            assert [other["status"] for other in listed] == ["online"] * 6 + ["offline"]
            old = scene.rest("/api/v2/spot/public/symbols")[2]["data"]
            assert (old[0]["pricePrecision"], old[0]["quantityPrecision"], old[0]["minTradeUSDT"]) == ("0", "4", "5")
            assert scene.rest("/api/v2/margin/currencies")[2]["data"] == []
        else:
            assert [other["type"] for other in listed] == ["perpetual"] * 6 + ["delivery"]
            old = scene.rest("/api/v2/mix/market/contracts", productType=category)[2]["data"]
            assert [other["symbolType"] for other in old] == ["perpetual"] * 6 + ["delivery"]
            four = [(o["priceEndStep"], o["pricePlace"], o["sizeMultiplier"], o["volumePlace"]) for o in old]
            assert four[3:5] == [("5", "5", "1", "0"), ("5", "2", "0.01", "2")]
            assert scene.rest("/api/v2/mix/market/contracts", productType="SUSDT-FUTURES")[2]["data"] == []
            family = scene.rest("/api/v2/mix/market/current-fund-rate", productType=category)[2]["data"]
            assert [rate["symbol"] for rate in family] == [other["symbol"] for other in listed[:6]]


@BOTH
def test_books_of_rest_have_no_number(market: str, tmp_path: Path) -> None:
    category = PRODUCT[market].upper()
    with stage("bitget", market, tmp_path, symbols=1) as scene:
        scene.play(2)
        _, _, body = scene.rest("/api/v3/market/orderbook", category=category, symbol="BTCUSDT", limit="1000")
        assert (body["code"], body["msg"], body["requestTime"]) == ("00000", "success", scene.now_us // 1000)
        assert set(body["data"]) == {"a", "b", "ts"}
        listing = scene.exchange.market.listings[0]
        tick, lot = listing.instrument.tick, listing.instrument.lot
        for name, side in (("b", 0), ("a", 1)):
            own = {tick.value(p): lot.value(q) for p, q in listing.ladder.levels[side].items()}
            assert {float(p): float(q) for p, q in body["data"][name]} == own
            assert not any(isinstance(text, str) for level in body["data"][name] for text in level)
        usual = scene.rest("/api/v3/market/orderbook", category=category, symbol="BTCUSDT")[2]["data"]
        assert (len(usual["a"]), len(usual["b"])) == (5, 5)
        if market == "spot":
            old = scene.rest("/api/v2/spot/market/orderbook", symbol="BTCUSDT", type="step0")[2]["data"]
            assert (len(old["asks"]), [type(text) for text in old["bids"][0]]) == (150, [str, str])
        else:
            path, query = "/api/v2/mix/market/merge-depth", {"productType": category, "symbol": "BTCUSDT"}
            sizes = [len(scene.rest(path, **query, **more)[2]["data"]["asks"]) for more in ({"limit": "15"}, {})]
            assert sizes == [15, 100]
            assert scene.rest(path, **query, limit="7")[::2][0] == 400


@BOTH
def test_errors_and_limits_of_rest(market: str, tmp_path: Path) -> None:
    category = PRODUCT[market].upper()
    with stage("bitget", market, tmp_path, symbols=1) as scene:
        path = "/api/v3/market/orderbook"
        status, _, body = scene.rest(path, category=category, symbol="NOPE")
        assert (status, body["code"], body["data"]) == (400, "25100", None)
        assert scene.rest(path, category="DANCE", symbol="BTCUSDT")[2]["code"] == "40020"
        assert scene.rest(path, category=category, symbol="BTCUSDT", limit="1001")[0] == 400
        assert scene.rest("/api/v2/dance")[0] == 404
        now = scene.rest("/api/v2/public/time")[2]["data"]
        assert now == {"serverTime": str(scene.now_us // 1000)}
        scene.now_us += 1_000_000
        answers = [scene.rest("/api/v2/public/time") for _ in range(21)]
        assert [status for status, _, _ in answers] == [200] * 20 + [429]
        assert [headers["x-mbx-used-remain-limit"] for _, headers, _ in answers][::19] == ["19", "0"]
        assert answers[-1][2]["code"] == "429"
        assert scene.rest(path, category=category, symbol="BTCUSDT")[0] == 200
        for refuse_s, ban_s in ((3, 0), (0, 3)):
            asked = Request(path=path, query={}, at_us=scene.now_us, refuse_s=refuse_s, address_ban_s=ban_s)
            refused = scene.exchange.face.rest(asked)
            assert (refused.status, "Retry-After" in refused.headers) == (429, False)
