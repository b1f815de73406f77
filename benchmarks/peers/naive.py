"""The sinks that a first attempt writes: insert what was fetched; the client commits by itself, or is told to after.

ClickHouse: one insert a batch, offsets committed by the client every 5 s. Postgres: one COPY a batch, then the commit.
Both get what makes a restart quick, a fixed name in the group and the session of ours.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer

from schemas.topics import by_name
from tapeline.runtime import clickhouse, postgres, runfile
from tapeline.runtime.codec import Codec
from tapeline.runtime.endpoints import Endpoints, endpoints_from
from tapeline.runtime.settings import load

TABLES = {"clickhouse": "naive_trades", "postgres": "naive_fills"}
TOPICS = {"clickhouse": "md.trade", "postgres": "order.event"}
GATHER_MS = 200


async def _fill(store: str, folder: str) -> None:
    run = runfile.read(Path(folder))
    if run is None:
        raise AssertionError(f"nothing runs in {folder}")
    found = endpoints_from(load(Path(folder)), run)
    topic, codec = by_name(TOPICS[store]), Codec(run.schema_ids)
    consumer = AIOKafkaConsumer(
        topic.name,
        bootstrap_servers=found.kafka.bootstrap,
        group_id=f"naive-{store}",
        group_instance_id=f"naive-{store}",
        enable_auto_commit=store == "clickhouse",
        auto_offset_reset="earliest",
        session_timeout_ms=6_000,
        heartbeat_interval_ms=2_000,
    )
    await consumer.start()
    insert = await _insert(store, found)
    while True:
        fetched = await consumer.getmany(timeout_ms=GATHER_MS)
        values = [codec.decode(topic, one.value) for records in fetched.values() for one in records]
        if values:
            await insert(values)
            if store == "postgres":
                await consumer.commit()


async def _insert(store: str, found: Endpoints) -> Any:  # noqa: ANN401 - one of the two below
    if store == "clickhouse":
        client = await clickhouse.connect(found.clickhouse)

        async def into_clickhouse(values: list[Any]) -> None:
            await client.insert(TABLES[store], [[one.trade_id] for one in values], column_names=["id"])

        return into_clickhouse
    connection = await asyncpg.connect(**postgres.arguments(found.postgres))

    async def into_postgres(values: list[Any]) -> None:
        rows = [(one.fill.fill_id,) for one in values]
        await connection.copy_records_to_table(TABLES[store], records=rows, columns=["id"])

    return into_postgres


if __name__ == "__main__":
    wanted = json.loads(sys.argv[1])
    asyncio.run(_fill(wanted["store"], wanted["folder"]))
