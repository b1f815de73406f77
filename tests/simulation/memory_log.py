"""The log port in memory: one list of intents per partition, read from offsets; what was published is kept in order."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from executor.ports import LoggedIntent, Waiting
from tapeline.domain.changes import Place
from tapeline.domain.order_records import OrderIntent
from tapeline.errors import Unavailable


class MemoryTopic:
    """What several logs share, as executors share a broker."""

    def __init__(self) -> None:
        self.intents: list[OrderIntent] = []
        self.published: list[Waiting] = []
        self.away = False
        self.grown = asyncio.Event()

    def append(self, intent: OrderIntent) -> None:
        """Add an intent at the end."""
        self.intents.append(intent)
        self.grown.set()


class MemoryLog:
    """One executor's reader and writer."""

    def __init__(self, topic: MemoryTopic) -> None:
        self._topic = topic
        self._next = 0

    async def intents(self, offsets: Mapping[int, int]) -> None:
        """Read from these offsets on."""
        self._next = offsets.get(0, 0)

    async def next_batch(self) -> tuple[LoggedIntent, ...]:
        """Return what has come; wait for the first."""
        while self._next >= len(self._topic.intents):
            self._topic.grown.clear()
            await self._topic.grown.wait()
        if self._topic.away:
            await asyncio.sleep(0)
            raise Unavailable("the broker is away")
        found = tuple(
            LoggedIntent(place=Place(partition=0, offset=offset), intent=self._topic.intents[offset])
            for offset in range(self._next, len(self._topic.intents))
        )
        self._next += len(found)
        return found

    async def publish(self, records: tuple[Waiting, ...]) -> None:
        """Publish in order."""
        if self._topic.away:
            raise Unavailable("the broker is away")
        self._topic.published.extend(records)
