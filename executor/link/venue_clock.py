"""What a venue's clock says now, from what its answers have said: never later than it is, so nothing lives too long.

A request carries the venue's time and a window. With a time that is too late the venue would take it after its end, so
the earliest time is used that the measurements allow. Pure: our time is an argument.
"""

from __future__ import annotations

from typing import Final

STEP_US: Final = 1_000
"""Venues tell milliseconds, rounded down."""
DRIFT: Final = 200e-6
"""So much two clocks may run apart, per unit of time; a jump is noticed by the next measurement."""


class VenueClock:
    """The bounds of the difference between the venue's clock and ours, in microseconds."""

    def __init__(self) -> None:
        """Begin without a measurement."""
        self._low_us = 0
        self._high_us = 0
        self._measured_us: int | None = None

    @property
    def is_known(self) -> bool:
        """Whether it was ever measured."""
        return self._measured_us is not None

    @property
    def ahead_us(self) -> int:
        """Return by how much the venue's clock is ahead of ours at least."""
        return self._low_us

    def now_us(self, now_us: int) -> int:
        """Return the earliest time that the venue's clock may show at our time."""
        return now_us + self._low_us - self._apart_us(now_us)

    def measured(self, *, sent_us: int, received_us: int, venue_us: int) -> bool:
        """Take what the venue said between two times of ours; return whether its clock has jumped (or ours)."""
        low_us, high_us = venue_us - received_us, venue_us + STEP_US - sent_us
        apart_us, again = self._apart_us(received_us), self.is_known
        self._measured_us = received_us
        if again:
            # What was known before holds still, but for the drift since.
            both_low_us, both_high_us = max(low_us, self._low_us - apart_us), min(high_us, self._high_us + apart_us)
            if both_low_us <= both_high_us:
                self._low_us, self._high_us = both_low_us, both_high_us
                return False
        self._low_us, self._high_us = low_us, high_us
        return again

    def _apart_us(self, now_us: int) -> int:
        return 0 if self._measured_us is None else int(abs(now_us - self._measured_us) * DRIFT)
