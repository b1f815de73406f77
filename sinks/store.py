"""ClickHouse as this sink needs it: columns go in under a token and a last moment, and it says what it has.

An insert is either stored whole, dropped as a repeat, refused as too late, or its outcome is not known: then the same
one is sent again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, Protocol

import pyarrow as pa

from sinks.rows import columns
from tapeline.errors import Misconfigured, Unavailable
from tapeline.runtime import clickhouse, clock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sinks.known import Group, Key
    from sinks.rows.table import Table
    from tapeline.runtime.endpoints import ClickHouseEndpoint

_ANSWER_S: Final = 20.0
_US_PER_S: Final = 1_000_000
# The server's codes of what no second try heals: the tables are not ours, or we are not let in.
_WRONG: Final = frozenset({10, 16, 20, 36, 44, 47, 53, 60, 62, 81, 192, 193, 194, 497, 516})
_THROWN: Final = 395


class Late(Unavailable):
    """The batch came after its last moment: prove that the partition is ours, then send it again."""


class _Answer(Protocol):
    @property
    def result_rows(self) -> Sequence[Sequence[Any]]: ...


class _Client(Protocol):
    async def insert_arrow(
        self,
        table: str,
        arrow_table: Any,  # noqa: ANN401 - Arrow ships no types
        database: str | None = None,
        settings: dict[str, Any] | None = None,
    ) -> object: ...

    async def query(self, query: str, *, parameters: dict[str, Any] | None = None) -> _Answer: ...


@asynccontextmanager
async def store(endpoint: ClickHouseEndpoint) -> AsyncIterator[Store]:
    """Open the store for the length of the block; waits for the server as its settings say (X-06)."""
    client = await clickhouse.connect(endpoint)
    try:
        yield Store(client, endpoint)
    finally:
        await client.close()


class Store:
    """The tables of the tape; every method raises Unavailable when it may be tried again, Misconfigured when not."""

    def __init__(self, client: _Client, endpoint: ClickHouseEndpoint) -> None:
        """Take an open client; `store` makes and closes it."""
        self._client = client
        self._endpoint = endpoint
        # The server's clock minus our monotonic one, never too large; None until it was asked.
        self._ahead_us: int | None = None

    async def insert(
        self,
        table: Table,
        batch: Any,  # noqa: ANN401 - as above
        *,
        token: str,
        send_by_s: float,
    ) -> None:
        """Store the columns, unless the server has stored this token; Late when it is past `send_by_s` (monotonic)."""
        if self._ahead_us is None:
            await self.set_clock()
        send_by_us = int(send_by_s * _US_PER_S) + (self._ahead_us or 0)
        whole = batch.append_column("send_by", pa.array([send_by_us] * batch.num_rows, columns.TIME))
        settings = {"insert_deduplication_token": token, "insert_deduplicate": 1, "async_insert": 0}
        await self._asked(self._client.insert_arrow(table.name, whole, settings=settings))

    async def set_clock(self) -> None:
        """Ask for the server's time, by which it judges what is late."""
        [[at_us]] = await self._rows("SELECT toUnixTimestamp64Micro(now64(6))", {})
        # Read after the answer: the difference is rather too small, and so the last moment rather too early.
        self._ahead_us = int(at_us) - int(clock.monotonic_s() * _US_PER_S)

    async def stored(self, table: Table, asked: Mapping[Group, int], *, limit: int) -> list[Key]:
        """Return the oldest keys that the table has of each group from its time on, at most `limit` of each."""
        # `since` lets the server skip what is older for all of them.
        parameters: dict[str, Any] = {"since": min(asked.values()), "each": list(asked.values()), "limit": limit}
        for number in range(table.groups):
            parameters[f"group_{number}"] = [group[number] for group in asked]
        return [table.key_of(row) for row in await self._rows(table.stored, parameters)]

    async def newest(self, table: Table, since_us: int) -> Sequence[Sequence[Any]]:
        """Return venue, market, symbol, epoch, identity, time of the newest record of each instrument since then."""
        return () if table.newest is None else await self._rows(table.newest, {"since": since_us})

    async def _rows(self, query: str, parameters: dict[str, Any]) -> Sequence[Sequence[Any]]:
        answer: _Answer = await self._asked(self._client.query(query, parameters=parameters))
        return answer.result_rows

    async def _asked(self, work: Any) -> Any:  # noqa: ANN401 - what the client answers
        try:
            async with asyncio.timeout(_ANSWER_S):
                return await work
        except Exception as error:
            raise self._translated(error) from error

    def _translated(self, error: Exception) -> Exception:
        """Say what a failure means; anything that is neither the client's nor the network's is our own mistake."""
        code = getattr(error, "code", None)
        said = clickhouse.reason(error)
        if code == _THROWN:
            return Late(f"ClickHouse refused a batch ({said})")
        if code in _WRONG:
            where = f"ClickHouse at {self._endpoint.host}:{self._endpoint.port} (clickhouse.host)"
            return Misconfigured(f"{where} refused a statement of the sink ({said})", fix="run `tapeline migrate`")
        if isinstance(error, OSError | TimeoutError) or hasattr(error, "code"):
            return Unavailable(f"ClickHouse at {self._endpoint.host}:{self._endpoint.port}: {said}")
        return error
