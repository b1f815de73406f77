"""`tapeline migrate`: how the migrations of both stores stand, and running them; `tapeline up` does so by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Literal

import asyncpg
import msgspec
from clickhouse_connect.driver.asyncclient import AsyncClient

from tapeline.cli.failure import OK
from tapeline.cli.reaching import services
from tapeline.cli.render import Output
from tapeline.cli.view import Cell, Grid, Style, View, line, row
from tapeline.errors import Misconfigured
from tapeline.runtime import clickhouse, clock, migrations, postgres
from tapeline.runtime.migration_files import Status, Step

Store = Literal["postgres", "clickhouse"]
STORES: tuple[Store, ...] = ("postgres", "clickhouse")
_STYLES: dict[str, Style] = {"applied": "good", "pending": "warn"}


class Ran(msgspec.Struct, frozen=True, kw_only=True):
    """One migration that was run."""

    store: Store
    migration: str
    direction: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """Both stores, open; ClickHouse is absent when it was not asked for."""

    pool: asyncpg.Pool
    client: AsyncClient | None


@asynccontextmanager
async def opened(wanted: tuple[Store, ...]) -> AsyncIterator[Stores]:
    """Open Postgres, whose lock covers both stores, and ClickHouse when it is asked for."""
    known = services()
    pool = await postgres.connect(known.postgres)
    try:
        client = await clickhouse.connect(known.clickhouse, create_database=True) if "clickhouse" in wanted else None
        try:
            yield Stores(pool=pool, client=client)
        finally:
            if client is not None:
                await client.close()
    finally:
        await pool.close()


def status(out: Output, *, store: str) -> int:
    """Show how each migration stands."""
    found = asyncio.run(read(stores(store)))
    out.show(found, partial(_status_view, found))
    return OK


async def read(wanted: tuple[Store, ...]) -> dict[Store, tuple[Status, ...]]:
    """Return how each migration of the stores stands; changes nothing."""
    async with opened(wanted) as both:
        found: dict[Store, tuple[Status, ...]] = {}
        if "postgres" in wanted:
            found["postgres"] = await migrations.status_postgres(both.pool)
        if both.client is not None:
            found["clickhouse"] = await migrations.status_clickhouse(both.client)
    return found


def run(out: Output, *, store: str, to: int | None) -> int:
    """Bring the stores to migration `to` (default: the newest) and show what was run."""
    ran = asyncio.run(_run(stores(store), to))
    out.show({"ran": ran}, partial(_ran_view, ran))
    return OK


def down(out: Output, *, store: str, to: int, yes: bool) -> int:
    """Take migrations back, after asking: what they made is dropped with its data."""
    wanted = stores(store)
    if not yes and not out.confirm(f"take migrations of {' and '.join(wanted)} above {to} back, with their data?"):
        raise Misconfigured("taking migrations back drops tables with their data", fix="say --yes to do it")
    return run(out, store=store, to=to)


async def _run(wanted: tuple[Store, ...], to: int | None) -> tuple[Ran, ...]:
    ran: list[Ran] = []
    async with opened(wanted) as both:
        if "postgres" in wanted:
            ran += _ran("postgres", await migrations.migrate_postgres(both.pool, to))
        if both.client is not None:
            ran += _ran("clickhouse", await migrations.migrate_clickhouse(both.client, both.pool, to))
    return tuple(ran)


def stores(name: str) -> tuple[Store, ...]:
    """Return the stores that a name means; raise Misconfigured for another name."""
    if name == "both":
        return STORES
    found = tuple(store for store in STORES if store == name)
    if not found:
        raise Misconfigured(f"unknown store {name!r}", fix="use postgres, clickhouse or both")
    return found


def _ran(store: Store, steps: tuple[Step, ...]) -> list[Ran]:
    return [Ran(store=store, migration=step.migration.title, direction=step.direction) for step in steps]


def _status_view(found: dict[Store, tuple[Status, ...]]) -> View:
    rows = tuple(
        row(
            store,
            Cell(f"{one.number:04d}_{one.name}", "name"),
            Cell(one.state, _STYLES.get(one.state, "bad")),
            None if one.applied_us is None else clock.iso(one.applied_us)[:19].replace("T", " "),
        )
        for store, listed in found.items()
        for one in listed
    )
    return (Grid(("store", "migration", "state", "applied"), rows, empty="there are no migrations"),)


def _ran_view(ran: tuple[Ran, ...]) -> View:
    if not ran:
        return (line("nothing to do"),)
    return tuple(
        line(Cell("✓ ", "good"), f"{one.store} ", Cell(one.migration, "name"), f" {one.direction}") for one in ran
    )
