"""Time is integer microseconds UTC (X-09); randomness has one owner too."""

from __future__ import annotations

import re

import pytest

from tapeline.runtime import clock, entropy


@pytest.mark.parametrize(
    ("at_us", "text", "day"),
    [
        (0, "1970-01-01T00:00:00.000000Z", "19700101"),
        (1, "1970-01-01T00:00:00.000001Z", "19700101"),
        (1_709_251_199_999_999, "2024-02-29T23:59:59.999999Z", "20240229"),
        (1_709_251_200_000_000, "2024-03-01T00:00:00.000000Z", "20240301"),
        (253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z", "99991231"),
    ],
)
def test_a_time_is_written_in_utc_to_the_microsecond(at_us: int, text: str, day: str) -> None:
    assert (clock.iso(at_us), clock.day(at_us)) == (text, day)


def test_wall_time_is_an_integer_of_microseconds() -> None:
    assert isinstance(clock.now_us(), int)
    assert "2024" < clock.iso(clock.now_us()) < "2100"


def test_monotonic_time_never_goes_back() -> None:
    readings = [clock.monotonic_s() for _ in range(100)]
    assert readings == sorted(readings)


def test_ids_are_unique_and_are_trace_ids() -> None:
    ids = {entropy.new_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(re.fullmatch(r"[0-9a-f]{32}", one) for one in ids)


def test_tokens_are_unique_and_safe_in_urls() -> None:
    tokens = {entropy.token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(re.fullmatch(r"[A-Za-z0-9_\-]{43}", one) for one in tokens)


def test_jitter_shortens_by_at_most_a_quarter() -> None:
    found = [entropy.jitter(8.0) for _ in range(500)]
    assert min(found) >= 6.0
    assert max(found) <= 8.0
    assert len({round(one, 3) for one in found}) > 100
