"""Books of 20 levels into ClickHouse: our sink from Kafka, a raw client with ready columns, and naive row inserts.

Wall time of one row, all on the same services in turns. The raw client is the floor: its columns are made beforehand,
it reads nothing, decodes nothing, knows nothing of crashes. `python -m benchmarks.sink` runs this alone.
"""

from __future__ import annotations

import asyncio
import sys
import time
import uuid
from typing import Any

import msgspec
from clickhouse_connect.driver.asyncclient import AsyncClient

from benchmarks import codec as codec_benchmark
from benchmarks import services
from benchmarks.measure import Result, against
from schemas.topics import by_name
from sinks import store
from sinks.batching import Bounds
from sinks.clickhouse import Sink
from sinks.holes import Holes
from sinks.intake import Intake
from sinks.membership import Place
from sinks.rows.snapshots import SNAPSHOTS
from tapeline.domain.events import Book
from tapeline.runtime import clickhouse, kafka
from tapeline.runtime.codec import Codec
from tapeline.runtime.dlq import DeadLetters
from tapeline.runtime.endpoints import Endpoints
from tapeline.runtime.health import Health
from tapeline.runtime.kafka import Outgoing, Partition, Publisher
from tapeline.runtime.runfile import RunFile

ROWS = 30_000
NAIVE_ROWS = 5_000
BATCH = 10_000
ROUNDS = 3
_LEVELS = ["bids", "asks"]
_SYMBOLS = 4
_STEP_US = 25_000
_ASK_S = 0.05


def run() -> list[Result]:
    """Start the services, measure, stop them."""
    with services.started() as found:
        return asyncio.run(_measured(found.endpoints, found.run))


async def _measured(found: Endpoints, run: RunFile) -> list[Result]:
    codec = Codec(run.schema_ids)
    client = await clickhouse.connect(found.clickhouse)
    spent: dict[str, list[float]] = {"": [], "insert_arrow, columns ready": [], "insert, row by row": []}
    async with Publisher(found.kafka, client_id="benchmark") as publisher, store.store(found.clickhouse) as opened:
        for turn in range(ROUNDS + 1):
            books = _books(turn)
            spent[""].append(await _sink(found, codec, publisher, opened, books))
            spent["insert_arrow, columns ready"].append(await _arrow(client, _books(turn + 1_000)))
            spent["insert, row by row"].append(await _naive(client, _books(turn + 2_000)[:NAIVE_ROWS]))
    await client.close()
    warm = {name: times[1:] for name, times in spent.items()}
    return against(
        "book of 20 levels from Kafka into ClickHouse (wall time)", warm, {name: ROWS * ROUNDS for name in warm if name}
    )


def _books(turn: int) -> list[Book]:
    """Return books of four symbols, ten a second of each, that begin where those of the turn before ended."""
    pattern = codec_benchmark.book()
    began_us = (pattern.venue_us or 0) + turn * ROWS * _STEP_US
    return [
        msgspec.structs.replace(
            pattern,
            symbol=f"S{number % _SYMBOLS}/USDT",
            epoch=pattern.epoch + turn,
            sequence=number,
            venue_us=began_us + number * _STEP_US,
        )
        for number in range(ROWS)
    ]


async def _sink(found: Endpoints, codec: Codec, publisher: Publisher, opened: store.Store, books: list[Book]) -> float:
    """Return the microseconds a row from the sink's first batch until the last row is settled."""
    topic, place, group = by_name("md.book"), Partition("md.book", 0), f"benchmark-{uuid.uuid4().hex}"
    # The group begins behind what is there, as one that has kept up.
    async with kafka.Reader.assigned(found.kafka, {"md.book": "end"}, client_id="benchmark", group=group) as reader:
        await reader.commit(await reader.ends())
        begin = (await reader.ends())[place]
    await publisher.publish_many(
        topic.name, 0, (Outgoing(book.key.encode(), codec.encode(topic, book)) for book in books)
    )

    async def no_alarm(*told: Any) -> None:  # noqa: ANN401 - whatever it would be
        raise AssertionError(told)

    sink = Sink(
        Place(kafka=found.kafka, group=group, member="benchmark"),
        opened,
        Intake(codec, DeadLetters(publisher, codec, process="benchmark"), _no_schema),
        Holes(publisher, codec, opened, alarm=no_alarm, process="benchmark"),
        Health("benchmark"),
        bounds=Bounds(rows=BATCH, wait_s=1.0),
    )
    async with kafka.admin(found.kafka) as admin:

        async def settled(count: int) -> float:
            while (await admin.commits(group))[place].offset < begin + count:  # noqa: ASYNC110 - asks the broker
                await asyncio.sleep(_ASK_S)
            return time.perf_counter()

        # From the first settled batch on: joining the group is no part of a row.
        async with sink.running():
            began_s, first = await settled(1), (await admin.commits(group))[place].offset - begin
            took_s = await settled(len(books)) - began_s
    return took_s / (len(books) - first) * 1e6


async def _no_schema(schema_id: int) -> str:
    raise AssertionError(schema_id)


async def _arrow(client: AsyncClient, books: list[Book]) -> float:
    batches = [SNAPSHOTS.columns(books[at : at + BATCH]) for at in range(0, len(books), BATCH)]
    began_s = time.perf_counter()
    for batch in batches:
        await client.insert_arrow(SNAPSHOTS.name, batch)
    return (time.perf_counter() - began_s) / len(books) * 1e6


async def _naive(client: AsyncClient, books: list[Book]) -> float:
    table = SNAPSHOTS.columns(books)
    columns = table.column_names
    rows = [
        [[tuple(level.values()) for level in row[name]] if name in _LEVELS else row[name] for name in columns]
        for row in table.to_pylist()
    ]
    for row in rows:
        row[columns.index("state")] = "valid"
        row[columns.index("exact")] = {}
    began_s = time.perf_counter()
    for at in range(0, len(rows), 500):
        await client.insert(SNAPSHOTS.name, rows[at : at + 500], column_names=columns)
    return (time.perf_counter() - began_s) / len(rows) * 1e6


if __name__ == "__main__":
    for one in run():
        sys.stdout.write(f"{one}\n")
