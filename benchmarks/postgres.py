"""Rows into Postgres: upserts of 1,000 rows by unnest over our pool, against executemany and COPY of the raw client.

Wall time of one row in a table shaped as the trade history: money as Decimal, a primary key, one index. Half of each
batch is there already. COPY only appends: it is the floor. `python -m benchmarks.postgres` runs this alone.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

import asyncpg

from benchmarks import services
from benchmarks.measure import Result, against
from tapeline.runtime import postgres
from tapeline.runtime.endpoints import PostgresEndpoint

BATCH = 1_000
BATCHES = 20
ROUNDS = 5
_TYPES = {
    "fill_id": "text",
    "daemon_id": "text",
    "exchange_id": "text",
    "trade_pair": "text",
    "order_id": "text",
    "side": "text",
    "price": "numeric",
    "amount": "numeric",
    "commission": "numeric",
    "status": "text",
    "executed_at": "timestamptz",
}
_NAMES = ", ".join(_TYPES)
_SET = ", ".join(f"{name} = excluded.{name}" for name in _TYPES if name != "fill_id")
_ARRAYS = ", ".join(f"${at}::{kind}[]" for at, kind in enumerate(_TYPES.values(), start=1))
_UNNEST = f"SELECT * FROM unnest({_ARRAYS})"  # noqa: S608 - made of the names above
_VALUES = ", ".join(f"${at}" for at in range(1, len(_TYPES) + 1))
_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)

Row = tuple[object, ...]


class Way(NamedTuple):
    """One way to store rows: its own table, and how many rows of a batch are new."""

    table: str
    new: int
    store: Callable[[list[Row]], Awaitable[object]]


def run() -> list[Result]:
    """Start the services, measure, stop them."""
    with services.started() as found:
        return asyncio.run(_measured(found.endpoints.postgres))


async def _measured(endpoint: PostgresEndpoint) -> list[Result]:
    raw = await asyncpg.connect(**postgres.arguments(endpoint))
    async with await postgres.connect(endpoint) as pool:
        ways = _ways(pool, raw)
        spent: dict[str, list[float]] = {name: [] for name in ways}
        for turn in range(ROUNDS + 1):
            for name, took_s in (await _round(raw, ways, turn)).items():
                spent[name].append(took_s / (BATCH * BATCHES) * 1e6)
    await raw.close()
    warm = {name: times[1:] for name, times in spent.items()}
    return against(
        f"row into Postgres, upserts of {BATCH:,} (wall time)",
        warm,
        {name: BATCH * BATCHES * ROUNDS for name in warm if name},
    )


def _ways(pool: asyncpg.Pool, raw: asyncpg.Connection) -> dict[str, Way]:
    async def unnest(rows: list[Row]) -> None:
        await pool.execute(_upsert("by_unnest", _UNNEST), *map(list, zip(*rows, strict=True)))

    async def many(rows: list[Row]) -> None:
        await raw.executemany(_upsert("by_many", f"VALUES ({_VALUES})"), rows)

    async def copy(rows: list[Row]) -> None:
        await raw.copy_records_to_table("by_copy", records=rows, columns=list(_TYPES))

    return {
        "": Way("by_unnest", BATCH // 2, unnest),
        "executemany": Way("by_many", BATCH // 2, many),
        "COPY, appending": Way("by_copy", BATCH, copy),
    }


def _upsert(table: str, rows: str) -> str:
    return f"INSERT INTO {table} ({_NAMES}) {rows} ON CONFLICT (fill_id) DO UPDATE SET {_SET}"


async def _round(raw: asyncpg.Connection, ways: Mapping[str, Way], turn: int) -> dict[str, float]:
    """Store batch after batch, each by all ways in turns, into new tables; return the seconds each took."""
    columns = ", ".join(f"{name} {kind.replace('numeric', 'numeric(38,18)')} not null" for name, kind in _TYPES.items())
    for way in ways.values():
        await raw.execute(f"DROP TABLE IF EXISTS {way.table}")
        await raw.execute(f"CREATE TABLE {way.table} ({columns}, primary key (fill_id))")
        await raw.execute(f"CREATE INDEX ON {way.table} (exchange_id, trade_pair, executed_at)")
    took_s = dict.fromkeys(ways, 0.0)
    for number in range(BATCHES):
        for name, way in ways.items():
            rows = [_row(turn, number * way.new + at) for at in range(BATCH)]
            began_s = time.perf_counter()
            await way.store(rows)
            took_s[name] += time.perf_counter() - began_s
    return took_s


def _row(turn: int, number: int) -> Row:
    price = Decimal(6_000_000 + number % 977) / 100
    return (
        f"fill-{turn}-{number}",
        "daemon-1",
        "binance",
        "BTC/USDT",
        f"order-{number // 3}",
        "buy" if number % 2 else "sell",
        price,
        Decimal(number % 1_009 + 1) / 100_000,
        price / 1_000_000,
        "filled",
        _BEGAN + timedelta(milliseconds=number),
    )


if __name__ == "__main__":
    for one in run():
        sys.stdout.write(f"{one}\n")
