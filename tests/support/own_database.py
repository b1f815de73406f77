"""A Postgres database of the test's own on the server that all tests share."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from tapeline.runtime import endpoints, postgres
from tapeline.runtime.endpoints import PostgresEndpoint
from tapeline.runtime.runfile import RunFile
from tapeline.runtime.settings import Settings


@asynccontextmanager
async def own_database(settings: Settings, run: RunFile) -> AsyncIterator[PostgresEndpoint]:
    """Make a database that is empty for the length of the block, and gone after it."""
    found = replace(endpoints.endpoints_from(settings, run).postgres, pool_idle=1)
    name = f"test_{uuid.uuid4().hex}"
    async with await postgres.connect(found) as server:
        await server.execute(f"CREATE DATABASE {name}")
        try:
            yield replace(found, name=name)
        finally:
            await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
