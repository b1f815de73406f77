"""Steps of intents and orders: one row each, known by account and number; money is exact, as the record has it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import pyarrow as pa

from sinks.known import Key
from sinks.rows import columns
from sinks.rows.table import Table, in_time, one_row
from tapeline.domain.order_records import OrderEvent

_STORED: Final = """
SELECT account, pair, sequence_num, toUnixTimestamp64Micro(ts) AS at
FROM order_events
WHERE (account, pair) IN (SELECT arrayJoin(arrayZip({group_0:Array(String)}, {group_1:Array(String)})))
  AND ts >= fromUnixTimestamp64Micro({since:Int64})
  AND at >= {each:Array(Int64)}[indexOf(
    arrayZip({group_0:Array(String)}, {group_1:Array(String)}), (toString(account), toString(pair)))]
ORDER BY at
LIMIT {limit:UInt32} BY account, pair"""

Columns = Mapping[str, tuple[Callable[[Iterable[Any]], Any], str]]
"""How each column is built, and of which field."""

_EVENT: Final[Columns] = {
    "ts": (columns.times, "at_us"),
    "account": (columns.texts, "account"),
    "pair": (columns.texts, "symbol"),
    "sequence_num": (columns.longs, "sequence"),
    "event_id": (columns.texts, "event_id"),
    "strategy": (columns.texts, "strategy"),
    "slot": (columns.longs, "slot"),
    "round": (columns.longs, "round"),
    "intent_id": (columns.texts, "intent_id"),
    "kind": (columns.texts, "kind"),
    "code": (columns.texts, "code"),
    "reason": (columns.texts, "reason"),
    "trace_id": (columns.texts, "trace_id"),
    "venue_ts": (columns.times, "venue_us"),
    "sent_ts": (columns.times, "sent_us"),
    "answered_ts": (columns.times, "answered_us"),
    "first_received_ts": (columns.times, "first_received_us"),
}
_ORDER: Final[Columns] = {
    "client_order_id": (columns.texts, "client_order_id"),
    "venue_order_id": (columns.texts, "venue_order_id"),
    "exchange_id": (columns.texts, "venue"),
    "market_type": (columns.texts, "market"),
    "leg": (columns.texts, "leg"),
    "part": (columns.longs, "part"),
    "attempt": (columns.longs, "attempt"),
    "side": (columns.texts, "side"),
    "order_type": (columns.texts, "order_type"),
    "time_in_force": (columns.texts, "time_in_force"),
    "price": (columns.moneys, "price"),
    "amount": (columns.moneys, "quantity"),
    "filled": (columns.moneys, "filled"),
    "average_price": (columns.moneys, "average_price"),
    "commission": (columns.moneys, "commission"),
    "reduce_only": (columns.flags, "reduce_only"),
    "status": (columns.texts, "status"),
    "tag": (columns.texts, "tag"),
    "order_version": (columns.longs, "version"),
}
_FILL: Final[Columns] = {
    "fill_id": (columns.texts, "fill_id"),
    "fill_price": (columns.moneys, "price"),
    "fill_amount": (columns.moneys, "quantity"),
    "fee": (columns.moneys, "fee"),
    "fee_currency": (columns.texts, "fee_currency"),
    "liquidity": (columns.texts, "liquidity"),
    "filled_ts": (columns.times, "filled_us"),
}


def check(value: OrderEvent) -> None:
    """Refuse what the columns cannot hold."""
    in_time(
        at_us=value.at_us,
        venue_us=value.venue_us,
        sent_us=value.sent_us,
        answered_us=value.answered_us,
        first_received_us=value.first_received_us,
        filled_us=None if value.fill is None else value.fill.filled_us,
    )


def key(value: OrderEvent) -> Key:
    """Return what tells the event from all others: the account's events are numbered."""
    return Key((value.account, value.symbol), value.sequence, value.at_us)


def table(values: Sequence[OrderEvent]) -> Any:  # noqa: ANN401 - Arrow ships no types
    """Return the events as columns."""
    return pa.table(
        _built(_EVENT, values)
        | _built(_ORDER, [value.order for value in values])
        | _built(_FILL, [value.fill for value in values])
    )


def _built(wanted: Columns, parts: Sequence[object]) -> dict[str, Any]:
    """Return the columns of one part of the events, null where an event has none."""
    return {
        name: build([None if part is None else getattr(part, field) for part in parts])
        for name, (build, field) in wanted.items()
    }


ORDERS: Final = Table(
    name="order_events",
    topic="order.event",
    groups=2,
    stored=_STORED,
    check=check,
    key=key,
    rows=one_row,
    columns=table,
)
