"""Each way in which a network breaks, as bytes and times; and that no stream goes on behind a hole."""

from __future__ import annotations

from math import inf

import pytest

from simulator import chance
from tests.support.network_faults import (
    CLEAR,
    Bandwidth,
    Blackhole,
    Hold,
    Latency,
    LostAnswer,
    Mode,
    Renamer,
    Reset,
    Slice,
    Wire,
)

REAL = b"\x09127.0.0.1" + (19_092).to_bytes(4, "big")
TOLD = b"\x09127.0.0.1" + (29_092).to_bytes(4, "big")


def wire(mode: Mode = CLEAR) -> Wire:
    return Wire(chance.stream(3, "network"), mode)


def framed(*bodies: bytes) -> bytes:
    return b"".join(len(body).to_bytes(4, "big") + body for body in bodies)


def test_a_clear_network_passes_on_at_once_each_way() -> None:
    one = wire()
    one.take("request", b"ask", 1.0)
    one.take("answer", b"told", 1.0)
    assert (one.ready("request", 1.0), one.ready("answer", 1.0), one.due_s("request")) == ([b"ask"], [b"told"], inf)


def test_latency_keeps_the_order_whatever_the_jitter() -> None:
    one = wire(Latency(delay_s=0.5, jitter_s=1.0))
    for number in range(20):
        one.take("request", bytes([number]), 0.0)
    assert one.ready("request", 0.49) == []
    assert 0.5 <= one.due_s("request") <= 1.5
    assert b"".join(one.ready("request", 1.5)) == bytes(range(20))


def test_what_a_black_hole_swallowed_ends_the_connection_when_it_heals() -> None:
    one, idle = wire(Blackhole()), wire(Blackhole())
    one.take("request", b"lost", 0.0)
    assert (one.ready("request", 9.0), one.swallowed, one.broken) == ([], 4, False)
    for each in (one, idle):
        each.change(CLEAR, 9.0)
        each.take("request", b"next", 9.0)
    assert (one.broken, one.ready("request", 9.0)) == (True, [])
    assert (idle.broken, idle.ready("request", 9.0)) == (False, [b"next"])


def test_what_was_held_comes_late_and_whole() -> None:
    one = wire(Hold())
    one.take("request", b"a", 0.0)
    one.take("request", b"b", 1.0)
    assert (one.ready("request", 100.0), one.due_s("request")) == ([], inf)
    one.change(CLEAR, 100.0)
    one.take("request", b"c", 100.0)
    assert (one.ready("request", 100.0), one.broken) == ([b"a", b"b", b"c"], False)


def test_a_reset_breaks_what_is_and_what_comes() -> None:
    old, new = wire(), wire(Reset())
    old.take("request", b"a", 0.0)
    old.change(Reset(), 0.0)
    assert (old.broken, old.ready("request", 0.0), new.broken) == (True, [], True)


def test_slices_are_small_and_together_what_was_sent() -> None:
    one = wire(Slice(most=3))
    one.take("answer", bytes(range(200)), 0.0)
    pieces = one.ready("answer", 0.0)
    assert (b"".join(pieces), {len(piece) for piece in pieces}) == (bytes(range(200)), {1, 2, 3})


def test_bandwidth_makes_each_wait_for_those_before_it() -> None:
    one = wire(Bandwidth(bytes_per_s=100))
    one.take("answer", bytes(50), 0.0)
    one.take("answer", bytes(100), 0.0)
    assert (one.ready("answer", 0.49), one.due_s("answer")) == ([], 0.5)
    assert (one.ready("answer", 0.5), one.due_s("answer")) == ([bytes(50)], 1.5)


def test_a_lost_answer_comes_after_the_request_has_arrived() -> None:
    one = wire(LostAnswer())
    one.take("request", b"work", 0.0)
    assert one.ready("request", 0.0) == [b"work"]
    one.take("answer", b"done", 1.0)
    assert (one.ready("answer", 1.0), one.broken, one.swallowed) == ([], True, 4)


def test_of_answers_that_are_lost_by_chance_the_others_come() -> None:
    one = wire(LostAnswer(chance=0.2))
    came = 0
    while not one.broken:
        one.take("answer", b"x", 0.0)
        came += len(one.ready("answer", 0.0))
    assert came > 0


@pytest.mark.parametrize("size", range(1, 40))
def test_an_address_is_renamed_wherever_it_is_torn(size: int) -> None:
    said = framed(b"", b"brokers " + REAL + b" and " + REAL, b"no address 1", b"\x09127.0.0.1" + bytes(4))
    renamer = Renamer("127.0.0.1", 19_092, 29_092)
    told = [renamer.take(said[at : at + size]) for at in range(0, len(said), size)]
    assert b"".join(told) == said.replace(REAL, TOLD)


def test_nothing_is_kept_back_at_the_end_of_an_answer() -> None:
    renamer = Renamer("127.0.0.1", 19_092, 29_092)
    said = framed(b"ends like the beginning of an address: 127.0")
    assert renamer.take(said[:-1]) == said[:-5]
    assert renamer.take(said[-1:]) == said[-5:]
