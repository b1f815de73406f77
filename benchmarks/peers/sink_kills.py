"""Every sink killed -9 in the middle of one stream of known rows, again and again: how many are lost, how many doubled.

Ours are the real processes with their usual settings; beside them the naive ones of `naive.py`, on the same topics,
stores and machine, at the same time. A sink is killed a random moment after it was seen to store, and started again.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import NamedTuple

import asyncpg
import msgspec

from benchmarks import services
from benchmarks.peers import naive
from benchmarks.peers.asking import started
from schemas.topics import by_name
from tapeline.domain.events import Trade
from tapeline.domain.order_records import Fill, Order, OrderEvent
from tapeline.domain.partition import partition_of
from tapeline.runtime import clickhouse, clock, postgres
from tapeline.runtime.codec import Codec
from tapeline.runtime.kafka import Outgoing, Publisher

KILLS = 8
"""Kills of each sink, at most: on a busy machine there are fewer, for the killing ends after `KILLING_S`."""
KILLING_S = 90.0
SYMBOLS = ("AAA/USDT", "BBB/USDT", "CCC/USDT")
EACH = 15
"""Rows of each symbol and topic at a time: some 1,500 a second into each store, so there is always something to do."""
EVERY_S = 0.03
_LONGEST_S = 6.0
"""A kill comes within this of the first row stored since the start: a client commits by itself every 5 s."""
_WITHIN_S = 60.0
_QUIET_S = 12.0
"""A count that has not changed for so long will not: longer than a session, a rebalance and an automatic commit."""
_LOOK_S = 0.1
_PARTITIONS = 4


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """What one sink made of the stream."""

    store: str
    sink: str
    kills: int
    rows: int
    lost: int
    doubled: int


class Row(NamedTuple):
    """A sink: how it is started, and what counts the rows of its table, in all and different ones."""

    store: str
    sink: str
    module: str
    arguments: tuple[str, ...]
    total: Callable[[], Awaitable[int]]
    different: Callable[[], Awaitable[int]]


class Flow:
    """Publishes known rows until it is told to stop."""

    def __init__(self, publisher: Publisher, codec: Codec) -> None:
        """Begin with nothing sent."""
        self._publisher, self._codec = publisher, codec
        self.sent = 0
        self.stop = False

    async def run(self) -> None:
        """Send a trade and a fill of each symbol and number."""
        began_us = clock.now_us() - 600_000_000
        while not self.stop:
            numbers = range(self.sent, self.sent + EACH)
            for symbol in SYMBOLS:
                place = partition_of(symbol, _PARTITIONS)
                for name, make in (("md.trade", _trade), ("order.event", _fill)):
                    values = [make(symbol, number, began_us) for number in numbers]
                    records = [Outgoing(one.key.encode(), self._codec.encode(by_name(name), one)) for one in values]
                    await self._publisher.publish_many(name, place, records)
            self.sent += EACH
            await asyncio.sleep(EVERY_S)


def run() -> list[Audit]:
    """Start the services, audit, stop them."""
    with services.started() as found:
        return asyncio.run(_audited(found))


async def _audited(found: services.Services) -> list[Audit]:
    client = await clickhouse.connect(found.endpoints.clickhouse)
    raw = await asyncpg.connect(**postgres.arguments(found.endpoints.postgres))
    await client.command(f"CREATE TABLE {naive.TABLES['clickhouse']} (id String) ENGINE = MergeTree ORDER BY id")
    await raw.execute(f"CREATE TABLE {naive.TABLES['postgres']} (id text)")
    reading = asyncio.Lock()

    def counting(store: str, counted: str, table: str) -> Callable[[], Awaitable[int]]:
        query = f"SELECT {counted} FROM {table}"  # noqa: S608 - of names above

        async def count() -> int:
            async with reading:
                if store == "clickhouse":
                    return int((await client.query(query)).result_rows[0][0])
                return int(await raw.fetchval(query))

        return count

    audits = await _killed(found, list(_sinks(found, counting)))
    await client.close()
    await raw.close()
    return audits


def _sinks(
    found: services.Services, counting: Callable[[str, str, str], Callable[[], Awaitable[int]]]
) -> Iterator[Row]:
    folder = str(found.settings.data.dir)
    for store, table, column in (("clickhouse", "trades", "trade_id"), ("postgres", "trade_history", "fill_id")):
        asked = json.dumps({"store": store, "folder": folder})
        for sink, module, arguments, where, identity in (
            ("Tapeline", "sinks", (store, "--name", "audit"), table, column),
            ("naive", "benchmarks.peers.naive", (asked,), naive.TABLES[store], "id"),
        ):
            different = counting(store, f"count(DISTINCT {identity})", where)
            yield Row(store, sink, module, arguments, counting(store, "count(*)", where), different)


async def _killed(found: services.Services, rows: list[Row]) -> list[Audit]:
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        publisher = await stack.enter_async_context(Publisher(found.endpoints.kafka, client_id="benchmark"))
        flow = Flow(publisher, Codec(found.run.schema_ids))
        flowing = group.create_task(flow.run())
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        extra = {"TAPELINE_DATA__DIR": str(found.settings.data.dir), "TAPELINE_LOG__DIR": folder}
        killed = asyncio.Barrier(len(rows) + 1)
        tasks = [group.create_task(_audit(row, flow, flowing, killed, extra)) for row in rows]
        await killed.wait()
        flow.stop = True
    return [task.result() for task in tasks]


async def _audit(
    row: Row, flow: Flow, flowing: asyncio.Task[None], killed: asyncio.Barrier, extra: dict[str, str]
) -> Audit:
    """Kill one sink again and again; when all have been killed often enough let it finish, and count."""
    chance = random.Random(row.module + row.store)  # noqa: S311 - moments, no secrets
    start = partial(started, Path(sys.executable), row.module, *row.arguments, extra=extra, heard=False)
    kills, until_s = 0, time.monotonic() + KILLING_S
    while kills < KILLS and time.monotonic() < until_s:
        with start():
            await _stored(row)
            await asyncio.sleep(chance.random() * _LONGEST_S)
        kills += 1
    with start():
        await killed.wait()
        await flowing
        total, different = await _settled(row)
    wanted = flow.sent * len(SYMBOLS)
    lost, doubled = wanted - different, total - different
    return Audit(store=row.store, sink=row.sink, kills=kills, rows=wanted, lost=lost, doubled=doubled)


async def _stored(row: Row) -> None:
    """Wait until the sink has stored something since its start."""
    before = await row.total()
    async with asyncio.timeout(_WITHIN_S):
        while await row.total() == before:  # noqa: ASYNC110 - asks the store
            await asyncio.sleep(_LOOK_S)


async def _settled(row: Row) -> tuple[int, int]:
    """Return the counts, of all and of different rows, once they have stopped changing."""
    counted, since_s = await row.total(), time.monotonic()
    while time.monotonic() - since_s < _QUIET_S:
        await asyncio.sleep(_LOOK_S)
        now = await row.total()
        if now != counted:
            counted, since_s = now, time.monotonic()
    return counted, await row.different()


def _trade(symbol: str, number: int, began_us: int) -> Trade:
    at_us = began_us + number * 1_000
    return Trade(
        venue="bybit",
        market="spot",
        symbol=symbol,
        epoch=began_us,
        trade_id=f"{symbol}-{number}",
        sequence=number,
        price=64_000.1 + number,
        quantity=0.5,
        side="buy",
        venue_us=at_us,
        received_us=at_us + 1_000,
        published_us=at_us + 2_000,
    )


def _fill(symbol: str, number: int, began_us: int) -> OrderEvent:
    at_us = began_us + number * 1_000
    return OrderEvent(
        event_id=f"{symbol}-{number}",
        sequence=number,
        account="main",
        strategy="grid-1",
        symbol=symbol,
        slot=1,
        round=1,
        intent_id=f"intent-{number}",
        kind="order_filled",
        order=_order(number),
        fill=Fill(
            fill_id=f"{symbol}-{number}",
            price=Decimal("64000.1"),
            quantity=Decimal("0.1"),
            fee=Decimal("0.01"),
            fee_currency="USDT",
            liquidity="maker",
            filled_us=at_us,
        ),
        at_us=at_us,
    )


def _order(number: int) -> Order:
    return Order(
        client_order_id=f"ours-{number}",
        venue_order_id=f"theirs-{number}",
        venue="bybit",
        market="futures",
        leg="buy",
        part=1,
        attempt=1,
        side="buy",
        order_type="limit",
        time_in_force="IOC",
        price=Decimal("64000.1"),
        quantity=Decimal("0.3"),
        filled=Decimal("0.1"),
        average_price=Decimal("64000.1"),
        commission=Decimal("0.01"),
        reduce_only=False,
        status="PARTIALLY_FILLED",
        tag="entry",
        version=3,
    )
