"""Whatever a client does, fills, orders, position, balances and the journal agree to the last digit (Hypothesis)."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.faults import Wish
from simulator.journal import Balances, FaultHit, Filled, Funded, OrderChanged
from tests.support.stage import Stage, stage
from tests.support.trading import PLACES, Trader

SYMBOLS = ("BTC/USDT", "XRP/USDT")
QUANTITIES = {"BTC/USDT": ("0.0021", "0.05", "0.7003"), "XRP/USDT": ("13", "700", "40001")}
DEEDS = st.lists(
    st.one_of(
        st.tuples(
            st.just("place"),
            st.sampled_from(SYMBOLS),
            st.sampled_from(["buy", "sell"]),
            st.sampled_from([0, 1, 2]),
            st.sampled_from([None, -6, -1, 0, 1, 2, 5]),
            st.sampled_from(["gtc", "gtc", "ioc", "fok", "post_only"]),
            st.booleans(),
        ),
        st.tuples(st.just("cancel"), st.integers(0, 12)),
        st.tuples(st.just("play"), st.sampled_from([0.1, 0.5, 2.0])),
        st.tuples(st.just("fault"), st.sampled_from(["partial", "late-fill", "refuse", "duplicate-id", "lost-answer"])),
    ),
    max_size=24,
)


@settings(max_examples=30, deadline=None)
@pytest.mark.parametrize(("venue", "market"), PLACES)
@given(deeds=DEEDS)
def test_fills_are_what_orders_positions_and_balances_changed_by(
    venue: str, market: str, deeds: list[tuple[object, ...]]
) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        stage(venue, market, Path(folder), symbols=4, funding_s=2) as scene,
    ):
        trader, placed = Trader(scene), 0
        for deed in deeds:
            match deed:
                case ("cancel", int(number)):
                    trader.cancel(f"c{number}", SYMBOLS[0])
                    trader.cancel(f"c{number}", SYMBOLS[1])
                case ("play", float(seconds)):
                    scene.play(seconds)
                case ("fault", str(name)):
                    assert scene.exchange.striker.strike(Wish(name))
                case ("place", str(symbol), str(side), int(size), away, str(force), bool(reduce_only)):
                    price = trader.price(side, away, symbol) if isinstance(away, int) else None
                    trader.place(
                        side,
                        QUANTITIES[symbol][size],
                        price,
                        force=force,
                        reduce_only=reduce_only and market == "futures",
                        client_id=f"c{placed}",
                        symbol=symbol,
                    )
                    placed += 1
            check_never_negative(scene)
        scene.exchange.halt(scene.now_us)
        check_orders(scene)
        (check_coins if market == "spot" else check_margin)(scene)


def check_never_negative(scene: Stage) -> None:
    """Check what must hold at any time."""
    desk = scene.exchange.desk
    assert desk.resting == sum(desk.rests(one) for one in desk.orders.open(1 << 62))
    for listing in scene.exchange.market.listings:
        assert listing.ladder.bid < listing.ladder.ask
        assert min(listing.ladder.levels[0].values()) > 0
        assert min(listing.ladder.levels[1].values()) > 0
    if scene.exchange.face.market == "spot":
        for balance in desk.coins.balances.values():
            assert balance.free >= 0
            assert balance.locked >= 0


def check_orders(scene: Stage) -> None:
    """Check that each order's sums are those of its fills, and that no fill came after the end but a late one."""
    fills: dict[str, list[Filled]] = defaultdict(list)
    late = {one.ids[0] for one in scene.of(FaultHit) if one.action == "filled_late"}
    last: dict[str, OrderChanged] = {}
    for one in scene.of(OrderChanged, Filled):
        if isinstance(one, Filled):
            ended = last[one.order_id].status in {"filled", "cancelled", "expired"}
            assert not ended or one.client_id in late
            fills[one.order_id].append(one)
        else:
            last[one.order_id] = one
    for order in last.values():
        mine = fills[order.order_id]
        assert Decimal(order.filled) == sum(Decimal(one.quantity) for one in mine)
        assert Decimal(order.value) == sum(Decimal(one.quantity) * Decimal(one.price) for one in mine)
        assert order.quantity is not None
        assert (order.status == "filled") == (Decimal(order.filled) == Decimal(order.quantity))
        if order.price is not None:
            sign = 1 if order.side == "buy" else -1
            assert all(sign * (Decimal(one.price) - Decimal(order.price)) <= 0 for one in mine)


def check_coins(scene: Stage) -> None:
    """Check that what is there at the halt is what was there at the start and what the fills moved."""
    start, halt = scene.of(Balances)
    have = {one.asset: Decimal(one.total) for one in start.assets}
    for one in scene.of(Filled):
        sign, base = (1 if one.side == "buy" else -1), one.symbol.partition("/")[0]
        have[base] += sign * Decimal(one.quantity)
        have["USDT"] -= sign * Decimal(one.quantity) * Decimal(one.price)
        have[one.fee_asset] -= Decimal(one.fee)
        assert one.fee_asset == (base if one.side == "buy" else "USDT")
    assert {one.asset: Decimal(one.total) for one in halt.assets} == have
    locked: dict[str, Decimal] = defaultdict(Decimal)
    for order in scene.exchange.desk.orders.open(1 << 62):
        locked["USDT" if order.side == "buy" else order.instrument.base] += order.locked
    assert {one.asset: Decimal(one.locked) for one in halt.assets} == {one: locked[one] for one in have}


def check_margin(scene: Stage) -> None:
    """Check that position, wallet and realized profit at the halt are what fills and funding made of them."""
    _, halt = scene.of(Balances)
    held: dict[str, Decimal] = defaultdict(Decimal)
    flow: dict[str, Decimal] = defaultdict(Decimal)
    wallet = Decimal(100_000)
    for one in scene.of(Filled, Funded):
        if isinstance(one, Funded):
            assert Decimal(one.position) == held[one.symbol]
            exact = -held[one.symbol] * Decimal(one.mark) * Decimal(one.rate)
            assert abs(Decimal(one.amount) - exact) <= Decimal("0.000000005")
            wallet += Decimal(one.amount)
            continue
        assert one.realized is not None
        sign = 1 if one.side == "buy" else -1
        held[one.symbol] += sign * Decimal(one.quantity)
        flow[one.symbol] += Decimal(one.realized) + sign * Decimal(one.quantity) * Decimal(one.price)
        wallet += Decimal(one.realized) - Decimal(one.fee)
        if held[one.symbol] == 0:
            # All that was earned is what it was sold for less what it was bought for, to the last digit.
            assert flow[one.symbol] == 0
    assert {one.symbol: Decimal(one.quantity) for one in halt.positions} == {one: q for one, q in held.items() if q}
    assert [(one.asset, Decimal(one.total)) for one in halt.assets] == [("USDT", wallet)]
    for symbol, position in scene.exchange.desk.margin.positions.items():
        cost = position.cost if position.lots >= 0 else -position.cost
        assert cost == flow[symbol]
