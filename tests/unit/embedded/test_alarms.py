"""What a person is told about the children."""

from __future__ import annotations

import pytest

from infra.embedded import alarms
from infra.embedded.child import Change
from tapeline.runtime.runfile import ProcessRecord

PLAIN = ProcessRecord(name="kafka", state="running")
AGAIN = ProcessRecord(name="kafka", state="running", restarts=2)
DEAD = ProcessRecord(name="kafka", state="restarting", detail="exit 1, it said: no room")
SILENT = ProcessRecord(name="kafka", state="running", detail="it runs but does not answer (TimeoutError)")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (Change(event="spawned", record=AGAIN), None),
        (Change(event="answered", record=PLAIN), None),
        (Change(event="stopped", record=PLAIN), None),
        (Change(event="died", record=DEAD), None),
        (Change(event="answered", record=AGAIN), ("warning", "service_restarted", "kafka had died and answers again")),
        (
            Change(event="died", record=DEAD, delay_s=4.0),
            (
                "critical",
                "service_keeps_dying",
                "kafka keeps dying (exit 1, it said: no room); next try in 4 s",
            ),
        ),
        (
            Change(event="silent", record=SILENT),
            ("critical", "service_silent", "kafka: it runs but does not answer (TimeoutError)"),
        ),
        (Change(event="answers_again", record=PLAIN), ("info", "service_answers", "kafka answers again")),
    ],
)
def test_what_is_worth_an_alert_and_in_which_words(change: Change, told: tuple[str, str, str] | None) -> None:
    assert (alarms.words(change) if alarms.worth_an_alert(change) else None) == told
