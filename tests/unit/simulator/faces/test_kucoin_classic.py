"""KuCoin's classic socket and REST as our fact sheet has them: tokens, numbered levels, the book from REST, weights."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from simulator.face import Request
from simulator.faces.kucoin_rest import SIGNED
from simulator.journal import Closed, Delta, Served, Trade
from tests.support.stage import START_US, Client, Stage, stage

BOTH = pytest.mark.parametrize("market", ["spot", "futures"])
NAME = {"spot": "BTC-USDT", "futures": "XBTUSDTM"}
LEVELS = {"spot": "/market/level2", "futures": "/contractMarket/level2"}
MATCHES = {"spot": "/market/match", "futures": "/contractMarket/execution"}
START_MS = START_US // 1000
Books = tuple[dict[float, float], dict[float, float]]


def ask(scene: Stage, path: str, method: str = "GET", headers: dict[str, str] | None = None, **query: str) -> Any:  # noqa: ANN401 - JSON
    """Make a REST request and return the body."""
    request = Request(path=path, query=query, at_us=scene.now_us, method=method, headers=headers or {})
    return scene.ask(request)[2]


def client_of(scene: Stage, topic: str = "") -> Client:
    """Fetch a token, connect, subscribe, and forget the answers."""
    token = ask(scene, "/api/v1/bullet-public", "POST")["data"]["token"]
    client = scene.connect("/", token=token, connectId="me")
    if topic:
        client.say({"id": "1", "type": "subscribe", "topic": topic, "privateChannel": False, "response": True})
    client.take()
    return client


def whole_book(scene: Stage, market: str) -> tuple[int, Books]:
    """Fetch the whole book and return its sequence and levels."""
    if market == "spot":
        headers = dict.fromkeys(SIGNED, "x")
        data = ask(scene, "/api/v3/market/orderbook/level2", headers=headers, symbol="BTC-USDT")["data"]
    else:
        data = ask(scene, "/api/v1/level2/snapshot", symbol="XBTUSDTM")["data"]
    bids, asks = ({float(p): float(q) for p, q in data[side]} for side in ("bids", "asks"))
    return int(data["sequence"]), (bids, asks)


def changed(messages: list[Any]) -> list[tuple[int, int, list[tuple[int, float, float]]]]:
    """Return the changes of level2 messages of either market: first and last number, and side, price, quantity."""
    found = []
    for one in messages:
        data = one["data"]
        if "change" in data:
            price, side, size = data["change"].split(",")
            found.append((data["sequence"], data["sequence"], [(int(side == "sell"), float(price), float(size))]))
            continue
        levels = [(side, *level) for side, name in enumerate(("bids", "asks")) for level in data["changes"][name]]
        numbers = sorted(int(number) for *_, number in levels)
        assert numbers == list(range(data["sequenceStart"], data["sequenceEnd"] + 1))
        told = [(side, float(price), float(size)) for side, price, size, _ in levels if price != "0"]
        found.append((data["sequenceStart"], data["sequenceEnd"], told))
    return found


@BOTH
def test_levels_and_a_book_of_rest_make_the_book_over_hundreds_of_steps(market: str, tmp_path: Path) -> None:
    with stage("kucoin", market, tmp_path, symbols=2) as scene:
        client = client_of(scene, f"{LEVELS[market]}:{NAME[market]}")
        scene.play(2)
        last, books = whole_book(scene, market)
        first = last
        scene.play(40)
        messages = client.take()
        found = changed(messages)
        assert all(after[0] == before[1] + 1 for before, after in pairwise(found))
        assert len(found) > 250
        for begin, end, levels in found:
            if end <= last:
                continue
            assert begin == last + 1
            last = end
            for side, price, size in levels:
                books[side].pop(price, None)
                if size:
                    books[side][price] = size
        final, now = whole_book(scene, market)
        served = [(one.channel, one.sequence, one.connection) for one in scene.of(Served)]
        written = [one for one in scene.of(Delta) if one.channel == LEVELS[market] and one.symbol == "BTC/USDT"]
    assert (last, books) == (final, now)
    assert served == [(LEVELS[market], first, None), (LEVELS[market], final, None)]
    assert [(one.first, one.sequence, one.follows) for one in written] == [(a, b, a - 1) for a, b, _ in found]
    fillers = [one for one in messages if "changes" in one["data"] and ["0", "0"] in _pairs(one)]
    assert bool(fillers) == (market == "spot")


def _pairs(message: Any) -> list[list[str]]:  # noqa: ANN401 - JSON
    return [level[:2] for level in message["data"]["changes"]["asks"]]


@BOTH
def test_both_sockets_count_the_same_sequence(market: str, tmp_path: Path) -> None:
    with stage("kucoin", market, tmp_path, symbols=1) as scene:
        client_of(scene, f"{LEVELS[market]}:{NAME[market]}")
        scene.play(10)
        by_channel: dict[str, list[Delta]] = {}
        for one in scene.of(Delta):
            by_channel.setdefault(one.channel, []).append(one)
    unified, classic = by_channel["obu"], by_channel[LEVELS[market]]
    assert (unified[0].first, unified[-1].sequence) == (classic[0].first, classic[-1].sequence)
    assert [level for one in unified for level in one.bids] == [level for one in classic for level in one.bids]


def first_frames(market: str, folder: Path) -> tuple[Any, Any, Delta, Trade]:
    """Return the first messages of book and trades, without the ids of orders, and what the journal has of them."""
    levels, matches = f"{LEVELS[market]}:{NAME[market]}", f"{MATCHES[market]}:{NAME[market]}"
    with stage("kucoin", market, folder, symbols=1) as scene:
        client = client_of(scene, levels)
        client.say({"id": "2", "type": "subscribe", "topic": matches, "privateChannel": False})
        while not scene.of(Trade):
            scene.play(0.02)
        found = client.take()
        trade = next(one for one in scene.of(Trade) if one.channel == MATCHES[market])
        delta = next(one for one in scene.of(Delta) if one.channel == LEVELS[market])
    book, match = (next(one for one in found if one["topic"] == topic) for topic in (levels, matches))
    assert [len(match["data"].pop(name)) for name in ("takerOrderId", "makerOrderId")] == [24, 24]
    return book, match, delta, trade


def test_frames_of_spot_are_those_of_the_sheet(tmp_path: Path) -> None:
    book, match, delta, trade = first_frames("spot", tmp_path)
    assert {**book, "data": {**book["data"], "changes": None}} == {
        "topic": "/market/level2:BTC-USDT",
        "type": "message",
        "subject": "trade.l2update",
        "data": {
            "changes": None,
            "sequenceEnd": delta.sequence,
            "sequenceStart": delta.first,
            "symbol": "BTC-USDT",
            "time": delta.at_us // 1000,
        },
    }
    assert match == {
        "topic": "/market/match:BTC-USDT",
        "type": "message",
        "subject": "trade.l3match",
        "data": {
            "type": "match",
            "symbol": "BTC-USDT",
            "side": trade.side,
            "price": trade.price,
            "size": trade.quantity,
            "tradeId": trade.id,
            "sequence": trade.id,
            "time": str(trade.at_us * 1000),
        },
    }


def test_frames_of_futures_are_those_of_the_sheet(tmp_path: Path) -> None:
    book, match, delta, trade = first_frames("futures", tmp_path)
    ((price, quantity),) = delta.bids or delta.asks
    assert book == {
        "topic": "/contractMarket/level2:XBTUSDTM",
        "type": "message",
        "subject": "level2",
        "sn": delta.sequence,
        "data": {
            "sequence": delta.sequence,
            "change": f"{price},{'buy' if delta.bids else 'sell'},{round(float(quantity) * 10_000)}",
            "timestamp": delta.at_us // 1000,
        },
    }
    assert match == {
        "topic": "/contractMarket/execution:XBTUSDTM",
        "type": "message",
        "subject": "match",
        "sn": int(trade.id),
        "data": {
            "symbol": "XBTUSDTM",
            "side": trade.side,
            "price": trade.price,
            "size": round(float(trade.quantity) * 10_000),
            "tradeId": trade.id,
            "sequence": int(trade.id),
            "ts": trade.at_us * 1000,
        },
    }


def test_a_token_is_needed_and_names_this_very_address(tmp_path: Path) -> None:
    with stage("kucoin", "spot", tmp_path, symbols=1) as scene:
        body = ask(scene, "/api/v1/bullet-public", "POST", {"host": "127.0.0.1:7"})
        token = body["data"].pop("token")
        assert body == {
            "code": "200000",
            "data": {
                "instanceServers": [
                    {
                        "endpoint": "ws://127.0.0.1:7/",
                        "encrypt": False,
                        "protocol": "websocket",
                        "pingInterval": 18000,
                        "pingTimeout": 10000,
                    }
                ]
            },
        }
        good, bad = scene.connect("/", token=token, connectId="a"), scene.connect("/", token="made up", connectId="b")
        assert good.take() == [{"id": "a", "type": "welcome"}]
        assert bad.take() == [{"id": "b", "type": "error", "code": 401, "data": "token is expired"}]
        assert (good.line.closed, bad.line.closed) == (False, True)
        scene.now_us += 86_400_000_000
        late = scene.connect("/", token=token)
        assert late.line.closed


@BOTH
def test_requests_are_answered_where_an_answer_is_asked_for(market: str, tmp_path: Path) -> None:
    topic = f"{MATCHES[market]}:{NAME[market]},NOPE"
    with stage("kucoin", market, tmp_path, symbols=1) as scene:
        client = client_of(scene)
        client.say({"id": "4", "type": "ping"})
        client.say({"id": "5", "type": "subscribe", "topic": topic, "response": True})
        client.say({"id": "6", "type": "subscribe", "topic": topic})
        assert client.take() == [{"id": "4", "type": "pong", "timestamp": START_US}, {"id": "5", "type": "ack"}]
        scene.play(20)
        assert {one["topic"] for one in client.take()} == {f"{MATCHES[market]}:{NAME[market]}"}
        client.say({"id": "7", "type": "unsubscribe", "topic": topic, "response": True})
        assert client.take() == [{"id": "7", "type": "ack"}]
        scene.play(20)
        assert client.take() == []


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("nonsense", 400),
        ([1], 400),
        ({"id": "3", "type": "dance"}, 415),
        ({"id": "3", "type": ["ping"]}, 415),
        ({"id": "3", "type": "subscribe"}, 404),
        ({"id": "3", "type": "subscribe", "topic": "/market/level2"}, 404),
        ({"id": "3", "type": "subscribe", "topic": "/spotMarket/level2Depth20:BTC-USDT"}, 404),
        ({"id": "3", "type": "subscribe", "topic": "/contractMarket/level2:XBTUSDTM"}, 404),
        ({"id": "3", "type": "subscribe", "topic": "/market/match:" + ",".join(["BTC-USDT"] * 101)}, 509),
    ],
)
def test_what_is_wrong_is_said_in_a_code(message: object, code: int, tmp_path: Path) -> None:
    with stage("kucoin", "spot", tmp_path, symbols=1) as scene:
        client = client_of(scene)
        client.say(message)
        (answer,) = client.take()
        assert (answer["type"], answer["code"]) == ("error", code)


def test_who_says_nothing_for_a_minute_is_told_goodbye_and_who_says_too_much_too(tmp_path: Path) -> None:
    with stage("kucoin", "spot", tmp_path, symbols=1) as scene:
        silent, pinging, loud = (client_of(scene, "/market/match:BTC-USDT") for _ in range(3))
        for _ in range(5):
            scene.play(15)
            if not pinging.line.closed:
                pinging.say({"id": "1", "type": "ping"})
        assert [one.line.closed for one in (silent, pinging, loud)] == [True, False, True]
        assert (8, b"\x03\xe8Bye") in silent.line.messages
        for number in range(100):
            pinging.say({"id": str(number), "type": "ping"})
        assert pinging.line.closed
        scene.play(0.1)
        assert [one.reason for one in scene.of(Closed)] == ["Bye", "Bye", "too many messages"]


@BOTH
def test_rest_books_of_every_depth(market: str, tmp_path: Path) -> None:
    with stage("kucoin", market, tmp_path, symbols=1) as scene:
        scene.play(3)
        sequence, books = whole_book(scene, market)
        assert [len(side) for side in books] == [500, 500]
        if market == "spot":
            for headers in ({}, dict.fromkeys(SIGNED[:-1], "x")):
                told = ask(scene, "/api/v3/market/orderbook/level2", headers=headers, symbol="BTC-USDT")
                assert told["code"] == "400001"
            paths = [f"/api/v1/market/orderbook/level2_{depth}" for depth in (20, 100)]
            unknown = {"code": "900001", "msg": "symbol not exists"}
        else:
            paths = [f"/api/v1/level2/depth{depth}" for depth in (20, 100)]
            unknown = {"code": "200003", "msg": "symbol invalid"}
        for path, depth in zip(paths, (20, 100), strict=True):
            data = ask(scene, path, symbol=NAME[market])["data"]
            assert ask(scene, path, symbol="NOPE") == unknown
            assert [(float(p), float(q)) for p, q in data["bids"]] == list(books[0].items())[:depth]
            assert [(float(p), float(q)) for p, q in data["asks"]] == list(books[1].items())[:depth]
            kinds = {type(value) for side in ("bids", "asks") for level in data[side] for value in level}
            assert kinds == ({str} if market == "spot" else {int})
            del data["bids"], data["asks"]
            assert data == (
                {"time": scene.now_us // 1000, "sequence": str(sequence)}
                if market == "spot"
                else {"symbol": "XBTUSDTM", "sequence": sequence, "ts": scene.now_us * 1000}
            )


@BOTH
def test_recent_trades_are_the_last_hundred(market: str, tmp_path: Path) -> None:
    with stage("kucoin", market, tmp_path, symbols=1) as scene:
        scene.play(240)
        written = scene.of(Trade)[-100:]
        path = "/api/v1/market/histories" if market == "spot" else "/api/v1/trade/history"
        listed = ask(scene, path, symbol=NAME[market])["data"]
    if market == "spot":
        assert listed == [
            {"sequence": t.id, "price": t.price, "size": t.quantity, "side": t.side, "time": t.at_us * 1000}
            for t in written
        ]
    else:
        assert [{**one, "takerOrderId": "", "makerOrderId": ""} for one in listed] == [
            {
                "sequence": int(t.id),
                "tradeId": t.id,
                "takerOrderId": "",
                "makerOrderId": "",
                "price": t.price,
                "size": round(float(t.quantity) * 10_000),
                "side": t.side,
                "ts": t.at_us * 1000,
            }
            for t in written
        ]


def test_spot_symbols_are_in_coins(tmp_path: Path) -> None:
    with stage("kucoin", "spot", tmp_path, symbols=3) as scene:
        listed = ask(scene, "/api/v2/symbols")["data"]
        names = ("symbol", "baseCurrency", "quoteCurrency", "baseIncrement", "baseMinSize", "priceIncrement")
        assert [[one[name] for name in names] for one in listed] == [
            ["BTC-USDT", "BTC", "USDT", "0.0001", "0.0001", "5"],
            ["ETH-USDT", "ETH", "USDT", "0.001", "0.001", "0.2"],
            ["SOL-USDT", "SOL", "USDT", "0.01", "0.01", "0.01"],
        ]
        assert ask(scene, "/api/v1/contracts/active") == {"code": "404", "msg": "Not Found"}


def test_contracts_are_in_lots_with_funding(tmp_path: Path) -> None:
    with stage("kucoin", "futures", tmp_path, symbols=2) as scene:
        listed = ask(scene, "/api/v1/contracts/active")["data"]
        names = ("symbol", "baseCurrency", "type", "multiplier", "lotSize", "tickSize", "isInverse", "status")
        assert [[one[name] for name in names] for one in listed] == [
            ["XBTUSDTM", "XBT", "FFWCSX", 0.0001, 1, 5, False, "Open"],
            ["ETHUSDTM", "ETH", "FFWCSX", 0.001, 1, 0.2, False, "Open"],
            ["XBTUSDM", "XBT", "FFWCSX", -1, 1, 5, True, "Open"],
            ["XBTUSDTM26MAR", "XBT", "FFICSX", 0.0001, 1, 5, False, "Open"],
        ]
        every_ms = 8 * 3600 * 1000
        begin_ms = START_MS // every_ms * every_ms
        times = ("nextFundingRateTime", "nextFundingRateDateTime", "fundingRateGranularity")
        assert [listed[0][name] for name in times] == [begin_ms + every_ms - START_MS, begin_ms + every_ms, every_ms]
        assert ask(scene, "/api/v1/contracts/XBTUSDTM")["data"] == listed[0]
        rate = float(scene.exchange.market.listings[0].funding_rate)
        assert ask(scene, "/api/v1/funding-rate/XBTUSDTM/current")["data"] == {
            "symbol": ".XBTUSDTMFPI8H",
            "granularity": every_ms,
            "timePoint": begin_ms,
            "value": rate,
            "predictedValue": rate,
            "fundingTime": begin_ms + every_ms,
        }
        assert ask(scene, "/api/v1/contracts/NOPE")["code"] == "200003"


def test_weights_are_counted_in_half_minutes_and_faults_look_like_it(tmp_path: Path) -> None:
    with stage("kucoin", "spot", tmp_path, symbols=1) as scene:
        status, headers, body = scene.rest("/api/v1/timestamp")
        assert (status, body) == (200, {"code": "200000", "data": START_MS})
        limits = {name: value for name, value in headers.items() if name.startswith("gw-")}
        left_ms = 30_000 - START_MS % 30_000
        assert limits == {
            "gw-ratelimit-limit": "2000",
            "gw-ratelimit-remaining": "1997",
            "gw-ratelimit-reset": str(left_ms),
        }
        statuses = [scene.rest("/api/v2/symbols")[0] for _ in range(500)]
        assert statuses == [200] * 499 + [429]
        assert scene.rest("/api/v2/symbols")[2]["code"] == "429000"
        scene.play(left_ms / 1000)
        assert scene.rest("/api/v2/symbols")[0] == 200
        face = scene.exchange.face
        refused = face.rest(Request(path="/api/v2/symbols", query={}, at_us=scene.now_us, refuse_s=3))
        assert (refused.status, refused.headers["gw-ratelimit-reset"]) == (429, "3000")
        banned = face.rest(Request(path="/api/v2/symbols", query={}, at_us=scene.now_us, address_ban_s=3))
        assert (banned.status, banned.body) == (429, "error code: 1015")
