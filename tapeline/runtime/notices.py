"""What Postgres tells without being asked, and a name that only one process bears: one connection for both.

The connection listens on a channel and holds a lock by the process's name; both fall with it, and it is always coming
back. News may be missed meanwhile, so that whoever waits for it also looks by itself from time to time.
"""

from __future__ import annotations

import asyncio
from typing import Final, NoReturn

import asyncpg

from tapeline.errors import Unavailable
from tapeline.runtime import logs, postgres, retry
from tapeline.runtime.endpoints import PostgresEndpoint
from tapeline.runtime.log_events import LogEvent

_LOOK_S: Final = 5.0
"""So often a connection that says nothing is asked whether it still stands, and a name that is taken is asked for."""
_ANSWER_S: Final = 5.0


class Notices:
    """News of one channel under one name; run `run()` in the background."""

    def __init__(self, endpoint: PostgresEndpoint, channel: str, name: str) -> None:
        """Take where to listen and the name."""
        self._endpoint = endpoint
        self._channel = channel
        self._name = name
        self.named = False
        """Whether the name is ours as far as we know."""
        self.news = asyncio.Event()
        """Set by each notice, and when the name has become ours; whoever waits for it clears it."""

    async def run(self) -> NoReturn:
        """Listen until cancelled; Misconfigured where a person must act."""
        delays = retry.delays(retry.FIRST_S)
        while True:
            try:
                await self._listen()
            except Unavailable as error:
                logs.get(__name__).warning(LogEvent.TASKS_UNREACHED, reason=str(error))
            finally:
                if self.named:
                    delays = retry.delays(retry.FIRST_S)
                self.named = False
            await asyncio.sleep(next(delays))

    async def _listen(self) -> NoReturn:
        try:
            connection = await asyncpg.connect(**postgres.arguments(self._endpoint), command_timeout=_ANSWER_S)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            raise postgres.translated(error, self._endpoint) from error
        try:
            await connection.add_listener(self._channel, lambda *_: self.news.set())
            while True:
                await self._look(connection)
                await asyncio.sleep(_LOOK_S)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            where = f"Postgres at {self._endpoint.host}:{self._endpoint.port}"
            raise Unavailable(f"{where} is gone ({str(error) or type(error).__name__})") from error
        finally:
            connection.terminate()

    async def _look(self, connection: asyncpg.Connection) -> None:
        if self.named:
            await connection.execute("SELECT")
            return
        self.named = await connection.fetchval("SELECT pg_try_advisory_lock(hashtextextended($1, 0))", self._name)
        if self.named:
            self.news.set()
        else:
            logs.get(__name__).error(LogEvent.NAME_TAKEN, name=self._name)
