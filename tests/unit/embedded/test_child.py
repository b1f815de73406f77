"""What a child is doing, as a literal table, and how long it waits before it is started again."""

from __future__ import annotations

import pytest

from infra.embedded import child
from infra.embedded.child import TRANSITIONS, Event
from tapeline.runtime.runfile import ProcessState

STATES: tuple[ProcessState, ...] = ("stopped", "starting", "running", "restarting", "failed")
EVENTS: tuple[Event, ...] = ("spawned", "answered", "died", "gave_up", "stopped")
LEGAL = {
    ("stopped", "spawned"): "starting",
    ("stopped", "gave_up"): "failed",
    ("stopped", "stopped"): "stopped",
    ("starting", "answered"): "running",
    ("starting", "died"): "restarting",
    ("starting", "gave_up"): "failed",
    ("starting", "stopped"): "stopped",
    ("running", "died"): "restarting",
    ("running", "stopped"): "stopped",
    ("restarting", "spawned"): "starting",
    ("restarting", "gave_up"): "failed",
    ("restarting", "stopped"): "stopped",
    ("failed", "stopped"): "stopped",
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("event", EVENTS)
def test_every_pair_of_state_and_event(state: ProcessState, event: Event) -> None:
    assert TRANSITIONS[state].get(event) == LEGAL.get((state, event))


def test_the_first_start_again_is_at_once_then_each_waits_longer() -> None:
    assert [child.delay_before(deaths) for deaths in range(10)] == [0, 0, 1, 2, 4, 8, 16, 30, 30, 30]


@pytest.mark.parametrize(
    ("lines", "wrong"),
    [
        ([], "nothing"),
        (["one", "two"], "two"),
        (
            [
                "2026-11-21 03:35:26.489 UTC [20976] FATAL:  no such file",
                "2026-11-21 03:35:26.490 UTC [20976] LOG:  bye",
            ],
            "FATAL:  no such file",
        ),
        (["x.SomeException: no room", "\tat x.y(Error.java:1)"], "x.SomeException: no room"),
        (["2026-11-21T03:23:24.215Z ERROR Server no room", "  at x"], "ERROR Server no room"),
        (["Error " + "x" * 1000], "Error " + "x" * 294),
    ],
)
def test_the_complaint_is_found_in_what_a_program_says(lines: list[str], wrong: str) -> None:
    assert child.what_is_wrong(lines) == wrong
