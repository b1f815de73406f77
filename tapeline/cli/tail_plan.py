"""What `topics tail` was asked to show, checked before anything is read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from tapeline.errors import Misconfigured
from tapeline.runtime.kafka import FromTime

Where = Literal["beginning", "end", "newest"] | FromTime
"""`newest`: back from the end, as far as the asked number of records needs."""

_AGE = re.compile(r"^(\d+)(s|m|h|d)$")
_UNITS_US = {"s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One call of the command, as typed."""

    topic: str
    filters: tuple[str, ...] = ()
    count: int | None = None
    start: str | None = None
    wait: bool = True


def where(plan: Plan, now_us: int) -> Where:
    """Return where to begin.

    Without --from: the newest ones with -n or --no-wait, else only what is new.
    """
    if plan.start is None:
        return "newest" if plan.count is not None else ("end" if plan.wait else "beginning")
    if plan.start == "beginning":
        return "beginning"
    if plan.start == "end":
        return "end"
    return FromTime(time_us(plan.start, now_us))


def time_us(text: str, now_us: int) -> int:
    """Return an age (10m, 2h) or a time in ISO 8601, UTC unless it names its zone, as microseconds."""
    age = _AGE.match(text)
    if age:
        return now_us - int(age[1]) * _UNITS_US[age[2]]
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Misconfigured(
            f"--from {text!r} is no place in a topic",
            fix="use beginning, end, an age like 10m or 2h, or a UTC time like 2026-01-31T12:00",
        ) from None
    whole = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return round(whole.timestamp() * 1_000_000)
