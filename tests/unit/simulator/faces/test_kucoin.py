"""KuCoin's unified socket as our fact sheet has it: binary JSON, books from O to C, one symbol to a request."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from simulator.journal import Closed, Delta, Served, Trade
from tests.support.stage import START_US, Client, Stage, stage

BINARY = 2
BOTH = pytest.mark.parametrize("market", ["spot", "futures"])
NAME = {"spot": "BTC-USDT", "futures": "XBTUSDTM"}
TYPE = {"spot": "SPOT", "futures": "FUTURES"}
START_MS = START_US // 1000
DAY_8_MS = 8 * 3600 * 1000


def asked(channel: str, market: str, **other: object) -> dict[str, object]:
    """Return a request of bitcoin's channel."""
    depth = {"depth": "increment@10ms"} if channel == "obu" else {}
    named = {"action": "SUBSCRIBE", "channel": channel, "tradeType": TYPE[market], "symbol": NAME[market]}
    return {"id": "1", **named, **depth, **other}


def client_of(scene: Stage, *channels: str) -> Client:
    """Connect and subscribe, and forget the answers that come at once."""
    client = scene.connect("/")
    taken(client)
    for channel in channels:
        client.say(asked(channel, scene.exchange.face.market))
    return client


def taken(client: Client) -> list[Any]:
    """Return what arrived since the last call; everything here is binary."""
    found = client.line.messages
    client.line.messages = []
    assert {opcode for opcode, _ in found} <= {BINARY, 8}
    return [json.loads(body) for opcode, body in found if opcode == BINARY]


def of_kind(messages: list[Any], kind: str) -> list[Any]:
    """Return the messages of a kind."""
    return [one for one in messages if one.get("T") == kind]


def coins(market: str, size: str) -> float:
    """Return a quantity of bitcoin in coins: a contract is one lot."""
    return float(Decimal(size) * (1 if market == "spot" else Decimal("0.0001")))


def applied(messages: list[Any]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the book that a snapshot and its deltas make, by the strict rule of the sheet."""
    books: tuple[dict[str, str], dict[str, str]] = ({}, {})
    last = 0
    for one in messages:
        data = one["d"]
        if one["t"] == "snapshot":
            assert data["O"] == data["C"]
            books = ({}, {})
        else:
            assert data["O"] == last + 1
            assert data["C"] - data["O"] + 1 - len(data["a"]) - len(data["b"]) in {0, 1}
        last = data["C"]
        for book, levels in zip(books, (data["b"], data["a"]), strict=True):
            for price, size in levels:
                book.pop(price, None)
                if size != "0":
                    book[price] = size
        assert max(map(float, books[0])) < min(map(float, books[1]))
    return books


def own_book(scene: Stage, market: str) -> list[dict[str, str]]:
    """Return the simulator's whole book in the wire's units."""
    listing = scene.exchange.market.listings[0]
    tick, lot, ladder = listing.instrument.tick, listing.instrument.lot, listing.ladder
    return [
        {tick.format(price): lot.format(lots) if market == "spot" else str(lots) for price, lots in levels.items()}
        for levels in ladder.levels
    ]


@BOTH
def test_a_delta_begins_where_the_last_one_ended_over_hundreds_of_steps(market: str, tmp_path: Path) -> None:
    with stage("kucoin", market, tmp_path, symbols=2) as scene:
        scene.play(1)
        client = client_of(scene, "obu")
        scene.play(40)
        found = of_kind(taken(client), f"obu.{TYPE[market]}")
        own, served, deltas = own_book(scene, market), scene.of(Served), scene.of(Delta)
    assert [one["t"] for one in found] == ["snapshot"] + ["delta"] * (len(found) - 1)
    assert len(found) > 250
    assert list(applied(found)) == own
    assert [(one.connection, one.sequence, one.channel, one.levels) for one in served] == [
        (1, found[0]["d"]["C"], "obu", 500)
    ]
    written = [one for one in deltas if one.symbol == "BTC/USDT" and one.at_us > START_US + 1_000_000]
    assert [(one.sequence, one.first, one.follows) for one in written] == [
        (one["d"]["C"], one["d"]["O"], one["d"]["O"] - 1) for one in found[1:]
    ]
    # The journal has coins, also where the wire has contracts.
    assert [[(p, float(q)) for p, q in one.asks] for one in written] == [
        [(p, coins(market, q)) for p, q in one["d"]["a"]] for one in found[1:]
    ]
    assert {one.channel for one in deltas} == {"obu"}
    fillers = {one["d"]["C"] - one["d"]["O"] + 1 - len(one["d"]["a"]) - len(one["d"]["b"]) for one in found[1:]}
    assert fillers == ({0, 1} if market == "spot" else {0})


@BOTH
def test_frames_are_those_of_the_sheet(market: str, tmp_path: Path) -> None:
    with stage("kucoin", market, tmp_path, symbols=1) as scene:
        client = scene.connect("/")
        (welcome,) = taken(client)
        session = welcome.pop("sessionId")
        assert welcome == {"message": "welcome", "pingInterval": 18000}
        assert [len(part) for part in session.split("-")] == [8, 4, 4, 4, 12]
        client.say(asked("obu", market))
        client.say(asked("trade", market, id="2", action="subscribe"))
        ack, snapshot, other = taken(client)
        assert (ack, other) == ({"id": "1", "result": True}, {"id": "2", "result": True})
        while not scene.of(Trade):
            scene.play(0.02)
        found = taken(client)
        delta = next(one for one in scene.of(Delta))
        trade = next(one for one in scene.of(Trade))
    zero = [[p, "0" if float(q) == 0 else q] for p, q in (*delta.bids, *delta.asks)]
    lots = [[p, str(round(float(q) * 10_000)) if market == "futures" else q] for p, q in zero]
    assert of_kind(found, f"obu.{TYPE[market]}")[0] == {
        "T": f"obu.{TYPE[market]}",
        "dp": "increment@10ms",
        "t": "delta",
        "P": delta.at_us * 1000,
        "d": {
            "a": lots[len(delta.bids) :],
            "b": lots[: len(delta.bids)],
            "s": NAME[market],
            "O": delta.first,
            "C": delta.sequence,
            "M": delta.at_us * 1000,
        },
    }
    assert [len(snapshot["d"][side]) for side in "ab"] == [500, 500]
    size = trade.quantity if market == "spot" else str(round(float(trade.quantity) * 10_000))
    assert of_kind(found, f"trade.{TYPE[market]}")[0] == {
        "T": f"trade.{TYPE[market]}",
        "P": trade.at_us * 1000,
        "d": {
            "E": int(trade.id),
            "M": trade.at_us * 1000,
            "S": trade.side,
            "p": trade.price,
            "q": size,
            "s": NAME[market],
            "ti": trade.id,
        },
    }


@BOTH
def test_trades_have_rising_numbers_and_are_all_written(market: str, tmp_path: Path) -> None:
    with stage("kucoin", market, tmp_path, symbols=1) as scene:
        client = client_of(scene, "trade")
        scene.play(60)
        told = [one["d"] for one in of_kind(taken(client), f"trade.{TYPE[market]}")]
        written = scene.of(Trade)
        path = "/api/ua/v1/market/trade"
        rest = scene.rest(path, symbol=NAME[market], tradeType=TYPE[market])[2]["data"]
        assert scene.rest(path, symbol=NAME[market], tradeType="NONE")[2]["code"] == "400100"
    assert len(told) > 20
    assert {one["S"] for one in told} == {"buy", "sell"}
    ids = [int(one["ti"]) for one in told]
    assert ids == sorted(set(ids))
    assert [(t.channel, t.id, t.side, t.price, float(t.quantity)) for t in written] == [
        ("trade", one["ti"], one["S"], one["p"], coins(market, one["q"])) for one in told
    ]
    assert rest == {
        "tradeType": TYPE[market],
        "list": [
            {
                "sequence": one["ti"],
                "tradeId": one["ti"],
                "price": one["p"],
                "size": one["q"],
                "side": one["S"],
                "ts": one["M"],
            }
            for one in told[-100:]
        ],
    }


def test_futures_have_funding_and_mark_price(tmp_path: Path) -> None:
    with stage("kucoin", "futures", tmp_path, symbols=1) as scene:
        client = client_of(scene, "funding-fee", "mark-price")
        listing = scene.exchange.market.listings[0]
        begin_ms = START_MS // DAY_8_MS * DAY_8_MS
        assert taken(client)[1::2] == [
            {
                "T": "funding-fee",
                "P": START_US * 1000,
                "d": {
                    "s": "XBTUSDTM",
                    "fr": listing.funding_rate,
                    "ft": begin_ms,
                    "nt": begin_ms + DAY_8_MS,
                    "gl": DAY_8_MS,
                    "fc": "0.00375",
                    "ff": "-0.00375",
                },
            },
            {
                "T": "mark-price",
                "P": START_US * 1000,
                "d": {
                    "s": "XBTUSDTM",
                    "mp": listing.mark_price,
                    "ip": "64000.00000000",
                    "oi": "0",
                    "ts": START_MS,
                },
            },
        ]
        scene.play(120)
        later = taken(client)
    assert [len(of_kind(later, name)) for name in ("funding-fee", "mark-price")] == [2, 120]


def test_funding_is_told_at_once_when_the_next_payment_has_moved(tmp_path: Path) -> None:
    with stage("kucoin", "futures", tmp_path, symbols=1, funding_s=10) as scene:
        client = client_of(scene, "funding-fee")
        scene.play(35)
        told = [(one["d"]["ft"], one["d"]["nt"]) for one in of_kind(taken(client), "funding-fee")]
    assert told == [(START_MS + number * 10_000, START_MS + (number + 1) * 10_000) for number in (0, 1, 2, 3)]


INVALID = {"result": False, "message": "invalid request data"}


@pytest.mark.parametrize(
    ("market", "change", "told"),
    [
        ("spot", {"action": "dance"}, INVALID),
        ("spot", {"action": ["SUBSCRIBE"]}, INVALID),
        ("spot", {"channel": "nonsense"}, INVALID),
        ("spot", {"channel": "funding-fee"}, INVALID),
        ("spot", {"channel": {}}, INVALID),
        ("spot", {"tradeType": "MARGIN"}, INVALID),
        ("spot", {"depth": "20"}, INVALID),
        ("spot", {"depth": None}, INVALID),
        ("spot", {"symbol": 7}, {"result": False, "reason": "missing `symbol` for topic: obu"}),
        ("spot", {"symbols": ["BTC-USDT"]}, {"result": False, "reason": "symbols are not supported for topic obu"}),
        (
            "futures",
            {"tradeType": "SPOT"},
            {
                "result": False,
                "message": 'topic Obu type = "public_spot" not allowed in current environment',
            },
        ),
    ],
)
def test_what_is_wrong_is_said(market: str, change: dict[str, Any], told: dict[str, Any], tmp_path: Path) -> None:
    with stage("kucoin", market, tmp_path, symbols=1) as scene:
        client = client_of(scene)
        client.say({**asked("obu", market), **change})
        assert taken(client) == [{"id": "1", **told}]
        scene.play(3)
        assert taken(client) == []


def test_what_is_no_json_gets_no_answer_and_an_unknown_symbol_stays_silent(tmp_path: Path) -> None:
    with stage("kucoin", "spot", tmp_path, symbols=1) as scene:
        client = client_of(scene)
        client.say("nonsense")
        client.say([1])
        assert taken(client) == []
        client.say(asked("obu", "spot", symbol="NOPE-USDT"))
        assert taken(client) == [{"id": "1", "result": True}]
        scene.play(3)
        assert taken(client) == []


def test_a_book_is_left_and_comes_whole_when_it_is_asked_for_again(tmp_path: Path) -> None:
    with stage("kucoin", "futures", tmp_path, symbols=1) as scene:
        client = client_of(scene, "obu")
        scene.play(3)
        taken(client)
        client.say(asked("obu", "futures", action="unsubscribe", id="7"))
        assert taken(client) == [{"id": "7", "result": True}]
        scene.play(3)
        assert taken(client) == []
        client.say(asked("obu", "futures"))
        scene.play(3)
        found = of_kind(taken(client), "obu.FUTURES")
        assert list(applied(found)) == own_book(scene, "futures")


def test_a_ping_is_answered_and_two_in_a_second_cost_the_connection(tmp_path: Path) -> None:
    with stage("kucoin", "spot", tmp_path, symbols=1) as scene:
        client = client_of(scene, "trade")
        taken(client)
        client.say({"id": "6", "type": "ping"})
        assert taken(client) == [{"type": "pong", "id": "6", "ts": START_US * 1000}]
        scene.play(1)
        client.say({"id": "7", "type": "ping"})
        scene.play(0.9)
        assert not client.line.closed
        client.say({"id": "8", "type": "ping"})
        assert client.line.aborted


def test_limits_of_topics_messages_and_connections(tmp_path: Path) -> None:
    with stage("kucoin", "spot", tmp_path, symbols=1) as scene:
        client = client_of(scene)
        for number in range(601):
            client.say(asked("trade", "spot", symbol=f"S{number}"))
            if number % 250 == 0:
                scene.play(10)
        answers = taken(client)
        assert answers == [{"id": "1", "result": True}] * 600 + [
            {"id": "1", "result": False, "message": "more than 600 topics"}
        ]
        scene.play(10)
        closed = []
        for _ in range(301):
            client.say(asked("trade", "spot"))
            closed.append(client.line.closed)
        assert closed == [False] * 300 + [True]
        assert [scene.exchange.may_connect(number / 10) for number in range(251)] == [True] * 250 + [False]


def test_who_reads_nothing_is_cut_after_a_minute_and_who_reads_may_be_silent(tmp_path: Path) -> None:
    with stage("kucoin", "spot", tmp_path, symbols=1) as scene:
        idle, reading = client_of(scene), client_of(scene, "trade")
        scene.play(90)
        assert (idle.line.aborted, reading.line.aborted) == (True, False)
        assert len(scene.of(Closed)) == 1
        assert scene.exchange.face.route("/endpoint", {}) is None
