"""Frames as clients get them: whole, in the order of their fields, with numbers as texts that lose no digit."""

from __future__ import annotations

import json

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from gateway import frames, views
from gateway.client import Event, Owed
from gateway.frames import Shown
from gateway.interest import Interest
from gateway.state import State
from tapeline.domain.spread import Spread
from tests.unit.gateway.samples import (
    NOW_US,
    Json,
    alert,
    beat,
    book,
    gap,
    plain_view,
    seen,
    seen_process,
    seen_spread,
    spread,
)

HEAD: Json = {"at_us": NOW_US}


def told(event: Event) -> Json:
    """Return a frame as JSON; its type is that of the event."""
    frame: Json = json.loads(event.frame)
    assert list(frame)[:2] == ["type", "at_us"]
    assert frame.pop("type") == event.kind
    return frame


def known() -> tuple[State, Spread]:
    """Return a state with two books, their spread and a process."""
    state, one, other = State(), book(), book(venue="okx")
    of = spread(one, other)
    for leg in (one, other):
        state.take_book(leg, NOW_US)
    state.take_spread(of)
    state.take_heartbeat(beat(), NOW_US)
    return state, of


def test_a_08_the_first_frame_holds_all_that_is_known() -> None:
    state, of = known()
    assert told(frames.initial_state(state, Interest(), NOW_US)) == HEAD | {
        "books": [seen(book()), seen(book(venue="okx"))],
        "spreads": [seen_spread(of)],
        "processes": [seen_process(beat(), 0.0)],
    }
    assert told(frames.initial_state(State(), Interest(), NOW_US)) == HEAD | {
        "books": [],
        "spreads": [],
        "processes": [],
    }


def test_the_first_frame_holds_what_a_client_has_asked_for_meanwhile() -> None:
    state, _ = known()
    found = told(frames.initial_state(state, Interest(kinds=frozenset({"book"}), depth=1), NOW_US + 3_000_000))
    assert (found["books"][0], found["spreads"]) == (seen(book(), "stale", depth=1), [])


def test_a_book_is_cut_for_each_client_and_tells_what_was_skipped() -> None:
    shown = Shown(book(), "valid")
    for depth in (1, 20, 1):
        wanted = HEAD | {"skipped": 4, "book": seen(book(), depth=min(depth, 2))}
        assert told(frames.update(Owed(shown, 4), depth, NOW_US)) == wanted
    assert shown.body(1) is shown.body(1)


def test_a_spread_is_told_whole() -> None:
    of = spread(book(), book(venue="okx"))
    shown = Shown(of, "stale")
    assert shown.key == "BTC/USDT|bybit:futures|okx:futures"
    wanted = HEAD | {"skipped": 0, "spread": seen_spread(of, "stale")}
    assert told(frames.update(Owed(shown, 0), 20, NOW_US)) == wanted


def test_gaps_alerts_and_heartbeats_are_told_whole() -> None:
    assert told(frames.gap(gap(), NOW_US)) == HEAD | {"gap": msgspec.to_builtins(gap())}
    assert told(frames.alert(alert(), NOW_US)) == HEAD | {"alert": msgspec.to_builtins(alert())}
    late = {"at_us": NOW_US + 15_000_001, "process": seen_process(beat(), 15.0, "offline")}
    assert told(frames.heartbeat(beat(), NOW_US + 15_000_001)) == late


def test_answers_and_the_state_of_the_broker() -> None:
    """A-10: the two events have these names."""
    wish = Interest(kinds=frozenset({"gap", "book"}), symbols=frozenset({"E/F", "B/C", "A/B", "D/E", "C/D"}), depth=3)
    asked = {"subscribe": ["book", "gap"], "symbols": ["A/B", "B/C", "C/D", "D/E", "E/F"], "depth": 3}
    assert told(frames.subscribed(wish, NOW_US)) == HEAD | asked
    assert told(frames.subscribed(Interest(), NOW_US))["symbols"] is None
    assert told(frames.mistake("no", NOW_US)) == HEAD | {"message": "no"}
    lost = told(frames.bus_lost(NOW_US))
    assert lost == HEAD | {"event": "BUS_DISCONNECTED", "message": lost["message"]}
    assert told(frames.bus_back(NOW_US)) == HEAD | {"event": "BUS_RECONNECTED"}


LEVELS = st.lists(st.tuples(st.floats(1e-9, 1e9), st.floats(0, 1e9)), max_size=30)


@given(LEVELS, LEVELS, st.integers(1, 40), st.sampled_from([0, 20]), st.sampled_from([None, {"other": "1"}]))
def test_no_digit_of_a_level_is_lost(
    bids: list[tuple[float, float]],
    asks: list[tuple[float, float]],
    depth: int,
    own: int,
    exact: dict[str, str] | None,
) -> None:
    sides: Json = {
        f"{side}_{column}": tuple(level[at] for level in levels)
        for side, levels in (("bid", bids), ("ask", asks))
        for at, column in enumerate(("prices", "quantities"))
    }
    found = plain_view(views.book(book(depth=own, exact=exact, **sides), "valid", depth))
    assert [(float(price), float(quantity)) for price, quantity in found["bids"]] == bids[:depth]
    assert [(float(price), float(quantity)) for price, quantity in found["asks"]] == asks[:depth]
    assert found["depth"] == (min(depth, own) if own else depth)
