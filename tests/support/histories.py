"""What the Postgres sink's tests share: its flow, where its group begins, and what stands in Postgres afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import asyncpg

from sinks.histories.catalogue import BY_TOPIC
from tapeline.runtime import kafka, postgres
from tapeline.runtime.kafka import Partition
from tapeline.runtime.settings import Settings
from tests.support.eventually import eventually
from tests.support.order_records import account, account_of, order_event
from tests.support.sink_processes import Sinks
from tests.support.sinks import Flow, found

MAKERS: Mapping[str, Callable[[str, int], Any]] = {"order.event": order_event, "account": account}

ROWS = {
    "trade_history": "SELECT fill_id FROM trade_history WHERE daemon_id = ANY($1)",
    "account_history": "SELECT account || '/' || version FROM account_history WHERE account = ANY($1)",
}


@asynccontextmanager
async def pool(settings: Settings) -> AsyncIterator[asyncpg.Pool]:
    """Open a pool for the length of the block."""
    async with await postgres.connect(replace(found(settings).postgres, pool_idle=1)) as opened:
        yield opened


async def from_here(own: Sinks) -> Sinks:
    """Let the group begin behind all that is published already."""
    places = await ends(own.settings)
    async with pool(own.settings) as opened:
        await opened.executemany(
            "INSERT INTO sink_offsets (consumer, topic, partition, next) VALUES ($1, $2, $3, $4)",
            [(own.group, *place, end) for place, end in places.items()],
        )
    return own


async def ends(settings: Settings) -> dict[Partition, int]:
    """Return the end of every partition that the sink reads."""
    async with kafka.admin(found(settings).kafka) as admin:
        states = await admin.topics(list(BY_TOPIC))
        return await admin.ends([place for state in states.values() for place in state.places()])


async def offsets(settings: Settings, group: str) -> dict[Partition, int]:
    """Return the next offset of each partition as Postgres has it."""
    async with pool(settings) as opened:
        rows = await opened.fetch("SELECT topic, partition, next FROM sink_offsets WHERE consumer = $1", group)
    return {Partition(row["topic"], row["partition"]): row["next"] for row in rows}


async def go_back(settings: Settings, group: str, older: Mapping[Partition, int], symbols: Sequence[str]) -> None:
    """Make Postgres what it was when these were its offsets, before there was anything of these symbols."""
    accounts = [account_of(symbol) for symbol in symbols]
    async with pool(settings) as opened, opened.acquire() as connection, connection.transaction():
        await connection.execute("DELETE FROM trade_history WHERE daemon_id = ANY($1)", accounts)
        await connection.execute("DELETE FROM account_history WHERE account = ANY($1)", accounts)
        await connection.executemany(
            "UPDATE sink_offsets SET next = $4 WHERE consumer = $1 AND topic = $2 AND partition = $3",
            [(group, *place, following) for place, following in older.items()],
        )


async def commits(settings: Settings, group: str) -> dict[Partition, int]:
    """Return the next offset of each partition as the group has it."""
    async with kafka.admin(found(settings).kafka) as admin:
        return {place: commit.offset for place, commit in (await admin.commits(group)).items()}


async def drained(settings: Settings, group: str, *, within_s: float = 30.0) -> None:
    """Wait until all that stands in Kafka is stored, and the group's own offsets say the same."""

    async def done() -> bool:
        wanted = await ends(settings)
        return await offsets(settings, group) == wanted and await commits(settings, group) == wanted

    await eventually(done, within_s=within_s)


async def rows(settings: Settings, symbols: Sequence[str]) -> dict[str, list[str]]:
    """Return the identity of every row of these symbols and their accounts, by table, sorted."""
    accounts = [account_of(symbol) for symbol in symbols]
    async with pool(settings) as opened:
        return {table: sorted(row[0] for row in await opened.fetch(query, accounts)) for table, query in ROWS.items()}


async def stored_whole(settings: Settings, symbols: Sequence[str]) -> list[tuple[object, ...]]:
    """Return every row of these symbols whole, with what Postgres notes of its writing: a rewritten row differs."""
    accounts = [account_of(symbol) for symbol in symbols]
    async with pool(settings) as opened:
        fills = await opened.fetch(
            "SELECT xmin::text, ctid::text, * FROM trade_history WHERE daemon_id = ANY($1) ORDER BY id", accounts
        )
        versions = await opened.fetch(
            "SELECT xmin::text, ctid::text, * FROM account_history WHERE account = ANY($1) ORDER BY account, version",
            accounts,
        )
    return [tuple(row) for row in (*fills, *versions)]


def expected(flow: Flow) -> dict[str, list[str]]:
    """Return the identities of all rows that must stand there."""
    numbers = range(flow.sent)
    return {
        "trade_history": sorted(f"{symbol}-{number}" for symbol in flow.symbols for number in numbers if number % 2),
        "account_history": sorted(f"{account_of(symbol)}/{number}" for symbol in flow.symbols for number in numbers),
    }


async def assert_once(settings: Settings, group: str, flow: Flow) -> None:
    """Check that what was published stands in Postgres, all of it, each once."""
    await drained(settings, group)
    stored, wanted = await rows(settings, flow.symbols), expected(flow)
    assert all(wanted.values())
    assert {table: (len(set(wanted[table]) - set(stored[table])), len(stored[table])) for table in wanted} == {
        table: (0, len(identities)) for table, identities in wanted.items()
    }
    assert stored == wanted
