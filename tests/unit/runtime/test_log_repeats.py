"""A library that repeats itself is written down once in a while; our own lines always."""

from __future__ import annotations

import logging

import pytest

from tapeline.runtime import clock
from tapeline.runtime.log_repeats import QUIET_S, Repeats, quieted


class Hand:
    """A clock whose hand the test moves."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def hand(monkeypatch: pytest.MonkeyPatch) -> Hand:
    found = Hand()
    monkeypatch.setattr(clock, "monotonic_s", found)
    return found


def record(name: str, text: str, *arguments: object) -> logging.LogRecord:
    return logging.LogRecord(name, logging.ERROR, "file.py", 1, text, arguments, None)


def said(repeats: Repeats, name: str, text: str, *arguments: object) -> tuple[bool, int]:
    made = record(name, text, *arguments)
    passed = repeats.filter(made)
    return passed, getattr(made, "repeated", 0)


def test_a_library_is_heard_once_in_a_while_with_the_number_of_what_was_held(hand: Hand) -> None:
    repeats = Repeats()
    first = said(repeats, "aiokafka.conn", "no connection to %s", "a:1")
    again = [said(repeats, "aiokafka.conn", "no connection to %s", f"a:{number}") for number in range(3)]
    other = said(repeats, "aiokafka.conn", "group has moved")
    hand.now_s = QUIET_S
    later = said(repeats, "aiokafka.conn", "no connection to %s", "a:1")
    after = said(repeats, "aiokafka.conn", "no connection to %s", "a:1")
    assert [first, *again, other, later, after] == [
        (True, 0), (False, 0), (False, 0), (False, 0), (True, 0), (True, 3), (False, 0),
    ]  # fmt: skip


def test_our_own_lines_always_pass(hand: Hand) -> None:
    del hand
    repeats = Repeats()
    assert [said(repeats, name, "order sent") for name in ("tapeline", "tapeline.runtime.x") * 2] == [(True, 0)] * 4


def test_texts_that_never_repeat_do_not_fill_the_memory(hand: Hand) -> None:
    del hand
    repeats = Repeats()
    assert all(said(repeats, "library", f"number {number}") == (True, 0) for number in range(2500))
    assert len(repeats._said) <= 1000  # noqa: SLF001 - the bound is the promise, and it shows nowhere else


def test_the_handlers_of_another_are_quietened_for_a_while(hand: Hand) -> None:
    del hand
    other = logging.NullHandler()
    root = logging.getLogger()
    root.addHandler(other)
    try:
        with quieted():
            asked = [bool(other.filter(record("faust.worker", "no broker"))) for _ in range(2)]
        assert (asked, other.filters) == ([True, False], [])
    finally:
        root.removeHandler(other)
