"""One transaction on a connection of its own, for a command that asks once: read-only unless it says otherwise."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

import asyncpg

from tapeline.errors import Misconfigured
from tapeline.runtime import postgres
from tapeline.runtime.endpoints import PostgresEndpoint
from tapeline.runtime.transactions import Session, Transactions

ANSWER_S: Final = 10.0
"""A statement that takes longer counts as a database that is away."""
CLOSE_S: Final = 2.0
_NOT_MADE = (
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedColumnError,
    asyncpg.UndefinedFunctionError,
    asyncpg.UndefinedObjectError,
)


@contextlib.asynccontextmanager
async def transaction(endpoint: PostgresEndpoint, *, writes: bool = False) -> AsyncIterator[Session]:
    """Run the block as one transaction that sees one moment: committed at its end, rolled back by any exception.

    Raises Misconfigured where the tables are not there or may not be used, Unavailable where the database is away.
    """
    where = f"Postgres at {endpoint.host}:{endpoint.port}"
    try:
        pool = await asyncpg.create_pool(
            **postgres.arguments(endpoint), min_size=1, max_size=1, command_timeout=ANSWER_S
        )
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
        raise postgres.translated(error, endpoint) from error
    try:
        async with Transactions(pool, endpoint).begin() as session:
            if not writes:
                await session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield session
    except _NOT_MADE as error:
        raise Misconfigured(
            f"{where} lacks tables of trading ({error})", fix="run `tapeline migrate up`, which makes them"
        ) from error
    finally:
        await _closed(pool)


async def _closed(pool: asyncpg.Pool) -> None:
    """Close a pool; a server that does not answer any more is left without a word."""
    try:
        async with asyncio.timeout(CLOSE_S):
            await pool.close()
    except TimeoutError:
        pool.terminate()
