"""A library that says the same thing again and again is written down once in a while, with how often it said it.

Our own lines always pass: each is an event that somebody counts on. While a broker is away its client repeats one
sentence several times a second.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from tapeline.runtime import clock

OURS = "tapeline"
QUIET_S = 10.0
# A library that makes up its texts (numbers in them) must not fill the memory.
_TEXTS_MOST = 1000


class Repeats(logging.Filter):
    """Holds back what a library said less than `QUIET_S` ago; the next line that passes carries the number held."""

    def __init__(self) -> None:
        """Begin with nothing said."""
        super().__init__()
        self._said: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether the record is written; set `repeated` on it where others like it were held back."""
        if record.name.partition(".")[0] == OURS:
            return True
        key = (record.name, str(record.msg))
        now_s = clock.monotonic_s()
        said_s, held = self._said.get(key, (-QUIET_S, 0))
        if now_s - said_s < QUIET_S:
            self._said[key] = (said_s, held + 1)
            return False
        if len(self._said) >= _TEXTS_MOST:
            self._said.clear()
        self._said[key] = (now_s, 0)
        if held:
            record.repeated = held
        return True


@contextmanager
def quieted() -> Iterator[None]:
    """Hold back repetitions also in log handlers that are not ours (a library's command line made them)."""
    repeats = Repeats()
    foreign = [
        one for one in logging.getLogger().handlers if not any(isinstance(held, Repeats) for held in one.filters)
    ]
    for handler in foreign:
        handler.addFilter(repeats)
    try:
        yield
    finally:
        for handler in foreign:
            handler.removeFilter(repeats)
