"""Migrations against both real stores: there and back, one migrator at a time, each refusal one sentence."""

from __future__ import annotations

import asyncio
import functools
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest
from clickhouse_connect.driver.asyncclient import AsyncClient

from tapeline.errors import Misconfigured, Unavailable
from tapeline.runtime import clickhouse, endpoints, migrations, postgres
from tapeline.runtime.migration_files import Status, Step
from tapeline.runtime.runfile import RunFile
from tapeline.runtime.settings import Settings
from tests.support.own_database import own_database

Write = Callable[[int, str, str, str], None]


@pytest.fixture
async def pool(tapeline_settings: Settings, tapeline_up: RunFile) -> AsyncIterator[asyncpg.Pool]:
    """A database of the test's own."""
    async with (
        own_database(tapeline_settings, tapeline_up) as endpoint,
        await postgres.connect(endpoint) as opened,
    ):
        yield opened


@pytest.fixture
async def client(tapeline_settings: Settings, tapeline_up: RunFile) -> AsyncIterator[AsyncClient]:
    """A database of the test's own."""
    found = endpoints.endpoints_from(tapeline_settings, tapeline_up).clickhouse
    name = f"test_{uuid.uuid4().hex}"
    own = await clickhouse.connect(replace(found, database=name), create_database=True)
    yield own
    await own.command(f"DROP DATABASE {name}")
    await own.close()


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def pair(number: int, name: str, up: str, down: str) -> None:
        (tmp_path / f"{number:04d}_{name}.up.sql").write_text(up)
        (tmp_path / f"{number:04d}_{name}.down.sql").write_text(down)

    return pair


@pytest.fixture
def three(write: Write) -> None:
    for number, name in enumerate(("a", "b", "c"), start=1):
        write(
            number,
            name,
            f"-- {name}\nCREATE TABLE {name} (x int);\nINSERT INTO {name} VALUES ({number});\n",
            f"DROP TABLE {name};\n",
        )


@pytest.fixture
def three_there(write: Write) -> None:
    for number, name in enumerate(("a", "b", "c"), start=1):
        write(
            number,
            name,
            f"CREATE TABLE IF NOT EXISTS {name} (x Int32)\nENGINE = MergeTree ORDER BY x;\n"
            f"-- a comment; with a semicolon;\nALTER TABLE {name} ADD COLUMN IF NOT EXISTS y Int32;\n",
            f"DROP TABLE IF EXISTS {name};\n",
        )


def told(steps: tuple[Step, ...]) -> list[tuple[str, str]]:
    return [(step.migration.name, step.direction) for step in steps]


async def tables(pool: asyncpg.Pool) -> set[str]:
    rows = await pool.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    return {row["tablename"] for row in rows}


async def tables_there(client: AsyncClient) -> set[str]:
    return {row[0] for row in (await client.query("SHOW TABLES")).result_rows}


@pytest.mark.usefixtures("three")
async def test_postgres_goes_up_once_down_and_up_again(pool: asyncpg.Pool, tmp_path: Path) -> None:
    first = await migrations.migrate_postgres(pool, folder=tmp_path)
    second = await migrations.migrate_postgres(pool, folder=tmp_path)
    assert (told(first), second) == ([("a", "up"), ("b", "up"), ("c", "up")], ())
    assert await tables(pool) == {"a", "b", "c", "schema_migrations"}

    back = await migrations.migrate_postgres(pool, 1, folder=tmp_path)
    assert told(back) == [("c", "down"), ("b", "down")]
    assert await tables(pool) == {"a", "schema_migrations"}

    assert told(await migrations.migrate_postgres(pool, 0, folder=tmp_path)) == [("a", "down")]
    assert told(await migrations.migrate_postgres(pool, folder=tmp_path)) == told(first)
    assert await pool.fetchval("SELECT x FROM c") == 3


@pytest.mark.usefixtures("three_there")
async def test_clickhouse_goes_up_once_down_and_up_again(
    client: AsyncClient, pool: asyncpg.Pool, tmp_path: Path
) -> None:
    first = await migrations.migrate_clickhouse(client, pool, folder=tmp_path)
    second = await migrations.migrate_clickhouse(client, pool, folder=tmp_path)
    assert (told(first), second) == ([("a", "up"), ("b", "up"), ("c", "up")], ())
    assert await tables_there(client) == {"a", "b", "c", "schema_migrations"}

    back = await migrations.migrate_clickhouse(client, pool, 1, folder=tmp_path)
    assert told(back) == [("c", "down"), ("b", "down")]
    assert await tables_there(client) == {"a", "schema_migrations"}

    assert told(await migrations.migrate_clickhouse(client, pool, 0, folder=tmp_path)) == [("a", "down")]
    assert told(await migrations.migrate_clickhouse(client, pool, folder=tmp_path)) == told(first)
    assert (await client.query("SELECT x, y FROM c")).result_rows == []


def states(found: tuple[Status, ...]) -> list[tuple[int, str]]:
    return [(status.number, status.state) for status in found]


@pytest.mark.usefixtures("three")
async def test_status_tells_before_between_and_after(pool: asyncpg.Pool, tmp_path: Path) -> None:
    assert states(await migrations.status_postgres(pool, folder=tmp_path)) == [
        (1, "pending"),
        (2, "pending"),
        (3, "pending"),
    ]
    await migrations.migrate_postgres(pool, 2, folder=tmp_path)
    (tmp_path / "0001_a.up.sql").write_text("-- other")

    assert states(await migrations.status_postgres(pool, folder=tmp_path)) == [
        (1, "changed"),
        (2, "applied"),
        (3, "pending"),
    ]


@pytest.mark.usefixtures("three")
async def test_a_changed_file_is_refused_and_nothing_runs(pool: asyncpg.Pool, tmp_path: Path) -> None:
    await migrations.migrate_postgres(pool, 1, folder=tmp_path)
    (tmp_path / "0001_a.up.sql").write_text("CREATE TABLE a (y int);")

    with pytest.raises(Misconfigured, match="the migration 0001_a was changed after Postgres had applied it: restore"):
        await migrations.migrate_postgres(pool, folder=tmp_path)

    assert await tables(pool) == {"a", "schema_migrations"}


@pytest.mark.usefixtures("three")
async def test_a_newer_version_in_the_database_is_refused(pool: asyncpg.Pool, tmp_path: Path) -> None:
    await migrations.migrate_postgres(pool, folder=tmp_path)
    for side in ("up", "down"):
        (tmp_path / f"0003_c.{side}.sql").unlink()

    with pytest.raises(Misconfigured, match="Postgres is at migration 0003_c and this Tapeline knows 2 of them: run"):
        await migrations.migrate_postgres(pool, folder=tmp_path)


async def test_a_failing_statement_of_postgres_takes_its_whole_migration_back(
    pool: asyncpg.Pool, tmp_path: Path, write: Write
) -> None:
    write(1, "good", "CREATE TABLE good (x int);", "DROP TABLE good;")
    write(2, "bad", "CREATE TABLE half (x int);\nSELECT 1/0;\n", "DROP TABLE half;")

    with pytest.raises(Misconfigured) as refused:
        await migrations.migrate_postgres(pool, folder=tmp_path)

    assert str(refused.value) == (
        "the migration 0002_bad of Postgres failed up and was rolled back (division by zero): "
        "correct 0002_bad.up.sql or what it stumbled over, and run it again"
    )
    assert await tables(pool) == {"good", "schema_migrations"}
    write(2, "bad", "CREATE TABLE half (x int);", "DROP TABLE half;")
    assert told(await migrations.migrate_postgres(pool, folder=tmp_path)) == [("bad", "up")]


async def test_a_failing_statement_of_clickhouse_is_gone_on_with_at_that_statement(
    client: AsyncClient, pool: asyncpg.Pool, tmp_path: Path, write: Write
) -> None:
    one = "CREATE TABLE one (x Int32) ENGINE = MergeTree ORDER BY x;\n"
    two = "CREATE TABLE two (x Int32) ENGINE = MergeTree ORDER BY x;\n"
    write(1, "pair", f"{one}CREATE TABLE two (x Nonsense) ENGINE = MergeTree ORDER BY x;\n", "DROP TABLE one;")

    with pytest.raises(Misconfigured) as refused:
        await migrations.migrate_clickhouse(client, pool, folder=tmp_path)
    assert str(refused.value).startswith(
        "statement 2 of 2 of the migration 0001_pair of ClickHouse failed up (Unknown data type family: Nonsense"
    )
    assert "http" not in str(refused.value)
    assert str(refused.value).endswith(
        "and the 1 before it are done: correct that statement or what it stumbled over and run it again: it goes on "
        "with statement 2; or migrate to 0 to take it back"
    )
    assert states(await migrations.status_clickhouse(client, folder=tmp_path)) == [(1, "half applied")]

    write(1, "pair", f"{one.replace('x', 'z')}{two}", "DROP TABLE one;")
    with pytest.raises(Misconfigured, match="its first 1 statements were changed after they were done"):
        await migrations.migrate_clickhouse(client, pool, folder=tmp_path)

    write(1, "pair", f"{one}{two}", "DROP TABLE one;")
    assert told(await migrations.migrate_clickhouse(client, pool, folder=tmp_path)) == [("pair", "up")]
    assert await tables_there(client) == {"one", "two", "schema_migrations"}
    assert states(await migrations.status_clickhouse(client, folder=tmp_path)) == [(1, "applied")]


async def test_a_half_applied_migration_can_be_taken_back(
    client: AsyncClient, pool: asyncpg.Pool, tmp_path: Path, write: Write
) -> None:
    write(
        1,
        "pair",
        "CREATE TABLE one (x Int32) ENGINE = MergeTree ORDER BY x;\nNONSENSE;\n",
        "DROP TABLE IF EXISTS one;\nDROP TABLE IF EXISTS two;\n",
    )
    with pytest.raises(Misconfigured):
        await migrations.migrate_clickhouse(client, pool, folder=tmp_path)

    assert told(await migrations.migrate_clickhouse(client, pool, 0, folder=tmp_path)) == [("pair", "down")]
    assert await tables_there(client) == {"schema_migrations"}
    assert states(await migrations.status_clickhouse(client, folder=tmp_path)) == [(1, "pending")]


@pytest.mark.usefixtures("three")
async def test_two_migrators_at_once_do_the_work_once(pool: asyncpg.Pool, tmp_path: Path) -> None:
    found = await asyncio.gather(*(migrations.migrate_postgres(pool, folder=tmp_path) for _ in range(4)))

    assert sorted(map(told, found)) == [[], [], [], [("a", "up"), ("b", "up"), ("c", "up")]]


@pytest.mark.usefixtures("three_there")
async def test_the_lock_covers_both_stores_and_says_so(client: AsyncClient, pool: asyncpg.Pool, tmp_path: Path) -> None:
    async with pool.acquire() as other:
        await other.execute("SELECT pg_advisory_lock($1)", migrations.LOCK_KEY)

        for attempt in (
            migrations.migrate_postgres(pool, folder=tmp_path, wait_s=0.2),
            migrations.migrate_clickhouse(client, pool, folder=tmp_path, wait_s=0.2),
        ):
            with pytest.raises(Unavailable, match=r"another migration has been running for 0.2 s"):
                await attempt

    assert told(await migrations.migrate_clickhouse(client, pool, folder=tmp_path)) != []


async def test_our_own_migrations_go_up_down_and_up(client: AsyncClient, pool: asyncpg.Pool) -> None:
    for migrate in (
        functools.partial(migrations.migrate_postgres, pool),
        functools.partial(migrations.migrate_clickhouse, client, pool),
    ):
        up = told(await migrate())
        assert told(await migrate(0)) == [(name, "down") for name, _ in reversed(up)]
        assert told(await migrate()) == up


async def test_our_own_migrations_of_clickhouse_bear_being_run_twice(client: AsyncClient, pool: asyncpg.Pool) -> None:
    await migrations.migrate_clickhouse(client, pool)
    before = await tables_there(client)
    await client.command("TRUNCATE TABLE schema_migrations")

    await migrations.migrate_clickhouse(client, pool)

    assert await tables_there(client) == before
