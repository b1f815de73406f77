"""What every sink does while something is away: it says so, waits longer each time, and says when it is back."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

from tapeline.errors import Unavailable
from tapeline.runtime import logs, metrics, retry
from tapeline.runtime.log_events import LogEvent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tapeline.runtime.health import Health
    from tapeline.runtime.kafka import Partition, Reader, Record

_POLL_S: Final = 0.1
GATHER_S: Final = 0.1
"""How long the broker gathers: rows are written in batches anyway."""
_LAG_EVERY_S: Final = 2.0
_FIRST_TRY_S: Final = 0.25
_LONGEST_TRY_S: Final = 5.0


class Patience:
    """The pauses of one sink; `hurry` is set when the group or a stop wants the round to end."""

    def __init__(self, health: Health, hurry: asyncio.Event) -> None:
        """Take where outages are told, and what cuts a pause short."""
        self._health = health
        self._hurry = hurry
        self._pauses: dict[str, Iterator[float]] = {}

    async def away(self, name: str, error: Unavailable) -> None:
        """Wait a little while nothing is fetched; the group hears from us all the same."""
        self._health.waiting(name, str(error))
        pauses = self._pauses.setdefault(name, retry.delays(_FIRST_TRY_S, _LONGEST_TRY_S))
        pause_s = next(pauses)
        logs.get(__name__).warning(
            LogEvent.DEPENDENCY_WAITING, dependency=name, reason=str(error), next_try_s=round(pause_s, 3)
        )
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._hurry.wait()

    def back(self, name: str) -> None:
        """Note that what was away answers again."""
        if self._pauses.pop(name, None) is not None:
            self._health.ready(name)
            logs.get(__name__).info(LogEvent.DEPENDENCY_READY, dependency=name)

    async def polled(self, reader: Reader, *, most: int) -> Mapping[Partition, Sequence[Record]]:
        """Return what has come; nothing while the broker is away."""
        try:
            found = await reader.batches(max_records=most, wait_s=_POLL_S)
        except Unavailable as error:
            await self.away("kafka", error)
            return {}
        self.back("kafka")
        return found


class Lag:
    """How many records a sink has not taken in yet, by topic; measured every now and then."""

    def __init__(self, store: str, topics: Sequence[str], expected: Callable[[Partition], int | None]) -> None:
        """Take the store's name and topics, and what tells the offset that comes next (None: not ours)."""
        self._store = store
        self._topics = tuple(topics)
        self._expected = expected
        self.by_topic: Mapping[str, int] = {}

    async def measure(self, reader: Reader) -> None:
        """Measure for ever."""
        while True:
            await asyncio.sleep(_LAG_EVERY_S)
            try:
                ends = await reader.ends()
            except Unavailable:
                continue
            lag = dict.fromkeys(self._topics, 0)
            for partition, end in ends.items():
                expected = self._expected(partition)
                if expected is not None:
                    lag[partition.topic] += max(0, end - expected)
            self.by_topic = lag
            for topic, count in lag.items():
                metrics.SINK_LAG.set(count, store=self._store, topic=topic)
