"""X-05: an answer speaks for what it names, by number or by stream, and for that once."""

from __future__ import annotations

import pytest

from producers.asked import ANSWER_US, Asked
from producers.pool import Slot
from tapeline.venues.contract import Answer, Ask, StreamChannel, Want

ONE, OTHER = Slot("public", 1), Slot("public", 2)


def want(channel: StreamChannel, native: str) -> Want:
    return Want(channel=channel, native=native)


BOOK, TRADE, ETH = want("book", "BTC"), want("trade", "BTC"), want("trade", "ETH")


def asked() -> Asked:
    """Return what is open after two requests on one socket and one on another."""
    found = Asked()
    found.put(ONE, [ask(1, BOOK, TRADE), ask(2, ETH)])
    found.put(OTHER, [ask(3, TRADE)])
    return found


def ask(number: int, *wants: Want) -> Ask:
    return Ask(socket="public", request_id=number, wants=wants, frame=b"")


@pytest.mark.parametrize(
    ("answer", "wants"),
    [
        (Answer(request_id=1), (BOOK, TRADE)),
        (Answer(request_id=1, streams=(("trade", "BTC"),)), (TRADE,)),
        (Answer(request_id=1, streams=(("trade", "ETH"),)), ()),
        (Answer(request_id=9), ()),
        (Answer(request_id=9, streams=(("trade", "BTC"),)), ()),
        (Answer(request_id=None), ()),
        (Answer(request_id=None, streams=(("trade", "ETH"), ("book", "BTC"))), (ETH, BOOK)),
        (Answer(request_id=None, streams=(("trade", None), ("trade", None), ("trade", None))), (TRADE, ETH)),
        (Answer(request_id=None, streams=(("funding", None),)), ()),
    ],
)
def test_an_answer_speaks_for_what_it_names(answer: Answer, wants: tuple[Want, ...]) -> None:
    open_ = asked()
    assert open_.answered(ONE, answer) == wants
    assert open_.answered(ONE, answer) == ()


def test_the_rest_of_a_request_still_waits() -> None:
    open_ = asked()
    open_.answered(ONE, Answer(request_id=None, streams=(("book", "BTC"),)))
    assert open_.answered(ONE, Answer(request_id=1)) == (TRADE,)


def test_what_a_lost_connection_was_asked_is_forgotten() -> None:
    open_ = asked()
    open_.forget(ONE)
    assert [open_.answered(OTHER, Answer(request_id=number)) for number in (1, 2, 3)] == [(), (), (TRADE,)]


def test_what_was_asked_of_an_instrument_that_was_dropped_is_forgotten() -> None:
    open_ = asked()
    open_.forget_instrument("BTC")
    assert [open_.answered(ONE, Answer(request_id=number)) for number in (1, 2, 3)] == [(), (ETH,), ()]


def test_x_05_a_socket_that_owes_an_answer_for_too_long_is_named_once() -> None:
    open_ = asked()
    assert open_.late(ANSWER_US * 9) == (), "what has not gone out yet is not late"
    open_.sent(1, 5)
    open_.sent(3, 6)
    open_.sent(9, 6)
    open_.sent(None, 6)
    assert open_.late(5 + ANSWER_US) == ()
    _ = open_.answered(ONE, Answer(request_id=1, streams=(("trade", "BTC"),)))
    # What is left of the first is a book, which its own feed watches.
    assert open_.late(7 + ANSWER_US) == (OTHER,)
    assert open_.late(9 + ANSWER_US) == ()
    assert open_.answered(ONE, Answer(request_id=1)) == (BOOK,)
