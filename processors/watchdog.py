"""The watchdog on committed offsets: work that waits while nothing is committed for a minute means a stuck worker.

It compares with the broker's own ends, so it sees a stuck fetch, a stuck agent and a stuck commit alike. While the
broker is away it asks for nothing: then no progress is nobody's fault.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from tapeline.errors import Unavailable
from tapeline.runtime import clock

if TYPE_CHECKING:
    from faust.types import TP

    from processors.transport.consumer import BatchConsumer

STALLED_AFTER_S: Final = 60.0
_LOOK_EVERY_S: Final = 5.0


class Stalled(Exception):
    """A worker stopped making progress; it is a fault of the program, so it crashes and is started again."""


class Progress:
    """Since when each partition waits for a commit; pure, the time is an argument."""

    def __init__(self, patience_s: float = STALLED_AFTER_S) -> None:
        """Call a partition stalled after so long without a commit while something waits in it."""
        self._patience_s = patience_s
        self._seen: dict[TP, tuple[int, float]] = {}

    def forget(self) -> None:
        """Begin anew: what passed until now says nothing (the broker was away, partitions moved)."""
        self._seen.clear()

    def observe(self, now_s: float, places: Mapping[TP, tuple[int, int]]) -> tuple[TP, ...]:
        """Take (committed, end) of every partition that is ours now and return those that are stalled."""
        self._seen = {place: seen for place, seen in self._seen.items() if place in places}
        stalled = []
        for place, (committed, end) in places.items():
            before, since_s = self._seen.get(place, (-1, now_s))
            if committed >= end:
                self._seen.pop(place, None)
            elif committed != before:
                self._seen[place] = (committed, now_s)
            elif now_s - since_s >= self._patience_s:
                stalled.append(place)
        return tuple(stalled)


async def watch(consumer: BatchConsumer, *, patience_s: float = STALLED_AFTER_S) -> None:
    """Look every few seconds, for ever; raises Stalled, which crashes the worker."""
    progress = Progress(patience_s)
    while True:
        await asyncio.sleep(min(_LOOK_EVERY_S, patience_s / 4))
        try:
            places = await consumer.progress()
        except Unavailable:
            progress.forget()
            continue
        stalled = progress.observe(clock.monotonic_s(), places)
        if stalled:
            told = ", ".join(f"{place.topic}/{place.partition}" for place in stalled)
            raise Stalled(f"nothing was committed for {patience_s:g} s in {told}, where records wait")
