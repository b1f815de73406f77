"""One connected client between the hub, which fills its queue, and its session, which empties it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from gateway.client import Client
from gateway.frames import Shown
from tapeline.runtime import clock

GOING_AWAY: Final = 1001
UNAUTHORIZED: Final = 1008
TRY_LATER: Final = 1013


class Ending(NamedTuple):
    """Why a connection ends: the code and reason of its close."""

    code: int
    reason: str


STOPPING: Final = Ending(GOING_AWAY, "the gateway stops")
SLOW: Final = Ending(TRY_LATER, "this client reads too slowly: connect again, and subscribe to less")


@dataclass(slots=True, eq=False)
class Seat:
    """One client that is connected; `ending` is set once, by whoever finds out first."""

    number: int
    address: str
    client: Client[Shown] = field(default_factory=Client)
    greeted: bool = False
    left: bool = False
    ending: Ending | None = None
    sent: int = 0
    skipped: int = 0
    began_s: float = field(default_factory=clock.monotonic_s)
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    def end(self, ending: Ending) -> None:
        """Let the session end, if nobody has before."""
        self.ending = self.ending or ending
        self.woken.set()

    async def rest(self) -> None:
        """Wait until something may be due for this client."""
        self.woken.clear()
        if self.client.over:
            self.end(SLOW)
        if self.ending is not None:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(self.client.wait_s(clock.monotonic_s())):
                await self.woken.wait()
