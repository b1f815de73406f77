"""What is stored is known exactly within a span of time; outside of it a look-up is asked for, never a guess made."""

from __future__ import annotations

import pytest

from sinks.known import MARGIN_US, Group, Key, Known

G: Group = ("bybit", "spot", "BTC/USDT")
H: Group = ("okx", "spot", "BTC/USDT")
T = 10**12


def key(identity: object, at: int, group: tuple[str, ...] = G) -> Key:
    return Key(group, str(identity), T + at)


def test_an_unknown_group_is_looked_up_a_little_before_its_first_record() -> None:
    known = Known()
    keys = [key("a", 5), key("b", 3), key("x", 9, H)]
    assert known.wanted(keys) == {G: T + 3 - MARGIN_US, H: T + 9 - MARGIN_US}
    with pytest.raises(RuntimeError, match="not looked up"):
        known.fresh(keys)


def test_what_is_stored_and_what_comes_twice_is_not_fresh() -> None:
    known = Known()
    keys = [key("a", 1), key("b", 2), key("b", 2), key("c", 3), key("a", 1, H)]
    assert known.loaded(known.wanted(keys), [key("a", 1)], limit=10)
    assert known.fresh(keys) == [False, True, False, True, True]
    known.stored(keys)
    assert known.fresh(keys) == [False] * 5


def test_an_answer_that_was_cut_off_is_gone_on_with() -> None:
    known = Known()
    keys = [key("a", 1), key("d", 40)]
    assert known.loaded(known.wanted(keys), [key("a", 1), key("b", 20)], limit=2)
    assert known.wanted(keys) == {G: T + 20}
    assert known.loaded(known.wanted(keys), [key("b", 20), key("d", 40)], limit=2)
    assert known.wanted(keys) == {G: T + 40}
    assert known.loaded(known.wanted(keys), [key("d", 40)], limit=2)
    assert known.wanted(keys) == {}
    assert known.fresh(keys) == [False, False]


def test_many_of_one_time_are_asked_for_with_a_higher_limit() -> None:
    known = Known()
    keys = [key("a", 1)]
    asked = {G: T + 1}
    assert known.loaded(asked, [key("a", 1), key("b", 1)], limit=2) is False
    assert known.wanted(keys) == {G: T + 1 - MARGIN_US}
    assert known.loaded(asked, [key("a", 1), key("b", 1)], limit=4) is True
    assert known.wanted(keys) == {}


def test_the_oldest_are_forgotten_and_asked_for_again() -> None:
    known = Known(limit=2)
    keys = [key(number, number) for number in range(5)]
    assert known.loaded(known.wanted(keys), [], limit=9)
    known.stored(keys)
    assert len(known) == 2
    assert known.wanted(keys[3:]) == {}
    assert known.wanted(keys[2:3]) == {G: T + 2 - MARGIN_US}
    assert known.loaded({G: T + 2}, [key(2, 2), key(3, 3)], limit=2)
    assert known.fresh(keys[2:]) == [False] * 3


def test_the_groups_used_last_are_kept() -> None:
    known = Known(groups=1)
    keys = [key("a", 1), key("a", 1, H)]
    assert known.loaded(known.wanted(keys), [], limit=9)
    known.stored(keys[:1])
    assert known.wanted(keys) == {H: T + 1 - MARGIN_US}
