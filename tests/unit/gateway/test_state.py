"""The newest of everything: what is older changes nothing, and time alone makes a book stale and a process offline."""

from __future__ import annotations

import msgspec
import pytest

from gateway import naming
from gateway.state import FORGOTTEN_AFTER_US, Books, PairKey, State, Turned, pair_key
from tests.unit.gateway.samples import (
    NOW_US,
    SYMBOL,
    Json,
    beat,
    book,
    plain_view,
    seen,
    seen_process,
    seen_spread,
    spread,
)

S = 1_000_000


def shown(state: State, at_us: int = NOW_US, depth: int = 20) -> object:
    return plain_view(state.find("bybit", "futures", SYMBOL, depth=depth, now_us=at_us))


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        pytest.param({"number": 1}, {"number": 2}, id="sequence"),
        pytest.param({"number": 9, "epoch": 1}, {"number": 1, "epoch": 2}, id="epoch"),
        pytest.param({"at_us": NOW_US - S}, {"at_us": NOW_US}, id="published again"),
    ],
)
def test_an_older_book_changes_nothing(older: Json, newer: Json) -> None:
    state, old, new = State(), book(**older), book(**newer)
    taken = [state.take_book(of, NOW_US) for of in (old, new, old, new)]
    assert (taken, shown(state)) == ([True, True, False, True], seen(new))


@pytest.mark.parametrize(
    ("age_us", "state"),
    [(0, "valid"), (2 * S, "valid"), (2 * S + 1, "stale"), (-5 * S, "valid")],
)
def test_c_20_a_book_older_than_two_seconds_is_shown_stale(age_us: int, state: str) -> None:
    known, of = State(), book()
    known.take_book(of, NOW_US)
    assert shown(known, NOW_US + age_us) == seen(of, state)


def test_what_says_that_it_is_stale_is_stale() -> None:
    known, of = State(), book(state="stale")
    known.take_book(of, NOW_US)
    assert (shown(known, depth=1), known.turned(NOW_US + 9 * S).books) == (seen(of, "stale", depth=1), ())


def test_what_was_told_to_be_stale_or_offline_is_not_told_again_by_time() -> None:
    state = State()
    for of in (book(), book(number=2, state="stale")):
        state.take_book(of, NOW_US)
    for process in (beat(), beat(at_us=NOW_US + 1, status="offline")):
        state.take_heartbeat(process, NOW_US)
    assert state.turned(NOW_US + 99 * S) == Turned((), ())


def test_what_time_has_changed_is_told_once() -> None:
    state, of, process = State(), book(), beat()
    state.take_book(of, NOW_US)
    state.take_heartbeat(process, NOW_US)
    assert state.turned(NOW_US + 2 * S) == Turned((), ())
    assert state.turned(NOW_US + 3 * S) == Turned((of,), ())
    assert state.turned(NOW_US + 15 * S) == Turned((), ())
    assert state.turned(NOW_US + 15 * S + 1) == Turned((), (process,))
    assert state.turned(NOW_US + 99 * S) == Turned((), ())
    again = book(at_us=NOW_US + 100 * S)
    state.take_book(again, NOW_US + 100 * S)
    assert state.turned(NOW_US + 103 * S) == Turned((again,), ())


def test_a_05_a_process_is_offline_after_three_missed_heartbeats_or_its_last_words() -> None:
    state = State()
    silent, gone = beat("silent"), beat("gone", status="offline")
    assert [state.take_heartbeat(of, NOW_US) for of in (silent, gone)] == [True, True]
    assert [plain_view(one) for one in state.processes(NOW_US + 15 * S)] == [
        seen_process(gone, 15.0, "offline"),
        seen_process(silent, 15.0),
    ]
    assert [one.status for one in state.processes(NOW_US + 15 * S + 1)] == ["offline", "offline"]


def test_an_older_heartbeat_changes_nothing_and_one_of_another_day_is_forgotten() -> None:
    state = State()
    newer = beat(at_us=NOW_US, lag={})
    assert [state.take_heartbeat(of, NOW_US) for of in (newer, beat(at_us=NOW_US - 1))] == [True, False]
    assert [one.lag for one in state.processes(NOW_US)] == [{}]
    assert state.processes(NOW_US + FORGOTTEN_AFTER_US + 1) == ()
    assert not State().take_heartbeat(newer, NOW_US + FORGOTTEN_AFTER_US + 1)


def test_one_spread_is_kept_of_two_instruments_whichever_is_bought() -> None:
    state, one, other = State(), book(), book(venue="okx")
    first, second = spread(one, other), spread(book(number=2, at_us=NOW_US + 1), other)
    back = msgspec.structs.replace(spread(other, one), received_us=second.received_us + 1)
    for of in (one, other):
        state.take_book(of, NOW_US)
    assert pair_key(first) == pair_key(back) == PairKey(SYMBOL, "bybit:futures", "okx:futures")
    assert [state.take_spread(of) for of in (second, first, back)] == [True, False, True]
    assert plain_view(state.find_spreads("btcusdt", NOW_US)) == [seen_spread(back)]


def test_a_spread_is_as_good_as_the_worse_of_its_books() -> None:
    state, one, other = State(), book(), book(venue="okx")
    of = spread(one, other)
    state.take_spread(of)
    assert state.spread_state(of, NOW_US) == "stale"
    for leg in (one, other):
        state.take_book(leg, NOW_US)
    assert [state.spread_state(of, NOW_US + age_us) for age_us in (0, 2 * S, 2 * S + 1)] == ["valid", "valid", "stale"]
    state.take_book(book(number=2, state="stale"), NOW_US)
    assert plain_view(state.find_spreads(SYMBOL, NOW_US)) == [seen_spread(of, "stale")]


def test_an_unknown_symbol_has_no_spreads_and_a_known_one_without_any_has_none() -> None:
    state = State()
    told = "nothing is known of 'BTCUSDT': none is known yet, try again when producers run"
    assert state.find_spreads("BTCUSDT", NOW_US) == naming.Unknown(told)
    state.take_book(book(), NOW_US)
    assert state.find_spreads("BTCUSDT", NOW_US) == ()
    told = "nothing is known of 'BTCUSDC': did you mean 'BTC/USDT'?"
    assert state.find_spreads("BTCUSDC", NOW_US) == naming.Unknown(told)


def test_b_04_books_are_counted_and_the_newest_has_an_age() -> None:
    state = State()
    assert state.count(NOW_US) == Books(valid=0, stale=0, newest_age_s=None)
    for of in (book(), book(venue="okx", at_us=NOW_US - 3 * S), book(venue="gateio", state="stale", at_us=NOW_US - S)):
        state.take_book(of, NOW_US)
    assert state.count(NOW_US + 250_000) == Books(valid=1, stale=2, newest_age_s=0.25)
    # A producer's clock that is ahead of ours gives no age below nothing.
    assert state.count(NOW_US - S) == Books(valid=2, stale=1, newest_age_s=0.0)
