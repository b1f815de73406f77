"""`tapeline migrate`: how the migrations of both stores stand, and running them; `tapeline up` does so by itself."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from functools import partial
from typing import Literal

import msgspec

from tapeline.cli.failure import OK
from tapeline.cli.reaching import ADMIN, meant, services
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


def status(out: Output, *, store: str) -> int:
    """Show how each migration stands."""
    found = asyncio.run(read(stores(store)))
    out.show(found, partial(_status_view, found))
    return OK


async def read(wanted: tuple[Store, ...]) -> dict[Store, tuple[Status, ...]]:
    """Return how each migration of the stores stands; changes nothing."""
    known, found = services(meant(ADMIN)), dict[Store, tuple[Status, ...]]()
    async with AsyncExitStack() as stack:
        if "postgres" in wanted:
            pool = await postgres.connect(known.postgres)
            stack.push_async_callback(pool.close)
            found["postgres"] = await migrations.status_postgres(pool)
        if "clickhouse" in wanted:
            client = await clickhouse.connect(known.clickhouse)
            stack.push_async_callback(client.close)
            found["clickhouse"] = await migrations.status_clickhouse(client)
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
    known, ran = services(meant(ADMIN)), list[Ran]()
    async with AsyncExitStack() as stack:
        # A lock in Postgres covers both stores, so Postgres is needed for either.
        pool = await postgres.connect(known.postgres)
        stack.push_async_callback(pool.close)
        if "postgres" in wanted:
            ran += _ran("postgres", await migrations.migrate_postgres(pool, to))
        if "clickhouse" in wanted:
            client = await clickhouse.connect(known.clickhouse, create_database=True)
            stack.push_async_callback(client.close)
            ran += _ran("clickhouse", await migrations.migrate_clickhouse(client, pool, to))
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
