"""Gaps: one row each time a gap is opened, closed or filled; the last one of a gap replaces those before it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import pyarrow as pa

from sinks.known import Key
from sinks.rows import columns
from sinks.rows.table import Table, in_time, one_row
from tapeline.domain.events import Gap

_STORED: Final = """
SELECT exchange_id, market_type, pair, channel, epoch, toUnixTimestamp64Micro(end_ts), backfilled,
    toUnixTimestamp64Micro(start_ts), toUnixTimestamp64Micro(start_ts) AS at
FROM gaps
WHERE (exchange_id, market_type, pair) IN (
    SELECT arrayJoin(arrayZip({group_0:Array(String)}, {group_1:Array(String)}, {group_2:Array(String)})))
  AND start_ts >= fromUnixTimestamp64Micro({since:Int64})
  AND at >= {each:Array(Int64)}[indexOf(
    arrayZip({group_0:Array(String)}, {group_1:Array(String)}, {group_2:Array(String)}),
    (toString(exchange_id), toString(market_type), toString(pair)))]
ORDER BY at
LIMIT {limit:UInt32} BY exchange_id, market_type, pair"""


def check(value: Gap) -> None:
    """Refuse what the columns cannot hold."""
    in_time(start_us=value.start_us, end_us=value.end_us, published_us=value.published_us)


def key(value: Gap) -> Key:
    """Return what tells this state of the gap, at this place, from all others."""
    # The start is in the identity too: several gaps of one epoch may be open.
    identity = (value.channel, value.epoch, value.end_us, value.backfilled, value.start_us)
    return Key((value.venue, value.market, value.symbol), identity, value.start_us)


def table(values: Sequence[Gap]) -> Any:  # noqa: ANN401 - Arrow ships no types
    """Return the gaps as columns."""
    return pa.table(
        {
            "start_ts": columns.times(value.start_us for value in values),
            "end_ts": columns.times(value.end_us for value in values),
            "exchange_id": columns.texts(value.venue for value in values),
            "market_type": columns.texts(value.market for value in values),
            "pair": columns.texts(value.symbol for value in values),
            "channel": columns.texts(value.channel for value in values),
            "epoch": columns.longs(value.epoch for value in values),
            "from_id": columns.texts(value.from_id for value in values),
            "to_id": columns.texts(value.to_id for value in values),
            "to_epoch": columns.longs(value.to_epoch for value in values),
            "cause": columns.texts(value.cause for value in values),
            "backfilled": columns.flags(value.backfilled for value in values),
            "detail": columns.texts(value.detail for value in values),
            "published_ts": columns.times(value.published_us for value in values),
        }
    )


GAPS: Final = Table(
    name="gaps", topic="md.gap", groups=3, stored=_STORED, check=check, key=key, rows=one_row, columns=table
)
