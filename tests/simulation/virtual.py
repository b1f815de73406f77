"""Virtual time: an event loop that never waits, so that hours pass in seconds and a seed tells the same story."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable

BEGIN_US = 1_700_000_000_000_000


class _NoWaiting(selectors.SelectSelector):
    """A selector that lets time jump where another one would wait."""

    def __init__(self) -> None:
        super().__init__()
        self.jump: Callable[[float], None] = lambda _: None

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Jump to the next timer; without one nothing would ever happen again."""
        if timeout is None:
            raise RuntimeError("every task waits for another one")
        if timeout > 0:
            self.jump(timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is its own."""

    def __init__(self) -> None:
        selector = _NoWaiting()
        super().__init__(selector)
        self.now_s = 0.0
        selector.jump = self._jump

    def time(self) -> float:
        """Return virtual seconds since the begin."""
        return self.now_s

    def _jump(self, seconds: float) -> None:
        self.now_s += seconds


class VirtualClock:
    """The clock port over a virtual loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def now_us(self) -> int:
        """Return the wall time."""
        return BEGIN_US + round(self._loop.time() * 1_000_000)

    def monotonic_s(self) -> float:
        """Return the loop's seconds."""
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        """Wait in virtual time."""
        waiter = self._loop.create_future()
        timer = self._loop.call_later(max(0.0, seconds), _wake, waiter)
        try:
            await waiter
        finally:
            timer.cancel()


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
