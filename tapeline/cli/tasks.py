"""`tapeline tasks`: what is to be recorded and traded, row by row, and which daemon records it."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Final

import msgspec

from tapeline.cli.failure import CRASH, OK, Failure
from tapeline.cli.market_symbols import symbol_of
from tapeline.cli.reaching import services
from tapeline.cli.render import Output
from tapeline.cli.view import Cell, Grid, View, line, row, span
from tapeline.domain.tasks import Pair, Table, Task
from tapeline.errors import Misconfigured
from tapeline.runtime import task_rows
from tapeline.runtime.single_transaction import transaction
from tapeline.runtime.task_rows import Changes
from tapeline.runtime.transactions import Contended
from tapeline.venues import registry

_PARTS: Final = 3
_US_PER_S: Final = 1_000_000


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """All rows, and the database's time, by which leases run out."""

    at_us: int
    tasks: tuple[Task, ...]


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What a command has changed."""

    table: Table
    pair: str
    rows: int
    did: str


def pair_of(text: str) -> Pair:
    """Return the pair of `venue:market:symbol`; Misconfigured when there is no such market."""
    parts = text.split(":")
    if len(parts) != _PARTS:
        raise Misconfigured(f"{text!r} names no pair", fix="write venue, market and symbol, e.g. bybit:spot:BTC/USDT")
    venue = registry.venue(parts[0])
    market = next((one for one in venue.feeds if one == parts[1]), None)
    if market is None:
        raise Misconfigured(f"{venue.id} has no market {parts[1]!r}", fix=f"use {' or '.join(venue.feeds)}")
    return Pair(venue.id, market, symbol_of(parts[2], ()))


def changes(
    *,
    table: Table,
    depth: int | None,
    priority: int | None,
    enabled: bool | None,
    strategy: str | None,
    parameters: str | None,
) -> Changes:
    """Return what a person wants of a row; Misconfigured for what its table has no column for."""
    told: Changes = {
        "depth": depth, "priority": priority, "enabled": enabled, "strategy": strategy, "parameters": parameters,
    }  # fmt: skip
    found: Changes = {name: value for name, value in told.items() if value is not None}
    alien = found.keys() & ({"depth"} if table == "trade" else {"strategy", "parameters"})
    if alien:
        raise Misconfigured(
            f"{' and '.join(sorted(alien))} mean nothing in the table {table}",
            fix="depths are for what is recorded; strategies and their parameters go with --trade",
        )
    if parameters is not None and not isinstance(_json(parameters), dict):
        raise Misconfigured("the parameters are no JSON object", fix='write them as {"name": value}')
    return found


def ls(out: Output) -> int:
    """Show all rows."""
    found = asyncio.run(_list())
    out.show(found, partial(list_view, found))
    return OK


def add(out: Output, table: Table, pair: Pair, wanted: Changes) -> int:
    """Make a row."""
    try:
        asyncio.run(_add(table, pair, wanted))
    except Contended:
        problem = f"{table} has {pair} already"
        out.fail(Failure(kind="exists", problem=problem, fix="change it with `tapeline tasks set`", exit_code=CRASH))
        return CRASH
    return _told(out, Done(table=table, pair=str(pair), rows=1, did="added"))


def change(out: Output, table: Table, pair: Pair, wanted: Changes) -> int:
    """Change the rows of a pair."""
    if not wanted:
        raise Misconfigured("nothing is to be changed", fix="name at least one option, see `tapeline tasks set --help`")
    return _some(out, Done(table=table, pair=str(pair), rows=asyncio.run(_change(table, pair, wanted)), did="changed"))


def remove(out: Output, table: Table, pair: Pair) -> int:
    """Take the rows of a pair away."""
    return _some(out, Done(table=table, pair=str(pair), rows=asyncio.run(_remove(table, pair)), did="removed"))


async def _list() -> Listed:
    async with transaction(services().postgres) as session:
        at_us = await session.fetchval("SELECT now_us()")
        return Listed(at_us=at_us, tasks=await task_rows.read(session))


async def _add(table: Table, pair: Pair, wanted: Changes) -> int:
    async with transaction(services().postgres, writes=True) as session:
        return await task_rows.add(session, table, pair, wanted)


async def _change(table: Table, pair: Pair, wanted: Changes) -> int:
    async with transaction(services().postgres, writes=True) as session:
        return await task_rows.change(session, table, pair, wanted)


async def _remove(table: Table, pair: Pair) -> int:
    async with transaction(services().postgres, writes=True) as session:
        return await task_rows.remove(session, table, pair)


def _some(out: Output, done: Done) -> int:
    """Tell what was done; where no row was found that is a failure."""
    if done.rows:
        return _told(out, done)
    problem = f"{done.table} has no {done.pair}"
    out.fail(Failure(kind="missing", problem=problem, fix="see `tapeline tasks ls`", exit_code=CRASH))
    return CRASH


def _told(out: Output, done: Done) -> int:
    out.show(done, partial(done_view, done))
    return OK


def done_view(done: Done) -> View:
    """Lay out what was changed."""
    many = "" if done.rows == 1 else f" ({done.rows} rows)"
    return (line(Cell(done.pair, "name"), f" {done.did} in {done.table}{many}"),)


def list_view(found: Listed) -> View:
    """Lay out all rows, the most important first."""
    rows = tuple(
        row(
            Cell(str(one.pair), "name" if one.enabled else "dim"),
            one.table,
            one.priority,
            {None: None, 0: "all"}.get(one.depth, one.depth),
            one.strategy,
            Cell("yes", "good") if one.enabled else Cell("no", "dim"),
            *_owner(one, found.at_us),
        )
        for one in found.tasks
    )
    names = ("pair", "table", "priority>", "depth>", "strategy", "enabled", "recorded by", "lease>")
    return (Grid(names, rows, empty="no task yet: `tapeline tasks add bybit:spot:BTC/USDT`"),)


def _owner(task: Task, at_us: int) -> tuple[Cell | None, Cell | None]:
    """Return who holds the lease and for how long; who let it run out does not."""
    if task.daemon is None or task.until_us is None:
        return None, None
    left_us = task.until_us - at_us
    if left_us <= 0:
        return Cell(task.daemon, "dim"), Cell("run out", "warn")
    return Cell(task.daemon), Cell(span(left_us / _US_PER_S))


def _json(text: str) -> object:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return None
