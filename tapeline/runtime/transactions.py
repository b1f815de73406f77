"""Transactions and session locks on Postgres for processes that own no database library; errors say who must act."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any, Protocol

import asyncpg

from tapeline.errors import Unavailable
from tapeline.runtime import postgres
from tapeline.runtime.endpoints import PostgresEndpoint

_AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.QueryCanceledError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InterfaceError,
    # A connection that broke while it was being taken says so.
    asyncpg.InternalClientError,
    asyncpg.DiskFullError,
    asyncpg.OutOfMemoryError,
    OSError,
    TimeoutError,
)
_LOST_RACE = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError, asyncpg.UniqueViolationError)
"""A row that another has made meanwhile is a lost race as well: who reads again sees it."""


class Contended(Unavailable):
    """The transaction lost against another one and was rolled back: the same again may succeed."""


class Session(Protocol):
    """What a transaction can be asked."""

    async def execute(self, query: str, *args: object) -> str:
        """Run a statement and return its tag, as `UPDATE 1`."""

    async def fetch(self, query: str, *args: object) -> Sequence[Any]:
        """Return all rows."""

    async def fetchrow(self, query: str, *args: object) -> Any:  # noqa: ANN401 - a row, or None
        """Return the first row."""

    async def fetchval(self, query: str, *args: object) -> Any:  # noqa: ANN401 - whatever stands in the column
        """Return the first column of the first row."""


def _away(error: BaseException) -> BaseException:
    """Return what a broken connection means to whoever has used it."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        # The connection broke while the roll-back of a cancelled one was under way: it is still cancelled.
        return asyncio.CancelledError()
    return Unavailable(f"Postgres does not answer ({str(error) or type(error).__name__})")


@contextlib.asynccontextmanager
async def _ended(connection: Any) -> AsyncIterator[None]:  # noqa: ANN401 - the pool's proxy of a connection
    """End the connection where a statement of the block is given up: nobody may answer to a question about it."""
    try:
        yield
    except (asyncio.CancelledError, TimeoutError):
        connection.terminate()
        raise


@contextlib.asynccontextmanager
async def _transaction(connection: Any) -> AsyncIterator[None]:  # noqa: ANN401 - the pool's proxy of a connection
    """Commit at the end of the block; a failure rolls back."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        yield
    except (asyncio.CancelledError, TimeoutError):
        # Who does not answer in time does not answer to a roll-back either; `_ended` makes it as sure.
        raise
    except BaseException:
        await transaction.rollback()
        raise
    else:
        await transaction.commit()


class SessionLock:
    """An advisory lock that lives as long as its connection: it falls with the process, whatever happens to it."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        """Keep the connection that holds it."""
        self._connection = connection

    @property
    def held(self) -> bool:
        """Tell whether its connection still stands."""
        return not self._connection.is_closed()

    async def release(self) -> None:
        """Let go of it."""
        with contextlib.suppress(*_AWAY):
            await self._connection.close(timeout=5)
        if self.held:
            self._connection.terminate()


class Transactions:
    """The transactions of one process on one database."""

    def __init__(self, pool: asyncpg.Pool, endpoint: PostgresEndpoint) -> None:
        """Take the pool, and where a connection of its own is made."""
        self._pool = pool
        self._endpoint = endpoint

    @contextlib.asynccontextmanager
    async def begin(self) -> AsyncIterator[Session]:
        """Run the block as one transaction: committed at its end, rolled back by any exception.

        Raises Contended where another transaction won, Unavailable where the database is away, Misconfigured where the
        user may not do this.
        """
        try:
            async with self._pool.acquire(timeout=10) as connection, _ended(connection), _transaction(connection):
                yield connection
        except asyncpg.InsufficientPrivilegeError as error:
            raise postgres.forbidden(error, self._endpoint) from error
        except _LOST_RACE as error:
            raise Contended(f"the transaction lost against another one: {error}") from error
        except _AWAY as error:
            raise _away(error) from error

    @contextlib.asynccontextmanager
    async def at_once(self) -> AsyncIterator[Session]:
        """Run the block's statements each as a transaction of its own, without a question more than that.

        Raises Contended where another one won, Unavailable where the database is away.
        """
        try:
            async with self._pool.acquire(timeout=10) as connection, _ended(connection):
                yield connection
        except asyncpg.InsufficientPrivilegeError as error:
            raise postgres.forbidden(error, self._endpoint) from error
        except _LOST_RACE as error:
            raise Contended(f"the statement lost against another one: {error}") from error
        except _AWAY as error:
            raise _away(error) from error

    async def try_lock(self, key: str) -> SessionLock | None:
        """Take a lock by name on a connection of its own; None while another session holds it."""
        try:
            connection = await asyncpg.connect(**postgres.arguments(self._endpoint))
        except (asyncpg.PostgresError, *_AWAY) as error:
            raise postgres.translated(error, self._endpoint) from error
        lock = SessionLock(connection)
        try:
            if await connection.fetchval("SELECT pg_try_advisory_lock(hashtextextended($1, 0))", key):
                return lock
        except _AWAY as error:
            await lock.release()
            raise Unavailable(f"Postgres does not answer ({str(error) or type(error).__name__})") from error
        await lock.release()
        return None
