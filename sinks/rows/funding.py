"""Funding: one row each, known by epoch, receipt and what it says; venues tell it in parts within one millisecond."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import pyarrow as pa

from sinks.known import Key
from sinks.rows import columns
from sinks.rows.table import Table, in_time, one_row
from tapeline.domain.events import Funding

_STORED: Final = """
SELECT exchange_id, market_type, pair, epoch, toUnixTimestamp64Micro(received_ts), rate, mark_price, index_price,
    toUnixTimestamp64Micro(next_ts), interval_us, toUnixTimestamp64Micro(ts) AS at
FROM funding
WHERE (exchange_id, market_type, pair) IN (
    SELECT arrayJoin(arrayZip({group_0:Array(String)}, {group_1:Array(String)}, {group_2:Array(String)})))
  AND ts >= fromUnixTimestamp64Micro({since:Int64})
  AND at >= {each:Array(Int64)}[indexOf(
    arrayZip({group_0:Array(String)}, {group_1:Array(String)}, {group_2:Array(String)}),
    (toString(exchange_id), toString(market_type), toString(pair)))]
ORDER BY at
LIMIT {limit:UInt32} BY exchange_id, market_type, pair"""

_NEWEST: Final = """
SELECT exchange_id, market_type, pair, argMax(epoch, ts), NULL, toUnixTimestamp64Micro(max(ts))
FROM funding
WHERE ts >= fromUnixTimestamp64Micro({since:Int64})
GROUP BY exchange_id, market_type, pair"""


def ts_us(value: Funding) -> int:
    """Return the venue's time, or where it gives none, ours."""
    return value.received_us if value.venue_us is None else value.venue_us


def check(value: Funding) -> None:
    """Refuse what the columns cannot hold."""
    in_time(
        venue_us=value.venue_us,
        next_us=value.next_us,
        received_us=value.received_us,
        published_us=value.published_us,
    )


def key(value: Funding) -> Key:
    """Return what tells the record from all others."""
    said = (value.rate, value.mark_price, value.index_price, value.next_us, value.interval_us)
    return Key((value.venue, value.market, value.symbol), (value.epoch, value.received_us, *said), ts_us(value))


def table(values: Sequence[Funding]) -> Any:  # noqa: ANN401 - Arrow ships no types
    """Return the records as columns."""
    return pa.table(
        {
            "ts": columns.times(ts_us(value) for value in values),
            "exchange_id": columns.texts(value.venue for value in values),
            "market_type": columns.texts(value.market for value in values),
            "pair": columns.texts(value.symbol for value in values),
            "rate": columns.doubles(value.rate for value in values),
            "mark_price": columns.doubles(value.mark_price for value in values),
            "index_price": columns.doubles(value.index_price for value in values),
            "next_ts": columns.times(value.next_us for value in values),
            "interval_us": columns.longs(value.interval_us for value in values),
            "epoch": columns.longs(value.epoch for value in values),
            "received_ts": columns.times(value.received_us for value in values),
            "published_ts": columns.times(value.published_us for value in values),
            "exact": columns.exacts([value.exact for value in values]),
        }
    )


FUNDING: Final = Table(
    name="funding",
    topic="md.funding",
    groups=3,
    stored=_STORED,
    check=check,
    key=key,
    rows=one_row,
    columns=table,
    channel="funding",
    newest=_NEWEST,
)
