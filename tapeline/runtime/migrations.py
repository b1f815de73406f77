"""Migrating Postgres and ClickHouse, one migrator at a time: a session lock in Postgres covers both stores.

A migration of Postgres is one transaction: it is applied or it is not. ClickHouse has none: each finished statement is
recorded, and the next run goes on behind the last of them, so its statements must bear being run twice (`IF NOT
EXISTS`): a process may die between a statement and its record.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

import asyncpg
from clickhouse_connect.driver.exceptions import ClickHouseError

from tapeline.errors import Misconfigured, Unavailable
from tapeline.runtime import clock, logs
from tapeline.runtime.clickhouse import reason
from tapeline.runtime.log_events import LogEvent
from tapeline.runtime.migration_files import Applied, Migration, Status, Step, digest, load, plan, statements, statuses

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from importlib.resources.abc import Traversable

    from clickhouse_connect.driver.asyncclient import AsyncClient

LOCK_KEY = 0x7461_7065_6C69_6E65
"""Which advisory lock: the letters `tapeline`."""

_LOCK_WAIT_S = 120.0

_POSTGRES_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    number integer PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_us bigint NOT NULL
)"""

_CLICKHOUSE_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    step UInt64,
    number UInt32,
    name String,
    checksum String,
    direction String,
    done UInt32,
    total UInt32,
    done_checksum String,
    at_us Int64
) ENGINE = MergeTree ORDER BY step"""

_COLUMNS = ["step", "number", "name", "checksum", "direction", "done", "total", "done_checksum", "at_us"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Progress:
    """The last record about one migration in ClickHouse."""

    number: int
    name: str
    checksum: str
    direction: str
    done: int
    total: int
    done_checksum: str
    at_us: int


async def migrate_postgres(
    pool: asyncpg.Pool, to: int | None = None, *, folder: Traversable | None = None, wait_s: float = _LOCK_WAIT_S
) -> tuple[Step, ...]:
    """Bring Postgres to migration `to` (default: the newest; 0 takes all back) and return what was run.

    Waits while another migrator works. A statement that fails rolls its whole migration back.
    """
    known = load(folder or _folder("postgres"))
    async with _lock(pool, wait_s) as connection:
        await connection.execute(_POSTGRES_TABLE)
        steps = plan("Postgres", known, await _applied_postgres(connection), to)
        for step in steps:
            await _run_postgres(connection, step)
    return steps


async def migrate_clickhouse(
    client: AsyncClient,
    lock_pool: asyncpg.Pool,
    to: int | None = None,
    *,
    folder: Traversable | None = None,
    wait_s: float = _LOCK_WAIT_S,
) -> tuple[Step, ...]:
    """Bring ClickHouse to migration `to` (default: the newest; 0 takes all back) and return what was run.

    Waits while another migrator works, also one of Postgres. A statement that fails leaves its migration half applied;
    the next call goes on with that statement.
    """
    known = load(folder or _folder("clickhouse"))
    async with _lock(lock_pool, wait_s):
        await client.command(_CLICKHOUSE_TABLE)
        progress = await _progress(client)
        steps = plan("ClickHouse", known, _applied_clickhouse(progress), to)
        for step in steps:
            await _run_clickhouse(client, step, progress.get(step.migration.number))
    return steps


async def status_postgres(pool: asyncpg.Pool, *, folder: Traversable | None = None) -> tuple[Status, ...]:
    """Return how each migration of Postgres stands; changes nothing."""
    known = load(folder or _folder("postgres"))
    async with pool.acquire() as connection:
        there = await connection.fetchval("SELECT to_regclass('schema_migrations') IS NOT NULL")
        return statuses(known, await _applied_postgres(connection) if there else ())


async def status_clickhouse(client: AsyncClient, *, folder: Traversable | None = None) -> tuple[Status, ...]:
    """Return how each migration of ClickHouse stands; changes nothing."""
    known = load(folder or _folder("clickhouse"))
    there = int(await client.command("EXISTS TABLE schema_migrations"))  # type: ignore[arg-type] # it answers 0 or 1
    return statuses(known, _applied_clickhouse(await _progress(client)) if there else ())


def _folder(store: str) -> Traversable:
    return resources.files("schemas").joinpath(store)


@contextlib.asynccontextmanager
async def _lock(pool: asyncpg.Pool, wait_s: float) -> AsyncIterator[asyncpg.pool.PoolConnectionProxy]:
    """Hold the migrators' lock on a connection of its own; it falls with the connection, whatever happens to us."""
    async with pool.acquire() as connection:
        try:
            async with asyncio.timeout(wait_s):
                await connection.execute("SELECT pg_advisory_lock($1)", LOCK_KEY)
        except TimeoutError as error:
            raise Unavailable(f"another migration has been running for {wait_s:g} s") from error
        try:
            yield connection
        finally:
            await connection.execute("SELECT pg_advisory_unlock($1)", LOCK_KEY)


async def _applied_postgres(connection: asyncpg.pool.PoolConnectionProxy) -> tuple[Applied, ...]:
    rows = await connection.fetch("SELECT number, name, checksum, applied_us FROM schema_migrations ORDER BY number")
    return tuple(Applied(**row) for row in rows)


async def _run_postgres(connection: asyncpg.pool.PoolConnectionProxy, step: Step) -> None:
    migration = step.migration
    try:
        async with connection.transaction():
            await connection.execute(migration.sql(step.direction))
            if step.direction == "up":
                await connection.execute(
                    "INSERT INTO schema_migrations (number, name, checksum, applied_us) VALUES ($1, $2, $3, $4)",
                    migration.number,
                    migration.name,
                    migration.checksum,
                    clock.now_us(),
                )
            else:
                await connection.execute("DELETE FROM schema_migrations WHERE number = $1", migration.number)
    except asyncpg.PostgresError as error:
        raise Misconfigured(
            f"the migration {migration.title} of Postgres failed {step.direction} and was rolled back ({error})",
            fix=f"correct {migration.title}.{step.direction}.sql or what it stumbled over, and run it again",
        ) from error
    _log("postgres", step)


async def _progress(client: AsyncClient) -> dict[int, _Progress]:
    rows = await client.query(
        "SELECT number, name, checksum, direction, done, total, done_checksum, at_us FROM schema_migrations"
        " ORDER BY number, step DESC LIMIT 1 BY number"
    )
    return {row["number"]: _Progress(**row) for row in rows.named_results()}


def _applied_clickhouse(progress: dict[int, _Progress]) -> tuple[Applied, ...]:
    """Return what is there in whole or in part; a way back that was finished leaves nothing."""
    return tuple(
        Applied(
            number=last.number,
            name=last.name,
            checksum=last.checksum,
            applied_us=last.at_us,
            whole=last.direction == "up" and last.done == last.total,
        )
        for last in progress.values()
        if not (last.direction == "down" and last.done == last.total)
    )


async def _run_clickhouse(client: AsyncClient, step: Step, last: _Progress | None) -> None:
    migration, parts = step.migration, statements(step.migration.sql(step.direction))
    done = _resume_at(step, parts, last)
    for number, statement in enumerate(parts[done:], start=done + 1):
        try:
            await client.command(statement)
        except ClickHouseError as error:
            await _record(client, step, parts, number - 1)
            raise Misconfigured(
                f"statement {number} of {len(parts)} of the migration {migration.title} of ClickHouse failed "
                f"{step.direction} ({reason(error)}), and the {number - 1} before it are done",
                fix=f"correct that statement or what it stumbled over and run it again: it goes on with statement "
                f"{number}; or migrate to {migration.number - 1} to take it back",
            ) from error
        await _record(client, step, parts, number)
    if not parts:
        await _record(client, step, parts, 0)
    _log("clickhouse", step)


def _resume_at(step: Step, parts: tuple[str, ...], last: _Progress | None) -> int:
    """Return how many statements of an interrupted run in this direction are done already."""
    if last is None or last.direction != step.direction or last.done == last.total:
        return 0
    if digest("\n".join(parts[: last.done])) != last.done_checksum:
        raise Misconfigured(
            f"the migration {step.migration.title} of ClickHouse is half applied, and its first {last.done} statements "
            "were changed after they were done",
            fix="restore them as they were; only what comes behind them may be corrected",
        )
    return last.done


async def _record(client: AsyncClient, step: Step, parts: tuple[str, ...], done: int) -> None:
    migration: Migration = step.migration
    newest = await client.query("SELECT max(step) FROM schema_migrations")
    row = [
        int(newest.result_rows[0][0]) + 1,
        migration.number,
        migration.name,
        migration.checksum,
        step.direction,
        done,
        len(parts),
        digest("\n".join(parts[:done])),
        clock.now_us(),
    ]
    await client.insert("schema_migrations", [row], column_names=_COLUMNS)


def _log(store: str, step: Step) -> None:
    event = LogEvent.MIGRATION_APPLIED if step.direction == "up" else LogEvent.MIGRATION_REVERTED
    logs.get(__name__).info(event, store=store, migration=step.migration.title)
