"""C-13, C-15, K5: a daemon's rounds against a table in memory, and what stays when the table cannot be asked."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import msgspec
import pytest

from producers.places import Place
from producers.task_fetcher import LEASE_S, POLL_S, Fetched, TaskFetcher
from producers.task_store import Read
from producers.tasks import Wanted
from tapeline.domain.tasks import Pair, Task
from tapeline.errors import Unavailable
from tapeline.runtime.lifecycle import background
from tests.support.eventually import eventually
from tests.support.task_values import monitor, pair, trading

A, B = pair("A/USDT"), pair("B/USDT")
SPOT = Place("bybit", "spot")
NOW = 1_000_000_000


class Table:
    """The tasks in memory; writes down what is asked of it."""

    def __init__(self, *tasks: Task) -> None:
        self.tasks = list(tasks)
        self.away = False
        self.busy: frozenset[Pair] = frozenset()
        self.story: list[object] = []

    async def read(self) -> Read:
        if self.away:
            raise Unavailable("Postgres does not answer")
        return Read(NOW, tuple(self.tasks))

    async def claim(self, pairs: Collection[Pair], *, for_s: float) -> frozenset[Pair]:
        won = frozenset(pairs) - self.busy
        self.story.append(("claim", tuple(pairs), for_s))
        self._lease(won, "me", NOW + 1)
        return won

    async def release(self, pairs: Collection[Pair]) -> None:
        self.story.append(("release", tuple(pairs)))
        self._lease(pairs, None, None)

    def _lease(self, pairs: Collection[Pair], daemon: str | None, until_us: int | None) -> None:
        self.tasks = [
            msgspec.structs.replace(one, daemon=daemon, until_us=until_us) if one.pair in pairs else one
            for one in self.tasks
        ]


class Bell:
    def __init__(self) -> None:
        self.named = True
        self.news = asyncio.Event()


def fetcher(table: Table, bell: Bell | None = None) -> TaskFetcher:
    def apply(wishes: Wanted) -> None:
        table.story.append(wishes)

    return TaskFetcher(table, bell or Bell(), "me", may=lambda _: True, default_depth=20, apply=apply)


async def test_what_was_won_is_recorded_and_the_last_tasks_are_kept_by_table() -> None:
    table = Table(monitor(A, depth=50), trading(B), monitor(B, enabled=False))
    table.busy = frozenset({A})
    mine = fetcher(table)
    read = await table.read()
    assert await mine.round() == POLL_S
    assert table.story == [{}, ("release", ()), ("claim", (A, B), LEASE_S), {SPOT: {"B/USDT": 20}}]
    assert mine.last == Fetched(at_us=NOW, monitoring=read.tasks[:1], trading=read.tasks[1:2])


async def test_what_is_not_ours_any_more_is_dropped_before_it_is_given_up() -> None:
    table = Table(monitor(A), monitor(B))
    mine = fetcher(table)
    await mine.round()
    table.tasks[0] = msgspec.structs.replace(table.tasks[0], enabled=False)
    table.story.clear()
    await mine.round()
    rest = {SPOT: {"B/USDT": 20}}
    assert table.story == [rest, ("release", (A,)), ("claim", (B,), LEASE_S), rest]


async def test_what_another_took_is_dropped_and_what_lives_is_kept_though_it_could_not_be_renewed() -> None:
    table = Table(monitor(A), monitor(B))
    mine = fetcher(table)
    await mine.round()
    table.tasks[0] = msgspec.structs.replace(table.tasks[0], daemon="you", until_us=NOW + 3_000_000)
    table.busy = frozenset({B})
    table.story.clear()
    assert await mine.round() == 3.0
    rest = {SPOT: {"B/USDT": 20}}
    assert table.story == [rest, ("release", ()), ("claim", (B,), LEASE_S), rest]


async def test_c_13_the_last_tasks_stay_while_the_database_is_away() -> None:
    table, bell = Table(monitor(A)), Bell()
    async with background("fetcher", fetcher(table, bell).run()):
        await eventually(lambda: table.story[-1:] == [{SPOT: {"A/USDT": 20}}])
        table.away = True
        table.story.clear()
        bell.news.set()
        await eventually(lambda: not bell.news.is_set())
        table.away = False
        bell.news.set()
        await eventually(lambda: len(table.story) == 4)
    assert table.story[0] == table.story[-1] == {SPOT: {"A/USDT": 20}}


async def test_without_its_name_a_daemon_asks_for_nothing() -> None:
    table, bell = Table(monitor(A)), Bell()
    bell.named = False
    async with background("fetcher", fetcher(table, bell).run()):
        bell.news.set()
        await eventually(lambda: not bell.news.is_set())
        assert table.story == []
        bell.named = True
        bell.news.set()
        await eventually(lambda: table.story[-1:] == [{SPOT: {"A/USDT": 20}}])


@pytest.mark.parametrize("away", [False, True])
async def test_at_the_end_all_is_given_up_if_anybody_answers(*, away: bool) -> None:
    table = Table(monitor(A))
    mine = fetcher(table)
    await mine.round()
    table.away = away
    await mine.give_up()
    assert table.story[-1] == ("release", (A,))
