"""What the executor's tests want done: orders and two-leg trades that are dealt at once, an order that waits."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from simulator.instruments import listed
from tapeline.domain.order_records import EnterPair, ExitPair, Place, PlaceOrder
from tests.support.executor_process import Bench

ALONE: Final = "XRP/USDT"
PAIR: Final = "SOL/USDT"
WAITING: Final = "ETH/USDT"
LEGS: Final = ("binance:futures", "bybit:futures")
QUANTITY: Final = {ALONE: Decimal(20), PAIR: Decimal("0.2"), WAITING: Decimal("0.01")}
"""So much the best price always has."""


def price(symbol: str, times: str) -> Decimal:
    """Return a price that is so many times the usual one."""
    one = next(one for one in listed() if one.symbol == symbol)
    return (Decimal(str(one.price)) * Decimal(times)).quantize(Decimal(one.tick.text))


def order() -> PlaceOrder:
    """Return an order that is dealt at once."""
    return PlaceOrder(
        venue="binance", market="futures", side="buy", order_type="limit", time_in_force="IOC",
        quantity=QUANTITY[ALONE], price=price(ALONE, "1.1"),
    )  # fmt: skip


def waiting() -> PlaceOrder:
    """Return an order that nobody deals."""
    return PlaceOrder(
        venue="bybit", market="futures", side="buy", order_type="limit", time_in_force="GTC",
        quantity=QUANTITY[WAITING], price=price(WAITING, "0.9"),
    )  # fmt: skip


def enter(own: Bench, symbol: str = PAIR) -> EnterPair:
    """Return an entry in two parts whose legs are dealt at once."""
    return EnterPair(
        pair_id=f"{own.account} {symbol}",
        buy=Place(venue="binance", market="futures", limit_price=price(symbol, "1.1")),
        sell=Place(venue="bybit", market="futures", limit_price=price(symbol, "0.9")),
        quantity=QUANTITY[symbol] * 2,
        parts=2,
        min_net=Decimal(0),
        target_profit=Decimal(0),
        stop_loss=Decimal(1000),
        leverage=Decimal(2),
    )


def leave(own: Bench, symbol: str = PAIR, round_: int = 0) -> ExitPair:
    """Return an exit at the market."""
    return ExitPair(pair_id=f"{own.account} {symbol}", round=round_, parts=2)


async def trade(own: Bench, symbol: str) -> int:
    """Enter a two-leg trade and leave it; return how often that was done or tried."""
    round_ = await own.round(symbol)
    await own.settled(await own.want(enter(own, symbol), symbol, round_=round_))
    if await own.pair_state(symbol) == "POSITION_OPEN":
        await own.settled(await own.want(leave(own, symbol, round_), symbol, round_=round_ + 1))
    return round_ + 1
