"""Sets up what the services hold before anybody works with them: topics, schemas, tables; safe to run at each start.

Each part starts as soon as its own service answers. Services that settings name are set up in the same way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from infra.embedded import steps
from schemas.topics import TOPICS
from tapeline.runtime import clickhouse, database_logins, kafka, migrations, postgres, registry, topics_admin
from tapeline.runtime.database_logins import Login
from tapeline.runtime.endpoints import Endpoints

Answers = Callable[[str], Awaitable[None]]
"""Returns when a service that starts here answers, and at once for one that settings name."""


async def run(found: Endpoints, answers: Answers, report: steps.OnStep, logins: Sequence[Login] = ()) -> dict[str, int]:
    """Make topics, register schemas, migrate both stores, make logins; return the ids of the schemas by subject.

    Raises Misconfigured or Unavailable with the sentence of the first part that failed.
    """
    _, ids, _ = await asyncio.gather(
        _topics(found, answers, report), _schemas(found, answers, report), _migrations(found, answers, report, logins)
    )
    return ids


async def _topics(found: Endpoints, answers: Answers, report: steps.OnStep) -> None:
    await answers("kafka")
    with steps.timed(report, "topics"):
        place = found.kafka
        async with kafka.admin(place) as admin:
            made = await topics_admin.ensure(admin, TOPICS, partitions=place.partitions, replication=place.replication)
    for drift in made.drift:
        detail = f"{drift.topic}: {drift.key} is {drift.found}, the catalogue says {drift.expected}"
        report(steps.Step(step="topics", state="progress", detail=detail))


async def _schemas(found: Endpoints, answers: Answers, report: steps.OnStep) -> dict[str, int]:
    await answers("registry")
    with steps.timed(report, "schemas"):
        async with registry.RegistryClient(found.registry) as client:
            return await registry.register_all(client, TOPICS)


async def _migrations(found: Endpoints, answers: Answers, report: steps.OnStep, logins: Sequence[Login]) -> None:
    await answers("postgres")
    pool = await postgres.connect(found.postgres)
    try:
        with steps.timed(report, "tables in Postgres"):
            await migrations.migrate_postgres(pool)
            await database_logins.ensure(pool, logins)
        await answers("clickhouse")
        with steps.timed(report, "tables in ClickHouse"):
            client = await clickhouse.connect(found.clickhouse, create_database=True)
            try:
                await migrations.migrate_clickhouse(client, pool)
            finally:
                await client.close()
    finally:
        await pool.close()
