"""X-07: whatever is asked and whenever, no window ever holds more than its bucket."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tapeline.runtime.limiter import Bucket, TokenBucket

WINDOW_S = 60
calls = st.lists(
    st.tuples(st.integers(0, 90), st.integers(1, 6), st.booleans(), st.sampled_from([0, 20, None])), max_size=60
)


@given(calls, st.integers(0, 4))
def test_x_07_no_window_holds_more_than_the_bucket(
    asked: list[tuple[int, int, bool, float | None]], reserved: int
) -> None:
    bucket = TokenBucket(Bucket(max_tokens=10, window_s=WINDOW_S, reserved=reserved))
    now_s = 0
    spent: list[tuple[float, int, bool]] = []
    for pause_s, tokens, urgent, max_wait_s in asked:
        now_s += pause_s
        told_s = bucket.wait_s(tokens, now_s, urgent=urgent)
        booked = bucket.book(tokens, now_s, max_wait_s=max_wait_s, urgent=urgent)
        assert (booked is None) == (max_wait_s is not None and told_s > max_wait_s)
        if booked is not None:
            assert booked.at_s == now_s + told_s
            spent.append((booked.at_s, tokens, urgent))
    for begin_s, _, _ in spent:
        inside = [one for one in spent if begin_s <= one[0] < begin_s + WINDOW_S]
        assert sum(tokens for _, tokens, _ in inside) <= 10
        assert sum(tokens for _, tokens, urgent in inside if not urgent) <= 10 - reserved
