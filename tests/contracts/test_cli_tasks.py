"""C-10, C-11: tasks are written and listed by command, on the real Postgres."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from producers.task_store import TaskStore
from tapeline.domain.tasks import Pair
from tapeline.runtime import migrations, postgres
from tapeline.runtime.endpoints import PostgresEndpoint
from tapeline.runtime.runfile import RunFile
from tapeline.runtime.settings import Settings
from tapeline.runtime.transactions import Transactions
from tests.journeys.command import Tapeline
from tests.support.own_database import own_database

NAMES = ("table", "symbol", "priority", "enabled", "depth", "strategy", "parameters", "daemon")
PAIR = "bybit:spot:BTC/USDT"


@pytest.fixture
async def endpoint(tapeline_settings: Settings, tapeline_up: RunFile) -> AsyncIterator[PostgresEndpoint]:
    """A migrated database of the test's own."""
    async with own_database(tapeline_settings, tapeline_up) as found:
        async with await postgres.connect(found) as owner:
            await migrations.migrate_postgres(owner)
        yield found


@pytest.fixture
def tapeline(endpoint: PostgresEndpoint, tapeline_settings: Settings) -> Tapeline:
    """Return the command with the database of the test's own."""
    return Tapeline(tapeline_settings.data.dir.parent, {"TAPELINE_DATABASE__NAME": endpoint.name})


def rows(tapeline: Tapeline) -> list[list[Any]]:
    return [[one[name] for name in NAMES] for one in tapeline.json("tasks", "ls")["tasks"]]


async def test_tasks_come_change_are_leased_and_go(endpoint: PostgresEndpoint, tapeline: Tapeline) -> None:
    added = tapeline.json("tasks", "add", "bybit:spot:btcusdt", "--depth", "50")
    assert added == {"table": "monitoring", "pair": PAIR, "rows": 1, "did": "added"}
    tapeline.json("tasks", "add", PAIR, "--trade", "--strategy", "grid", "--params", '{"step": 1}', "--priority", "3")
    async with await postgres.connect(endpoint) as pool:
        store = TaskStore(Transactions(pool, endpoint), "daemon-1")
        assert await store.claim([Pair("bybit", "spot", "BTC/USDT")], for_s=60) != frozenset()
    assert rows(tapeline) == [
        ["trade", "BTC/USDT", 3, True, None, "grid", '{"step": 1}', "daemon-1"],
        ["monitoring", "BTC/USDT", 0, True, 50, None, None, "daemon-1"],
    ]
    assert tapeline.json("tasks", "set", PAIR, "--depth", "0", "--disabled")["rows"] == 1
    assert tapeline.json("tasks", "rm", PAIR, "--trade")["did"] == "removed"
    assert rows(tapeline) == [["monitoring", "BTC/USDT", 0, False, 0, None, None, "daemon-1"]]


async def test_what_is_there_already_or_not_at_all_is_said(tapeline: Tapeline) -> None:
    tapeline.json("tasks", "add", PAIR)
    again = tapeline.run("tasks", "add", PAIR, "--json")
    missing = tapeline.run("tasks", "rm", PAIR, "--trade")
    assert (again.code, missing.code) == (1, 1)
    assert f"monitoring has {PAIR} already: change it with `tapeline tasks set`" in again.stderr
    assert f"trade has no {PAIR}: see `tapeline tasks ls`" in missing.stderr
