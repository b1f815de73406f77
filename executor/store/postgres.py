"""The store on Postgres: the account is locked, its lease checked in the database's time, then all happens or nothing.

A holder's session holds an advisory lock besides its row, so that its successor takes over at once when it is gone.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from executor.ports import Cached, Clock, Lease, LeaseHeld, Superseded, Waiting
from executor.store import reading, writing
from executor.store.remembered import Stand
from executor.store.remembering import Done, Remembering, Told, fenced
from executor.store.steps import Task, Wanted
from tapeline.domain.account import AccountState
from tapeline.domain.account_records import ORDER_STRUCTS, Control
from tapeline.domain.changes import Changes, Entry, Outgoing, Place
from tapeline.domain.funding import Exposed
from tapeline.domain.reconcile import Booked
from tapeline.runtime import desired_state
from tapeline.runtime.desired_state import Wish
from tapeline.runtime.transactions import Contended, Session, SessionLock, Transactions


class PostgresStore(Remembering):
    """What must survive, in Postgres."""

    def __init__(self, transactions: Transactions, clock: Clock) -> None:
        """Take the database, and the clock that pauses between two tries."""
        super().__init__(clock)
        self._transactions = transactions
        self._locks: dict[str, SessionLock] = {}

    async def open_lease(self, account: str, holder: str, *, for_us: int) -> Lease | LeaseHeld:
        """Take the account when its holder's session is gone, or when its time is over although the session stands."""
        lock = self._locks.pop(account, None)
        if lock is None or not lock.held:
            lock = await self._transactions.try_lock(f"executor:{account}")
        async with self._transactions.begin() as session:
            await session.execute("INSERT INTO accounts (account) VALUES ($1) ON CONFLICT DO NOTHING", account)
            row = await session.fetchrow(reading.LOCK, account)
            now_us, until_us = row["now_us"], row["lease_until_us"]
            if lock is None and until_us > now_us:
                return LeaseHeld(holder=row["holder"] or "", until_us=until_us)
            lease = Lease(
                account=account,
                epoch=row["epoch"] + 1,
                holder=holder,
                until_us=now_us + for_us,
                before_until_us=until_us if until_us > now_us else None,
            )
            await session.execute(
                "UPDATE accounts SET epoch = $2, holder = $3, lease_until_us = $4 WHERE account = $1",
                account, lease.epoch, holder, lease.until_us,
            )  # fmt: skip
            await writing.audit(session, account, lease_entry(lease, now_us))
        if lock is not None:
            self._locks[account] = lock
        return lease

    async def renew(self, lease: Lease, *, for_us: int) -> Lease:
        """Return the lease with a later end."""
        async with self._transactions.begin() as session:
            now_us = await _fence(session, lease, late=True)
            until_us = now_us + for_us
            await session.execute("UPDATE accounts SET lease_until_us = $2 WHERE account = $1", lease.account, until_us)
        return msgspec.structs.replace(lease, until_us=until_us, before_until_us=None)

    async def give_up(self, lease: Lease) -> None:
        """End the lease now."""
        async with self._transactions.begin() as session:
            await session.execute(
                "UPDATE accounts SET lease_until_us = 0 WHERE account = $1 AND epoch = $2", lease.account, lease.epoch
            )
        lock = self._locks.pop(lease.account, None)
        if lock is not None:
            await lock.release()

    async def close(self) -> None:
        """Let go of the sessions that hold leases, as a crash would."""
        for account in tuple(self._locks):
            await self._locks.pop(account).release()

    async def offsets(self, account: str) -> Mapping[int, int]:
        """Return the next offset of each partition."""
        async with self._transactions.begin() as session:
            rows = await session.fetch("SELECT partition, next FROM intake_offsets WHERE account = $1", account)
        return {row["partition"]: row["next"] for row in rows}

    async def stands(self, account: str) -> Stand | None:
        """Return the versions of an account."""
        async with self._transactions.at_once() as session:
            row = await session.fetchrow(reading.STANDS, account)
        return None if row is None else Stand(**dict(row))

    async def whole(self, account: str, orders: tuple[str, ...]) -> AccountState:
        """Read the account as it stands."""
        async with self._transactions.at_once() as session:
            return await reading.state(session, account, Wanted(orders=orders, whole=True))

    async def book(self, lease: Lease, before: AccountState, changes: Changes, places: tuple[Place, ...]) -> Told:
        """Write changes that were decided on a state, as one statement."""
        async with self._transactions.at_once() as session:
            return await writing.book(session, lease, before, changes, places)

    async def on_rows(self, lease: Lease, task: Task) -> Done:
        """Run one transaction: lock, check the lease, read, work, write."""
        place = task.place
        async with self._transactions.begin() as session:
            at_us = await _fence(session, lease, late=False)
            expected = None
            if place is not None:
                expected = await session.fetchval(
                    "SELECT next FROM intake_offsets WHERE account = $1 AND partition = $2",
                    lease.account, place.partition,
                )  # fmt: skip
            state = await reading.state(session, lease.account, task.wanted)
            changes = task.work(state, expected)
            if changes is not None:
                told = await writing.book(session, lease, state, changes, () if place is None else (place,))
                if told.verdict == "version":
                    raise Contended("desired state was changed meanwhile")
                if told.verdict != "done":
                    raise fenced(lease, told.verdict, told.epoch)
                at_us = told.at_us
        return Done(state=state, changes=changes, next_offset=expected, at_us=at_us)

    async def booked(self, account: str) -> Booked:
        """Return the fills of the orders and lives that `state` returns."""
        async with self._transactions.begin() as session:
            await session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            found = await reading.state(session, account, Wanted(whole=True))
            return Booked(fills=await reading.fills(session, found))

    async def exposed(self, account: str) -> tuple[Exposed, ...]:
        """Return the markets on which futures are held, or were until lately."""
        async with self._transactions.begin() as session:
            return await reading.exposed(session, account)

    async def desire(self, change: Wish) -> Control | Superseded:
        """Change desired state, where its version is still the one that was seen."""
        async with self._transactions.begin() as session:
            found = await desired_state.change(session, change)
        return found.state if found.done else Superseded(current=found.state)

    async def desired(self) -> tuple[Control, ...]:
        """Return all desired state."""
        async with self._transactions.begin() as session:
            return await desired_state.read(session)

    async def outbox(self, stream: str, *, most: int) -> tuple[Waiting, ...]:
        """Return the oldest records that wait."""
        async with self._transactions.at_once() as session:
            rows = await session.fetch(
                "SELECT number, topic, key, symbol, record, body::text AS body, trace_id FROM outbox"
                " WHERE stream = $1 ORDER BY number LIMIT $2",
                stream, most,
            )  # fmt: skip
        return tuple(_waiting(stream, **dict(row)) for row in rows)

    async def published(self, stream: str, up_to: int) -> None:
        """Forget what the broker has."""
        async with self._transactions.at_once() as session:
            await session.execute("DELETE FROM outbox WHERE stream = $1 AND number <= $2", stream, up_to)

    async def cached(self, key: str) -> Cached | None:
        """Return a result that has not expired."""
        async with self._transactions.begin() as session:
            row = await session.fetchrow(
                "SELECT operation, result FROM idempotency_cache WHERE key = $1 AND expires_us > now_us()", key
            )
        return None if row is None else Cached(**dict(row))

    async def cache(self, key: str, result: Cached, *, ttl_us: int) -> Cached:
        """Keep a result unless there is one; expired ones are cleaned up on the way."""
        async with self._transactions.begin() as session:
            await session.execute("DELETE FROM idempotency_cache WHERE expires_us <= now_us()")
            await session.execute(
                "INSERT INTO idempotency_cache (key, operation, result, expires_us)"
                " VALUES ($1, $2, $3, now_us() + $4) ON CONFLICT (key) DO NOTHING",
                key, result.operation, result.result, ttl_us,
            )  # fmt: skip
            row = await session.fetchrow("SELECT operation, result FROM idempotency_cache WHERE key = $1", key)
        return Cached(**dict(row))


async def _fence(session: Session, lease: Lease, *, late: bool) -> int:
    """Lock the account and return the database's time; raise Fenced unless the lease is ours and, not `late`, runs."""
    row = await session.fetchrow(reading.LOCK, lease.account)
    if row is None or row["epoch"] != lease.epoch:
        raise fenced(lease, "epoch", None if row is None else row["epoch"])
    if not late and row["lease_until_us"] <= row["now_us"]:
        raise fenced(lease, "lease", lease.epoch)
    return int(row["now_us"])


def lease_entry(lease: Lease, now_us: int) -> Entry:
    """Return the audit's entry of a take-over."""
    return Entry(
        action="LEASE_TAKE",
        entity_type="account",
        entity_id=lease.account,
        new_value=msgspec.json.encode({"epoch": lease.epoch, "holder": lease.holder}).decode(),
        actor=lease.holder,
        at_us=now_us,
    )


def _waiting(
    stream: str, *, number: int, topic: str, key: str, symbol: str | None, record: str, body: str, trace_id: str | None
) -> Waiting:
    value = msgspec.json.decode(body, type=ORDER_STRUCTS[record])
    return Waiting(
        stream=stream,
        number=number,
        record=Outgoing(topic=topic, key=key, symbol=symbol, value=value, trace_id=trace_id),
    )
