"""Whose transaction comes next: all of an account wait for one row, what is urgent does not wait behind the rest.

Whoever has the turn may do what others wait with as well, and tell them so: they need no turn of their own then.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

A = TypeVar("A")


class Turns(Generic[A]):
    """One at a time; of those who wait the urgent ones first, then in the order in which they came."""

    def __init__(self) -> None:
        """Nobody has the turn."""
        self._taken = False
        self._urgent: deque[tuple[A, asyncio.Future[bool]]] = deque()
        self._others: deque[tuple[A, asyncio.Future[bool]]] = deque()

    @asynccontextmanager
    async def turn(self, asked: A, *, urgent: bool) -> AsyncIterator[bool]:
        """Have the turn for the time of the block; False, and no turn, where another has done what was asked."""
        if self._taken and not await self._called(asked, self._urgent if urgent else self._others):
            yield False
            return
        self._taken = True
        try:
            yield True
        finally:
            self._pass_on()

    def waiting(self, *, urgent: bool) -> tuple[A, ...]:
        """Return what others wait with, in their order; for who is urgent only what is urgent too."""
        queues = (self._urgent,) if urgent else (self._urgent, self._others)
        return tuple(asked for queue in queues for asked, called in queue if not called.done())

    def done(self, asked: A, error: Exception | None = None) -> None:
        """Tell who waits with this that it is done, or what it came to; nothing where it has given up."""
        for queue in (self._urgent, self._others):
            for one in [one for one in queue if one[0] is asked]:
                queue.remove(one)
                if one[1].done():
                    continue
                if error is None:
                    one[1].set_result(False)
                else:
                    one[1].set_exception(error)

    async def _called(self, asked: A, queue: deque[tuple[A, asyncio.Future[bool]]]) -> bool:
        """Wait for the turn; False where it is not needed any more."""
        called: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        queue.append((asked, called))
        try:
            return await called
        except asyncio.CancelledError:
            if called.cancelled():
                queue.remove((asked, called))
            elif called.exception() is None and called.result():
                # It was our turn in the very moment in which we gave up.
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        for queue in (self._urgent, self._others):
            while queue:
                _, called = queue.popleft()
                if not called.done():
                    called.set_result(True)
                    return
        self._taken = False
