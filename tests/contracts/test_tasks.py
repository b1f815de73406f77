"""C-10, C-11, C-15, K5: the tables of tasks and their leases on the real Postgres, in the producer's own role."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

import asyncpg
import pytest

from producers.task_store import TaskStore
from tapeline.domain.tasks import Pair, Table
from tapeline.runtime import migrations, postgres, task_rows
from tapeline.runtime.endpoints import PostgresEndpoint
from tapeline.runtime.lifecycle import background
from tapeline.runtime.notices import Notices
from tapeline.runtime.runfile import RunFile
from tapeline.runtime.settings import Settings
from tapeline.runtime.transactions import Contended, Transactions
from tests.support.eventually import eventually
from tests.support.logins import entered
from tests.support.own_database import own_database
from tests.support.task_values import pair

LONG_S = 60.0
A, B, C = pair("A/USDT"), pair("B/USDT"), pair("C/USDT", market="futures")


@pytest.fixture
async def endpoint(tapeline_settings: Settings, tapeline_up: RunFile) -> AsyncIterator[PostgresEndpoint]:
    """A migrated database of the test's own, entered as its owner."""
    async with own_database(tapeline_settings, tapeline_up) as found:
        async with await postgres.connect(found) as owner:
            await migrations.migrate_postgres(owner)
        yield found


@pytest.fixture
async def people(endpoint: PostgresEndpoint) -> AsyncIterator[Transactions]:
    """The database as the gateway, through which people write."""
    async with entered(endpoint, "tapeline_gateway") as transactions:
        yield transactions


@pytest.fixture
async def daemons(endpoint: PostgresEndpoint) -> AsyncIterator[Transactions]:
    async with entered(endpoint, "tapeline_producer") as transactions:
        yield transactions


async def add(people: Transactions, *pairs: Pair, table: Table = "monitoring", priority: int = 0) -> None:
    async with people.begin() as session:
        for one in pairs:
            await task_rows.add(session, table, one, {"priority": priority})


async def owners(store: TaskStore) -> dict[tuple[str, Pair], str | None]:
    return {(one.table, one.pair): one.daemon for one in (await store.read()).tasks}


async def test_rows_are_written_by_people_and_read_by_daemons(people: Transactions, daemons: Transactions) -> None:
    async with people.begin() as session:
        await task_rows.add(session, "monitoring", A, {"name": "Bybit", "pair_id": 7, "depth": 50, "enabled": False})
        await task_rows.add(session, "trade", B, {"priority": 3, "strategy": "grid", "parameters": '{"step": 1}'})
        await task_rows.add(session, "trade", B, {})
    read = await TaskStore(daemons, "a").read()
    found = [
        (one.table, one.pair, one.name, one.pair_id, one.priority, one.enabled, one.depth, one.strategy, one.parameters)
        for one in read.tasks
    ]
    assert found == [
        ("trade", B, None, None, 3, True, None, "grid", '{"step": 1}'),
        ("monitoring", A, "Bybit", 7, 0, False, 50, None, None),
        ("trade", B, None, None, 0, True, None, None, None),
    ]
    assert all(abs(one.created_us - read.at_us) < 60_000_000 for one in read.tasks)
    assert all(one.created_us == one.updated_us for one in read.tasks)


@pytest.mark.parametrize("table", ["monitoring", "trade"])
async def test_a_pair_stands_in_a_table_once(people: Transactions, table: Table) -> None:
    await add(people, A, table=table)
    with pytest.raises(Contended):
        await add(people, A, table=table)


async def test_c_10_the_time_of_a_change_is_kept_and_a_lease_is_none(
    people: Transactions, daemons: Transactions
) -> None:
    await add(people, A, B)
    store = TaskStore(daemons, "a")
    before = {one.pair: one for one in (await store.read()).tasks}
    assert await store.claim([A, B], for_s=LONG_S) == {A, B}
    async with people.begin() as session:
        assert await task_rows.change(session, "monitoring", A, {"depth": 0}) == 1
        assert await task_rows.change(session, "trade", A, {"priority": 1}) == 0
    after = {one.pair: one for one in (await store.read()).tasks}
    assert after[A].updated_us > before[A].updated_us
    assert after[B].updated_us == before[B].updated_us
    assert (after[A].depth, after[A].daemon, after[A].created_us) == (0, "a", before[A].created_us)


async def test_k5_a_claim_takes_all_rows_of_a_pair_and_only_until_it_runs_out(
    people: Transactions, daemons: Transactions
) -> None:
    await add(people, A, B, C)
    await add(people, A, table="trade")
    first, second = TaskStore(daemons, "a"), TaskStore(daemons, "b")
    assert await first.claim([A, C], for_s=LONG_S) == {A, C}
    assert await second.claim([A, B, C], for_s=0.2) == {B}
    assert await owners(first) == {
        ("monitoring", A): "a", ("trade", A): "a", ("monitoring", B): "b", ("monitoring", C): "a",
    }  # fmt: skip

    async def taken_over() -> bool:
        return await first.claim([A, B], for_s=LONG_S) == {A, B}

    await eventually(taken_over, within_s=5)
    assert await second.claim([B], for_s=LONG_S) == frozenset()
    read = await first.read()
    assert all(58_000_000 < (one.until_us or 0) - read.at_us < 61_000_000 for one in read.tasks)


async def test_k5_a_row_that_comes_later_goes_to_who_has_the_pair(people: Transactions, daemons: Transactions) -> None:
    first, second = TaskStore(daemons, "a"), TaskStore(daemons, "b")
    await add(people, A)
    assert await first.claim([A], for_s=LONG_S) == {A}
    await add(people, A, table="trade")
    assert await second.claim([A], for_s=LONG_S) == frozenset()
    assert await first.claim([A], for_s=LONG_S) == {A}
    assert await owners(first) == {("monitoring", A): "a", ("trade", A): "a"}


async def test_k5_a_row_that_speaks_of_another_pair_has_no_owner(people: Transactions, daemons: Transactions) -> None:
    store = TaskStore(daemons, "a")
    await add(people, A)
    assert await store.claim([A], for_s=LONG_S) == {A}
    async with people.begin() as session:
        await session.execute("UPDATE monitoring SET trade_pair = 'B/USDT'")
    assert await owners(store) == {("monitoring", B): None}


async def test_a_row_that_a_person_is_at_is_not_waited_for(people: Transactions, daemons: Transactions) -> None:
    store = TaskStore(daemons, "a")
    await add(people, A, B)
    async with people.begin() as session:
        await task_rows.change(session, "monitoring", A, {"depth": 50})
        async with asyncio.timeout(5):
            assert await store.claim([A, B], for_s=LONG_S) == {B}
    assert await store.claim([A, B], for_s=LONG_S) == {A, B}


async def test_only_what_is_ours_is_given_up(people: Transactions, daemons: Transactions) -> None:
    first, second = TaskStore(daemons, "a"), TaskStore(daemons, "b")
    await add(people, A, B)
    await first.claim([A], for_s=LONG_S)
    await second.claim([B], for_s=LONG_S)
    await first.release([A, B])
    assert await owners(first) == {("monitoring", A): None, ("monitoring", B): "b"}


async def test_c_15_many_daemons_at_once_share_without_an_overlap(people: Transactions, daemons: Transactions) -> None:
    """Each pair stands in both tables, so that two claims can meet with one row each: then nobody gets it, yet."""
    pairs = [pair(f"S{number}/USDT") for number in range(40)]
    await add(people, *pairs)
    await add(people, *pairs, table="trade")
    stores = [TaskStore(daemons, f"daemon-{number}") for number in range(6)]

    async def claimed(number: int) -> Collection[Pair]:
        return await stores[number].claim(pairs[number * 5 :] + pairs[: number * 5], for_s=LONG_S)

    for _ in range(5):
        won = await asyncio.gather(*(claimed(number) for number in range(len(stores))))
        assert sum(map(len, won)) == len(set().union(*won))
        found = await owners(stores[0])
        for number, mine in enumerate(won):
            assert {one for (_, one), owner in found.items() if owner == f"daemon-{number}"} == set(mine)
        assert all(found["monitoring", one] == found["trade", one] for one in pairs)
    assert set().union(*won) == set(pairs)


@asynccontextmanager
async def hearing(endpoint: PostgresEndpoint, name: str) -> AsyncIterator[Notices]:
    notices = Notices(endpoint, task_rows.CHANNEL, name)
    async with background("notices", notices.run()):
        yield notices


async def test_people_and_freed_leases_wake_daemons_and_renewals_do_not(
    endpoint: PostgresEndpoint, people: Transactions, daemons: Transactions
) -> None:
    store = TaskStore(daemons, "a")
    heard: list[str] = []
    listening = await asyncpg.connect(**postgres.arguments(endpoint))
    async with await postgres.connect(endpoint) as owner:
        await listening.add_listener(task_rows.CHANNEL, lambda *told: heard.append(str(told[-1])))

        async def told_by(number: int) -> list[str]:
            """Return what was heard before a notice of our own, which comes behind all that was before it."""
            await owner.execute("SELECT pg_notify('tasks', $1)", str(number))
            await eventually(lambda: heard[-1:] == [str(number)], within_s=5)
            found, heard[:] = heard[:-1], []
            return found

        await add(people, A, B, table="trade")
        assert await told_by(1) == [""]
        for _ in range(2):
            assert await store.claim([A, B], for_s=LONG_S) == {A, B}
        assert await told_by(2) == []
        steps: tuple[task_rows.Changes, ...] = ({"priority": 5}, {"enabled": False})
        for number, changes in enumerate(steps, start=3):
            async with people.begin() as session:
                await task_rows.change(session, "trade", A, changes)
            assert await told_by(number) == [""]
        await store.release([A])
        assert await told_by(5) == [""]
        async with people.begin() as session:
            assert await task_rows.remove(session, "trade", A) == 1
        assert await told_by(6) == [""]
    await listening.close()


async def test_a_name_is_borne_once_and_free_when_its_bearer_is_gone(endpoint: PostgresEndpoint) -> None:
    async with hearing(endpoint, "same") as first:
        await eventually(lambda: first.named, within_s=10)
        async with hearing(endpoint, "same") as second, hearing(endpoint, "other") as other:
            await eventually(lambda: other.named, within_s=10)
            assert not second.named
    async with hearing(endpoint, "same") as third:
        await eventually(lambda: third.named, within_s=10)


async def test_a_connection_that_is_cut_comes_back_and_has_its_name_again(endpoint: PostgresEndpoint) -> None:
    async with hearing(endpoint, "cut") as notices, await postgres.connect(endpoint) as owner:
        await eventually(lambda: notices.named, within_s=10)
        notices.news.clear()
        await owner.execute(
            "SELECT pg_terminate_backend(l.pid) FROM pg_locks l WHERE l.locktype = 'advisory' AND l.database ="
            " (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        await eventually(notices.news.is_set, within_s=30)
        assert notices.named
