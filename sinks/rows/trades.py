"""Trades: one row each, known by the venue's trade id; ids are text without an order, backfilled ones come late."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import pyarrow as pa

from sinks.known import Key
from sinks.rows import columns
from sinks.rows.table import Table, in_time, one_row
from tapeline.domain.events import Trade

SIDES: Final = {"buy": 1, "sell": 2}

_STORED: Final = """
SELECT exchange_id, market_type, pair, trade_id, toUnixTimestamp64Micro(ts) AS at
FROM trades
WHERE (exchange_id, market_type, pair) IN (
    SELECT arrayJoin(arrayZip({group_0:Array(String)}, {group_1:Array(String)}, {group_2:Array(String)})))
  AND ts >= fromUnixTimestamp64Micro({since:Int64})
  AND at >= {each:Array(Int64)}[indexOf(
    arrayZip({group_0:Array(String)}, {group_1:Array(String)}, {group_2:Array(String)}),
    (toString(exchange_id), toString(market_type), toString(pair)))]
ORDER BY at
LIMIT {limit:UInt32} BY exchange_id, market_type, pair"""

_NEWEST: Final = """
SELECT exchange_id, market_type, pair, argMax(epoch, ts), argMax(trade_id, ts), toUnixTimestamp64Micro(max(ts))
FROM trades
WHERE ts >= fromUnixTimestamp64Micro({since:Int64})
GROUP BY exchange_id, market_type, pair"""


def check(value: Trade) -> None:
    """Refuse what the columns cannot hold."""
    in_time(venue_us=value.venue_us, received_us=value.received_us, published_us=value.published_us)


def key(value: Trade) -> Key:
    """Return what tells the trade from all others."""
    return Key((value.venue, value.market, value.symbol), value.trade_id, value.venue_us)


def table(values: Sequence[Trade]) -> Any:  # noqa: ANN401 - Arrow ships no types
    """Return the trades as columns."""
    return pa.table(
        {
            "ts": columns.times(value.venue_us for value in values),
            "exchange_id": columns.texts(value.venue for value in values),
            "market_type": columns.texts(value.market for value in values),
            "pair": columns.texts(value.symbol for value in values),
            "trade_id": columns.texts(value.trade_id for value in values),
            "side": columns.codes((value.side for value in values), SIDES),
            "price": columns.doubles(value.price for value in values),
            "amount": columns.doubles(value.quantity for value in values),
            "epoch": columns.longs(value.epoch for value in values),
            "sequence_num": columns.longs(value.sequence for value in values),
            "backfilled": columns.flags(value.backfilled for value in values),
            "received_ts": columns.times(value.received_us for value in values),
            "published_ts": columns.times(value.published_us for value in values),
            "exact": columns.exacts([value.exact for value in values]),
        }
    )


TRADES: Final = Table(
    name="trades",
    topic="md.trade",
    groups=3,
    stored=_STORED,
    check=check,
    key=key,
    rows=one_row,
    columns=table,
    channel="trade",
    newest=_NEWEST,
)
