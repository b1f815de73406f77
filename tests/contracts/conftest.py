"""What several contract tests share: the broker with topics of the test's own, a migrated database of its own."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest

from tapeline.runtime import endpoints, migrations, postgres
from tapeline.runtime.endpoints import KafkaEndpoint
from tapeline.runtime.kafka import Publisher, admin
from tapeline.runtime.runfile import RunFile
from tapeline.runtime.settings import Settings
from tests.support.own_database import own_database

MakeTopic = Callable[..., Awaitable[str]]


@pytest.fixture
def kafka(tapeline_settings: Settings, tapeline_up: RunFile) -> KafkaEndpoint:
    """Return where the broker is."""
    return endpoints.endpoints_from(tapeline_settings, tapeline_up).kafka


@pytest.fixture
async def make_topic(kafka: KafkaEndpoint) -> AsyncIterator[MakeTopic]:
    """Make topics of the test's own; they are gone at its end."""
    made: list[str] = []

    async def make(partitions: int = 1, **config: str) -> str:
        name = f"test.{uuid.uuid4().hex}"
        async with admin(kafka) as found:
            assert await found.create(name, partitions=partitions, replication=1, config=config)
        made.append(name)
        return name

    yield make
    async with admin(kafka) as found:
        for name in made:
            await found.delete(name)


@pytest.fixture
async def publisher(kafka: KafkaEndpoint) -> AsyncIterator[Publisher]:
    """Open a publisher."""
    async with Publisher(kafka, client_id="test", ack_within_s=10) as opened:
        yield opened


@pytest.fixture
async def pool(tapeline_settings: Settings, tapeline_up: RunFile) -> AsyncIterator[asyncpg.Pool]:
    """Open a migrated database of the test's own."""
    async with (
        own_database(tapeline_settings, tapeline_up) as endpoint,
        await postgres.connect(endpoint) as opened,
    ):
        await migrations.migrate_postgres(opened)
        yield opened
