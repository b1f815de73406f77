"""What the demo's screen shows of trading: the last orders, open positions and the profit, asked of Postgres.

One short query a look. While Postgres is away the last answer stays.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Final

import msgspec

from tapeline.cli.view import Block, Cell, Grid, Style, View, line, row
from tapeline.domain.money import ZERO, per, plus, text
from tapeline.errors import TapelineError
from tapeline.runtime import clock, postgres
from tapeline.runtime.endpoints import PostgresEndpoint
from tapeline.runtime.transactions import Transactions

ORDERS: Final = 6
POSITIONS: Final = 4
"""So many rows of each: the whole must fit on a screen."""
_ANSWER_S: Final = 1.0
_TIME_OF_DAY: Final = slice(11, 23)
_MOMENT: Final = f"""
SELECT jsonb_build_object(
    'orders', (SELECT coalesce(jsonb_agg(to_jsonb(o) ORDER BY o.id DESC), '[]') FROM (
        SELECT id, created_us, symbol, venue, market, side, quantity, price, filled, filled_value, status, code
        FROM orders ORDER BY id DESC LIMIT {ORDERS}) o),
    'positions', (SELECT coalesce(jsonb_agg(to_jsonb(p) ORDER BY p.id DESC), '[]') FROM (
        SELECT id, symbol, venue, market, side, quantity, entry_price, unrealized_pnl FROM positions
        WHERE status <> 'CLOSED' ORDER BY id DESC LIMIT {POSITIONS}) p),
    'sent', (SELECT count(*) FROM orders WHERE sent_us IS NOT NULL),
    'held', (SELECT count(*) FROM positions WHERE status <> 'CLOSED'),
    'realized', (SELECT coalesce(sum(realized_pnl), 0) FROM positions),
    'unrealized', (SELECT coalesce(sum(unrealized_pnl), 0) FROM positions WHERE status <> 'CLOSED')
)::text"""  # noqa: S608 - two constants of this module
_ORDER_COLUMNS: Final = ("order", "side", "symbol", "at", "quantity>", "filled>", "price>", "status", "")
_POSITION_COLUMNS: Final = ("position", "symbol", "at", "quantity>", "entry price>", "open profit>")
_STYLES: Final[dict[str, Style]] = {"FILLED": "good", "REJECTED": "warn", "UNKNOWN": "bad"}


class ShownOrder(msgspec.Struct, frozen=True, kw_only=True):
    """One of the last orders."""

    created_us: int
    symbol: str
    venue: str
    market: str
    side: str
    quantity: Decimal
    price: Decimal | None
    filled: Decimal
    filled_value: Decimal
    status: str
    code: str | None


class ShownPosition(msgspec.Struct, frozen=True, kw_only=True):
    """One open position."""

    symbol: str
    venue: str
    market: str
    side: str
    quantity: Decimal
    entry_price: Decimal | None
    unrealized_pnl: Decimal


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in Postgres; `sent` and `held` count all orders and positions, not only those that are shown."""

    orders: tuple[ShownOrder, ...] = ()
    positions: tuple[ShownPosition, ...] = ()
    sent: int = 0
    held: int = 0
    realized: Decimal = ZERO
    unrealized: Decimal = ZERO


_READ: Final = msgspec.json.Decoder(Moment)


class Trading:
    """Looks at Postgres and remembers what it saw."""

    def __init__(self, endpoint: PostgresEndpoint) -> None:
        """Take where Postgres is; it is reached when somebody looks."""
        self._endpoint = replace(endpoint, pool_max=1, pool_idle=1)
        self._stack = contextlib.ExitStack()
        self._transactions: Transactions | None = None
        self.moment = Moment()

    async def look(self) -> None:
        """See what is new; whatever is wrong with Postgres, what was seen stays."""
        with contextlib.suppress(TapelineError, TimeoutError):
            async with asyncio.timeout(_ANSWER_S):
                self.moment = await self._asked()

    def close(self) -> None:
        """Let go of Postgres, which may be away."""
        self._stack.close()

    async def _asked(self) -> Moment:
        if self._transactions is None:
            pool = await postgres.connect(self._endpoint, max_retries=0)
            self._stack.callback(pool.terminate)
            self._transactions = Transactions(pool, self._endpoint)
        async with self._transactions.begin() as session:
            return _READ.decode(await session.fetchval(_MOMENT))


def view(found: Moment) -> View:
    """Lay out a moment."""
    return tuple(_blocks(found))


def _blocks(found: Moment) -> Iterator[Block]:
    total = plus(found.realized, found.unrealized)
    yield line(
        Cell("trading", "bold"),
        Cell("  profit ", "dim"),
        _gain(total),
        Cell(f" USDT ({found.realized:+.4f} closed, {found.unrealized:+.4f} open)", "dim"),
        f"  {found.sent:,} orders, {found.held:,} open positions",
    )
    if found.orders:
        yield Grid(_ORDER_COLUMNS, tuple(_order(one) for one in found.orders))
    if found.positions:
        yield Grid(_POSITION_COLUMNS, tuple(_position(one) for one in found.positions))


def _order(one: ShownOrder) -> tuple[Cell, ...]:
    price = per(one.filled_value, one.filled) or one.price
    return row(
        Cell(clock.iso(one.created_us)[_TIME_OF_DAY], "dim"),
        one.side,
        Cell(one.symbol, "name"),
        f"{one.venue} {one.market}",
        text(one.quantity),
        text(one.filled),
        "market" if price is None else f"{price:.8g}",
        Cell(one.status, _STYLES.get(one.status, "")),
        Cell(one.code or "", "dim"),
    )


def _position(one: ShownPosition) -> tuple[Cell, ...]:
    return row(
        one.side,
        Cell(one.symbol, "name"),
        f"{one.venue} {one.market}",
        text(one.quantity),
        None if one.entry_price is None else f"{one.entry_price:.8g}",
        _gain(one.unrealized_pnl),
    )


def _gain(amount: Decimal) -> Cell:
    return Cell(f"{amount:+.4f}", "good" if amount > 0 else "bad" if amount < 0 else "dim")
