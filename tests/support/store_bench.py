"""A bench for the store: a database, two executors on it, troubles made to order, the same for memory and Postgres."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

import asyncpg

from executor.ports import Lease, Store
from executor.store.postgres import PostgresStore
from executor.store.remembering import Told
from tapeline.domain.account import AccountState
from tapeline.domain.account_records import Audit
from tapeline.domain.changes import Changes, Place
from tapeline.errors import Unavailable
from tapeline.runtime.transactions import Transactions
from tests.simulation.memory_store import MemoryDatabase, MemoryStore

SECOND_US = 1_000_000
LONG_US = 600 * SECOND_US


class Closing(Store, Protocol):
    async def close(self) -> None: ...

    def forget(self, account: str) -> None: ...

    async def book(self, lease: Lease, before: AccountState, changes: Changes, places: tuple[Place, ...]) -> Told: ...


@dataclass(slots=True)
class Pauses:
    """A clock that notes what was slept and lets others have their turn."""

    slept: list[float]
    at_us: int = 1_790_000_000_000_000

    def now_us(self) -> int:
        self.at_us += 1
        return self.at_us

    def monotonic_s(self) -> float:
        return self.at_us / SECOND_US

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)


@dataclass(slots=True)
class Bench:
    """A database, the stores of two executors on it, and how its troubles are made."""

    store: Closing
    other: Closing
    clock: Pauses
    lose_races: Callable[[int], Awaitable[None]]
    fail_commits: Callable[[], Awaitable[None]]
    mend: Callable[[], Awaitable[None]]
    audited: Callable[[], Awaitable[tuple[Audit, ...]]]


def memory_bench() -> Bench:
    database, clock = MemoryDatabase(), Pauses([])

    async def lose(times: int) -> None:
        database.contended = times

    async def fail() -> None:
        def broken() -> None:
            raise Unavailable("cut off at the commit")

        database.at_commit = broken

    async def mend() -> None:
        database.at_commit = None

    async def audited() -> tuple[Audit, ...]:
        return tuple(database.tables.audit)

    return Bench(MemoryStore(database, clock), MemoryStore(database, clock), clock, lose, fail, mend, audited)


def postgres_bench(pool: asyncpg.Pool, transactions: Transactions) -> Bench:
    clock = Pauses([])

    async def lose(times: int) -> None:
        # A sequence does not roll back, so the trigger counts the tries.
        await pool.execute(
            "CREATE SEQUENCE tries; CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$"
            " BEGIN"
            f" IF nextval('tries') <= {times} THEN RAISE EXCEPTION 'lost' USING ERRCODE = 'serialization_failure';"
            " END IF; RETURN NEW; END $$;"
            "CREATE TRIGGER lose BEFORE INSERT OR UPDATE ON portfolios FOR EACH ROW EXECUTE FUNCTION lose()"
        )

    async def fail() -> None:
        # Deferred, so that it fails when all is written: at the commit itself.
        await pool.execute(
            "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " RAISE EXCEPTION 'cut off' USING ERRCODE = 'admin_shutdown'; END $$;"
            "CREATE CONSTRAINT TRIGGER fail AFTER INSERT OR UPDATE ON intents DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION fail()"
        )

    async def mend() -> None:
        await pool.execute("DROP TRIGGER fail ON intents")

    async def audited() -> tuple[Audit, ...]:
        rows = await pool.fetch('SELECT *, action::text AS action FROM audit_logs ORDER BY "sequence"')
        return tuple(Audit(**{name: row[name] for name in Audit.__struct_fields__}) for row in rows)

    return Bench(
        PostgresStore(transactions, clock), PostgresStore(transactions, clock), clock, lose, fail, mend, audited
    )
