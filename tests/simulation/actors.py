"""Strategies by chance: they read what the store tells, and want things done, also twice, too late, or all at once."""

from __future__ import annotations

import random
from collections.abc import Iterator
from decimal import Decimal

from tapeline.domain.ids import intent_id
from tapeline.domain.order_records import (
    CancelOrder,
    ClosePosition,
    Command,
    EnterPair,
    ExitPair,
    Flatten,
    OrderIntent,
    Place,
    PlaceOrder,
)
from tapeline.domain.orders import OurOrder
from tests.simulation.memory_store import MemoryDatabase

ACCOUNT = "main"
PRICES = {"BTC/USDT": Decimal(100), "ETH/USDT": Decimal(50), "SOL/USDT": Decimal(20)}
PAIRS = {
    "BTC/USDT": (("alpha", "futures"), ("beta", "futures")),
    "ETH/USDT": (("alpha", "spot"), ("beta", "futures")),
}


class Actor:
    """One strategy on one symbol."""

    def __init__(self, database: MemoryDatabase, chance: random.Random, symbol: str) -> None:
        self._database = database
        self._random = chance
        self._symbol = symbol
        self._asked = 0

    @property
    def strategy(self) -> str:
        """Return its name: each symbol has its own."""
        return f"s-{self._symbol[:3].lower()}"

    def wants(self, now_us: int) -> Iterator[OrderIntent]:
        """Yield what it wants done now."""
        slot = self._database.tables.slots.get((ACCOUNT, self.strategy, self._symbol, 0))
        round_ = 0 if slot is None else slot.round
        command = self._pair(round_) if self._symbol in PAIRS else self._single()
        if command is None:
            return
        self._asked += 1
        found = OrderIntent(
            intent_id=intent_id(self.strategy, self._symbol, 0, round_, command, str(self._asked)),
            strategy=self.strategy,
            account=ACCOUNT if self._random.random() > 0.05 else "other",
            symbol=self._symbol,
            slot=0,
            round=round_,
            command=command,
            cause=(),
            reason="by chance",
            evidence={"price": 1.0},
            decided_us=now_us,
            expires_us=now_us + int(self._random.uniform(0.1, 2.5) * 1_000_000),
            published_us=now_us,
        )
        yield found
        if self._random.random() < 0.2:
            yield found

    def _pair(self, round_: int) -> Command | None:
        held = [one for one in self._database.tables.pairs.values() if one.symbol == self._symbol]
        newest = max(held, key=lambda one: one.round, default=None)
        price = PRICES[self._symbol]
        if newest is not None and newest.state == "POSITION_OPEN":
            limit = self._random.random() < 0.4
            return ExitPair(
                pair_id=newest.pair_id,
                round=newest.round,
                buy_back_limit=price * Decimal("1.01") if limit else None,
                sell_off_limit=price * Decimal("0.99") if limit else None,
                parts=self._random.randint(1, 3),
            )
        buy, sell = PAIRS[self._symbol]
        return EnterPair(
            pair_id=f"p-{self._symbol[:3]}",
            buy=Place(venue=buy[0], market=buy[1], limit_price=price),  # type: ignore[arg-type]  # a market's word
            sell=Place(venue=sell[0], market=sell[1], limit_price=price),  # type: ignore[arg-type]  # a market's word
            quantity=Decimal(self._random.randint(1, 9)),
            parts=self._random.randint(1, 4),
            min_net=Decimal(0),
            target_profit=Decimal(0),
            stop_loss=Decimal(round_ + 1),
            leverage=Decimal(self._random.randint(1, 2)),
        )

    def _single(self) -> Command:
        chosen = self._random.random()
        mine = [one for one in self._database.tables.orders.values() if one.strategy == self.strategy and one.is_open]
        if chosen < 0.15 and mine:
            return CancelOrder(client_order_id=self._random.choice(mine).client_order_id)
        if chosen < 0.3:
            return ClosePosition(venue="alpha", market="futures")
        if chosen < 0.4:
            return Flatten()
        return self._order()

    def _order(self) -> PlaceOrder:
        kind = self._random.choice(("limit", "limit", "market", "post_only"))
        return PlaceOrder(
            venue="alpha",
            market="futures",
            side=self._random.choice(("buy", "sell")),
            order_type=kind,  # type: ignore[arg-type]  # one of its words
            time_in_force="GTC" if kind == "post_only" else self._random.choice(("GTC", "IOC")),
            quantity=Decimal(self._random.randint(1, 20)),
            price=None if kind == "market" else PRICES[self._symbol],
            leverage=Decimal(1),
        )


def open_orders(database: MemoryDatabase) -> list[OurOrder]:
    """Return our orders that may still be dealt."""
    return [one for one in database.tables.orders.values() if not one.complete]
