"""The clients of `/ws` and what they are told: each has its own queue, so that a slow one harms nobody (X-17).

Nothing here waits for a client: what is new is put into each queue and its session is woken.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Final

from gateway import frames, interest, views
from gateway.client import Event
from gateway.frames import Shown
from gateway.interest import Kind, Mistake
from gateway.seat import SLOW, STOPPING, Ending, Seat
from gateway.state import State
from tapeline.domain.events import Alert, Book, Gap, Heartbeat
from tapeline.domain.spread import Spread
from tapeline.runtime import clock, logs, metrics
from tapeline.runtime.lifecycle import background
from tapeline.runtime.log_events import LogEvent

_LOOK_EVERY_S: Final = 0.05
_LEAVE_WITHIN_S: Final = 3.0


class Hub:
    """Keeps the state and its listeners: what is taken in goes to each client that wants it."""

    def __init__(self, state: State) -> None:
        """Begin with no client, and nothing loaded."""
        self.state = state
        self.is_open = False
        self._seats: dict[int, Seat] = {}
        self._numbers = 0
        self._stopping = False
        self._bus_is_lost = False
        self._empty = asyncio.Event()
        self._empty.set()

    # ------------------------------------------------------------ what is read
    def take_book(self, book: Book, skipped: int = 0) -> None:
        """Show a book, unless it is an old one; `skipped` of its instrument came before it and were left out."""
        now_us = clock.now_us()
        if self.state.take_book(book, now_us):
            self._offer(Shown(book, views.book_state(book, now_us)), skipped)

    def take_spread(self, spread: Spread) -> None:
        """Show a spread, unless it is an old one."""
        if self.state.take_spread(spread):
            self._offer(Shown(spread, self.state.spread_state(spread, clock.now_us())), 0)

    def take_heartbeat(self, beat: Heartbeat) -> None:
        """Show that a process lives."""
        now_us = clock.now_us()
        if self.state.take_heartbeat(beat, now_us):
            self._tell("heartbeat", None, frames.heartbeat(beat, now_us))

    def take_gap(self, gap: Gap) -> None:
        """Show a hole."""
        self._tell("gap", gap.symbol, frames.gap(gap, clock.now_us()))

    def take_alert(self, alert: Alert) -> None:
        """Show an alert."""
        self._tell("alert", None, frames.alert(alert, clock.now_us()))

    def wake(self) -> None:
        """Let every session look what it owes; called once after a batch."""
        for seat in self._seats.values():
            seat.woken.set()

    def bus_lost(self) -> None:
        """Tell everybody, once, that the broker does not answer."""
        if not self._bus_is_lost:
            self._bus_is_lost = True
            self._tell(None, None, frames.bus_lost(clock.now_us()))

    def bus_back(self) -> None:
        """Tell everybody, once, that the broker answers again."""
        if self._bus_is_lost:
            self._bus_is_lost = False
            self._tell(None, None, frames.bus_back(clock.now_us()))

    # ------------------------------------------------------------ who listens
    @property
    def count(self) -> int:
        """Return how many clients are connected."""
        return len(self._seats)

    @contextmanager
    def seated(self, address: str) -> Iterator[Seat]:
        """Keep a place for a client for the time of the block, and write down that it came and went (A-11)."""
        self._numbers += 1
        seat = Seat(self._numbers, address)
        if self._stopping:
            seat.end(STOPPING)
        self._seats[seat.number] = seat
        self._counted()
        log = logs.get(__name__)
        log.info(LogEvent.CLIENT_CONNECTED, number=seat.number, client=address, clients=self.count)
        try:
            yield seat
        finally:
            del self._seats[seat.number]
            self._counted()
            code, reason = seat.ending or Ending(0, "the session failed")
            if seat.ending == SLOW:
                metrics.WS_SLOW_CLIENTS.inc()
            log.info(
                LogEvent.CLIENT_DISCONNECTED,
                number=seat.number,
                client=address,
                clients=self.count,
                code=code,
                reason=reason,
                sent=seat.sent,
                skipped=seat.skipped,
                after_s=round(clock.monotonic_s() - seat.began_s, 3),
            )

    def open(self) -> None:
        """Say that there is a state to show: clients that came early are greeted now."""
        self.is_open = True
        self.wake()

    async def greeting(self, seat: Seat) -> Event | None:
        """Return the first frame of a client as soon as there is a state to show; None when it ends before that.

        From here on the client hears what is new: nothing is missed between the two, and nothing comes before it.
        """
        while not self.is_open and seat.ending is None:
            await seat.woken.wait()
            seat.woken.clear()
        if seat.ending is not None:
            return None
        now_us = clock.now_us()
        seat.greeted = True
        if self._bus_is_lost:
            seat.client.tell(frames.bus_lost(now_us))
        return frames.initial_state(self.state, seat.client.interest, now_us)

    def ask(self, seat: Seat, text: str | bytes) -> None:
        """Do what a client asks for, and answer it."""
        now_us = clock.now_us()
        found = interest.read(text, seat.client.interest, self.state.symbols)
        if isinstance(found, Mistake):
            seat.client.tell(frames.mistake(found.sentence, now_us))
        else:
            seat.client.tell(frames.subscribed(found, now_us))
            # Who has not been greeted yet gets all of it in the first frame.
            seat.client.narrow(found, frames.everything(self.state, now_us) if seat.greeted else ())
        seat.woken.set()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Look every 50 ms what time alone has changed, for the time of the block; then close every client (1001)."""
        async with background("looking", self._look()):
            try:
                yield
            finally:
                await self._close()

    async def _close(self) -> None:
        self._stopping = True
        for seat in self._seats.values():
            seat.end(STOPPING)
        with suppress(TimeoutError):
            async with asyncio.timeout(_LEAVE_WITHIN_S):
                await self._empty.wait()

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            now_us = clock.now_us()
            turned = self.state.turned(now_us)
            for book in turned.books:
                self._offer(Shown(book, "stale"), 0)
            for beat in turned.processes:
                self._tell("heartbeat", None, frames.heartbeat(beat, now_us))
            if turned.books or turned.processes:
                self.wake()

    def _offer(self, shown: Shown, skipped: int) -> None:
        for seat in self._seats.values():
            if seat.greeted:
                seat.client.offer(shown, skipped)

    def _tell(self, kind: Kind | None, symbol: str | None, event: Event) -> None:
        """Queue an event with each client that wants it; what has no kind is for everybody."""
        for seat in self._seats.values():
            if seat.greeted and (kind is None or seat.client.interest.wants(kind, symbol)):
                seat.client.tell(event)
                seat.woken.set()

    def _counted(self) -> None:
        metrics.WS_CLIENTS.set(self.count)
        if self._seats:
            self._empty.clear()
        else:
            self._empty.set()
