"""The tasks of this process: its leases in Postgres, and what follows from them for the recorders of its markets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from producers.places import Place
from producers.recording import Means, Recorder
from producers.task_fetcher import TaskFetcher
from producers.task_store import TaskStore
from producers.tasks import Wanted
from tapeline.domain.tasks import Pair
from tapeline.runtime import postgres, task_rows
from tapeline.runtime.lifecycle import background
from tapeline.runtime.notices import Notices
from tapeline.runtime.transactions import Transactions

ANSWER_S: Final = 10.0
"""A statement that takes longer counts as a database that is away."""


@asynccontextmanager
async def leasing(means: Means, recorders: Sequence[Recorder]) -> AsyncIterator[TaskFetcher]:
    """Yield what makes the rounds; at the end, when nothing is recorded any more, the leases are given up."""
    endpoint, me = means.endpoints.postgres, means.process
    by_place = {one.place: one for one in recorders}

    def may(pair: Pair) -> bool:
        return Place(pair.venue, pair.market) in by_place

    def apply(wishes: Wanted) -> None:
        for place, recorder in by_place.items():
            recorder.wish(wishes.get(place, {}))

    async with await postgres.connect(endpoint, answer_within_s=ANSWER_S) as pool:
        notices = Notices(endpoint, task_rows.CHANNEL, me)
        fetcher = TaskFetcher(
            TaskStore(Transactions(pool, endpoint), me),
            notices,
            me,
            may=may,
            default_depth=means.settings.monitor.orderbook_depth,
            apply=apply,
        )
        async with background("notices", notices.run()):
            try:
                yield fetcher
            finally:
                await fetcher.give_up()
