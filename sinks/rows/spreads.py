"""Spreads: one row each, known by the signal's id, which is the same when an agent computes it twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
import pyarrow as pa

from sinks.known import Key
from sinks.rows import columns
from sinks.rows.table import Table, in_time, one_row

_STORED: Final = """
SELECT pair, signal_id, toUnixTimestamp64Micro(ts) AS at
FROM spreads
WHERE pair IN (SELECT arrayJoin({group_0:Array(String)})) AND ts >= fromUnixTimestamp64Micro({since:Int64})
  AND at >= {each:Array(Int64)}[indexOf({group_0:Array(String)}, toString(pair))]
ORDER BY at
LIMIT {limit:UInt32} BY pair"""

Spread = Mapping[str, Any] | msgspec.Struct
"""Plain values while the record has no Struct of its own."""


def check(value: Spread) -> None:
    """Refuse what the columns cannot hold."""
    found = _plain(value)
    in_time(**{field: found[field] for field in ("received_us", "first_received_us", "published_us")})


def key(value: Spread) -> Key:
    """Return what tells the spread from all others."""
    found = _plain(value)
    return Key((found["symbol"],), found["signal_id"], found["received_us"])


def table(values: Sequence[Spread]) -> Any:  # noqa: ANN401 - Arrow ships no types
    """Return the spreads as columns."""
    found = [_plain(value) for value in values]
    wanted: dict[str, tuple[Callable[[Iterable[Any]], Any], str]] = {
        "ts": (columns.times, "received_us"),
        "pair": (columns.texts, "symbol"),
        "signal_id": (columns.texts, "signal_id"),
        "amount": (columns.doubles, "quantity"),
        "buy_exchange_id": (columns.texts, "buy_venue"),
        "buy_market_type": (columns.texts, "buy_market"),
        "buy_epoch": (columns.longs, "buy_epoch"),
        "buy_sequence_num": (columns.longs, "buy_sequence"),
        "buy_price": (columns.doubles, "buy_price"),
        "sell_exchange_id": (columns.texts, "sell_venue"),
        "sell_market_type": (columns.texts, "sell_market"),
        "sell_epoch": (columns.longs, "sell_epoch"),
        "sell_sequence_num": (columns.longs, "sell_sequence"),
        "sell_price": (columns.doubles, "sell_price"),
        "gross": (columns.doubles, "gross"),
        "fees": (columns.doubles, "fees"),
        "net": (columns.doubles, "net"),
        "first_received_ts": (columns.times, "first_received_us"),
        "published_ts": (columns.times, "published_us"),
    }
    return pa.table({name: build(one[field] for one in found) for name, (build, field) in wanted.items()})


def _plain(value: Spread) -> Mapping[str, Any]:
    return msgspec.structs.asdict(value) if isinstance(value, msgspec.Struct) else value


SPREADS: Final = Table(
    name="spreads", topic="signal.spread", groups=1, stored=_STORED, check=check, key=key, rows=one_row, columns=table
)
