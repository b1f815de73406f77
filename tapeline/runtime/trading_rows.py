"""What trading has stored, for those who only look: orders, positions and sums of fills, as exact values."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import msgspec

from tapeline.domain.instruments import Market
from tapeline.domain.machines.order import OPEN
from tapeline.domain.orders import OurOrder
from tapeline.domain.pnl import Flow
from tapeline.domain.positions import OurPosition
from tapeline.runtime.transactions import Session

AS_ORDER: Final = "to_jsonb(o) || jsonb_build_object('venue_order_id', o.exchange_order_id)"
"""A row `o` of orders as JSON of an OurOrder."""
_ORDERS: Final = f"""
SELECT coalesce(jsonb_agg({AS_ORDER} ORDER BY o.id DESC), '[]')::text FROM (
    SELECT * FROM orders
    WHERE ($1::text[] IS NULL OR status::text = ANY($1)) AND ($2::text IS NULL OR symbol = $2)
        AND ($3::text IS NULL OR strategy = $3)
    ORDER BY id DESC LIMIT $4
) o"""  # noqa: S608 - a constant of this module, never a caller's text
_POSITIONS: Final = """
SELECT coalesce(jsonb_agg(to_jsonb(p) ORDER BY p.status = 'CLOSED', p.closed_us DESC, p.strategy, p.symbol, p.venue,
    p.market, p.id DESC), '[]')::text
FROM positions p WHERE $1 OR p.status <> 'CLOSED'"""
_FLOWS: Final = """
WITH dealt AS (
    SELECT t.account, coalesce(p.strategy, o.strategy, '') AS strategy, t.venue, t.market, t.symbol,
        coalesce(sum(t.quantity) FILTER (WHERE t.side = 'buy'), 0) AS bought,
        coalesce(sum(t.price * t.quantity) FILTER (WHERE t.side = 'buy'), 0) AS bought_value,
        coalesce(sum(t.quantity) FILTER (WHERE t.side = 'sell'), 0) AS sold,
        coalesce(sum(t.price * t.quantity) FILTER (WHERE t.side = 'sell'), 0) AS sold_value,
        sum(t.fee_quote) AS fees, count(*) AS fills
    FROM trades t LEFT JOIN positions p ON p.id = t.position_id LEFT JOIN orders o ON o.id = t.order_id
    GROUP BY 1, 2, 3, 4, 5
), paid AS (
    SELECT account, strategy, venue, market, symbol, sum(funding) AS funding FROM positions GROUP BY 1, 2, 3, 4, 5
)
SELECT account, strategy, venue, market::text AS market, symbol, coalesce(bought, 0) AS bought,
    coalesce(bought_value, 0) AS bought_value, coalesce(sold, 0) AS sold, coalesce(sold_value, 0) AS sold_value,
    coalesce(fees, 0) AS fees, coalesce(fills, 0) AS fills, coalesce(funding, 0) AS funding
FROM dealt FULL JOIN paid USING (account, strategy, venue, market, symbol)
ORDER BY strategy, symbol, account, venue, market"""
_READ_ORDERS: Final = msgspec.json.Decoder(tuple[OurOrder, ...])
_READ_POSITIONS: Final = msgspec.json.Decoder(tuple[OurPosition, ...])


class OrdersWanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which orders are asked for: the newest of those that meet every condition."""

    count: int
    open_only: bool = False
    symbol: str | None = None
    strategy: str | None = None


class Dealt(msgspec.Struct, frozen=True, kw_only=True):
    """What one strategy of an account has dealt at one instrument since ever; the strategy is empty where none did."""

    account: str
    strategy: str
    venue: str
    market: Market
    symbol: str
    flow: Flow
    funding: Decimal
    fills: int


async def orders(session: Session, wanted: OrdersWanted) -> tuple[OurOrder, ...]:
    """Return orders, the newest first."""
    states = sorted(OPEN) if wanted.open_only else None
    return _READ_ORDERS.decode(await session.fetchval(_ORDERS, states, wanted.symbol, wanted.strategy, wanted.count))


async def positions(session: Session, *, closed: bool = False) -> tuple[OurPosition, ...]:
    """Return the lives that are open, and behind them, if wanted, those that have ended, the last first."""
    return _READ_POSITIONS.decode(await session.fetchval(_POSITIONS, closed))


async def dealt(session: Session) -> tuple[Dealt, ...]:
    """Return the exact sums of all fills, and the funding of all lives, by account, strategy and instrument."""
    return tuple(_dealt(**dict(row)) for row in await session.fetch(_FLOWS))


def _dealt(
    *,
    account: str,
    strategy: str,
    venue: str,
    market: Market,
    symbol: str,
    fills: int,
    funding: Decimal,
    **sums: Decimal,
) -> Dealt:
    return Dealt(
        account=account,
        strategy=strategy,
        venue=venue,
        market=market,
        symbol=symbol,
        flow=Flow(**sums),
        funding=funding,
        fills=fills,
    )
