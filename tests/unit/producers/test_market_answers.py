"""X-05: what the venue answers to what was asked on a socket, and what follows when it never does."""

from __future__ import annotations

from producers.actions import Answered, Refused, Reopen, Send
from tests.unit.producers.test_market import SLOT, WANTS, Market, S, frame


def test_a_refusal_and_a_pong_are_for_the_shell() -> None:
    market = Market()
    market.feed.connected(SLOT, WANTS, S)
    refusal = frame(success=False, ret_msg="error:handler not found", op="subscribe", req_id="1")
    assert market.feed.frame(SLOT, refusal, S) == [Refused(WANTS, "error:handler not found")]
    pong = frame(success=True, ret_msg="pong", op="ping", req_id="9")
    assert market.feed.frame(SLOT, pong, S) == [Answered(SLOT)]


def test_x_05_a_subscription_that_is_never_answered_gives_the_socket_up() -> None:
    market = Market()
    (asked,) = market.feed.connected(SLOT, WANTS, 1 * S)
    assert isinstance(asked, Send)
    market.feed.sent(asked, 2 * S)
    late = Reopen(SLOT, "no answer to a subscription")
    assert [[one for one in market.feed.tick(at * S) if isinstance(one, Reopen)] for at in (12, 13, 14)] == [
        [],
        [late],
        [],
    ]
