"""Whatever answers come when, the venue's time as we know it is never later than it is, and close when measured."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from executor.link.venue_clock import DRIFT, STEP_US, VenueClock

HOUR_US = 3_600_000_000
BEGIN_US = 1_790_000_000_000_000
ways = st.integers(0, 2_000_000)
trips = st.lists(st.tuples(st.integers(0, 60_000_000), ways, ways), min_size=1, max_size=8)


@given(trips, st.integers(-HOUR_US, HOUR_US), st.floats(-DRIFT / 2, DRIFT / 2), st.integers(0, 60_000_000))
def test_the_time_is_never_late_and_no_jump_is_seen_where_none_was(
    trips: list[tuple[int, int, int]], ahead_us: int, drift: float, later_us: int
) -> None:
    def venue_us(now_us: int) -> int:
        return now_us + ahead_us + int((now_us - BEGIN_US) * drift)

    clock, now_us = VenueClock(), BEGIN_US
    for pause_us, out_us, back_us in trips:
        sent_us = now_us + pause_us
        told_us = venue_us(sent_us + out_us) // STEP_US * STEP_US
        now_us = sent_us + out_us + back_us
        assert not clock.measured(sent_us=sent_us, received_us=now_us, venue_us=told_us)
        assert clock.now_us(now_us) <= venue_us(now_us)
    asked_us = now_us + later_us
    assert clock.now_us(asked_us) <= venue_us(asked_us)
    # As close as the quickest answer made it, but for the drift since and the venue's own rounding.
    best_us = min(out_us + back_us for _, out_us, back_us in trips)
    since_us = asked_us - BEGIN_US
    assert venue_us(asked_us) - clock.now_us(asked_us) <= best_us + STEP_US + since_us * DRIFT * 3 + 10


@given(ways, ways, st.integers(-HOUR_US, HOUR_US), st.sampled_from((-1, 1)), st.integers(0, HOUR_US))
def test_a_jump_beyond_what_the_answers_allow_is_seen_and_followed(
    out_us: int, back_us: int, ahead_us: int, sign: int, more_us: int
) -> None:
    clock, trip_us = VenueClock(), out_us + back_us
    for at_us in (BEGIN_US, BEGIN_US + 30_000_000):
        told_us = (at_us + out_us + ahead_us) // STEP_US * STEP_US
        jumped = clock.measured(sent_us=at_us, received_us=at_us + trip_us, venue_us=told_us)
        assert jumped == (at_us != BEGIN_US)
        last_us = at_us + trip_us
        assert last_us + ahead_us - trip_us - STEP_US <= clock.now_us(last_us) <= last_us + ahead_us
        ahead_us += sign * (2 * trip_us + 4 * STEP_US + 20_000 + more_us)
