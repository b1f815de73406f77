"""The tables of trading on the real Postgres: there and back, columns as required, no doubles, an audit that stays."""

from __future__ import annotations

import uuid

import asyncpg
import pytest

from tapeline.runtime import migrations

ENTRY = (
    """{"action": "ORDER_PLACE", "entity_type": "order", "entity_id": "a", "success": true, "actor": "x", "at_us": 1}"""
)
INTENT = """
INSERT INTO intents (intent_id, account, strategy, symbol, slot, round, command, opening, status, wanted_because,
    actor, decided_us, expires_us, taken_us, version)
VALUES ($1, 'main', 'grid-1', 'BTC/USDT', 0, $2, 'PlaceOrder', true, $3, 'why', 'grid-1', 1, 2, 3, 1)"""
FILL = """
INSERT INTO trades (account, venue, market, symbol, fill_id, side, price, quantity, fee, fee_currency, fee_quote,
    liquidity, cause, filled_us)
VALUES ('main', 'bybit', $1, 'BTC/USDT', 'f1', 'buy', 1, 1, 0, 'USDT', 0, 'maker', 'order', 1790000000123456)"""


@pytest.fixture
async def pool(pool: asyncpg.Pool) -> asyncpg.Pool:
    """Return a database with one account."""
    await pool.execute("INSERT INTO accounts (account) VALUES ('main')")
    return pool


async def everything(pool: asyncpg.Pool) -> set[tuple[str, str]]:
    """Return every table, type and function of ours."""
    rows = await pool.fetch(
        "SELECT 'table' AS kind, tablename AS name FROM pg_tables WHERE schemaname = 'public'"
        " UNION SELECT 'type', typname FROM pg_type WHERE typtype = 'e'"
        " UNION SELECT 'function', proname FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace"
        " WHERE nspname = 'public' UNION SELECT 'sequence', sequencename FROM pg_sequences"
    )
    return {(row["kind"], row["name"]) for row in rows}


async def test_e13_up_down_and_up_again_leaves_the_same(pool: asyncpg.Pool) -> None:
    whole = await everything(pool)
    await migrations.migrate_postgres(pool, 1)
    assert await everything(pool) == {("table", "schema_migrations"), ("table", "sink_offsets")}
    await migrations.migrate_postgres(pool)
    assert await everything(pool) == whole
    assert len([kind for kind, _ in whole if kind == "type"]) == 10
    assert await pool.fetchval("SELECT count(*) FROM pg_indexes WHERE schemaname = 'public'") >= 8


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        (
            "orders",
            (
                "id client_order_id exchange_order_id symbol side order_type quantity price filled status signal_data "
                "reason trace_id version created_at updated_at"
            ),
        ),
        (
            "positions",
            (
                "id symbol side quantity entry_price status unrealized_pnl realized_pnl entry_reason exit_reason "
                "signal_data opened_at closed_at version"
            ),
        ),
        ("trades", "id order_id position_id price quantity fee executed_at"),
        (
            "audit_logs",
            (
                "action entity_type entity_id old_value new_value reason trace_id success error_message context actor "
                "timestamp"
            ),
        ),
        ("idempotency_cache", "key operation result expires_at"),
        (
            "trade_history",
            "id daemon_id exchange_id trade_pair order_id side price amount commission status executed_at created_at",
        ),
        (
            "monitoring",
            (
                "id exchange_id exchange_name market_type trade_pair_id trade_pair daemon_priority enabled "
                "orderbook_depth created_at updated_at daemon_id lease_until"
            ),
        ),
        (
            "trade",
            (
                "id exchange_id exchange_name market_type trade_pair_id trade_pair daemon_priority enabled strategy_id "
                "strategy_params created_at updated_at daemon_id lease_until"
            ),
        ),
        ("pairs", "id symbol venues size parts entry_spread target_profit stop_loss leverage enabled version"),
        ("arb_trades", "id pair_id buy_venue sell_venue qty fees pnl reason opened_at closed_at"),
    ],
)
async def test_the_required_columns_are_there(pool: asyncpg.Pool, table: str, columns: str) -> None:
    """E-14, E-15, E-16, E-17, E-18, C-10, C-11, C-12, K5, K12."""
    rows = await pool.fetch("SELECT column_name FROM information_schema.columns WHERE table_name = $1", table)
    assert set(columns.split()) - {row["column_name"] for row in rows} == set()


async def test_x11_money_is_exact(pool: asyncpg.Pool) -> None:
    rows = await pool.fetch(
        "SELECT DISTINCT data_type FROM information_schema.columns WHERE table_schema = 'public'"
        " AND data_type IN ('real', 'double precision')"
    )
    assert rows == []


async def test_one_opening_per_slot_and_round(pool: asyncpg.Pool) -> None:
    await pool.execute(INTENT, "i1", 0, "REFUSED")
    await pool.execute(INTENT, "i2", 0, "APPROVED")
    await pool.execute(INTENT, "i3", 1, "APPROVED")
    with pytest.raises(asyncpg.UniqueViolationError, match="intents_one_opening"):
        await pool.execute(INTENT, "i4", 0, "SETTLED")


async def test_e16_a_fill_is_unique_per_venue_market_and_symbol(pool: asyncpg.Pool) -> None:
    await pool.execute(FILL, "futures")
    await pool.execute(FILL, "spot")
    with pytest.raises(asyncpg.UniqueViolationError):
        await pool.execute(FILL, "spot")
    assert await pool.fetchval("SELECT executed_at::text FROM trades LIMIT 1") == "2026-09-21 14:13:20.123456+00"


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_logs SET actor = 'y'", "DELETE FROM audit_logs", "TRUNCATE audit_logs"]
)
async def test_e17_the_audit_refuses_to_be_changed(pool: asyncpg.Pool, statement: str) -> None:
    await pool.execute("SELECT write_audit($1::jsonb)", ENTRY)
    with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
        await pool.execute(statement)
    assert await pool.fetchval("SELECT count(*) FROM audit_logs") == 1


async def test_e17_another_role_can_neither_write_the_audit_nor_its_head(pool: asyncpg.Pool) -> None:
    role = f"reader_{uuid.uuid4().hex[:8]}"
    await pool.execute(f"CREATE ROLE {role}")
    for statement in ("UPDATE audit_head SET sequence = 0", f"SELECT write_audit('{ENTRY}')"):
        async with pool.acquire() as connection:
            transaction = connection.transaction()
            await transaction.start()
            await connection.execute(f"SET LOCAL ROLE {role}")
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
            await transaction.rollback()
    await pool.execute(f"DROP ROLE {role}")
