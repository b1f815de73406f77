"""Fills: one row each (C-12), known by venue, market, pair and the venue's id; other steps of an order are no rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sinks.histories.history import ID, NAME, Array, History, in_time, statement, texts
from tapeline.domain.order_records import Fill, Order, OrderEvent
from tapeline.errors import InvalidMessage

FILL_ID: Final = 500
"""Characters of a venue's id that are taken: what an index holds is limited."""

_COLUMNS: Final = {
    "daemon_id": ("text", "daemon_id"),
    "exchange_id": ("text", "exchange_id"),
    "market_type": ("text", "market_type::market_type"),
    "trade_pair": ("text", "trade_pair"),
    "order_id": ("text", "order_id"),
    "fill_id": ("text", "fill_id"),
    "side": ("text", "side::order_side"),
    "price": ("numeric", "price"),
    "amount": ("numeric", "amount"),
    "commission": ("numeric", "commission"),
    "commission_currency": ("text", "commission_currency"),
    "status": ("text", "status"),
    "executed_at": ("bigint", "time_of(executed_at)"),
}


def check(value: OrderEvent) -> None:
    """Refuse what the columns cannot hold, and a fill of no order: it has neither venue nor side."""
    if value.fill is None:
        return
    if value.order is None:
        raise InvalidMessage("a fill comes with its order", field="order", value=None)
    order, fill = value.order, value.fill
    texts(ID, account=value.account, client_order_id=order.client_order_id)
    texts(NAME, venue=order.venue, symbol=value.symbol, fee_currency=fill.fee_currency)
    texts(FILL_ID, fill_id=fill.fill_id)
    in_time(filled_us=fill.filled_us)


def rows(value: OrderEvent) -> int:
    """Return 1 for a fill."""
    return 0 if value.fill is None else 1


def arrays(values: Sequence[OrderEvent]) -> Sequence[Array]:
    """Return the fills as one array a column."""
    made = [
        _row(value, value.order, value.fill) for value in values if value.order is not None and value.fill is not None
    ]
    return [list(column) for column in zip(*made, strict=True)]


def _row(value: OrderEvent, order: Order, fill: Fill) -> tuple[object, ...]:
    return (
        value.account,
        order.venue,
        order.market,
        value.symbol,
        order.client_order_id,
        fill.fill_id,
        order.side,
        fill.price,
        fill.quantity,
        fill.fee,
        fill.fee_currency,
        order.status,
        fill.filled_us,
    )


FILLS: Final = History(
    name="trade_history",
    topic="order.event",
    insert=statement("trade_history", _COLUMNS, "exchange_id, market_type, trade_pair, fill_id"),
    check=check,
    rows=rows,
    arrays=arrays,
)
