"""The one owner of time: wall time in integer microseconds UTC for records, a monotonic clock for timeouts."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

_US_PER_S = 1_000_000
_NS_PER_US = 1_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def now_us() -> int:
    """Return the wall time in microseconds since 1970 UTC; it may jump, so never measure a duration with it."""
    return time.time_ns() // _NS_PER_US


def monotonic_s() -> float:
    """Return seconds of a clock that never jumps; only differences of two readings mean something."""
    return time.monotonic()


def iso(at_us: int) -> str:
    """Return `at_us` as ISO 8601 in UTC with all six digits of the microseconds, so that text sorts as time does."""
    return f"{_utc(at_us):%Y-%m-%dT%H:%M:%S}.{at_us % _US_PER_S:06d}Z"


def day(at_us: int) -> str:
    """Return the UTC day of `at_us` as YYYYMMDD."""
    return f"{_utc(at_us):%Y%m%d}"


def _utc(at_us: int) -> datetime:
    # Integer arithmetic: a float of seconds would round the last microsecond.
    return _EPOCH + timedelta(microseconds=at_us)
