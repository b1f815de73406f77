"""Where `topics tail` begins, from what was typed."""

from __future__ import annotations

import pytest

from tapeline.cli.tail_plan import Plan, Where, time_us, where
from tapeline.errors import Misconfigured
from tapeline.runtime.kafka import FromTime

NOW_US = 1_790_000_000_000_000


@pytest.mark.parametrize(
    ("plan", "begin"),
    [
        (Plan(topic="t"), "end"),
        (Plan(topic="t", count=5), "newest"),
        (Plan(topic="t", count=5, wait=False), "newest"),
        (Plan(topic="t", wait=False), "beginning"),
        (Plan(topic="t", start="beginning", count=5), "beginning"),
        (Plan(topic="t", start="end", count=5), "end"),
        (Plan(topic="t", start="10m"), FromTime(NOW_US - 600_000_000)),
    ],
)
def test_the_place_follows_from_count_start_and_wait(plan: Plan, begin: Where) -> None:
    assert where(plan, NOW_US) == begin


@pytest.mark.parametrize(
    ("text", "us"),
    [
        ("30s", NOW_US - 30_000_000),
        ("2h", NOW_US - 7_200_000_000),
        ("1d", NOW_US - 86_400_000_000),
        ("2026-01-31T12:00", 1_769_860_800_000_000),
        ("2026-01-31T12:00:00.000001Z", 1_769_860_800_000_001),
        ("2026-01-31T14:00:00+02:00", 1_769_860_800_000_000),
    ],
)
def test_ages_and_times_are_microseconds_utc(text: str, us: int) -> None:
    assert time_us(text, NOW_US) == us


@pytest.mark.parametrize("text", ["yesterday", "10", "-5m", ""])
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(Misconfigured, match="is no place in a topic: use beginning, end, an age like 10m or 2h"):
        time_us(text, NOW_US)
