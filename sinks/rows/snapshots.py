"""Books: one row each, known by epoch and sequence; a book sent again, or gone stale at the same sequence, is no news.

That it went stale stands in its gap.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import pyarrow as pa

from sinks.known import Key
from sinks.rows import columns
from sinks.rows.table import Table, in_time, one_row, paired
from tapeline.domain.events import Book
from tapeline.errors import InvalidMessage

STATES: Final = {"valid": 1, "stale": 2}
_DEPTH_MOST: Final = 2**32 - 1

_STORED: Final = """
SELECT exchange_id, market_type, pair, epoch, sequence_num, toUnixTimestamp64Micro(ts) AS at
FROM orderbook_snapshots
WHERE (exchange_id, market_type, pair) IN (
    SELECT arrayJoin(arrayZip({group_0:Array(String)}, {group_1:Array(String)}, {group_2:Array(String)})))
  AND ts >= fromUnixTimestamp64Micro({since:Int64})
  AND at >= {each:Array(Int64)}[indexOf(
    arrayZip({group_0:Array(String)}, {group_1:Array(String)}, {group_2:Array(String)}),
    (toString(exchange_id), toString(market_type), toString(pair)))]
ORDER BY at
LIMIT {limit:UInt32} BY exchange_id, market_type, pair"""

_NEWEST: Final = """
SELECT exchange_id, market_type, pair, argMax(epoch, ts), toString(argMax(sequence_num, ts)),
    toUnixTimestamp64Micro(max(ts))
FROM orderbook_snapshots
WHERE ts >= fromUnixTimestamp64Micro({since:Int64})
GROUP BY exchange_id, market_type, pair"""


def ts_us(value: Book) -> int:
    """Return the venue's time, or where it gives none, ours."""
    return value.received_us if value.venue_us is None else value.venue_us


def check(value: Book) -> None:
    """Refuse what the columns cannot hold."""
    in_time(venue_us=value.venue_us, received_us=value.received_us, published_us=value.published_us)
    paired(bid=(value.bid_prices, value.bid_quantities), ask=(value.ask_prices, value.ask_quantities))
    if not 0 <= value.depth <= _DEPTH_MOST:
        raise InvalidMessage("a book has no such depth", field="depth", value=value.depth)


def key(value: Book) -> Key:
    """Return what tells the book from all others."""
    return Key((value.venue, value.market, value.symbol), (value.epoch, value.sequence), ts_us(value))


def table(values: Sequence[Book]) -> Any:  # noqa: ANN401 - Arrow ships no types
    """Return the books as columns."""
    return pa.table(
        {
            "ts": columns.times(ts_us(value) for value in values),
            "exchange_id": columns.texts(value.venue for value in values),
            "market_type": columns.texts(value.market for value in values),
            "pair": columns.texts(value.symbol for value in values),
            "bids": columns.levels([value.bid_prices for value in values], [value.bid_quantities for value in values]),
            "asks": columns.levels([value.ask_prices for value in values], [value.ask_quantities for value in values]),
            "epoch": columns.longs(value.epoch for value in values),
            "sequence_num": columns.longs(value.sequence for value in values),
            "state": columns.codes((value.state for value in values), STATES),
            "depth": columns.counts(value.depth for value in values),
            "received_ts": columns.times(value.received_us for value in values),
            "published_ts": columns.times(value.published_us for value in values),
            "exact": columns.exacts([value.exact for value in values]),
        }
    )


SNAPSHOTS: Final = Table(
    name="orderbook_snapshots",
    topic="md.book",
    groups=3,
    stored=_STORED,
    check=check,
    key=key,
    rows=one_row,
    columns=table,
    channel="book",
    newest=_NEWEST,
)
