"""Gate as the fact sheet has it: books of each depth under shared numbers, levels as asked for, trades, tickers."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from simulator.faces.gateio import PATHS
from simulator.journal import Delta, Served, Trade
from tests.support.stage import Client, Stage, stage

BOTH = pytest.mark.parametrize("market", ["spot", "futures"])
DECIMAL = {"x-gate-size-decimal": "1"}
ROUTES = {
    "spot": ("/api/v4/spot/order_book", "/api/v4/spot/trades", "currency_pair"),
    "futures": ("/api/v4/futures/usdt/order_book", "/api/v4/futures/usdt/trades", "contract"),
}
Book = tuple[dict[str, str], dict[str, str]]


def client_of(scene: Stage, what: str, *payload: str, decimal: bool = True) -> Client:
    """Connect and subscribe; without `what` only connect."""
    market = scene.exchange.face.market
    client = scene.connect(PATHS[market], headers=DECIMAL if decimal else None)
    if what:
        client.say({"channel": f"{market}.{what}", "event": "subscribe", "payload": list(payload)})
    return client


def told(client: Client) -> list[Any]:
    """Return what the channels said."""
    return [one for one in client.take() if one["event"] == "update"]


def put(book: Book, result: dict[str, Any]) -> None:
    """Apply a whole book or changes, in either form of levels."""
    for side, name in zip(book, ("b", "a"), strict=True):
        if result.get("full"):
            side.clear()
        for level in result.get(name, ()):
            price, size = (level["p"], level["s"]) if isinstance(level, dict) else level
            side.pop(price, None)
            if float(size):
                side[price] = str(size)
    assert max(map(float, book[0])) < min(map(float, book[1]))


def own_book(scene: Stage, depth: int) -> Book:
    """Return the best levels of the simulator's own book, as the venue writes them."""
    listing = scene.exchange.market.listings[0]
    one, ladder, is_spot = listing.instrument, listing.ladder, scene.exchange.face.market == "spot"
    prices = (range(ladder.bid, ladder.bid - depth, -1), range(ladder.ask, ladder.ask + depth))
    bids, asks = (
        {one.tick.format(price): one.lot.format(levels[price]) if is_spot else str(levels[price]) for price in side}
        for side, levels in zip(prices, ladder.levels, strict=True)
    )
    return bids, asks


@BOTH
@pytest.mark.parametrize("depth", [50, 400])
def test_obu_is_a_whole_book_and_changes_whose_first_number_follows_the_last(
    market: str, depth: int, tmp_path: Path
) -> None:
    with stage("gateio", market, tmp_path) as scene:
        scene.play(1)
        before_ms = scene.now_us // 1000
        client = client_of(scene, "obu", f"ob.BTC_USDT.{depth}")
        scene.play(60)
        found = told(client)
        whole, *changes = [one["result"] for one in found]
        book: Book = ({}, {})
        for result in (whole, *changes):
            put(book, result)
        served = scene.of(Served)
        deltas = [one for one in scene.of(Delta) if one.channel == f"{market}.obu.{depth}"]
        assert book == own_book(scene, depth)
    assert list(found[0]) == ["time", "time_ms", "channel", "event", "result"]
    assert {one["channel"] for one in found} == {f"{market}.obu"}
    assert list(whole) == ["t", "full", "s", "u", "b", "a"]
    assert (whole["full"], whole["s"], len(whole["b"])) == (True, f"ob.BTC_USDT.{depth}", depth)
    assert before_ms - 1000 < whole["t"] <= before_ms
    assert len(changes) > 300
    assert all(after["U"] == before["u"] + 1 <= after["u"] for before, after in pairwise([whole, *changes]))
    # The numbers of what happened further away go by in messages without levels.
    keys = {tuple(one) for one in changes}
    assert keys <= {("t", "s", "U", "u", "b", "a"), ("t", "s", "U", "u")}
    own = [one for one in deltas if one.symbol == "BTC/USDT" and one.sequence > whole["u"]]
    assert [(one.first, one.follows + 1, one.sequence) for one in own] == [(i["U"], i["U"], i["u"]) for i in changes]
    assert [(one.sequence, one.channel, one.levels, one.connection) for one in served] == [
        (whole["u"], f"{market}.obu.{depth}", depth, 1)
    ]


def test_numbers_that_pass_by_outside_of_the_depth_come_without_levels(tmp_path: Path) -> None:
    with stage("gateio", "futures", tmp_path, symbols=1) as scene:
        client = client_of(scene, "obu", "ob.BTC_USDT.50")
        listing = scene.exchange.market.listings[0]
        (whole,) = (one["result"] for one in told(client))
        step = next(iter(scene.exchange.market.tick()))
        listing.ladder.move(listing.ladder.bid, listing.ladder.ask)
        listing.ladder.changes = []
        listing.ladder.put(0, listing.ladder.bid - 200, 7)
        listing.ladder.put(1, listing.ladder.ask + 60, 7)
        scene.exchange.face.feeds["BTC_USDT"]._views["futures.obu.50"][1].flush()  # type: ignore[attr-defined]  # noqa: SLF001 - what the step above did is not told
        scene.exchange.face.advance(step, scene.now_us)
        client.connection.flush(scene.now_s)
        (change,) = (one["result"] for one in told(client))
    now_ms = scene.now_us // 1000
    assert change == {"t": now_ms, "s": "ob.BTC_USDT.50", "U": whole["u"] + 1, "u": whole["u"] + 2}


@pytest.mark.parametrize(
    ("market", "payload", "depth"),
    [
        ("spot", ["BTC_USDT", "100ms"], 100),
        ("spot", ["BTC_USDT", "20ms"], 20),
        ("futures", ["BTC_USDT", "100ms", "100"], 100),
        ("futures", ["BTC_USDT", "20ms", "20"], 20),
    ],
)
def test_order_book_update_is_aligned_with_rest_by_its_id(
    market: str, payload: list[str], depth: int, tmp_path: Path
) -> None:
    with stage("gateio", market, tmp_path) as scene:
        client = client_of(scene, "order_book_update", *payload)
        scene.play(2)
        path, _, name = ROUTES[market]
        query = {name: "BTC_USDT", "limit": str(depth), "with_id": "true"}
        body = scene.rest(path, **query)[2]
        scene.play(4)
        changes = [one["result"] for one in told(client)]
        names = ("bids", "asks")
        levels = [[(one["p"], one["s"]) if market == "futures" else one for one in body[side]] for side in names]
        book: Book = ({p: str(s) for p, s in levels[0]}, {p: str(s) for p, s in levels[1]})
        later = [one for one in changes if one["u"] >= body["id"] + 1]
        for result in later:
            put(book, result)
        assert book == own_book(scene, depth)
    assert later[0]["U"] <= body["id"] + 1 <= later[0]["u"]
    assert len(later) > 20 > len(changes) - len(later) > 5
    assert all(after["U"] == before["u"] + 1 for before, after in pairwise(changes))
    event = ["e", "E"] if market == "spot" else []
    assert {tuple(one) for one in changes} == {("t", *event, "s", "U", "u", "b", "a", "l")}


def test_futures_sizes_are_whole_numbers_for_who_does_not_ask_for_decimals(tmp_path: Path) -> None:
    with stage("gateio", "futures", tmp_path, symbols=1) as scene:
        clients = [client_of(scene, "obu", "ob.BTC_USDT.50", decimal=asks) for asks in (True, False)]
        for client in clients:
            client.say({"channel": "futures.trades", "event": "subscribe", "payload": ["BTC_USDT"]})
        scene.play(30)
        decimal, whole = (told(client) for client in clients)
    sizes = [
        [size for one in heard if one["channel"] == "futures.obu" for _, size in one["result"].get("b", ())]
        for heard in (decimal, whole)
    ]
    assert ({type(one) for one in sizes[0]}, {type(one) for one in sizes[1]}) == ({str}, {int})
    assert [int(one) for one in sizes[0]] == sizes[1]
    dealt = [
        [one for message in heard if message["channel"] == "futures.trades" for one in message["result"]]
        for heard in (decimal, whole)
    ]
    assert len(dealt[0]) > 10
    assert [{**one, "size": int(one["size"])} for one in dealt[0]] == dealt[1]


def test_spot_trades_are_told_one_by_one_and_none_is_left_out_in_a_market(tmp_path: Path) -> None:
    with stage("gateio", "spot", tmp_path) as scene:
        client = client_of(scene, "trades", "BTC_USDT", "ETH_USDT")
        scene.play(60)
        found = [one["result"] for one in told(client) if one["result"]["currency_pair"] == "BTC_USDT"]
        written = [one for one in scene.of(Trade) if one.symbol == "BTC/USDT"]
        body = scene.rest(ROUTES["spot"][1], currency_pair="BTC_USDT", limit="7")[2]
    assert len(found) > 20
    assert all(after["id_market"] == before["id_market"] + 1 for before, after in pairwise(found))
    assert any(after["id"] > before["id"] + 1 for before, after in pairwise(found))
    assert [
        (str(one["id"]), str(one["id_market"]), one["side"], one["price"], one["amount"], one["create_time"])
        for one in found
    ] == [(one.id, one.number, one.side, one.price, one.quantity, one.at_us // 1_000_000) for one in written]
    first = found[0]
    assert first == {
        "id": first["id"],
        "id_market": first["id_market"],
        "create_time": first["create_time"],
        "create_time_ms": f"{written[0].at_us // 1000}.{written[0].at_us % 1000:03d}",
        "side": written[0].side,
        "currency_pair": "BTC_USDT",
        "amount": written[0].quantity,
        "price": written[0].price,
        "range": f"{first['id_market']}-{first['id_market']}",
    }
    assert body == [
        {
            "id": str(one["id"]),
            "create_time": str(one["create_time"]),
            "create_time_ms": one["create_time_ms"],
            "currency_pair": "BTC_USDT",
            "side": one["side"],
            "amount": one["amount"],
            "price": one["price"],
            "sequence_id": str(one["id_market"]),
        }
        for one in found[:-8:-1]
    ]


def test_futures_trades_are_signed_contracts_and_an_order_is_one_message(tmp_path: Path) -> None:
    with stage("gateio", "futures", tmp_path, symbols=1) as scene:
        client = client_of(scene, "trades", "BTC_USDT")
        scene.play(60)
        messages = told(client)
        found = [one for message in messages for one in message["result"]]
        written = scene.of(Trade)
        lot = scene.exchange.market.listings[0].instrument.lot
        body = scene.rest(ROUTES["futures"][1], contract="BTC_USDT", limit="5")[2]
    assert {len(message["result"]) for message in messages} == {1, 2}
    assert {tuple(one) for one in found} == {("size", "id", "create_time", "create_time_ms", "price", "contract")}
    assert [
        (
            str(one["id"]),
            "sell" if one["size"].startswith("-") else "buy",
            one["price"],
            lot.format(abs(int(one["size"]))),
            one["create_time_ms"],
        )
        for one in found
    ] == [(one.id, one.side, one.price, one.quantity, one.at_us // 1000) for one in written]
    assert [(one["id"], one["size"], one["contract"]) for one in body] == [
        (one["id"], int(one["size"]), "BTC_USDT") for one in found[:-6:-1]
    ]


def test_the_ticker_of_a_contract_has_funding_mark_and_index_when_something_changed(tmp_path: Path) -> None:
    with stage("gateio", "futures", tmp_path, symbols=1, funding_s=3600) as scene:
        client = client_of(scene, "tickers", "BTC_USDT")
        scene.play(3)
        messages = told(client)
        listing, now_s = scene.exchange.market.listings[0], scene.now_us // 1_000_000
    assert len(messages) == 30
    assert messages[-1]["channel"] == "futures.tickers"
    (last,) = messages[-1]["result"]
    rate = listing.funding_rate
    assert last == {
        "contract": "BTC_USDT",
        "last": last["last"],
        "change_percentage": "0",
        "funding_rate": rate,
        "funding_rate_indicative": rate,
        "funding_interval": 3600,
        "funding_next_apply": (now_s // 3600 + 1) * 3600,
        "mark_price": listing.mark_price,
        "index_price": f"{listing.index_price:.8f}",
        "total_size": "0",
        "volume_24h": "0",
        "volume_24h_base": "0",
        "volume_24h_quote": "0",
        "volume_24h_settle": "0",
        "quanto_base_rate": "",
        "low_24h": last["last"],
        "high_24h": last["last"],
    }
