"""Limits of venues: weight in fixed windows, then 429, then a ban; messages and connections in sliding ones."""

from __future__ import annotations

from collections import deque

from simulator.limits import RestLimits, Verdict, Weights, within

MINUTE_US = 60_000_000


def test_weight_is_counted_until_the_minute_is_over() -> None:
    weights = Weights(RestLimits(weight=100, window_s=60))
    assert weights.spend(60, 5_000_000) == Verdict(200, 60)
    assert weights.spend(40, 6_000_000) == Verdict(200, 100)
    assert weights.spend(1, 20_000_000) == Verdict(429, 101, 40)
    assert weights.spend(10, MINUTE_US) == Verdict(200, 10)


def test_who_goes_on_is_banned_beyond_the_minute() -> None:
    weights = Weights(RestLimits(weight=1, window_s=60, patience=2, ban_s=120))
    assert [weights.spend(1, number).status for number in range(4)] == [200, 429, 429, 418]
    assert weights.spend(1, MINUTE_US) == Verdict(418, 4, 61)
    assert weights.spend(1, 3 * MINUTE_US) == Verdict(200, 1)


def test_a_sliding_window_forgets() -> None:
    times: deque[float] = deque()
    assert [within(times, at_s, 1.0, 2) for at_s in (0.0, 0.1, 0.2, 1.15, 1.3)] == [True, True, False, True, True]
