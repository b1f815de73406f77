"""Which frames are compared with the protocol and what is news: the first, then one a minute; told once an hour."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from producers.drifting import AGAIN_US, LOOK_US, MOST_TOLD, US_PER_S, News, Samples
from tapeline.domain.book import BookDelta
from tapeline.venues.contract import Answer, Event, FundingUpdate, Pong, PublicTrade, Unexpected
from tapeline.venues.drift import Drift

DELTA = BookDelta(
    native="A",
    follows=0,
    first=1,
    sequence=1,
    bid_prices=(),
    bid_quantities=(),
    ask_prices=(),
    ask_quantities=(),
    received_us=1,
)
TRADE = PublicTrade(native="A", trade_id="1", price=1, quantity=1, side="buy", venue_us=1, received_us=1)
RATE = FundingUpdate(native="A", whole=False, rate=0.1, received_us=1)
MARK = FundingUpdate(native="A", whole=False, mark_price=1.0, received_us=1)
NEW = Drift("book", "unknown", "data.new")


def looked(samples: Samples, now_us: int, *heard: tuple[Event, ...]) -> list[bool]:
    return [samples.due(one, now_us) for one in heard]


def test_the_first_frame_of_each_channel_then_one_a_minute() -> None:
    samples = Samples()
    each = ((DELTA,), (TRADE,), (RATE,), (MARK,), (Unexpected(kind="x"),))
    assert looked(samples, 1, *each, *each) == [True] * 5 + [False] * 5
    assert looked(samples, LOOK_US, *each) == [False] * 5
    assert looked(samples, LOOK_US + 1, *each, *each) == [True] * 5 + [False] * 5


def test_after_a_subscription_each_channel_is_looked_at_again() -> None:
    samples = Samples()
    assert looked(samples, 1, (DELTA,), (DELTA,)) == [True, False]
    samples.begin()
    assert looked(samples, 2, (DELTA,), (DELTA,)) == [True, False]


def test_answers_and_pings_are_not_compared_but_an_answer_that_names_nothing_is() -> None:
    samples = Samples()
    assert looked(samples, 1, (), (Pong(),), (Answer(request_id=1),), (Answer(request_id=None, error="no"),)) == [
        False, False, False, False,
    ]  # fmt: skip
    assert looked(samples, 1, (Answer(request_id=None),), (Answer(request_id=None),)) == [True, False]


def test_of_broken_frames_one_a_second_is_looked_at() -> None:
    samples = Samples()
    assert [samples.broken_due(at_us) for at_us in (1, 2, US_PER_S, US_PER_S + 1)] == [True, False, False, True]


def test_what_was_told_is_news_again_after_an_hour_and_not_before() -> None:
    news = News()
    assert news.fresh((NEW, NEW), 1) == (NEW,)
    assert news.fresh((NEW, Drift("trade", "unknown", "data.new")), 2) == (Drift("trade", "unknown", "data.new"),)
    assert news.fresh((NEW,), AGAIN_US) == ()
    assert news.fresh((NEW,), AGAIN_US + 1) == (NEW,)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, AGAIN_US // 10)), max_size=200))
def test_within_any_hour_no_more_than_so_many_are_told_and_none_twice(heard: list[tuple[int, int]]) -> None:
    news, told, now_us = News(), list[tuple[int, Drift]](), 0
    for number, later_us in heard:
        now_us += later_us
        told += [(now_us, one) for one in news.fresh((Drift("book", "unknown", str(number)),), now_us)]
        within = [one for at_us, one in told if now_us - at_us < AGAIN_US]
        assert len(within) == len(set(within)) <= MOST_TOLD
