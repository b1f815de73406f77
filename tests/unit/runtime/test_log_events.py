"""Log events stand in one catalogue: name and sentence (A-14)."""

from __future__ import annotations

import re

from tapeline.runtime.log_events import EVENTS, LogEvent


def test_every_event_has_a_name_in_capitals_and_a_sentence() -> None:
    assert len(EVENTS) == len({event.about for event in EVENTS}) > 20
    for event in EVENTS:
        assert event.value == event.name == str(event)
        assert re.fullmatch(r"[A-Z][A-Z0-9_]+", event.name)
        assert len(event.about.split()) >= 3, event.name
        assert event.category in {"", "trade"}


def test_the_names_that_operators_search_for_exist() -> None:
    """A-14 names BUS_CONNECTED; the other names of A-14 come with the parts that log them."""
    wanted = {"BUS_CONNECTED", "PROCESS_STARTED", "PROCESS_STOPPED", "DEPENDENCY_WAITING", "CHILD_RESTARTED"}
    assert {event.value for event in EVENTS} >= wanted
    assert LogEvent["BUS_CONNECTED"] is LogEvent.BUS_CONNECTED
