"""Money is exact: each fill moves what it must, positions open, shrink and turn, margin is of the larger side."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.instruments import listed
from simulator.market import Market
from simulator.orders import Order, Ticket
from simulator.wallets import Fees, MarginAccount, Position, SpotAccount
from tapeline.domain.matching import Fill, Plan, Side

D = Decimal
FEES = Fees(maker=D("0.0002"), taker=D("0.0005"))


def btc() -> Market:
    """Return a market with one instrument: ticks of 5, lots of 0.0001."""
    return Market(1, "binance:futures", listed(1))


def order(market: Market, side: Side, lots: int, price: int | None, number: int = 1, *, reduce: bool = False) -> Order:
    """Return an order."""
    ticket = Ticket(
        listing=market.listings[0], side=side, client_id="", lots=lots, price=price, is_market=price is None,
        reduce_only=reduce,
    )  # fmt: skip
    return Order(number=number, id=str(number), ticket=ticket, at_us=0, updated_us=7, visible_us=0)


def plan(one: Order, *fills: tuple[int, int]) -> Plan:
    """Return what the matching would do."""
    return Plan(one.as_asked(), tuple(Fill(price, lots, None, one.number) for price, lots in fills))


def test_a_spot_buy_locks_its_limit_pays_the_deal_s_price_and_the_fee_in_coins() -> None:
    market = btc()
    account = SpotAccount(listed(1), Fees(maker=D("0.001"), taker=D("0.001")))
    usdt, coins = account.balances["USDT"], account.balances["BTC"]
    one = order(market, Side.BUY, 100, 12_000)
    account.reserve(one, plan(one))
    assert (usdt.free, usdt.locked) == (D(99_400), D(600))
    settled = account.settle(one, 11_990, 40, maker=False)
    # 40 lots are 0.004, at 59,950 worth 239.8; 240 had been locked for them.
    assert (settled.fee, settled.asset, settled.realized) == (D("0.000004"), "BTC", None)
    assert (usdt.free, usdt.locked) == (D("99400.2"), D(360))
    assert (coins.free, coins.locked) == (D("1.003996"), D(0))
    account.release(one)
    assert (usdt.free, usdt.locked, one.locked) == (D("99760.2"), D(0), D(0))


def test_a_spot_sell_locks_coins_and_pays_the_fee_in_money() -> None:
    market = btc()
    account = SpotAccount(listed(1), Fees(maker=D("0.001"), taker=D("0.001")))
    usdt, coins = account.balances["USDT"], account.balances["BTC"]
    one = order(market, Side.SELL, 100, 12_000)
    account.reserve(one, plan(one))
    assert (coins.free, coins.locked) == (D("0.99"), D("0.01"))
    settled = account.settle(one, 12_000, 100, maker=True)
    assert (settled.fee, settled.asset) == (D("0.6"), "USDT")
    assert (coins.free, coins.locked) == (D("0.99"), D(0))
    assert usdt.free == D("100599.4")


def test_spot_affords_a_limit_at_its_price_and_a_market_order_at_what_it_takes() -> None:
    market = btc()
    account = SpotAccount(listed(1), FEES)
    lots = 20_000  # 2 BTC
    limit, taker = order(market, Side.BUY, lots, 10_001), order(market, Side.BUY, lots, None)
    assert not account.affords(limit, plan(limit, (9_990, lots)))
    assert account.affords(taker, plan(taker, (9_990, lots)))
    assert not account.affords(taker, plan(taker, (10_000, lots - 1), (10_001, 1)))
    sell = order(market, Side.SELL, 10_001, 10_000)
    assert not account.affords(sell, plan(sell))


def test_a_position_opens_grows_shrinks_and_turns() -> None:
    market = btc()
    position = Position(market.listings[0])
    told = []
    for side, price, lots in (
        (Side.BUY, 12_000, 100), (Side.BUY, 12_300, 50), (Side.SELL, 12_400, 30), (Side.SELL, 12_000, 200),
        (Side.BUY, 11_800, 80),
    ):  # fmt: skip
        told.append((*position.deal(side, price, lots), position.lots, position.entry_price))
    assert told == [
        (D(0), 0, 100, D("60000.00000000")),
        (D(0), 0, 150, D("60500.00000000")),
        # 30 lots bought at 60,500 are sold at 62,000.
        (D("4.5"), 30, 120, D("60500.00000000")),
        # 120 lots are sold at 60,000, 80 are short from there.
        (D(-6), 120, -80, D("60000.00000000")),
        (D(8), 80, 0, D(0)),
    ]
    assert (position.realized, position.cost) == (D("6.5"), D(0))


@given(st.lists(st.tuples(st.sampled_from(Side), st.integers(11_000, 13_000), st.integers(1, 500)), max_size=30))
def test_what_a_position_earned_is_what_came_in_less_what_went_out(deals: list[tuple[Side, int, int]]) -> None:
    market = btc()
    position, one = Position(market.listings[0]), market.listings[0].instrument
    flow = D(0)
    for side, price, lots in deals:
        position.deal(side, price, lots)
        flow -= side.sign * one.tick.exact(price) * one.lot.exact(lots)
        # What is still held stands at its cost.
        assert position.realized == flow + (position.cost if position.lots > 0 else -position.cost)
        assert position.cost >= 0
        assert (position.cost == 0) == (position.lots == 0)
        if position.lots:
            prices = [price for _, price, _ in deals]
            assert 5 * min(prices) - D("0.001") <= position.entry_price <= 5 * max(prices) + D("0.001")


def futures() -> tuple[Market, MarginAccount]:
    """Return a market and an account with leverage 20."""
    market = btc()
    return market, MarginAccount(market.listings, FEES, 20, D("0.004"))


def test_futures_pay_fees_and_profits_from_one_wallet() -> None:
    market, account = futures()
    one = order(market, Side.BUY, 100, 12_000)
    account.reserve(one, plan(one))
    settled = account.settle(one, 12_000, 100, maker=False)
    assert (settled.fee, settled.asset, settled.realized, settled.closed) == (D("0.3"), "USDT", D(0), 0)
    back = order(market, Side.SELL, 100, 12_100, 2)
    settled = account.settle(back, 12_100, 100, maker=True)
    assert (settled.fee, settled.realized, settled.closed) == (D("0.121"), D(5), 100)
    assert account.wallet == D(100_000) - D("0.3") + D(5) - D("0.121")
    position = account.positions["BTC/USDT"]
    assert (position.lots, position.opened_us, position.updated_us) == (0, 7, 7)


def test_margin_is_that_of_the_larger_side_and_closing_is_always_afforded() -> None:
    market, account = futures()
    mark = D(market.listings[0].mark_price)
    long = order(market, Side.BUY, 10_000, 12_000)
    account.reserve(long, plan(long))
    account.settle(long, 12_000, 10_000, maker=False)
    long.filled = 10_000
    account.release(long)
    assert account.margin("BTC/USDT") == account.position_margin("BTC/USDT") == round(mark / 20, 8)
    # A sell of the same size would only close.
    sell = order(market, Side.SELL, 10_000, 12_100, 2)
    account.reserve(sell, plan(sell))
    assert account.order_margin("BTC/USDT") == 0
    buy = order(market, Side.BUY, 10_000, 12_000, 3)
    account.reserve(buy, plan(buy))
    assert account.order_margin("BTC/USDT") == D(3000)
    assert account.has_orders("BTC/USDT")
    # Money is gone: nothing more opens, and what closes is still afforded.
    account.wallet = D(0)
    more = order(market, Side.BUY, 100, 12_000, 4)
    assert not account.affords(more, plan(more))
    less = order(market, Side.SELL, 100, 12_000, 5)
    assert account.affords(less, plan(less))
    only = order(market, Side.SELL, 999_999, 12_000, 6, reduce=True)
    assert account.affords(only, plan(only))


@pytest.mark.parametrize("side", Side)
def test_the_liquidation_price_is_where_the_margin_is_used_up(side: Side) -> None:
    market, account = futures()
    account.wallet = D(2000)
    position = account.positions["BTC/USDT"]
    position.deal(side, 12_800, 5000)
    price = account.liquidation_price(position)
    size = position.quantity
    at_price = account.wallet + size * price - (position.cost if size > 0 else -position.cost)
    assert at_price == pytest.approx(abs(size) * price * D("0.004"), abs=D("0.0001"))
    assert (price < 64_000) == (side is Side.BUY)
    assert account.liquidation_price(Position(market.listings[0])) == 0
