"""Sentences of an audit: a few of each kind, the rest are counted."""

from __future__ import annotations

from simulator.audit.findings import MOST_TOLD, Findings, between
from tests.unit.simulator.audit.run import at, told


def test_a_few_of_each_kind_are_said_and_the_rest_counted() -> None:
    findings = Findings()
    for number in range(MOST_TOLD + 3):
        findings.say("lost", f"lost {number}")
        if number < 2:
            findings.say("value", f"value {number}")
    assert findings.problems() == (
        "lost 0", "value 0", "lost 1", "value 1", *(f"lost {number}" for number in range(2, MOST_TOLD)),
        "and 3 more of this kind: lost",
    )  # fmt: skip


def test_a_stretch_of_time_in_words() -> None:
    assert [between(at(1), at(1)), between(at(1), at(2)), between(at(1), None)] == [
        f"at {told(1)}", f"from {told(1)} to {told(2)}", f"from {told(1)} on",
    ]  # fmt: skip
