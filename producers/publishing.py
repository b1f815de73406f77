"""Moves what waits in a market's outbox to the broker, and says what was shed once the broker takes records again.

A book is sent alone, one per instrument at a time; changes, trades and gaps go in batches, one per partition at a time.
While the broker is away the outbox keeps, conflates and sheds by its own rules; here it is only tried again.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final, NoReturn

from producers.market import MarketFeed
from producers.outbox import Batch, Due
from tapeline.errors import Unavailable
from tapeline.runtime import clock
from tapeline.runtime.kafka import Outgoing, Publisher
from tapeline.runtime.lifecycle import background

ROUND_S: Final = 0.004
"""What a round takes off the time that rounds may use: under load what has come meanwhile goes out together."""
AHEAD_S: Final = 0.032
"""So much may be used ahead: news that comes alone, or a few at once, does not wait."""
IDLE_S: Final = 0.005
"""Changes and trades come with books or wait so long."""
AWAY_S: Final = 0.5
SENDERS: Final = 8
"""Batches and books under way at once, each of its own partition or instrument."""


class Publishing:
    """The way of one market's records to the broker; run `run()` in the background."""

    def __init__(self, market: MarketFeed, publisher: Publisher) -> None:
        """Take what is to be published and by what."""
        self._market = market
        self._publisher = publisher
        self._work: asyncio.Queue[Batch | tuple[Due, int, bytes]] = asyncio.Queue()

    async def run(self) -> NoReturn:
        """Publish until cancelled; what is not acknowledged then is lost with this process, and found by the next."""
        async with contextlib.AsyncExitStack() as stack:
            for number in range(SENDERS):
                _ = await stack.enter_async_context(background(f"publish-{number}", self._sending()))
            news = asyncio.Event()
            self._market.books.on_news = news.set
            used_s = clock.monotonic_s()
            while True:
                news.clear()
                if self._round():
                    used_s = max(used_s, clock.monotonic_s()) + ROUND_S
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(IDLE_S):
                        await news.wait()
                # What came with it in the same read is taken in first.
                await asyncio.sleep(max(0.0, used_s - AHEAD_S - clock.monotonic_s()))

    def _round(self) -> bool:
        """Hand all that may go now to the senders; tell whether there was anything."""
        if self._market.buffer.is_held_up:
            self._market.settle(clock.now_us())
        # Books first: that one went stale must not wait behind what led to it.
        work: list[Batch | tuple[Due, int, bytes]] = [*self._market.due(clock.now_us()), *self._market.buffer.take()]
        for one in work:
            self._work.put_nowait(one)
        return bool(work)

    async def _sending(self) -> NoReturn:
        while True:
            work = await self._work.get()
            try:
                if isinstance(work, Batch):
                    records = [Outgoing(entry.key, entry.value) for entry in work.entries]
                    await self._publisher.publish_many(work.topic, work.partition, records)
                else:
                    due, partition, value = work
                    await self._publisher.publish("md.book", due.key, value, partition)
            except Unavailable:
                # Before it may be taken again, so that an absent broker is not asked without a pause.
                await asyncio.sleep(AWAY_S)
                self._failed(work)
            else:
                self._done(work)

    def _done(self, work: Batch | tuple[Due, int, bytes]) -> None:
        if isinstance(work, Batch):
            self._market.buffer.done(work)
            self._market.settle(clock.now_us())
        else:
            self._market.books.done(work[0].key)

    def _failed(self, work: Batch | tuple[Due, int, bytes]) -> None:
        if isinstance(work, Batch):
            self._market.buffer.failed(work)
        else:
            self._market.books.failed(work[0].key)
