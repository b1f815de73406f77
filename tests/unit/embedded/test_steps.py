"""What a start reports."""

from __future__ import annotations

import os

import pytest

from infra.embedded import steps
from infra.embedded.steps import Reporter, Step
from tapeline.errors import Misconfigured, Unavailable


def test_a_step_is_one_line_and_comes_back_whole() -> None:
    step = Step(step="jars", state="progress", detail="a\nb", done=1, total=2)
    line = steps.encode(step)
    assert (line.count(b"\n"), line[-1:], steps.decode(line)) == (1, b"\n", step)
    assert line == b'{"step":"jars","state":"progress","detail":"a\\nb","done":1,"total":2}\n'


def test_a_reader_that_went_away_never_stops_the_start() -> None:
    reader, writer = os.pipe()
    report = Reporter(writer)
    os.close(reader)
    report(Step(step="kafka", state="started"))
    report(Step(step="kafka", state="done"))
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(writer)


def test_without_a_reader_nothing_is_written(capfd: pytest.CaptureFixture[str]) -> None:
    Reporter(None)(Step(step="kafka", state="started"))
    assert capfd.readouterr() == ("", "")


def test_a_timed_step_tells_start_and_end() -> None:
    told: list[Step] = []
    with steps.timed(told.append, "topics", "12"):
        pass
    assert [(step.step, step.state, step.detail, step.error) for step in told] == [
        ("topics", "started", "12", None),
        ("topics", "done", "12", None),
    ]
    assert told[1].elapsed_s is not None


@pytest.mark.parametrize(
    ("error", "sentence", "fix"),
    [
        (Misconfigured("port 1 is taken", fix="take another"), "port 1 is taken: take another", "take another"),
        (Unavailable("Kafka does not answer"), "Kafka does not answer", None),
        (ValueError("odd"), "ValueError: odd", None),
    ],
)
def test_a_failed_step_carries_the_sentence_and_the_fix(error: Exception, sentence: str, fix: str | None) -> None:
    told: list[Step] = []
    with pytest.raises(type(error)), steps.timed(told.append, "up"):
        raise error
    assert (told[1].state, told[1].error, told[1].fix) == ("failed", sentence, fix)
