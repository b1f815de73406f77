"""Postgres as this sink needs it: rows and the next offset of each partition change in one transaction, or not at all.

Each offset moves by `UPDATE .. WHERE next = expected`, before any row: whoever lost the partition matches nothing and
is refused whole, however late its transaction comes.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from tapeline.errors import Misconfigured, Unavailable
from tapeline.runtime import postgres
from tapeline.runtime.kafka import Partition
from tapeline.runtime.transactions import Transactions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

    from sinks.histories.history import History
    from tapeline.runtime.endpoints import PostgresEndpoint
    from tapeline.runtime.transactions import Session

Answer = TypeVar("Answer")

ANSWER_S: Final = 12.0
"""How long a transaction may take; longer than the server's own bounds, which it tells us of."""

# How long a sink that stopped in the middle may keep its partitions' rows locked, and how long one waits for them.
_BOUNDS: Final = """
SELECT set_config('idle_in_transaction_session_timeout', '4s', true), set_config('statement_timeout', '8s', true)"""
_BEGIN: Final = """
INSERT INTO sink_offsets (consumer, topic, partition, next)
SELECT $1, topic, partition, next FROM unnest($2::text[], $3::integer[], $4::bigint[]) AS one(topic, partition, next)
ON CONFLICT (consumer, topic, partition) DO NOTHING"""
_TAKEN: Final = "SELECT topic, partition, next FROM sink_offsets WHERE consumer = $1"
_MOVE: Final = """
UPDATE sink_offsets SET next = $5, updated_at = now()
WHERE consumer = $1 AND topic = $2 AND partition = $3 AND next = $4"""
# The server's codes of what no second try heals: the tables are not ours, or we are not let in.
_WRONG: Final = frozenset({"42P01", "42703", "42704", "42883", "42501", "42P10", "25006"})
# A session that was ended as it kept its transaction open, and a lock that was not to be had in time.
_LOST: Final = frozenset({"25P03", "25P04", "55P03"})


class _Pool(Protocol):
    def terminate(self) -> None: ...


class Fenced(Unavailable):
    """Another sink has written this partition meanwhile: nothing of this transaction is stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Values to be stored together with the step of a partition from `expected` to `next`."""

    partition: Partition
    expected: int
    next: int
    history: History
    values: Sequence[Any] = ()


@asynccontextmanager
async def ledger(endpoint: PostgresEndpoint, consumer: str) -> AsyncIterator[Ledger]:
    """Open the ledger of a consumer for the length of the block; waits for the server as its settings say (X-06)."""
    opened = Ledger(endpoint, consumer)
    await opened.open()
    try:
        yield opened
    finally:
        # A frozen server would let an orderly close wait for ever.
        opened.drop()


class Ledger:
    """Offsets and rows of one consumer; raises Unavailable when it may be tried again, Misconfigured when not."""

    def __init__(self, endpoint: PostgresEndpoint, consumer: str) -> None:
        """Take where to write, and the name under which offsets are kept; `ledger` opens and drops it."""
        self._endpoint = replace(endpoint, pool_idle=1)
        self._consumer = consumer
        self._pool: _Pool | None = None
        self._transactions: Transactions | None = None

    async def open(self, *, max_retries: int | None = None) -> Transactions:
        """Open the connections; `max_retries` as the settings say where it is None."""
        pool = await postgres.connect(self._endpoint, max_retries=max_retries)
        self._pool, self._transactions = pool, Transactions(pool, self._endpoint)
        return self._transactions

    def drop(self) -> None:
        """Cut the connections, whatever waits on them: the next transaction opens new ones."""
        pool, self._pool, self._transactions = self._pool, None, None
        if pool is not None:
            pool.terminate()

    async def taken(self, oldest: Mapping[Partition, int]) -> dict[Partition, int]:
        """Return the first offset of each partition that is not written; in a new one that is the oldest there is."""
        places = sorted(oldest)

        async def ask(session: Session) -> Sequence[Any]:
            names, numbers = [one.topic for one in places], [one.partition for one in places]
            await session.execute(_BEGIN, self._consumer, names, numbers, [oldest[one] for one in places])
            return await session.fetch(_TAKEN, self._consumer)

        rows = await self._within(ask)
        found = {Partition(row["topic"], row["partition"]): int(row["next"]) for row in rows}
        return {place: found[place] for place in places}

    async def write(
        self, moves: Sequence[Move], before_end: Callable[[], Awaitable[None]] | None = None
    ) -> dict[str, int]:
        """Store all values and steps and return how many rows are new, by table; Fenced when one step is refused.

        `before_end` is awaited in the transaction, after its last statement.
        """

        async def change(session: Session) -> dict[str, int]:
            # In this order, so that two sinks never wait for each other.
            for move in sorted(moves, key=lambda one: one.partition):
                await self._move(session, move)
            values: dict[str, tuple[History, list[Any]]] = {}
            for move in moves:
                values.setdefault(move.history.name, (move.history, []))[1].extend(move.values)
            new = {}
            for name, (history, found) in values.items():
                tag = await session.execute(history.insert, *history.arrays(found)) if found else "0"
                new[name] = int(tag.rpartition(" ")[2])
            if before_end is not None:
                await before_end()
            return new

        return await self._within(change)

    async def _move(self, session: Session, move: Move) -> None:
        place = move.partition
        tag = await session.execute(_MOVE, self._consumer, place.topic, place.partition, move.expected, move.next)
        if tag != "UPDATE 1":
            raise Fenced(f"another sink has written {place.topic}/{place.partition} from offset {move.expected} on")

    async def _within(self, work: Callable[[Session], Awaitable[Answer]]) -> Answer:
        transactions = self._transactions or await self.open(max_retries=0)
        # A frozen server answers no roll-back either: only an end of the connection ends the wait for it.
        given_up = asyncio.get_running_loop().call_later(ANSWER_S, self.drop)
        try:
            async with transactions.begin() as session:
                await session.fetch(_BOUNDS)
                return await work(session)
        except Exception as error:
            told = self._translated(error)
            if told is error:
                raise
            raise told from error
        finally:
            given_up.cancel()

    def _translated(self, error: Exception) -> Exception:
        """Say what a failure means; anything that is neither the server's nor the network's is our own mistake."""
        code = getattr(error, "sqlstate", None)
        where = f"Postgres at {self._endpoint.host}:{self._endpoint.port} (database.host)"
        if code in _WRONG:
            return Misconfigured(f"{where} refused a statement of the sink ({error})", fix="run `tapeline migrate`")
        if code in _LOST:
            return Unavailable(f"{where} gave up a transaction ({error})")
        return error
