"""Keeps the books of a ladder fresh: reads their partition, and when the broker is away says so and comes back.

Records that came in between are read afterwards, gaps too; a gap from before the start does not count.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Final, Protocol

from tapeline.cli import market_reading
from tapeline.cli.connecting import decoder_of
from tapeline.cli.ladder import Trouble
from tapeline.cli.market_books import Books
from tapeline.cli.market_symbols import Missing
from tapeline.cli.reaching import services
from tapeline.domain.events import Gap
from tapeline.errors import Misconfigured, Unavailable
from tapeline.runtime import clock, retry

TURN_S: Final = 0.25
"""How long one turn of reading lasts; nothing depends on it."""


class Following(Protocol):
    """What the reading needs of a feed."""

    @property
    def unread(self) -> Missing | None:
        """Return what to say of records that could not be decoded."""

    async def catch_up(self) -> None:
        """Take what exists."""

    async def follow(self, until_s: float) -> None:
        """Take what comes until that moment of the monotonic clock."""


Open = Callable[[AsyncExitStack], Awaitable[Following]]
Pause = Callable[[float], Awaitable[None]]


class Reading:
    """Reads until it is cancelled; `trouble` is what a person must know meanwhile."""

    def __init__(self, opened: Open, *, pause: Pause = asyncio.sleep) -> None:
        """Read from what `opened` opens, as often as it takes."""
        self._opened = opened
        self._pause = pause
        self._feed: Following | None = None
        self._away: Trouble | None = None

    @property
    def trouble(self) -> Trouble | None:
        """Return why nothing comes, and since when; None while all is well."""
        return self._away

    @property
    def unread(self) -> Missing | None:
        """Return what to say of records that could not be decoded."""
        return None if self._feed is None else self._feed.unread

    async def run(self) -> None:
        """Read for ever; each time that the services are away, try again after 1, 2, 4 .. 30 s (X-05)."""
        delays = retry.delays()
        while True:
            try:
                async with AsyncExitStack() as stack:
                    self._feed = await self._opened(stack)
                    await self._feed.catch_up()
                    self._away = None
                    delays = retry.delays()
                    while True:
                        await self._feed.follow(clock.monotonic_s() + TURN_S)
            except (Unavailable, Misconfigured) as error:
                # Where nothing runs at all no run file says where: for us that is an outage, too.
                since_us = clock.now_us() if self._away is None else self._away.since_us
                self._away = Trouble(since_us=since_us, reason=str(error))
            await self._pause(next(delays))


def reading_of(books: Books, began_us: int) -> Reading:
    """Return the reading of these books, wherever the services are each time."""

    def gap(value: Gap) -> None:
        if value.published_us >= began_us:
            books.take(value)

    async def opened(stack: AsyncExitStack) -> Following:
        known = services()
        return await market_reading.opened(
            stack,
            known.kafka,
            await decoder_of(known, stack),
            books.symbol,
            await market_reading.extents(known.kafka, market_reading.TOPICS),
            newest={"md.book": books.take, "md.gap": gap},
            coming={},
        )

    return Reading(opened)
