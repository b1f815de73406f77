"""`tapeline orders`: our orders as Postgres has them, the newest first."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Final

import msgspec

from tapeline.cli import trading_text
from tapeline.cli.failure import OK
from tapeline.cli.market_symbols import symbol_of
from tapeline.cli.reaching import services
from tapeline.cli.render import Output
from tapeline.cli.view import Cell, Grid, View, line, row
from tapeline.domain import money
from tapeline.domain.instruments import Market, Side
from tapeline.domain.order_records import Leg, OrderStatus, OrderType, TimeInForce
from tapeline.domain.orders import OurOrder
from tapeline.runtime import clock, trading_rows
from tapeline.runtime.endpoints import Endpoints
from tapeline.runtime.single_transaction import transaction
from tapeline.runtime.trading_rows import OrdersWanted

COUNT: Final = 50
"""So many are shown unless -n says otherwise."""


class OrderRow(msgspec.Struct, frozen=True, kw_only=True):
    """One order in --json: amounts are decimal strings, all digits kept."""

    time: str
    created_us: int
    client_order_id: str
    venue_order_id: str | None
    account: str
    strategy: str
    venue: str
    market: Market
    symbol: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    quantity: str
    price: str | None
    filled: str
    average_price: str | None
    commission: str
    status: OrderStatus
    code: str | None
    reason: str | None
    intent_id: str
    leg: Leg | None
    part: int
    attempt: int
    closing: bool
    tag: str | None
    trace_id: str | None
    updated_us: int


def order_row(own: OurOrder) -> OrderRow:
    """Return an order as it is shown."""
    return OrderRow(
        time=clock.iso(own.created_us),
        created_us=own.created_us,
        client_order_id=own.client_order_id,
        venue_order_id=own.venue_order_id,
        account=own.account,
        strategy=own.strategy,
        venue=own.venue,
        market=own.market,
        symbol=own.symbol,
        side=own.side,
        type=own.order_type,
        time_in_force=own.time_in_force,
        quantity=money.text(own.quantity),
        price=trading_text.exact(own.price),
        filled=money.text(own.filled),
        average_price=trading_text.exact(own.average_price),
        commission=money.text(own.commission),
        status=own.status,
        code=own.code,
        reason=own.reason,
        intent_id=own.intent_id,
        leg=own.leg,
        part=own.part,
        attempt=own.attempt,
        closing=own.closing,
        tag=own.tag,
        trace_id=own.trace_id,
        updated_us=own.updated_us,
    )


def wanted(*, open_only: bool, symbol: str | None, strategy: str | None, count: int | None) -> OrdersWanted:
    """Return what these options ask for; raise Misconfigured for a text that is no symbol."""
    return OrdersWanted(
        count=count or COUNT,
        open_only=open_only,
        symbol=None if symbol is None else symbol_of(symbol, ()),
        strategy=strategy,
    )


def orders(out: Output, asked: OrdersWanted) -> int:
    """Show the orders that are asked for."""
    found = asyncio.run(_read(services(), asked))
    out.show({"orders": tuple(map(order_row, found))}, partial(view, found))
    return OK


async def _read(known: Endpoints, asked: OrdersWanted) -> tuple[OurOrder, ...]:
    async with transaction(known.postgres) as session:
        return await trading_rows.orders(session, asked)


def view(found: tuple[OurOrder, ...]) -> View:
    """Lay out orders for a person."""
    columns = (
        "time", "order", "venue", "symbol", "side", "type", "quantity>", "price>", "filled>", "average>", "status",
        "reason", "intent",
    )  # fmt: skip
    more = (line(), line(Cell("why one was sent: `tapeline explain ORDER`", "dim"))) if found else ()
    return (Grid(columns, tuple(map(cells, found)), empty="no order meets this"), *more)


def cells(own: OurOrder) -> tuple[Cell, ...]:
    """Return one order as a row of the table."""
    return row(
        trading_text.moment(own.created_us),
        Cell(own.client_order_id, "name"),
        trading_text.place(own.venue, own.market),
        own.symbol,
        own.side,
        f"{own.order_type} {own.time_in_force}",
        trading_text.shown(own.quantity),
        trading_text.shown(own.price),
        trading_text.shown(own.filled),
        trading_text.shown(own.average_price),
        Cell(own.status, trading_text.STATUSES[own.status]),
        said(own.code, own.reason),
        Cell(own.intent_id, "dim"),
    )


def said(code: str | None, reason: str | None) -> str:
    """Return a code and its reason as one text."""
    return ": ".join(part for part in (code, reason) if part)
