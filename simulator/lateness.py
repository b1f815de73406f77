"""What has happened to orders and is not booked yet: each has its time, and comes before the market halts."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from simulator.agenda import Agenda, Deed


class Lateness:
    """What is still to come of orders, by their number."""

    def __init__(self, agenda: Agenda) -> None:
        """Start with nothing."""
        self._agenda = agenda
        self._deeds: dict[int, Sequence[Deed]] = {}

    def __contains__(self, number: int) -> bool:
        """Tell whether something is still to come of an order."""
        return number in self._deeds

    def put(self, number: int, at_us: int, deeds: Sequence[Deed]) -> None:
        """Let these come for an order at a time, one after the other."""
        self._deeds[number] = deeds
        self._agenda.put(at_us, partial(self._come, number))

    def hurry(self, now_us: int) -> None:
        """Let all come now."""
        for number in tuple(self._deeds):
            self._come(number, now_us)

    def _come(self, number: int, now_us: int) -> None:
        for deed in self._deeds.pop(number, ()):
            deed(now_us)
