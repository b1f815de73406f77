"""X-21: stock ccxt, which knows nothing of us, trades on the simulator as it trades on the exchanges."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import ccxt  # type: ignore[import-untyped] # it ships no types
import pytest

from simulator.journal import Filled, OrderChanged
from tests.support.ccxt_client import ccxt_client
from tests.support.eventually import eventually
from tests.support.simulated import Simulated, simulated

PLACES = [(venue, market) for venue in ("binance", "bybit") for market in ("spot", "futures")]
WITHIN_S = 20.0
# Bybit wants to be told that only the last 500 orders can be asked for.
ASKED = {"acknowledged": True}

pytestmark = pytest.mark.parametrize(("venue", "market"), PLACES)


def name_of(market: str, base: str = "BTC") -> str:
    """Return ccxt's own name of a pair on a market."""
    return f"{base}/USDT" if market == "spot" else f"{base}/USDT:USDT"


def far_below(place: Simulated) -> float:
    """Return a price at which a buy waits."""
    ladder = place.exchange.market.listings[0].ladder
    return place.exchange.market.listings[0].instrument.tick.value(ladder.bid - 100)


async def test_a_limit_order_lives_as_ccxt_understands_it(venue: str, market: str, tmp_path: Path) -> None:
    async with simulated(venue, market, tmp_path) as place, ccxt_client(venue, market, place) as client:
        await client.load_markets()
        name, price = name_of(market), far_below(place)
        made = await client.create_order(name, "limit", "buy", 0.01, price, {"clientOrderId": "ccxt-limit-1"})
        found = await client.fetch_order(made["id"], name, ASKED)
        listed = await client.fetch_open_orders(name)
        await client.cancel_order(made["id"], name)
        after = await client.fetch_order(made["id"], name, ASKED)
        with pytest.raises(ccxt.OrderNotFound if venue == "binance" else ccxt.InvalidOrder):
            await client.cancel_order(made["id"], name)
    shape = ("clientOrderId", "symbol", "type", "side", "price", "amount", "filled", "remaining", "status")
    wanted = ("ccxt-limit-1", name, "limit", "buy", price, 0.01, 0.0)
    assert tuple(found[one] for one in shape) == (*wanted, 0.01, "open")
    assert [one["id"] for one in listed] == [made["id"]]
    assert (after["filled"], after["status"]) == (0.0, "canceled")


async def test_a_market_order_is_filled_and_its_trades_and_fees_add_up(venue: str, market: str, tmp_path: Path) -> None:
    async with simulated(venue, market, tmp_path) as place, ccxt_client(venue, market, place) as client:
        await client.load_markets()
        name = name_of(market)
        made = await client.create_order(name, "market", "sell", 0.5)
        found = await client.fetch_order(made["id"], name, ASKED)
        trades = await client.fetch_my_trades(name)
        written = [one for one in place.records() if isinstance(one, Filled)]
    assert (found["type"], found["side"], found["amount"], found["filled"], found["status"]) == (
        "market", "sell", 0.5, 0.5, "closed",
    )  # fmt: skip
    assert found["cost"] == pytest.approx(sum(float(one.price) * float(one.quantity) for one in written), abs=1e-9)
    assert {
        (one["id"], one["order"], one["side"], one["price"], one["amount"], one["takerOrMaker"], one["fee"]["cost"])
        for one in trades
    } == {
        (one.trade_id, made["id"], "sell", float(one.price), float(one.quantity), "taker", float(one.fee))
        for one in written
    }
    assert {one["fee"]["currency"] for one in trades} == {"USDT"}


async def test_balances_and_positions_are_those_of_the_simulator(venue: str, market: str, tmp_path: Path) -> None:
    async with simulated(venue, market, tmp_path) as place, ccxt_client(venue, market, place) as client:
        await client.load_markets()
        before = await client.fetch_balance()
        await client.create_order(name_of(market), "market", "buy", 0.01)
        place.exchange.halt(0)
        after = await client.fetch_balance()
        desk = place.exchange.desk
        if market == "spot":
            assert (before["BTC"]["total"], before["USDT"]["free"]) == (1.0, 100_000.0)
            coins = desk.coins.balances
            for coin in ("BTC", "USDT"):
                assert (after[coin]["free"], after[coin]["used"]) == (
                    float(coins[coin].free),
                    float(coins[coin].locked),
                )
            return
        assert before["USDT"]["total"] == 100_000.0
        (held,) = await client.fetch_positions()
        position = desk.margin.positions["BTC/USDT"]
        assert (held["symbol"], held["side"], held["contracts"], held["entryPrice"], held["hedged"]) == (
            "BTC/USDT:USDT", "long", 0.01, float(position.entry_price), False,
        )  # fmt: skip
        assert held["unrealizedPnl"] == float(position.unrealized)
        expected = desk.margin.wallet + (position.unrealized if venue == "binance" else 0)
        assert after["USDT"]["total"] == pytest.approx(float(expected), abs=1e-6)


async def test_leverage_is_set_on_futures_and_market_money_is_spent_on_spot(
    venue: str, market: str, tmp_path: Path
) -> None:
    async with simulated(venue, market, tmp_path) as place, ccxt_client(venue, market, place) as client:
        await client.load_markets()
        name = name_of(market)
        if market == "futures":
            await client.set_leverage(7, name)
            assert place.exchange.desk.margin.leverage["BTC/USDT"] == 7
            return
        made = await client.create_order(name, "market", "buy", 0.01, place.exchange.market.listings[0].mid_price)
        found = await client.fetch_order(made["id"], name, ASKED)
        assert (found["status"], 0.009 < found["filled"] <= 0.01) == ("closed", True)


async def test_what_the_venue_refuses_ccxt_calls_by_its_name(venue: str, market: str, tmp_path: Path) -> None:
    async with simulated(venue, market, tmp_path) as place, ccxt_client(venue, market, place) as client:
        await client.load_markets()
        name = name_of(market)
        # Binance's own codes are known to ccxt by the host only, which is gone here: the common ones remain.
        poor = ccxt.InsufficientFunds if venue == "bybit" or market == "spot" else ccxt.ExchangeError
        with pytest.raises(poor):
            await client.create_order(name, "limit", "buy", 50, far_below(place))
        client.secret = "wrong"
        with pytest.raises(ccxt.AuthenticationError):
            await client.fetch_balance()


async def test_orders_and_trades_are_heard_on_the_private_streams(venue: str, market: str, tmp_path: Path) -> None:
    async with simulated(venue, market, tmp_path) as place, ccxt_client(venue, market, place) as client:
        await client.load_markets()
        name = name_of(market)
        async with asyncio.timeout(WITHIN_S), asyncio.TaskGroup() as group:
            orders = group.create_task(first(client.watch_orders, name))
            await eventually(lambda: _listens(place))
            made = await client.create_order(name, "market", "buy", 0.01, None, {"clientOrderId": "heard-1"})
        heard = orders.result()
        changes = [one for one in place.records() if isinstance(one, OrderChanged)]
    assert (heard["id"], heard["clientOrderId"], heard["symbol"]) == (made["id"], "heard-1", name)
    assert changes[-1].status == "filled"


async def first(watch: Any, name: str) -> Any:  # noqa: ANN401 - ccxt's values
    """Return the first thing that is heard."""
    return (await watch(name))[0]


def _listens(place: Simulated) -> bool:
    """Tell whether a client reads the account's stream."""
    streams = [one for connection in place.exchange.connections.values() for one in connection.streams.values()]
    return any(kind == "private" for _, kind in streams)
