"""Who may run now: a few at a time in each lane, a bounded number waiting, a bounded number of bytes held."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from infra.embedded.clickhouse.refusal import SESSION_IS_LOCKED, TOO_MANY_SIMULTANEOUS_QUERIES, Refused

Answer = TypeVar("Answer")


class Lane:
    """A fixed number of statements at a time, in the order they came; the others wait, and not too many of them.

    What ends soon has a lane of its own, so that long SELECTs never stand before an INSERT.
    """

    def __init__(self, name: str, *, running: int, waiting: int) -> None:
        """Make a lane for `running` statements at a time and `waiting` more in the queue."""
        self.name = name
        self._room = running + waiting
        self._admitted = 0
        self._turn = asyncio.Semaphore(running)
        self._threads = ThreadPoolExecutor(running, thread_name_prefix=name)

    @property
    def admitted(self) -> int:
        """Return how many statements run or wait."""
        return self._admitted

    @contextlib.asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Hold a place in the lane while the block runs; raise Refused when too many wait."""
        if self._admitted >= self._room:
            raise Refused(
                TOO_MANY_SIMULTANEOUS_QUERIES,
                f"{self._admitted} statements of the {self.name} lane run or wait, and that is all there is room for: "
                "send fewer at a time",
            )
        self._admitted += 1
        try:
            async with self._turn:
                yield
        finally:
            self._admitted -= 1

    async def call(self, work: Callable[[], Answer]) -> Answer:
        """Run blocking work on a thread of the lane; only inside `place`."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def close(self) -> None:
        """Let the threads end; those that run finish first."""
        self._threads.shutdown()


class Memory:
    """How many bytes of bodies are held at the same time."""

    def __init__(self, limit: int) -> None:
        """Allow `limit` bytes."""
        self._limit = limit
        self._held = 0

    @contextlib.contextmanager
    def share(self) -> Iterator[Callable[[int], None]]:
        """Give a function that takes bytes for one request; they are given back at the end of the block."""
        taken = 0

        def take(count: int) -> None:
            nonlocal taken
            if self._held + count > self._limit:
                raise Refused(
                    TOO_MANY_SIMULTANEOUS_QUERIES,
                    f"bodies of {self._held} bytes wait already and {self._limit} is the most: send fewer at a time",
                )
            self._held += count
            taken += count

        try:
            yield take
        finally:
            self._held -= taken


class Sessions:
    """A session runs one statement at a time, as in ClickHouse; nothing else is kept of it."""

    def __init__(self) -> None:
        """Start with no session."""
        self._busy: set[str] = set()

    @contextlib.contextmanager
    def turn(self, session: str | None) -> Iterator[None]:
        """Hold the session while the block runs; raise Refused when it is held."""
        if session is None:
            yield
            return
        if session in self._busy:
            raise Refused(SESSION_IS_LOCKED, f"Session {session} is locked by a concurrent client")
        self._busy.add(session)
        try:
            yield
        finally:
            self._busy.discard(session)
