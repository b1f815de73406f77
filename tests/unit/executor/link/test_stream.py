"""When a private stream is open, what is due when, and what ends it."""

from __future__ import annotations

from math import inf

import pytest

from executor.link.stream import ANSWER_WITHIN_S, Handshake, StreamOver, Times
from executor.link.tradings import trading
from tapeline.venues.account import StreamAnswer
from tapeline.venues.orders import Opening
from tapeline.venues.refusals import Reason, Refused

NO = Refused(reason=Reason.BAD_REQUEST, text="no")
LOGIN = StreamAnswer(step="login", request_id=1)
SUBSCRIBED = StreamAnswer(step="subscribe", request_id=2)
REFUSED = StreamAnswer(step="subscribe", request_id=3, refused=NO)
WITH_LOGIN = Opening(url="ws://x", login=b"login", subscribe=(b"orders", b"switch"))


def test_a_stream_without_login_and_subscription_is_open_at_once() -> None:
    shaken = Handshake(Opening(url="ws://x?key"), optional=False)
    assert (shaken.begin(), shaken.is_open) == ((), True)


def test_subscriptions_follow_the_login_once_and_open_the_stream_when_each_is_answered() -> None:
    shaken = Handshake(WITH_LOGIN, optional=False)
    assert shaken.begin() == (b"login",)
    assert shaken.heard(LOGIN) == (b"orders", b"switch")
    assert shaken.heard(LOGIN) == ()
    assert not shaken.is_open
    assert shaken.heard(SUBSCRIBED) == ()
    assert not shaken.is_open
    assert shaken.heard(SUBSCRIBED) == ()
    assert shaken.is_open


def test_a_login_that_is_refused_ends_it() -> None:
    with pytest.raises(StreamOver, match="the login was refused: bad_request: no"):
        Handshake(WITH_LOGIN, optional=True).heard(StreamAnswer(step="login", request_id=1, refused=NO))


def test_only_the_last_subscription_may_be_refused_and_only_where_it_asks_for_the_switch() -> None:
    shaken = Handshake(WITH_LOGIN, optional=True)
    shaken.heard(LOGIN)
    shaken.heard(SUBSCRIBED)
    assert (shaken.heard(REFUSED), shaken.is_open) == ((), True)
    for optional, request_id in ((False, 3), (False, None), (True, 2), (True, None)):
        again = Handshake(WITH_LOGIN, optional=optional)
        again.heard(LOGIN)
        with pytest.raises(StreamOver, match="the subscription was refused"):
            again.heard(StreamAnswer(step="subscribe", request_id=request_id, refused=NO))


def test_what_is_due_follows_from_the_facts_of_the_stream() -> None:
    assert Times.of(trading("bybit", "futures").facts.stream, 100.0) == Times(open_by_s=110.0, ping_at_s=105.0)
    assert Times.of(trading("binance", "spot").facts.stream, 100.0) == Times(open_by_s=110.0, end_at_s=86_440.0)
    assert Times.of(trading("binance", "futures").facts.stream, 100.0) == Times(
        open_by_s=110.0, renew_at_s=1_900.0, end_at_s=86_440.0
    )


@pytest.mark.parametrize("name", ["open_by_s", "pong_by_s", "end_at_s"])
def test_a_time_that_is_over_ends_the_stream(name: str) -> None:
    times = Times(open_by_s=inf)
    setattr(times, name, 50.0)
    assert times.next_s() == 50.0
    times.check(49.9)
    with pytest.raises(StreamOver):
        times.check(50.0)
    assert ANSWER_WITHIN_S > 1
