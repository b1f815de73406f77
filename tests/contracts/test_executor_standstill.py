"""An executor that stands still in the middle of a transaction: its successor waits for seconds, not for ever."""

from __future__ import annotations

import asyncio
import uuid

import pytest

from executor.ports import Lease, LeaseHeld
from executor.store import reading
from executor.store.postgres import PostgresStore
from tapeline.errors import Unavailable
from tapeline.runtime import endpoints, postgres
from tapeline.runtime.runfile import RunFile
from tapeline.runtime.settings import Settings
from tapeline.runtime.transactions import Transactions
from tests.support.store_bench import LONG_US, Pauses

WITHIN_S = 8.0


async def test_the_lock_of_the_account_is_let_go_and_who_held_it_is_told(
    tapeline_settings: Settings, tapeline_up: RunFile
) -> None:
    """As a process that was stopped: its session lives, its lease is over, its transaction holds the account's row."""
    found = endpoints.endpoints_from(tapeline_settings, tapeline_up).postgres
    account = f"stands still {uuid.uuid4().hex}"
    async with await postgres.connect(found) as pool:
        transactions = Transactions(pool, found)
        first, second = PostgresStore(transactions, Pauses([])), PostgresStore(transactions, Pauses([]))
        lease = await first.open_lease(account, "executor-1", for_us=1)
        followed: list[Lease | LeaseHeld] = []

        async def stands_still() -> None:
            async with transactions.begin() as session:
                await session.fetchrow(reading.LOCK, account)
                taking = second.open_lease(account, "executor-2", for_us=LONG_US)
                followed.append(await asyncio.wait_for(taking, WITHIN_S))
                await session.fetchval("SELECT 1")

        with pytest.raises(Unavailable):
            await stands_still()
        await first.close()
        await second.close()
    assert isinstance(lease, Lease)
    assert [(one.epoch, one.holder) for one in followed if isinstance(one, Lease)] == [(lease.epoch + 1, "executor-2")]
