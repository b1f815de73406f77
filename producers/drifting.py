"""Which frames of a market are compared with its protocol, and which differences are news.

A market's channel is looked at with its first frame after each subscription, then once a minute: the others pay for one
look into a table. What was told is not told again within an hour, so that a venue that adds a field floods nobody.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Final

from tapeline.venues.contract import Event, FundingUpdate
from tapeline.venues.drift import Drift, is_compared

US_PER_S: Final = 1_000_000
LOOK_US: Final = 60 * US_PER_S
AGAIN_US: Final = 3_600 * US_PER_S
MOST_TOLD: Final = 20
"""So many differences of one market are told in an hour; a field that is named after what it holds would never end."""
_BROKEN: Final = "broken"


class Samples:
    """Says which frames are looked at; funding comes over several channels, which differ in what they tell of it."""

    def __init__(self) -> None:
        """Begin with every channel due."""
        self._next_us: dict[Hashable, int] = {}

    def begin(self) -> None:
        """Hear that streams were asked for: the next frame of each channel is looked at."""
        self._next_us.clear()

    def due(self, events: Sequence[Event], now_us: int) -> bool:
        """Tell whether the frame that says this is looked at."""
        if not events:
            return False
        last = events[-1]
        if not is_compared(last):
            return False
        kind: Hashable = type(last)
        if type(last) is FundingUpdate:
            kind = (last.rate is None, last.mark_price is None, last.index_price is None)
        return self._due(kind, now_us)

    def broken_due(self, now_us: int) -> bool:
        """Tell whether a frame that breaks the contract is looked at: one in a second."""
        return self._due(_BROKEN, now_us, US_PER_S)

    def _due(self, kind: Hashable, now_us: int, every_us: int = LOOK_US) -> bool:
        if now_us < self._next_us.get(kind, 0):
            return False
        self._next_us[kind] = now_us + every_us
        return True


class News:
    """Remembers which differences were told within the hour."""

    def __init__(self) -> None:
        """Begin with nothing told."""
        self._told_us: dict[Drift, int] = {}

    def fresh(self, drifts: Iterable[Drift], now_us: int) -> tuple[Drift, ...]:
        """Return those that are to be told now."""
        self._told_us = {one: at_us for one, at_us in self._told_us.items() if now_us - at_us < AGAIN_US}
        fresh = [one for one in dict.fromkeys(drifts) if one not in self._told_us]
        fresh = fresh[: MOST_TOLD - len(self._told_us)]
        self._told_us |= dict.fromkeys(fresh, now_us)
        return tuple(fresh)
