"""BingX as the fact sheet has it: gzip, `all` and updates whose numbers skip, tops of books, trades and their ids."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from simulator.faces.bingx import PATHS
from simulator.faces.bingx_topics import parse_topic
from simulator.journal import Delta, Served, Subscribed, Trade
from tests.support.bingx_client import BOOK, BOTH, TRADES, applied, client_of, listened, of_topic, own_book, pairs
from tests.support.gzipped import taken
from tests.support.stage import as_told, stage


def trade_id(row: dict[str, Any], number: int) -> str:
    """Derive the id of a swap trade as a reader does."""
    price, quantity = float(row["p"]), float(row["q"])
    return f"{row['s']}-{row['T']}-{price!r}-{quantity!r}-{'sell' if row['m'] else 'buy'}-{number}"


@BOTH
def test_changes_after_the_whole_book_make_the_own_book_and_their_numbers_rise_and_skip(
    market: str, tmp_path: Path
) -> None:
    with stage("bingx", market, tmp_path) as scene:
        scene.play(1)
        found = of_topic(listened(scene, client_of(scene, BOOK), 300), BOOK)
        deltas = [one for one in scene.of(Delta) if one.symbol == "BTC/USDT"]
        served = scene.of(Served)
        assert applied(found) == own_book(scene, 500)
    assert [one["data"]["action"] for one in found] == ["all"] + ["update"] * (len(found) - 1)
    numbers = [one["data"]["lastUpdateId"] for one in found]
    steps = Counter(after - before for before, after in pairwise(numbers))
    assert len(found) > 500
    assert set(steps) == set(range(1, 11))
    assert steps[1] > len(found) / 2
    # The journal: every number once, each after the one before it, as told on the wire.
    assert all(after.follows == before.sequence for before, after in pairwise(deltas))
    told = [one for one in deltas if one.sequence > numbers[0]]
    assert [(one.sequence, list(one.bids), list(one.asks)) for one in told] == [
        (one["data"]["lastUpdateId"], pairs(one["data"]["bids"]), pairs(one["data"]["asks"])) for one in found[1:]
    ]
    assert [(one.connection, one.channel, one.sequence, one.levels) for one in served] == [
        (1, "incrDepth", numbers[0], 500)
    ]


def test_the_frames_of_a_book_differ_by_market(tmp_path: Path) -> None:
    found = {}
    for market in PATHS:
        with stage("bingx", market, tmp_path / market, symbols=1) as scene:
            client = client_of(scene, BOOK)
            _, whole = taken(client)
            scene.play(0.5)
            found[market] = (whole, taken(client)[0], scene.of(Delta)[0])
    for market, (whole, update, delta) in found.items():
        time, form = ("timestamp", dict) if market == "spot" else ("time", list)
        assert set(whole) == {"code", "dataType", "data"}
        assert set(whole["data"]) == {"action", "lastUpdateId", time, "bids", "asks"}
        assert update == {
            "code": 0,
            "dataType": BOOK,
            "data": {
                "action": "update",
                "lastUpdateId": delta.sequence,
                time: delta.at_us // 1000,
                "bids": form([*map(list, delta.bids)]),
                "asks": form([*map(list, delta.asks)]),
            },
        }
        for side in ("bids", "asks"):
            prices = [float(price) for price, _ in pairs(update["data"][side])]
            assert prices == sorted(prices, reverse=True)
    gone = [text for _, text in (*found["futures"][2].bids, *found["futures"][2].asks) if not float(text)]
    assert set(gone) == {"0.0000"}


@pytest.mark.parametrize(
    ("market", "symbol", "every_ms"),
    [("spot", "BTC", 500), ("futures", "BTC", 200), ("futures", "ETH", 200), ("futures", "SOL", 400)],
)
def test_changes_come_at_the_pace_of_the_market_and_symbol(
    market: str, symbol: str, every_ms: int, tmp_path: Path
) -> None:
    with stage("bingx", market, tmp_path, symbols=3) as scene:
        scene.play(20)
        times = [one.at_us // 1000 for one in scene.of(Delta) if one.symbol == f"{symbol}/USDT"]
    apart = {after - before for before, after in pairwise(times)}
    assert min(apart) == every_ms
    assert {gap % every_ms for gap in apart} == {0}


@pytest.mark.parametrize(
    ("market", "channel", "head"),
    [
        ("spot", "depth100", {"code", "dataType", "data", "timestamp"}),
        ("futures", "depth20@500ms", {"code", "dataType", "data", "ts"}),
        ("futures", "depth100", {"code", "dataType", "data", "ts"}),
    ],
)
def test_the_top_of_a_book_comes_whole_with_asks_worst_first(
    market: str, channel: str, head: set[str], tmp_path: Path
) -> None:
    topic = f"BTC-USDT@{channel}"
    levels = int(channel.removeprefix("depth").partition("@")[0])
    with stage("bingx", market, tmp_path, symbols=1) as scene:
        client = client_of(scene, topic)
        scene.play(3)
        last = of_topic(taken(client), topic)[-1]
        own = own_book(scene, levels)
        (told,) = scene.of(Subscribed)
    assert set(last) == head
    assert [{float(p): float(q) for p, q in last["data"][side]} for side in ("bids", "asks")] == own
    for side in ("bids", "asks"):
        assert [float(p) for p, _ in last["data"][side]] == sorted((float(p) for p, _ in last["data"][side]))[::-1]
    assert (told.channel, told.type) == (channel, "top")


def test_swap_trades_have_no_id_and_the_journal_has_what_a_reader_derives(tmp_path: Path) -> None:
    with stage("bingx", "futures", tmp_path, symbols=1) as scene:
        frames = of_topic(listened(scene, client_of(scene, TRADES), 200), TRADES)
        written = scene.of(Trade)
        late = client_of(scene, TRADES)
        _, history = taken(late)
        _, _, body = scene.rest("/openApi/swap/v2/quote/trades", symbol="BTC-USDT", limit="20")
    assert {tuple(row) for frame in frames for row in frame["data"]} == {("q", "p", "T", "m", "s")}
    derived: list[tuple[str, str, str, str]] = []
    seen: Counter[str] = Counter()
    for frame in frames:
        for row in reversed(frame["data"]):  # newest first on the wire
            key = trade_id(row, 0)
            derived.append((trade_id(row, seen[key]), "sell" if row["m"] else "buy", row["p"], row["q"]))
            seen[key] += 1
    assert derived == [(one.id, one.side, one.price, one.quantity) for one in written]
    assert {one.id.rpartition("-")[2] for one in written} >= {"0", "1"}
    assert {one.side for one in written} == {"buy", "sell"}
    # The first frame of a later subscription holds recent trades, of each millisecond all or none.
    told = [row for frame in frames for row in reversed(frame["data"])]
    assert history["data"] == told[-len(history["data"]) :][::-1]
    assert 15 < len(history["data"]) <= 20
    assert told[-len(history["data"]) - 1]["T"] != history["data"][-1]["T"]
    assert body["data"] == [
        {
            "time": row["T"],
            "isBuyerMaker": row["m"],
            "price": row["p"],
            "qty": row["q"],
            "quoteQty": f"{float(row['p']) * float(row['q']):.2f}",
        }
        for row in told[:-21:-1]
    ]


def test_spot_trades_come_one_by_one_with_their_id(tmp_path: Path) -> None:
    with stage("bingx", "spot", tmp_path, symbols=1) as scene:
        frames = of_topic(listened(scene, client_of(scene, TRADES), 60), TRADES)
        written = scene.of(Trade)
        _, _, body = scene.rest("/openApi/spot/v1/market/trades", symbol="BTC-USDT", limit="5")
    assert len(written) > 15
    assert frames == [
        {
            "code": 0,
            "dataType": TRADES,
            "data": {
                "e": "trade",
                "E": one.at_us // 1000,
                "s": "BTC-USDT",
                "t": one.id,
                "p": one.price,
                "q": one.quantity,
                "T": one.at_us // 1000,
                "m": one.side == "sell",
            },
        }
        for one in written
    ]
    assert body["data"] == [
        {
            "id": int(one.id),
            "price": float(one.price),
            "qty": float(one.quantity),
            "time": one.at_us // 1000,
            "buyerMaker": one.side == "sell",
        }
        for one in written[:-6:-1]
    ]


def test_a_book_subscribed_to_again_begins_anew(tmp_path: Path) -> None:
    with stage("bingx", "spot", tmp_path, symbols=1) as scene:
        client = client_of(scene, BOOK)
        scene.play(2)
        client.say({"id": "9", "reqType": "unsub", "dataType": BOOK})
        taken(client)
        scene.play(2)
        assert of_topic(taken(client), BOOK) == []
        client.say({"id": "9", "reqType": "sub", "dataType": BOOK})
        scene.play(2)
        found = of_topic(taken(client), BOOK)
        assert [one["data"]["action"] for one in found][:2] == ["all", "update"]
        assert applied(found) == own_book(scene, 500)


@BOTH
def test_a_client_hears_what_the_journal_says_the_faults_left(market: str, tmp_path: Path) -> None:
    with stage("bingx", market, tmp_path, symbols=1, faults=("gap", "duplicate", "reorder", "corrupt")) as scene:
        found = listened(scene, client_of(scene, BOOK), 88)
        told = [one.sequence for one in as_told(scene.records()) if isinstance(one, Delta)]
        counts = dict(scene.exchange.striker.counts)
    broken = [one for one in found if isinstance(one, str) and one != "Ping"]
    assert counts == {"gap": 3, "duplicate": 3, "reorder": 3, "corrupt": 3}
    assert len(broken) == 3
    assert [one["data"]["lastUpdateId"] for one in of_topic(found, BOOK)][1:] == told


def test_the_first_trades_of_swap_are_of_each_millisecond_all_or_none(tmp_path: Path) -> None:
    with stage("bingx", "futures", tmp_path, symbols=1) as scene:
        for _ in range(80):
            scene.play(1)
            told = [one.id.rpartition("-")[0] for one in scene.of(Trade)]
            frames = of_topic(taken(client_of(scene, TRADES)), TRADES)
            rows = [trade_id(row, 0).rpartition("-")[0] for frame in frames for row in reversed(frame["data"])]
            assert rows == told[len(told) - len(rows) :]
            left = told[: len(told) - len(rows)]
            times = [name.split("-")[2] for name in (*left[-1:], *rows[:1])]
            assert len(rows) <= 20
            assert len(set(times)) == len(times)
    assert left


def test_swap_tells_the_mark_price_each_second_and_spot_has_no_such_topic(tmp_path: Path) -> None:
    with stage("bingx", "futures", tmp_path, symbols=1) as scene:
        found = listened(scene, client_of(scene, "BTC-USDT@markPrice"), 3)
        price = scene.exchange.desk.market.listings[0].mark_price
    told = [{**one["data"], "E": one["data"]["E"] % 1000} for one in found if one["dataType"]]
    assert [(one["e"], one["s"], one["E"]) for one in told] == [("markPriceUpdate", "BTC-USDT", told[0]["E"])] * 3
    assert told[-1]["p"] == price
    assert parse_topic("BTC-USDT@markPrice", "spot") is None
