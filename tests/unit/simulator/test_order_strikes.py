"""X-21: each fault of orders does to an order exactly what the journal says, on every venue and market, and once."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from simulator import faults, places
from simulator.face import Request
from simulator.faults import Wish
from simulator.journal import FaultEnded, FaultHit, FaultStarted, Filled, OrderChanged, OrderRefused
from simulator.order_strikes import HANG_S, Legs
from simulator.places import Options, Place
from tests.support.stage import Stage, stage, subscribed
from tests.support.trading import PLACES, Trader

pytestmark = pytest.mark.parametrize(("venue", "market"), PLACES)

POOR = {
    ("binance", "spot"): -2010, ("binance", "futures"): -2019, ("bybit", "spot"): 170131, ("bybit", "futures"): 110007,
}  # fmt: skip
TAKEN = {
    ("binance", "spot"): -2010, ("binance", "futures"): -4116, ("bybit", "spot"): 170141, ("bybit", "futures"): 110072,
}  # fmt: skip


def arm(scene: Stage, name: str, **fixed: Any) -> None:  # noqa: ANN401 - what a script may fix
    """Arm a fault."""
    assert scene.exchange.striker.strike(Wish(name, **fixed))


def hits(scene: Stage) -> list[tuple[str, str, str, str, str]]:
    """Return what befell orders: fault, action, symbol, client id, end; each complete and in order."""
    began, hit, ended = scene.of(FaultStarted), scene.of(FaultHit), scene.of(FaultEnded)
    assert [one.fault_id for one in began] == [one.fault_id for one in hit] == [one.fault_id for one in ended]
    assert {(one.channel, one.connection) for one in hit} <= {("order", 0)}
    return [
        (start.fault, one.action, one.symbol, one.ids[0], end.reason)
        for start, one, end in zip(began, hit, ended, strict=True)
    ]


def test_refuse_is_a_definite_no_and_the_next_order_is_taken(venue: str, market: str, tmp_path: Path) -> None:
    with stage(venue, market, tmp_path) as scene:
        trader = Trader(scene)
        arm(scene, "refuse")
        codes = [trader.refused(trader.place("buy", "0.01", client_id=name)) for name in ("a", "b")]
        assert codes == [POOR[venue, market], 0]
        assert hits(scene) == [("refuse", "refused", "BTC/USDT", "a", "fired")]
        assert [one.client_id for one in scene.of(OrderRefused)] == ["a"]
        assert trader.look_up("a") is None
        assert scene.exchange.striker.counts == {"refuse": 1}


def test_a_script_may_name_symbol_and_number_of_orders(venue: str, market: str, tmp_path: Path) -> None:
    with stage(venue, market, tmp_path) as scene:
        trader = Trader(scene)
        arm(scene, "refuse", symbol="ETH/USDT", count=2)
        codes = [
            trader.refused(trader.place("buy", "0.1", client_id=f"{number}", symbol=symbol))
            for number, symbol in enumerate(("BTC/USDT", "ETH/USDT", "ETH/USDT", "ETH/USDT"))
        ]
        assert [code == 0 for code in codes] == [True, False, False, True]
        assert [one[2:4] for one in hits(scene)] == [("ETH/USDT", "1"), ("ETH/USDT", "2")]


def test_an_answer_is_lost_and_the_order_is_there(venue: str, market: str, tmp_path: Path) -> None:
    with stage(venue, market, tmp_path) as scene:
        trader = Trader(scene)
        arm(scene, "lost-answer", count=2)
        asked = [trader.place("buy", "0.01", trader.price("buy", 50), client_id=name) for name in ("a", "b", "c")]
        # The first breaks off at once, the second hangs.
        assert [one[3] for one in asked] == [0.0, HANG_S, None]
        assert [trader.look_up(name) is not None for name in ("a", "b", "c")] == [True] * 3
        assert [one[:4] for one in hits(scene)] == [
            ("lost-answer", "unanswered", "BTC/USDT", "a"),
            ("lost-answer", "unanswered", "BTC/USDT", "b"),
        ]
        assert trader.refused(trader.cancel("a")) == 0


def test_a_lost_order_may_be_invisible_for_a_while(venue: str, market: str, tmp_path: Path) -> None:
    with stage(venue, market, tmp_path) as scene:
        trader = Trader(scene)
        arm(scene, "lost-answer", duration_s=1.5, visible_after_ms=400)
        assert trader.place("buy", "0.01", client_id="a")[3] == 1.5
        trader.place("buy", "0.01", client_id="b")
        assert [trader.look_up(name) is not None for name in ("a", "b")] == [False, True]
        scene.play(0.4)
        assert trader.look_up("a") is not None
        # It was dealt at once all the same.
        assert [one.client_id for one in scene.of(Filled)] == ["a", "b"]


def test_an_order_is_filled_in_part_only(venue: str, market: str, tmp_path: Path) -> None:
    with stage(venue, market, tmp_path) as scene:
        trader = Trader(scene)
        arm(scene, "partial")
        # It cannot happen to what takes nothing, or may only be dealt in whole.
        trader.place("buy", "0.01", trader.price("buy", 50), client_id="rests")
        trader.place("buy", "0.01", trader.price("buy", -3), client_id="whole", force="fok")
        trader.place("buy", "0.0101", trader.price("buy", -3), client_id="ioc", force="ioc")
        arm(scene, "partial")
        trader.place("buy", "0.0101", trader.price("buy", -3), client_id="gtc")
        last = {one.client_id: (one.status, one.filled) for one in scene.of(OrderChanged)}
        assert last == {
            "rests": ("new", "0.0000"),
            "whole": ("filled", "0.0100"),
            "ioc": ("expired", "0.0050"),
            "gtc": ("partially_filled", "0.0050"),
        }
        assert [one[:4] for one in hits(scene)] == [
            ("partial", "cut_short", "BTC/USDT", "ioc"),
            ("partial", "cut_short", "BTC/USDT", "gtc"),
        ]
        # What is left of it waits, and is dealt with when the market moves on.
        scene.play(0.2)
        last = {one.client_id: (one.status, one.filled) for one in scene.of(OrderChanged)}
        assert last["gtc"] == ("filled", "0.0101")


def test_a_fill_comes_after_the_cancel_was_answered(venue: str, market: str, tmp_path: Path) -> None:
    with stage(venue, market, tmp_path) as scene:
        trader, client = Trader(scene), Trader(scene).listen()
        price = trader.price("buy", 60)
        trader.place("buy", "0.02", price, client_id="a")
        arm(scene, "late-fill")
        assert trader.refused(trader.cancel("a")) == 0
        assert [one.status for one in scene.of(OrderChanged)] == ["new", "cancelled"]
        spent = Decimal(price) * Decimal("0.02")
        if market == "spot":
            assert scene.exchange.desk.coins.balances["USDT"].locked == spent
        assert trader.look_up("a")["status" if venue == "binance" else "orderStatus"] in {"CANCELED", "Cancelled"}
        client.take()
        scene.play(0.3)
        (fill,) = scene.of(Filled)
        assert (fill.client_id, fill.price, fill.quantity, fill.maker) == ("a", price, "0.0200", True)
        assert [one.status for one in scene.of(OrderChanged)] == ["new", "cancelled", "filled"]
        assert trader.look_up("a")["status" if venue == "binance" else "orderStatus"] in {"FILLED", "Filled"}
        assert hits(scene) == [("late-fill", "filled_late", "BTC/USDT", "a", "fired")]
        assert "a" in str(client.take())
        # The money that had stayed set aside is spent now, and no more.
        if market == "spot":
            assert trader.total() == 100_000 - spent
            assert scene.exchange.desk.coins.balances["USDT"].locked == 0
        else:
            assert scene.exchange.desk.margin.positions["BTC/USDT"].cost == spent
        assert trader.refused(trader.cancel("a")) != 0


def test_what_was_to_come_late_comes_before_the_halt(venue: str, market: str, tmp_path: Path) -> None:
    with stage(venue, market, tmp_path) as scene:
        trader = Trader(scene)
        trader.place("buy", "0.02", trader.price("buy", 60), client_id="a")
        arm(scene, "late-fill")
        trader.cancel("a")
        scene.exchange.halt(scene.now_us)
        assert [one.status for one in scene.of(OrderChanged)] == ["new", "cancelled", "filled"]
        kinds = [type(one).__name__ for one in scene.records()]
        assert kinds.index("Filled") < kinds.index("Mid") < kinds.index("Halted")


def test_an_id_is_called_taken_which_is_a_lie_and_then_the_truth(venue: str, market: str, tmp_path: Path) -> None:
    with stage(venue, market, tmp_path) as scene:
        trader = Trader(scene)
        arm(scene, "duplicate-id", count=2)
        codes = [trader.refused(trader.place("buy", "0.01", client_id=name)) for name in ("a", "b", "c")]
        assert codes == [TAKEN[venue, market], TAKEN[venue, market], 0]
        # Only who looks it up knows.
        assert [trader.look_up(name) is not None for name in ("a", "b", "c")] == [False, True, True]
        assert [one.client_id for one in scene.of(Filled)] == ["b", "c"]
        assert [one.client_id for one in scene.of(OrderRefused)] == ["a"]


def test_the_second_of_two_orders_is_refused_also_over_two_exchanges(venue: str, market: str, tmp_path: Path) -> None:
    other = "bybit" if venue == "binance" else "binance"
    with stage(venue, market, tmp_path) as here, stage(other, market, tmp_path) as there:
        # As in one process.
        here.exchange.striker.orders.legs = there.exchange.striker.orders.legs = Legs()
        arm(here, "leg-refused")
        arm(there, "leg-refused")
        mine, theirs = Trader(here), Trader(there)
        codes = [mine.refused(mine.place("buy", "0.01", client_id="leg-1"))]
        codes.append(theirs.refused(theirs.place("sell", "0.01", client_id="leg-2")))
        assert codes == [0, POOR[other, market]]
        # The rollback of the first leg is not hit where it only reduces, and a new pair is hit on the other side.
        if market == "futures":
            assert mine.refused(mine.place("sell", "0.01", reduce_only=True, client_id="back")) == 0
        for scene in (here, there):
            scene.play(3)
        codes = [theirs.refused(theirs.place("sell", "0.01", client_id="leg-3"))]
        codes.append(mine.refused(mine.place("buy", "0.01", client_id="leg-4")))
        assert codes == [0, POOR[venue, market]]
        assert [one[:4] for one in hits(here)] == [("leg-refused", "refused", "BTC/USDT", "leg-4")]
        assert [one[:4] for one in hits(there)] == [("leg-refused", "refused", "BTC/USDT", "leg-2")]


def test_where_orders_never_come_in_pairs_a_leg_is_refused_all_the_same(
    venue: str, market: str, tmp_path: Path
) -> None:
    with stage(venue, market, tmp_path) as scene:
        trader = Trader(scene)
        arm(scene, "leg-refused")
        codes = []
        for number in range(3):
            codes.append(trader.refused(trader.place("buy", "0.01", client_id=f"{number}")))
            scene.play(3)
        assert codes == [0, 0, POOR[venue, market]]


def test_a_ban_refuses_signed_requests_and_says_for_how_long(venue: str, market: str, tmp_path: Path) -> None:
    with stage(venue, market, tmp_path) as scene:
        trader = Trader(scene)
        arm(scene, "ban")
        status, headers, body, _ = trader.place("buy", "0.01", client_id="a")
        public = trader.send(book_request(scene))
        if venue == "binance":
            assert (status, headers["Retry-After"], body["code"]) == (418, "3", -1003)
        else:
            wait_ms = int(headers["X-Bapi-Limit-Reset-Timestamp"]) - scene.now_us // 1000
            assert (status, body["retCode"], headers["X-Bapi-Limit-Status"], wait_ms) == (200, 10006, "0", 3000)
        assert public[0] == 200
        scene.play(2.1)
        assert trader.refused(trader.place("buy", "0.01", client_id="a")) == 0
        assert hits(scene) == [("ban", "refused", "BTC/USDT", "a", "its time is over")]


def test_a_ban_of_the_address_refuses_all(venue: str, market: str, tmp_path: Path) -> None:
    with stage(venue, market, tmp_path) as scene:
        trader = Trader(scene)
        arm(scene, "ban", kind="address", duration_s=1.0)
        answers = [trader.send(book_request(scene)), trader.place("buy", "0.01", client_id="a")]
        assert [one[0] for one in answers] == [418, 418] if venue == "binance" else [403, 403]
        scene.play(1.1)
        assert trader.send(book_request(scene))[0] == 200


def test_the_venue_s_clock_is_ahead_and_then_behind(venue: str, market: str, tmp_path: Path) -> None:
    with stage(venue, market, tmp_path) as scene:
        trader = Trader(scene)
        away = []
        for name in ("a", "b"):
            arm(scene, "skew")
            assert trader.refused(trader.place("buy", "0.01", client_id=name)) == (
                -1021 if venue == "binance" else 10002
            )
            away.append(venue_ms(scene) - scene.now_us // 1000)
            scene.play(2.1)
        assert away == [65_000, -2_000]
        assert trader.refused(trader.place("buy", "0.01", client_id="c")) == 0
        assert [one[:4] for one in hits(scene)] == [
            ("skew", "refused", "BTC/USDT", "a"),
            ("skew", "refused", "BTC/USDT", "b"),
        ]


def test_the_venue_s_clock_is_as_far_away_as_a_script_says(venue: str, market: str, tmp_path: Path) -> None:
    with stage(venue, market, tmp_path) as scene:
        away = []
        for ahead_s in (5.0, -5.0):
            arm(scene, "skew", skew_s=ahead_s, duration_s=1.0)
            away.append(venue_ms(scene) - scene.now_us // 1000)
            scene.play(1.1)
        assert away == [5_000, -5_000]


def test_the_rate_limit_s_answer_and_slowness_are_of_signed_requests_too(
    venue: str, market: str, tmp_path: Path
) -> None:
    with stage(venue, market, tmp_path) as scene:
        trader = Trader(scene)
        arm(scene, "429", duration_s=1.0)
        status, headers, body, _ = trader.place("buy", "0.01", client_id="a")
        if venue == "binance":
            assert (status, headers["Retry-After"], body["code"]) == (429, "2", -1003)
        else:
            assert (status, body["retCode"], headers["X-Bapi-Limit-Status"]) == (200, 10006, "0")
        assert [one.ids for one in scene.of(FaultHit)] == [("a",)]
        scene.play(1.1)
        arm(scene, "slow", kind="rest")
        assert scene.exchange.striker.rest_lag_s() == 0.8
        scene.play(2.6)
        assert scene.exchange.striker.rest_lag_s() == 0.0


def test_every_fault_of_orders_fires_in_every_30_s_when_there_are_orders(
    venue: str, market: str, tmp_path: Path
) -> None:
    with stage(venue, market, tmp_path, faults=faults.PRIVATE) as scene:
        subscribed(scene)
        trader, ticks = Trader(scene), 0

        def trade() -> None:
            """Buy, sell, and cancel what rests, about once a second."""
            nonlocal ticks
            ticks += 1
            name, phase = f"c{ticks // 50}", ticks % 50
            if phase == 10:
                trader.place("buy" if ticks // 50 % 2 else "sell", "0.01", client_id=name)
            elif phase == 20:
                trader.place("buy", "0.01", trader.price("buy", 100), client_id=f"{name}-r")
            elif phase == 40:
                trader.cancel(f"{name}-r")

        scene.play(62, trade)
        start_us = scene.records()[0].at_us
        began = scene.of(FaultStarted)
        for half in (0, 30):
            window = [one.fault for one in began if half <= (one.at_us - start_us) / 1e6 < half + 32]
            assert set(window) == set(faults.PRIVATE)
        struck = {one.fault_id for one in scene.of(FaultHit)}
        assert {one.fault for one in began if one.fault_id in struck} == set(faults.PRIVATE)
        # One of a kind at a time, also when orders are rare.
        assert max(scene.exchange.striker.counts.values()) <= 3


def test_calm_lets_no_armed_fault_happen_any_more(venue: str, market: str, tmp_path: Path) -> None:
    with stage(venue, market, tmp_path) as scene:
        trader = Trader(scene)
        for name in ("refuse", "lost-answer", "partial"):
            arm(scene, name)
        scene.exchange.calm(scene.now_us)
        assert trader.place("buy", "0.01", client_id="a")[3] is None
        assert hits(scene) == []


def test_one_process_has_one_count_of_legs(venue: str, market: str, tmp_path: Path) -> None:
    legs, options = Legs(), Options(places=(), symbols=1, journal=tmp_path)
    exchange = places.exchange(Place(venue, market), options, legs=legs)
    assert exchange.striker.orders.legs is legs
    exchange.open(0, 0.0)
    exchange.close(0)


def book_request(scene: Stage) -> Request:
    """Return a public request."""
    face = scene.exchange.face
    if face.venue == "bybit":
        query = {"category": "spot" if face.market == "spot" else "linear", "symbol": "BTCUSDT"}
        return Request(path="/v5/market/orderbook", query=query, at_us=scene.now_us)
    path = "/api/v3/depth" if face.market == "spot" else "/fapi/v1/depth"
    return Request(path=path, query={"symbol": "BTCUSDT"}, at_us=scene.now_us)


def venue_ms(scene: Stage) -> int:
    """Return what time the venue says it is."""
    face = scene.exchange.face
    if face.venue == "bybit":
        return int(scene.rest("/v5/market/time")[2]["result"]["timeNano"]) // 1_000_000
    return int(scene.rest("/api/v3/time" if face.market == "spot" else "/fapi/v1/time")[2]["serverTime"])


def test_the_schedule_begins_with_the_first_order_when_nobody_reads_books(
    venue: str, market: str, tmp_path: Path
) -> None:
    with stage(venue, market, tmp_path, faults=("refuse",)) as scene:
        trader = Trader(scene)
        trader.listen()
        scene.play(5)
        assert trader.refused(trader.place("buy", "0.01", client_id="first")) == 0
        scene.play(1)
        assert trader.refused(trader.place("buy", "0.01", client_id="early")) == 0
        scene.play(1)
        assert trader.refused(trader.place("buy", "0.01", client_id="hit")) == POOR[venue, market]
