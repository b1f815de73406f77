"""What is to happen at a time to come, in order of time; what is not due costs one comparison a tick."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush

Deed = Callable[[int], None]
"""Called with the time at which it is done, which is that of the tick."""


class Agenda:
    """Deeds and their times."""

    def __init__(self) -> None:
        """Start with none."""
        self._deeds: list[tuple[int, int, Deed]] = []
        self._count = 0

    def put(self, at_us: int, deed: Deed) -> None:
        """Let something happen at a time; of two at one time the earlier put comes first."""
        self._count += 1
        heappush(self._deeds, (at_us, self._count, deed))

    def run(self, now_us: int) -> None:
        """Do what is due."""
        while self._deeds and self._deeds[0][0] <= now_us:
            heappop(self._deeds)[2](now_us)
