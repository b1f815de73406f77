"""CoinEx as the fact sheet has it: windows with checksums and whole books, deals, the state of a market."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from simulator.faces.coinex_depth import checksum
from simulator.journal import Delta, Served, Subscribed, Trade, Unsubscribed
from tests.support.coinex_client import BOTH, OK, Book, ask, client_of, depth, listened, of, own_book
from tests.support.gzipped import taken
from tests.support.stage import as_told, stage


def test_the_checksum_is_that_of_the_fact_sheet() -> None:
    bids = (("86690", "0.61130406"), ("86682", "1.49973466"), ("86669", "1.15381508"))
    asks = (("86760", "0.58242844"), ("86768", "1.49824820"), ("86788", "1.15223302"))
    assert checksum((bids, asks)) == 3701548920
    assert checksum(((), ())) == 0


@BOTH
@pytest.mark.parametrize("limit", [5, 10, 20, 50])
def test_changes_and_whole_books_make_the_own_window_with_its_checksum(market: str, limit: int, tmp_path: Path) -> None:
    with stage("coinex", market, tmp_path, symbols=2) as scene:
        scene.play(1)
        found = of(listened(scene, client_of(scene, "depth", depth(limit=limit)), 130), "depth.update")
        book = Book(limit)
        for data in found:
            book.take(data)
        assert book.levels() == own_book(scene, limit)
        served = scene.of(Served)
        deltas = [one for one in scene.of(Delta) if (one.symbol, one.channel) == ("BTC/USDT", f"depth.{limit}")]
    assert {data["market"] for data in found} == {"BTCUSDT"}
    whole = [number for number, data in enumerate(found) if data["is_full"]]
    assert (len(found) > 300, whole[0], len(whole)) == (True, 0, 4 if whole[1] < 10 else 3)
    times = [data["depth"]["updated_at"] for data in found]
    assert all(after > before for before, after in pairwise(times))
    assert {(after - before) % 100 for before, after in pairwise(times[1:])} == {0}
    assert all(59_000 < times[after] - times[before] < 61_000 for before, after in pairwise(whole[-2:]))
    # Journal: each change once, each after the message before it, all of them as on the wire.
    told = [one for one in deltas if one.sequence > times[0]]
    assert [(one.sequence, one.bids, one.asks) for one in told] == [
        (data["depth"]["updated_at"], *(tuple(map(tuple, data["depth"][side])) for side in ("bids", "asks")))
        for data in found
        if not data["is_full"]
    ]
    before = dict(zip(times[1:], times, strict=False))
    assert [one.follows for one in told] == [before[one.sequence] for one in told]
    assert [(one.connection, one.channel, one.sequence, one.levels) for one in served] == [
        (0 if number else 1, f"depth.{limit}", times[number], limit) for number in whole
    ]


def test_a_message_of_a_book_has_the_form_of_the_fact_sheet(tmp_path: Path) -> None:
    with stage("coinex", "futures", tmp_path, symbols=1) as scene:
        client = client_of(scene, "depth", depth())
        ack, whole = taken(client)
        assert ack == OK
        bids, asks = ([list(level) for level in side] for side in own_book(scene, 50))
        assert whole == {
            "method": "depth.update",
            "data": {
                "market": "BTCUSDT",
                "is_full": True,
                "depth": {
                    "asks": asks,
                    "bids": bids,
                    "last": bids[0][0],
                    "updated_at": scene.now_us // 1000,
                    "checksum": whole["data"]["depth"]["checksum"],
                },
            },
            "id": None,
        }
        scene.play(1)
        update, *_ = taken(client)
        told = scene.of(Delta)[0]
        assert update["data"]["depth"] | {"checksum": 0, "last": ""} == {
            "asks": [list(level) for level in told.asks],
            "bids": [list(level) for level in told.bids],
            "last": "",
            "updated_at": told.at_us // 1000,
            "checksum": 0,
        }
        assert update["data"]["is_full"] is False
        assert "0" in {quantity for _, quantity in (*told.bids, *told.asks)}


def test_no_two_messages_of_a_book_fall_on_one_millisecond(tmp_path: Path) -> None:
    with stage("coinex", "spot", tmp_path, symbols=1) as scene:
        client = client_of(scene, "depth", depth())
        for _ in range(400):
            # Ten steps in the same moment, as when a process that was held up catches up.
            scene.now_us += 1_000
            for _ in range(50):
                scene.exchange.tick(scene.now_us, scene.now_s)
        book, found = Book(50), of(taken(client), "depth.update")
        for data in found:
            book.take(data)
    times = [data["depth"]["updated_at"] for data in found]
    assert len(set(times)) == len(times) > 300
    assert sum(data["is_full"] for data in found) == 7


def test_a_book_that_is_always_whole_is_told_when_it_changes(tmp_path: Path) -> None:
    with stage("coinex", "spot", tmp_path, symbols=1) as scene:
        client = client_of(scene, "depth", depth(limit=20, whole=True))
        scene.play(4)
        found = of(taken(client), "depth.update")
        assert {data["is_full"] for data in found} == {True}
        assert {(len(data["depth"]["bids"]), len(data["depth"]["asks"])) for data in found} == {(20, 20)}
        (told,) = scene.of(Subscribed)
        assert (told.channel, told.type) == ("depth.20.whole", "top")
        changes = [one.sequence for one in scene.of(Delta) if one.channel == "depth.20"]
        assert [data["depth"]["updated_at"] for data in found][1:] == changes
        assert {one.channel for one in scene.of(Delta)} == {"depth.50", "depth.20"}
        book = Book(20)
        book.take(found[-1])
        assert book.levels() == own_book(scene, 20)


@BOTH
def test_deals_come_newest_first_and_the_first_message_is_history(market: str, tmp_path: Path) -> None:
    with stage("coinex", market, tmp_path, symbols=2) as scene:
        client = client_of(scene, "deals", "BTCUSDT")
        (empty,) = of(taken(client), "deals.update")
        assert empty == {"market": "BTCUSDT", "deal_list": []}
        found = of(listened(scene, client, 250), "deals.update")
        written = [one for one in scene.of(Trade) if one.symbol == "BTC/USDT"]
        (history,) = of(taken(client_of(scene, "deals", "BTCUSDT")), "deals.update")
        _, _, body = scene.rest(f"/v2/{market}/deals", market="BTCUSDT", limit="7")
    rows = [
        {
            "deal_id": int(one.id),
            "created_at": one.at_us // 1000,
            "side": one.side,
            "price": one.price,
            "amount": one.quantity,
        }
        for one in written
    ]
    assert [row for data in found for row in reversed(data["deal_list"])] == rows
    assert {len(data["deal_list"]) for data in found} >= {1, 2}
    assert {one.side for one in written} == {"buy", "sell"}
    assert len({one.id for one in written}) == len(written) > 100
    assert history["deal_list"] == rows[:-101:-1]
    assert body == {"code": 0, "data": rows[:-8:-1], "message": "OK"}


def test_the_state_of_futures_brings_funding_every_second_and_a_new_list_replaces_the_old(tmp_path: Path) -> None:
    with stage("coinex", "futures", tmp_path, funding_s=60) as scene:
        client = client_of(scene, "state", "BTCUSDT", "ETHUSDT")
        first = of(taken(client), "state.update")
        scene.play(5)
        later = of(taken(client), "state.update")
        assert [row["market"] for data in first for row in data["state_list"]] == ["BTCUSDT", "ETHUSDT"]
        assert [row["market"] for data in later for row in data["state_list"]] == ["BTCUSDT", "ETHUSDT"] * 5
        listing = scene.exchange.market.listings[1]
        ask(client, "state.subscribe", "ETHUSDT")
        (row,) = of(taken(client), "state.update")[0]["state_list"]
        begin_ms = scene.now_us // 60_000_000 * 60_000
        assert {name: row[name] for name in row if "fund" in name or "price" in name} == {
            "insurance_fund_size": "0",
            "index_price": f"{listing.index_price:.8f}",
            "mark_price": listing.mark_price,
            "latest_funding_rate": first[1]["state_list"][0]["next_funding_rate"],
            "next_funding_rate": listing.funding_rate,
            "latest_funding_time": begin_ms,
            "next_funding_time": begin_ms + 60_000,
        }
        assert row["latest_funding_rate"] != row["next_funding_rate"]
        _, _, body = scene.rest("/v2/futures/funding-rate", market="ETHUSDT")
        bounds = {"max_funding_rate": "0.00375", "min_funding_rate": "-0.00375"}
        shared = {name: row[name] for name in row if name == "mark_price" or "_funding_" in name}
        assert body["data"] == [{"market": "ETHUSDT", **shared, **bounds}]
        scene.play(2)
        told = of(taken(client), "state.update")
        assert [row["market"] for data in told for row in data["state_list"]] == ["ETHUSDT"] * 2
        ask(client, "state.subscribe")
        assert len(of(taken(client), "state.update")) == 5
        assert len(scene.rest("/v2/futures/funding-rate")[2]["data"]) == 5


def test_the_state_of_spot_has_no_funding(tmp_path: Path) -> None:
    with stage("coinex", "spot", tmp_path, symbols=1) as scene:
        (data,) = of(taken(client_of(scene, "state", "BTCUSDT")), "state.update")
    assert set(data["state_list"][0]) == {
        "market", "last", "open", "close", "high", "low", "volume", "volume_sell", "volume_buy", "value", "period",
    }  # fmt: skip


def test_subscriptions_add_up_and_one_of_the_same_market_begins_anew(tmp_path: Path) -> None:
    with stage("coinex", "spot", tmp_path, symbols=2) as scene:
        client = client_of(scene, "depth", depth("BTCUSDT"))
        ask(client, "depth.subscribe", depth("ETHUSDT"))
        scene.play(3)
        assert {data["market"] for data in of(taken(client), "depth.update")} == {"BTCUSDT", "ETHUSDT"}
        ask(client, "depth.subscribe", depth("BTCUSDT", 20))
        first, *_ = of(taken(client), "depth.update")
        assert (first["is_full"], len(first["depth"]["bids"])) == (True, 20)
        assert list(client.connection.streams) == ["depth.50.ETHUSDT", "depth.20.BTCUSDT"]
        scene.play(3)
        book = Book(20)
        for data in (first, *(one for one in of(taken(client), "depth.update") if one["market"] == "BTCUSDT")):
            book.take(data)
        assert book.levels() == own_book(scene, 20)
        ask(client, "depth.unsubscribe", "BTCUSDT")
        assert taken(client) == [OK]
        assert list(client.connection.streams) == ["depth.50.ETHUSDT"]
        ask(client, "deals.subscribe")
        ask(client, "depth.unsubscribe")
        assert list(client.connection.streams) == ["deals.BTCUSDT", "deals.ETHUSDT"]
        assert [one.stream for one in scene.of(Unsubscribed)] == [
            "depth.50.BTCUSDT", "depth.20.BTCUSDT", "depth.50.ETHUSDT",
        ]  # fmt: skip


@BOTH
def test_a_client_hears_what_the_journal_says_the_faults_left(market: str, tmp_path: Path) -> None:
    with stage("coinex", market, tmp_path, symbols=1, faults=("gap", "duplicate", "reorder", "corrupt")) as scene:
        found = listened(scene, client_of(scene, "depth", depth()), 88)
        told = [one.sequence for one in as_told(scene.records()) if isinstance(one, Delta)]
        counts = dict(scene.exchange.striker.counts)
    heard = [data["depth"]["updated_at"] for data in of(found, "depth.update") if not data["is_full"]]
    assert counts == {"gap": 3, "duplicate": 3, "reorder": 3, "corrupt": 3}
    assert sum(isinstance(one, str) for one in found) == 3
    assert heard == told
