"""X-07: a socket sends at half of the venue's rate, or as far apart as the venue wants each message."""

from __future__ import annotations

from producers.link import sends
from tapeline.runtime.limiter import Bucket
from tapeline.venues.binance import SPOT as BINANCE
from tapeline.venues.htx import SPOT as HTX
from tapeline.venues.okx import SPOT as OKX


def test_x_07_a_socket_sends_at_half_of_the_rate() -> None:
    assert BINANCE.facts.limits.messages_per_s == 5
    assert sends(BINANCE.facts.limits) == Bucket(max_tokens=2, window_s=1.0, reserved=1)


def test_x_07_requests_that_must_be_apart_are_never_sent_in_one_go() -> None:
    assert sends(HTX.facts.limits) == Bucket(max_tokens=1, window_s=0.12)


def test_of_a_seldom_rate_one_is_left_for_our_pings() -> None:
    assert sends(OKX.facts.limits) == Bucket(max_tokens=3, window_s=2.0, reserved=1)
