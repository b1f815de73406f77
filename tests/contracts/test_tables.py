"""The shipped migrations on the real stores: columns as required, there and back, a stale writer fenced."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from dataclasses import replace

import asyncpg
import pytest
from clickhouse_connect.driver.asyncclient import AsyncClient

from tapeline.runtime import clickhouse, endpoints, migrations
from tapeline.runtime.runfile import RunFile
from tapeline.runtime.settings import Settings

TS = "DateTime64(6, 'UTC')"
LEVELS = "Array(Tuple(price Float64, amount Float64))"
NAME = "LowCardinality(String)"


@pytest.fixture
async def client(tapeline_settings: Settings, tapeline_up: RunFile, pool: asyncpg.Pool) -> AsyncIterator[AsyncClient]:
    """A migrated database of the test's own."""
    found = endpoints.endpoints_from(tapeline_settings, tapeline_up).clickhouse
    name = f"test_{uuid.uuid4().hex}"
    own = await clickhouse.connect(replace(found, database=name), create_database=True)
    await migrations.migrate_clickhouse(own, pool)
    yield own
    await own.command(f"DROP DATABASE {name}")
    await own.close()


async def columns(client: AsyncClient, table: str) -> dict[str, str]:
    """Return the type of each column of a table."""
    found = await client.query(
        "SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = {table:String}",
        parameters={"table": table},
    )
    return {name: kind for name, kind in found.result_rows}  # noqa: C416 - dict() of rows that are typed as sequences


async def test_c_16_changes_of_books_have_the_required_columns(client: AsyncClient) -> None:
    """C-16, K4, X-09."""
    found = await columns(client, "orderbook_deltas")
    wanted = {
        "ts": TS,
        "exchange_id": NAME,
        "pair": NAME,
        "market_type": NAME,
        "side": "Enum8('bid' = 1, 'ask' = 2)",
        "price": "Float64",
        "amount": "Float64",
        "action": "Enum8('update' = 1, 'delete' = 2)",
        "sequence_num": "Int64",
        "received_ts": TS,
    }
    assert {name: found.get(name) for name in wanted} == wanted


async def test_c_17_books_have_the_required_columns(client: AsyncClient) -> None:
    """C-17, K4, X-09."""
    found = await columns(client, "orderbook_snapshots")
    wanted = {
        "ts": TS,
        "exchange_id": NAME,
        "pair": NAME,
        "market_type": NAME,
        "bids": LEVELS,
        "asks": LEVELS,
        "sequence_num": "Int64",
        "received_ts": TS,
    }
    assert {name: found.get(name) for name in wanted} == wanted


async def test_k4_every_table_of_the_tape_sorts_by_instrument_first(client: AsyncClient) -> None:
    """K4: sort (exchange, market, pair, ts)."""
    found = await client.query(
        "SELECT name, sorting_key FROM system.tables WHERE database = currentDatabase() AND sorting_key LIKE '%pair%'"
    )
    assert {name: key for name, key in found.result_rows} == {  # noqa: C416 - as above
        "trades": "exchange_id, market_type, pair, ts, trade_id",
        "orderbook_snapshots": "exchange_id, market_type, pair, ts, epoch, sequence_num",
        "orderbook_deltas": "exchange_id, market_type, pair, ts, epoch, sequence_num, kind, level",
        "gaps": "exchange_id, market_type, pair, start_ts, channel, epoch",
        "funding": "exchange_id, market_type, pair, ts, epoch, received_ts",
        "spreads": "pair, ts, signal_id",
        "order_events": "account, pair, ts, sequence_num",
    }


async def test_a_batch_that_is_sent_twice_is_stored_once(client: AsyncClient) -> None:
    insert = (
        "INSERT INTO trades (ts, exchange_id, market_type, pair, trade_id, side, price, amount, epoch)"
        " SETTINGS insert_deduplication_token = '{}' VALUES"
        " (1790000000.123456, 'bybit', 'spot', 'BTC/USDT', '{}', 'buy', 64000.1, 0.5, 1)"
    )
    for token, trade in (("md.trade/0/7-7", "a"), ("md.trade/0/7-7", "a"), ("md.trade/0/8-8", "b")):
        await client.command(insert.format(token, trade))
    found = await client.query("SELECT trade_id, toUnixTimestamp64Micro(ts) FROM trades ORDER BY trade_id")
    assert list(found.result_rows) == [("a", 1_790_000_000_123_456), ("b", 1_790_000_000_123_456)]


async def test_a_closed_gap_replaces_the_open_one(client: AsyncClient) -> None:
    insert = (
        "INSERT INTO gaps (start_ts, end_ts, exchange_id, market_type, pair, channel, epoch, cause, published_ts)"
        " VALUES (1790000000, {}, 'okx', 'spot', 'BTC/USDT', 'book', 1, 'sequence', {})"
    )
    for end, published in (("NULL", 1_790_000_001), ("1790000002", 1_790_000_003)):
        await client.command(insert.format(end, published))
    found = await client.query("SELECT toUnixTimestamp64Micro(end_ts) FROM gaps FINAL")
    assert list(found.result_rows) == [(1_790_000_002_000_000,)]


async def test_a_writer_that_lost_its_partition_is_fenced(pool: asyncpg.Pool) -> None:
    await pool.execute("INSERT INTO sink_offsets (consumer, topic, partition, next) VALUES ('s', 'audit', 0, 10)")
    step = "UPDATE sink_offsets SET next = $2, updated_at = now() WHERE consumer = 's' AND partition = 0 AND next = $1"
    assert [await pool.execute(step, 10, 20), await pool.execute(step, 10, 15)] == ["UPDATE 1", "UPDATE 0"]
    assert await pool.fetchval("SELECT next FROM sink_offsets") == 20


async def test_an_offset_below_zero_and_a_second_row_of_a_partition_are_refused(pool: asyncpg.Pool) -> None:
    insert = "INSERT INTO sink_offsets (consumer, topic, partition, next) VALUES ('s', 'audit', $1, $2)"
    await pool.execute(insert, 0, 0)
    with pytest.raises(asyncpg.UniqueViolationError):
        await pool.execute(insert, 0, 5)
    with pytest.raises(asyncpg.CheckViolationError):
        await pool.execute(insert, 1, -1)


async def test_the_shipped_migrations_go_back_and_forth(pool: asyncpg.Pool, client: AsyncClient) -> None:
    """X-13: migrations up and down."""
    before = await client.query("SHOW TABLES")
    for to in (0, None):
        await migrations.migrate_clickhouse(client, pool, to=to)
        await migrations.migrate_postgres(pool, to=to)
        assert (await pool.fetchval("SELECT to_regclass('sink_offsets')") is None) == (to == 0)
        assert bool(await columns(client, "trades")) == (to is None)
    assert (await client.query("SHOW TABLES")).result_rows == before.result_rows
