"""What becomes of a market's frames that break its contract or differ from its protocol: counted, logged, told, kept.

Nothing waits for it: what is to be told is put into a queue that `run` tells from. The events of a frame that only
differs were taken before, and they stand.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Final, NoReturn, Protocol

from producers.broken import BrokenFrames
from producers.drifting import News, Samples
from producers.outbox import Entry
from producers.places import Place
from tapeline.domain.events import Alert, Severity
from tapeline.errors import InvalidMessage
from tapeline.runtime import clock, logs, metrics
from tapeline.runtime.log_events import LogEvent
from tapeline.venues import drift, registry
from tapeline.venues.drift import Drift

CODE: Final = "protocol_drift"


class Tell(Protocol):
    """Raises an alert."""

    async def __call__(self, code: str, sentence: str, fix: str | None, *, severity: Severity = "critical") -> Alert:
        """Tell a person."""


class Alarm:
    """The watcher of one market, for as long as it is recorded; run `run()` in the background."""

    def __init__(self, place: Place, frames: BrokenFrames, *, keep: Callable[[Entry], None], tell: Tell) -> None:
        """Take whose frames they are, who makes letters of them, who keeps these, and who tells a person."""
        self._place = place
        self._frames = frames
        self._keep = keep
        self._tell = tell
        self._ignored = registry.venue(place.venue).ignored
        self._samples = Samples()
        self._news = News()
        self._queue: asyncio.Queue[Drift] = asyncio.Queue()

    async def run(self) -> NoReturn:
        """Tell what is found until cancelled."""
        while True:
            one = await self._queue.get()
            severity: Severity = "warning" if one.kind == "unknown" else "critical"
            await self._tell(CODE, f"{self._place} {one.channel}: {one}", drift.FIXES[one.kind], severity=severity)

    def broken(self, frame: bytes, error: InvalidMessage) -> None:
        """Set a frame aside; it may have been a change or a trade, which the gap rule finds out."""
        place, now_us = self._place, clock.now_us()
        letter = self._frames.letter(frame, error, now_us)
        metrics.FRAMES_BROKEN.inc(venue=place.venue, market=place.market)
        logs.get(__name__).warning(
            LogEvent.FRAME_BROKEN, place=str(place), reason=error.reason, field=error.field, count=self._frames.count
        )
        self._keep(letter)
        if self._samples.broken_due(now_us):
            self._found(drift.found(place.feed, frame, self._ignored), None)

    def look(self, frame: bytes) -> None:
        """Compare a frame whose events were taken."""
        self._found(drift.found(self._place.feed, frame, self._ignored), frame)

    def gone(self, said: str) -> None:
        """Hear that an address is no more."""
        self._found((Drift("other", "endpoint", said),), None)

    def _found(self, drifts: Iterable[Drift], frame: bytes | None) -> None:
        place, found = self._place, tuple(drifts)
        for one in found:
            metrics.PROTOCOL_DRIFT.inc(venue=place.venue, market=place.market, channel=one.channel, kind=one.kind)
        now_us = clock.now_us()
        fresh = self._news.fresh(found, now_us)
        for one in fresh:
            logs.get(__name__).warning(
                LogEvent.PROTOCOL_DRIFT, place=str(place), channel=one.channel, kind=one.kind, field=one.field
            )
            self._queue.put_nowait(one)
        if fresh and frame is not None:
            told = InvalidMessage("; ".join(map(str, fresh)) + "; its data was used", field=fresh[0].field)
            self._keep(self._frames.letter(frame, told, now_us))
