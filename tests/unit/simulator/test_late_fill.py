"""K14: a taker is dealt at once for all the world, and for its owner only later, in every answer, list and stream."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from simulator.faults import Wish
from simulator.journal import FaultHit, Filled, OrderChanged, Trade
from simulator.order_strikes import CANCEL, LATE, LATE_MARKET_MS, LATE_MS, TAKER
from tests.support.stage import TICK_US, Stage, stage, subscribed
from tests.support.trading import PLACES, Trader

pytestmark = pytest.mark.parametrize(("venue", "market"), PLACES)
DONE = {"binance": -2011}
ZERO = Decimal(0)
OPEN = {"NEW", "New"}
PARTLY = {"PARTIALLY_FILLED", "PartiallyFilled"}
FULL = {"FILLED", "Filled"}


def arm(scene: Stage, count: int = 1, kind: str | None = None) -> None:
    """Let the next takers be told of late."""
    assert scene.exchange.striker.strike(Wish(LATE, count=count, kind=kind))


def said(trader: Trader, client_id: str) -> tuple[str, Decimal]:
    """Return status and quantity that the venue tells of an order."""
    found = trader.look_up(client_id)
    assert found is not None
    if trader.venue == "binance":
        return found["status"], Decimal(found["executedQty"])
    return found["orderStatus"], Decimal(found["cumExecQty"])


def own_fills(trader: Trader) -> list[Any]:
    """Return the fills that the venue lists."""
    if trader.venue == "bybit":
        return list(trader.bybit("GET", "/v5/execution/list", symbol="BTCUSDT")[2]["result"]["list"])
    name = "myTrades" if trader.market == "spot" else "userTrades"
    found: list[Any] = trader.binance("GET", f"{trader.prefix}/{name}", symbol="BTCUSDT")[2]
    return found


def has(scene: Stage) -> Decimal:
    """Return what the account holds beyond what it began with."""
    desk = scene.exchange.desk
    if scene.exchange.face.market == "futures":
        return desk.margin.positions["BTC/USDT"].quantity
    return (desk.coins.balances["BTC"].free - 1).quantize(Decimal("0.0001"))


def late_ms(scene: Stage, begin_us: int) -> float:
    """Return after how long the last fill was told."""
    told_us: int = scene.of(Filled)[-1].at_us
    return (told_us - begin_us) / 1000


def test_all_the_world_sees_the_deal_at_once_and_its_owner_later(venue: str, market: str, tmp_path: Path) -> None:
    with stage(venue, market, tmp_path) as scene:
        subscribed(scene)
        trader, client = Trader(scene), Trader(scene).listen()
        arm(scene)
        ladder, begin_us = trader.listing().ladder, scene.now_us
        best, there = ladder.ask, sum(ladder.levels[1].values())
        answer = trader.place("buy", "0.01", trader.price("buy", -3), force="ioc", client_id="a")
        assert trader.refused(answer) == 0
        assert answer[3] is None
        if venue == "binance":
            assert (answer[2]["status"], Decimal(answer[2]["executedQty"])) == ("NEW", ZERO)
        # The book has lost what was taken, and the trade is told to everybody.
        assert {Decimal(one.quantity) for one in scene.of(Trade)} == {Decimal("0.01")}
        taken = there - sum(ladder.levels[1].values())
        assert (Decimal(taken), ladder.ask >= best) == (
            Decimal("0.01") / trader.listing().instrument.lot.exact(1),
            True,
        )
        for _ in range(round(LATE_MS[0] * 1000 / TICK_US) - 1):
            scene.play(TICK_US / 1e6)
            status, filled = said(trader, "a")
            assert (status in OPEN, filled, len(own_fills(trader)), has(scene)) == (True, ZERO, 0, ZERO)
        heard = str(client.take())
        assert ("'TRADE'" in heard, "'topic': 'execution'" in heard) == (False, False)
        # A cancel in between finds nothing that it could take off the book.
        assert trader.refused(trader.cancel("a")) == DONE.get(venue, 170139 if market == "spot" else 110008)
        scene.play(1)
        status, filled = said(trader, "a")
        assert (status in FULL, filled, len(own_fills(trader)), has(scene)) == (
            True, Decimal("0.01"), 1, Decimal("0.0100"),
        )  # fmt: skip
        assert LATE_MS[0] <= late_ms(scene, begin_us) <= LATE_MS[1] + TICK_US / 1000
        assert "a" in str(client.take())
        assert [(one.action, one.ids) for one in scene.of(FaultHit)] == [("told_late", ("a",))]
        assert [one.status for one in scene.of(OrderChanged)] == ["new", "filled"]


def test_the_second_is_told_of_half_at_once(venue: str, market: str, tmp_path: Path) -> None:
    with stage(venue, market, tmp_path) as scene:
        trader = Trader(scene)
        arm(scene, count=3)
        for name, force in (("a", "ioc"), ("b", "ioc"), ("c", "ioc")):
            trader.place("buy", "0.0101", trader.price("buy", -3), force=force, client_id=name)
        (status, filled), (first, _) = said(trader, "b"), said(trader, "a")
        assert (first in OPEN, status in PARTLY, filled) == (True, True, Decimal("0.0050"))
        assert [one.client_id for one in scene.of(Filled)] == ["b"]
        scene.play(1)
        assert [said(trader, name)[0] in FULL for name in "abc"] == [True] * 3
        fills = [(one.client_id, one.quantity) for one in scene.of(Filled)]
        assert sorted(fills) == [("a", "0.0101"), ("b", "0.0050"), ("b", "0.0051"), ("c", "0.0101")]
        assert len({one.trade_id for one in scene.of(Filled)}) == len(fills)


def test_what_is_not_dealt_in_whole_ends_late_too(venue: str, market: str, tmp_path: Path) -> None:
    with stage(venue, market, tmp_path) as scene:
        trader = Trader(scene)
        arm(scene)
        ladder = trader.listing().ladder
        there = trader.listing().instrument.lot.exact(ladder.levels[1][ladder.ask])
        trader.place("buy", str(there * 2), trader.price("buy"), force="ioc", client_id="a")
        assert said(trader, "a")[0] in OPEN
        scene.play(1)
        status, filled = said(trader, "a")
        assert (status in {"EXPIRED", "PartiallyFilledCanceled", "Cancelled"}, filled) == (True, there)
        assert [one.status for one in scene.of(OrderChanged)] == ["new", "partially_filled", "expired"]


def test_a_market_order_is_told_of_sooner_and_what_only_reduces_at_once(
    venue: str, market: str, tmp_path: Path
) -> None:
    with stage(venue, market, tmp_path) as scene:
        trader = Trader(scene)
        arm(scene, count=2)
        begin_us = scene.now_us
        trader.place("buy", "0.01", client_id="a")
        assert said(trader, "a")[0] in OPEN
        scene.play(0.6)
        assert LATE_MARKET_MS[0] <= late_ms(scene, begin_us) <= LATE_MARKET_MS[1] + TICK_US / 1000
        if market == "futures":
            trader.place("sell", "0.01", client_id="b", reduce_only=True)
            assert said(trader, "b")[0] in FULL
        # What rests is none of its takers: its late fill comes at its cancel.
        trader.place("buy", "0.01", trader.price("buy", -3), client_id="c")
        assert said(trader, "c")[0] in FULL
        assert scene.exchange.striker.orders.waits(LATE)


def test_an_order_for_the_whole_is_never_told_of_in_part(venue: str, market: str, tmp_path: Path) -> None:
    with stage(venue, market, tmp_path) as scene:
        trader = Trader(scene)
        arm(scene, count=2)
        for name in "ab":
            trader.place("buy", "0.01", trader.price("buy", -3), force="fok", client_id=name)
        assert [said(trader, name)[0] in OPEN for name in "ab"] == [True, True]
        scene.play(1)
        assert [said(trader, name)[0] in FULL for name in "ab"] == [True, True]


def test_all_is_told_before_the_market_halts(venue: str, market: str, tmp_path: Path) -> None:
    with stage(venue, market, tmp_path) as scene:
        trader = Trader(scene)
        arm(scene)
        trader.place("sell", "0.01", trader.price("sell", -3), force="ioc", client_id="a")
        scene.exchange.halt(scene.now_us)
        assert [one.status for one in scene.of(OrderChanged)] == ["new", "filled"]
        kinds = [type(one).__name__ for one in scene.records()]
        assert kinds.index("Filled") < kinds.index("Mid") < kinds.index("Halted")
        assert len(scene.of(Filled)) == 1


def test_a_script_may_want_only_takers_or_only_cancels(venue: str, market: str, tmp_path: Path) -> None:
    with stage(venue, market, tmp_path) as scene:
        trader = Trader(scene)
        arm(scene, kind=CANCEL)
        trader.place("buy", "0.01", client_id="taker")
        assert said(trader, "taker")[0] in FULL
        arm(scene, kind=TAKER)
        for name in "ab":
            trader.place("buy", "0.01", trader.price("buy", 50), client_id=name)
            trader.cancel(name)
        trader.place("sell", "0.01", client_id="other")
        assert [(one.action, one.ids) for one in scene.of(FaultHit)] == [
            ("filled_late", ("a",)), ("told_late", ("other",)),
        ]  # fmt: skip


def test_the_delay_is_the_seed_s(venue: str, market: str, tmp_path: Path) -> None:
    def told_after_ms(seed: int, folder: str) -> float:
        with stage(venue, market, tmp_path / folder, seed=seed) as scene:
            trader = Trader(scene)
            arm(scene)
            begin_us = scene.now_us
            trader.place("buy", "0.01", trader.price("buy", -3), force="ioc", client_id="a")
            scene.play(1)
            return late_ms(scene, begin_us)

    first, again = told_after_ms(7, "one"), told_after_ms(7, "two")
    assert first == again
    assert len({told_after_ms(seed, f"{seed}") for seed in range(5)}) > 1


def test_all_orders_of_a_list_are_cancelled_but_those_that_are_dealt(venue: str, market: str, tmp_path: Path) -> None:
    with stage(venue, market, tmp_path) as scene:
        trader = Trader(scene)
        arm(scene)
        trader.place("buy", "0.01", trader.price("buy", 50), client_id="rests")
        trader.place("buy", "0.01", trader.price("buy", -3), force="ioc", client_id="a")
        if venue == "bybit":
            trader.bybit("POST", "/v5/order/cancel-all", symbol="BTCUSDT")
        elif market == "spot":
            trader.binance("DELETE", "/api/v3/openOrders", symbol="BTCUSDT")
        else:
            trader.binance("DELETE", "/fapi/v1/allOpenOrders", symbol="BTCUSDT")
        scene.play(1)
        last = {one.client_id: one.status for one in scene.of(OrderChanged)}
        assert last == {"rests": "cancelled", "a": "filled"}
