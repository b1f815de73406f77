"""Keeps the tasks of this daemon fresh; the last ones stay while nobody answers.

A round reads, drops and gives up what is not ours any more, claims, and adds what was won, in this order, so that no
pair is recorded twice. It is made at each notice, when a lease of another runs out, and every 10 s whatever happens
(C-13).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection
from typing import Final, NoReturn, Protocol

import msgspec

from producers.task_store import Read
from producers.tasks import Plan, Wanted, plan, wanted
from tapeline.domain.tasks import Pair, Task
from tapeline.errors import Unavailable
from tapeline.runtime import logs
from tapeline.runtime.log_events import LogEvent

POLL_S: Final = 10.0
LEASE_S: Final = 30.0
"""Two rounds may fail before anybody else takes over."""
_US_PER_S: Final = 1_000_000
_LEAST_S: Final = 0.1


class Store(Protocol):
    """Where the tasks are."""

    async def read(self) -> Read:
        """Return all rows."""

    async def claim(self, pairs: Collection[Pair], *, for_s: float) -> frozenset[Pair]:
        """Take or renew leases and return which are ours."""

    async def release(self, pairs: Collection[Pair]) -> None:
        """Give leases up."""


class Bell(Protocol):
    """What wakes before the time."""

    named: bool
    news: asyncio.Event


class Fetched(msgspec.Struct, frozen=True, kw_only=True):
    """The last tasks that were read, by table, and when."""

    at_us: int
    monitoring: tuple[Task, ...]
    trading: tuple[Task, ...]


class TaskFetcher:
    """The tasks of one daemon; run `run()` in the background, and `give_up()` when its recording has stopped."""

    def __init__(
        self,
        store: Store,
        bell: Bell,
        me: str,
        *,
        may: Callable[[Pair], bool],
        default_depth: int,
        apply: Callable[[Wanted], None],
    ) -> None:
        """Take where the tasks are and what wakes us; `apply` gets whatever is wanted from now on, also unchanged."""
        self._store, self._bell, self._me = store, bell, me
        self._may, self._default_depth, self._apply = may, default_depth, apply
        self._ours: frozenset[Pair] = frozenset()
        self._away = False
        self.last: Fetched | None = None

    async def run(self) -> NoReturn:
        """Go round until cancelled."""
        wait_s = POLL_S
        while True:
            self._bell.news.clear()
            if self._bell.named:
                wait_s = await self._try_round()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._bell.news.wait()

    async def give_up(self) -> None:
        """Let others take what was ours at once; nothing of it is recorded any more."""
        with contextlib.suppress(Unavailable):
            await self._store.release(self._ours)
        self._ours = frozenset()

    async def _try_round(self) -> float:
        try:
            wait_s = await self.round()
        except Unavailable as error:
            if not self._away:
                logs.get(__name__).warning(LogEvent.TASKS_UNREACHED, reason=str(error))
            self._away = True
            return POLL_S
        self._away = False
        return wait_s

    async def round(self) -> float:
        """Bring leases and wishes up to date once, and return how long the next round may wait."""
        read = await self._store.read()
        self.last = Fetched(
            at_us=read.at_us,
            monitoring=tuple(one for one in read.tasks if one.table == "monitoring" and one.enabled),
            trading=tuple(one for one in read.tasks if one.table == "trade" and one.enabled),
        )
        found = plan(read.tasks, self._me, read.at_us, may=self._may)
        self._record(read, self._ours.intersection(found.claim))
        await self._store.release(found.release)
        won = await self._store.claim(found.claim, for_s=LEASE_S)
        self._record(read, won | found.safe)
        return _wait_s(found, read.at_us)

    def _record(self, read: Read, pairs: frozenset[Pair]) -> None:
        self._ours = pairs
        self._apply(wanted(read.tasks, pairs, default=self._default_depth))


def _wait_s(found: Plan, now_us: int) -> float:
    if found.free_again_us is None:
        return POLL_S
    return min(POLL_S, max(_LEAST_S, (found.free_again_us - now_us) / _US_PER_S))
