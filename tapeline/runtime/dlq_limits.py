"""When dead letters are too many: a broken record is set aside, a broken worker is stopped; pure, no I/O.

A worker that fails on everything would otherwise drain its whole input into the dead letter queue.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How many records may be bad: so many in a row, and this share of the last `window`.

    The share is not asked before `least` records were bad within the window, so that one bad record among a few is
    nothing.
    """

    streak: int = 50
    ratio: float = 0.05
    window: int = 2_000
    least: int = 20


class Tally:
    """Counts good and bad records of one worker and tells when the limits are passed."""

    def __init__(self, limits: Limits) -> None:
        """Begin with nothing seen."""
        self._limits = limits
        # Runs of (good, bad), newest last: as small as the input is regular, whatever the window.
        self._runs: deque[tuple[int, int]] = deque()
        self._seen = 0
        self._bad = 0
        self._streak = 0

    def good(self, count: int = 1) -> None:
        """Count records that were processed."""
        if count > 0:
            self._streak = 0
            self._add(count, 0)

    def bad(self) -> str | None:
        """Count a record that was set aside; return the reason to stop when one limit is passed."""
        self._streak += 1
        self._add(0, 1)
        if self._streak >= self._limits.streak:
            return f"{self._streak} records in a row could not be processed"
        if self._bad >= self._limits.least and self._bad > self._limits.ratio * self._seen:
            return f"{self._bad} of the last {self._seen} records could not be processed"
        return None

    def _add(self, good: int, bad: int) -> None:
        self._runs.append((good, bad))
        self._seen += good + bad
        self._bad += bad
        while self._runs and self._seen - sum(self._runs[0]) >= self._limits.window:
            old_good, old_bad = self._runs.popleft()
            self._seen -= old_good + old_bad
            self._bad -= old_bad
