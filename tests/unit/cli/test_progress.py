"""Steps without a terminal are one line each when they are over; programs see none."""

from __future__ import annotations

import io

from infra.embedded.steps import Step
from tapeline.cli.progress import Bars, watch
from tapeline.cli.render import Output

STEPS = [
    Step(step="kafka", state="started"),
    Step(step="jars", state="progress", detail="a.jar", done=1_000_000, total=2_000_000),
    Step(step="jars", state="done", detail="Kafka 4.1.2", elapsed_s=41.0),
    Step(step="kafka", state="failed", elapsed_s=0.25, error="it broke: mend it"),
    Step(step="up", state="failed", error="it broke: mend it"),
]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_each_finished_step_is_one_line_and_its_error_is_left_to_the_end() -> None:
    screen = io.StringIO()
    with watch(Output(stderr=screen)) as on_step:
        for step in STEPS:
            on_step(step)
    assert screen.getvalue() == "jars ready in 41 s (Kafka 4.1.2)\nkafka failed in 0.2 s\n"


def test_a_program_sees_no_steps() -> None:
    stdout, stderr = io.StringIO(), io.StringIO()
    with watch(Output(as_json=True, stdout=stdout, stderr=stderr)) as on_step:
        for step in STEPS:
            on_step(step)
    assert (stdout.getvalue(), stderr.getvalue()) == ("", "")


def test_a_terminal_shows_bytes_and_marks_also_in_json_mode() -> None:
    stdout, stderr = io.StringIO(), Terminal()
    with watch(Output(as_json=True, stdout=stdout, stderr=stderr)) as on_step:
        assert isinstance(on_step, Bars)
        for step in STEPS[:2]:
            on_step(step)
    assert "1.0 MB/2.0 MB" in stderr.getvalue()
    with watch(Output(stderr=stderr)) as on_step:
        for step in STEPS:
            on_step(step)
    assert ("✓" in stderr.getvalue(), "✗" in stderr.getvalue(), stdout.getvalue()) == (True, True, "")
