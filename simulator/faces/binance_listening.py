"""Binance's listen keys of futures: one at a time, good for an hour from the last time that it was asked for."""

from __future__ import annotations

from collections.abc import Callable

from simulator.agenda import Agenda
from simulator.chance import Chance
from simulator.faces.binance_gate import Refusal

LASTS_US = 3600 * 1_000_000
_DIGITS = 64

Expired = Callable[[str, int], None]
"""Called with the key and the time."""


class ListenKeys:
    """The listen key of one account."""

    def __init__(self, agenda: Agenda, drawn: Chance) -> None:
        """Start without one."""
        self._agenda = agenda
        self._drawn = drawn
        self._key = ""
        self._until_us = 0
        self.expired: Expired = lambda _key, _now_us: None

    def is_good(self, key: str) -> bool:
        """Tell whether a key is the one in use."""
        return bool(key) and key == self._key

    def open(self, now_us: int) -> str:
        """Return the key, a new one where there is none, good for an hour from now."""
        self._key = self._key or self._drawn.hex(_DIGITS)
        self._until_us = now_us + LASTS_US
        self._agenda.put(self._until_us, self._look)
        return self._key

    def keep(self, now_us: int) -> str:
        """Let the key be good for an hour from now; raise the refusal where there is none."""
        if not self._key:
            raise Refusal(-1125, "This listenKey does not exist.")
        return self.open(now_us)

    def close(self) -> dict[str, str]:
        """Forget the key."""
        self._key = ""
        return {}

    def _look(self, now_us: int) -> None:
        if self._key and now_us >= self._until_us:
            key, self._key = self._key, ""
            self.expired(key, now_us)
