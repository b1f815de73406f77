"""Changes of books: one row a level, bids first, counted within their batch; known by epoch, sequence and kind.

The kind belongs to the identity: the full snapshot of each minute has the sequence of the change before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, repeat
from typing import Any, Final

import pyarrow as pa

from sinks.known import Key
from sinks.rows import columns
from sinks.rows.table import Table, in_time, paired
from tapeline.domain.events import DeltaBatch

KINDS: Final = {"snapshot": 1, "change": 2}
BID: Final = 1
ASK: Final = 2
UPDATE: Final = 1
DELETE: Final = 2

# Each batch has one level 0.
_STORED: Final = """
SELECT exchange_id, market_type, pair, epoch, sequence_num, toString(kind), toUnixTimestamp64Micro(ts) AS at
FROM orderbook_deltas
WHERE (exchange_id, market_type, pair) IN (
    SELECT arrayJoin(arrayZip({group_0:Array(String)}, {group_1:Array(String)}, {group_2:Array(String)})))
  AND ts >= fromUnixTimestamp64Micro({since:Int64}) AND level = 0
  AND at >= {each:Array(Int64)}[indexOf(
    arrayZip({group_0:Array(String)}, {group_1:Array(String)}, {group_2:Array(String)}),
    (toString(exchange_id), toString(market_type), toString(pair)))]
ORDER BY at
LIMIT {limit:UInt32} BY exchange_id, market_type, pair"""

_NEWEST: Final = """
SELECT exchange_id, market_type, pair, argMax(epoch, ts), toString(argMax(sequence_num, ts)),
    toUnixTimestamp64Micro(max(ts))
FROM orderbook_deltas
WHERE ts >= fromUnixTimestamp64Micro({since:Int64}) AND level = 0
GROUP BY exchange_id, market_type, pair"""


def ts_us(value: DeltaBatch) -> int:
    """Return the venue's time, or where it gives none, ours."""
    return value.received_us if value.venue_us is None else value.venue_us


def check(value: DeltaBatch) -> None:
    """Refuse what the columns cannot hold."""
    in_time(venue_us=value.venue_us, received_us=value.received_us, published_us=value.published_us)
    paired(bid=(value.bid_prices, value.bid_quantities), ask=(value.ask_prices, value.ask_quantities))


def key(value: DeltaBatch) -> Key:
    """Return what tells the batch from all others."""
    return Key((value.venue, value.market, value.symbol), (value.epoch, value.sequence, value.kind), ts_us(value))


def rows(value: DeltaBatch) -> int:
    """Return how many levels the batch has."""
    return len(value.bid_prices) + len(value.ask_prices)


def table(values: Sequence[DeltaBatch]) -> Any:  # noqa: ANN401 - Arrow ships no types
    """Return the levels of all batches as columns."""
    sizes = [rows(value) for value in values]
    # One entry a batch, and for each level the index of its batch: the work per level is Arrow's.
    batch = pa.array(list(chain.from_iterable(repeat(index, size) for index, size in enumerate(sizes))), pa.int32())
    prices = columns.doubles(chain.from_iterable(chain(value.bid_prices, value.ask_prices) for value in values))
    amounts = [level for value in values for side in (value.bid_quantities, value.ask_quantities) for level in side]
    sides = chain.from_iterable(
        chain(repeat(BID, len(value.bid_prices)), repeat(ASK, len(value.ask_prices))) for value in values
    )
    return pa.table(
        {
            "ts": columns.times(ts_us(value) for value in values).take(batch),
            "exchange_id": columns.texts(value.venue for value in values).take(batch),
            "market_type": columns.texts(value.market for value in values).take(batch),
            "pair": columns.texts(value.symbol for value in values).take(batch),
            "kind": columns.codes((value.kind for value in values), KINDS).take(batch),
            "side": pa.array(list(sides), pa.int8()),
            "price": prices,
            "amount": columns.doubles(amounts),
            "action": pa.array([UPDATE if amount else DELETE for amount in amounts], pa.int8()),
            "epoch": columns.longs(value.epoch for value in values).take(batch),
            "follows": columns.longs(value.follows for value in values).take(batch),
            "sequence_num": columns.longs(value.sequence for value in values).take(batch),
            "level": columns.counts(chain.from_iterable(range(size) for size in sizes)),
            "received_ts": columns.times(value.received_us for value in values).take(batch),
            "published_ts": columns.times(value.published_us for value in values).take(batch),
            "exact": columns.exacts(list(chain.from_iterable(_exact(value) for value in values))),
        }
    )


def _exact(value: DeltaBatch) -> Iterator[dict[str, str] | None]:
    """Yield for each level its own numbers that no double holds, under the names of its columns."""
    found = value.exact
    if not found:
        yield from repeat(None, rows(value))
        return
    for side, size in (("bid", len(value.bid_prices)), ("ask", len(value.ask_prices))):
        for level in range(size):
            named = {"price": f"{side}_prices[{level}]", "amount": f"{side}_quantities[{level}]"}
            yield {column: found[field] for column, field in named.items() if field in found}


DELTAS: Final = Table(
    name="orderbook_deltas",
    topic="md.delta",
    groups=3,
    stored=_STORED,
    check=check,
    key=key,
    rows=rows,
    columns=table,
    channel="book",
    newest=_NEWEST,
)
