"""Answers go to standard output, everything else to standard error; in --json mode standard output has JSON only."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from tapeline.cli.failure import Failure
from tapeline.cli.render import Output, to_json
from tapeline.cli.view import Cell, Grid, View, line, row

FAILURE = Failure(kind="unavailable", problem="Kafka is away", fix="try again", exit_code=3)


class Screen:
    """An Output with both streams kept."""

    def __init__(self, *, as_json: bool) -> None:
        self.stdout = io.StringIO()
        self.stderr = io.StringIO()
        self.out = Output(as_json=as_json, stdout=self.stdout, stderr=self.stderr)

    @property
    def said(self) -> tuple[str, str]:
        return self.stdout.getvalue(), self.stderr.getvalue()


def view() -> View:
    grid = Grid(("name", "count>"), (row(Cell("kafka", "name"), 1), row("a [red]b[/red] :smile:", 10)))
    return (line("head"), grid, Grid(("x",), (), empty="none"))


def test_a_program_gets_one_json_line_and_no_view() -> None:
    screen = Screen(as_json=True)
    screen.out.show({"a": 1, "path": Path("/x")}, view)
    assert screen.said == ('{"a":1,"path":"/x"}\n', "")


def test_a_person_gets_the_view_and_markup_is_plain_text() -> None:
    screen = Screen(as_json=False)
    screen.out.show({}, view)
    assert screen.said == (
        "head\nname                    count\nkafka                       1\na [red]b[/red] :smile:     10\nnone\n",
        "",
    )


def test_a_wide_table_is_not_cut_in_a_pipe() -> None:
    screen = Screen(as_json=False)
    screen.out.show({}, lambda: (Grid(("a",), (row("x" * 300),)),))
    assert screen.said[0].splitlines()[1].strip() == "x" * 300


def test_a_stream_is_one_line_per_element() -> None:
    screen = Screen(as_json=True)
    for number in (1, 2):
        screen.out.item({"n": number}, lambda: line("x"))
    assert screen.said == ('{"n":1}\n{"n":2}\n', "")


def test_a_line_longer_than_the_screen_stays_one_line() -> None:
    screen = Screen(as_json=False)
    screen.out.item({}, lambda: line("x " * 2000))
    assert screen.said[0].count("\n") == 1


def test_remarks_are_for_people() -> None:
    quiet, loud = Screen(as_json=True), Screen(as_json=False)
    quiet.out.remark("reading")
    loud.out.remark("reading")
    assert (quiet.said, loud.said) == (("", ""), ("", "reading\n"))


def test_a_failure_is_a_sentence_on_standard_error_and_an_object_in_json_mode() -> None:
    machine, person = Screen(as_json=True), Screen(as_json=False)
    machine.out.fail(FAILURE)
    person.out.fail(FAILURE)
    assert machine.said == (
        '{"error":{"kind":"unavailable","problem":"Kafka is away","fix":"try again"}}\n',
        "Kafka is away: try again\n",
    )
    assert person.said == ("", "error: Kafka is away: try again\n")


def test_live_without_a_terminal_shows_one_state_after_another() -> None:
    screen = Screen(as_json=True)
    with screen.out.live() as show:
        show({"n": 1}, view)
        show({"n": 2}, view)
    assert screen.said == ('{"n":1}\n{"n":2}\n', "")


def test_what_has_no_json_form_is_an_error() -> None:
    with pytest.raises(NotImplementedError, match="object has no JSON form"):
        to_json({"a": object()})


def test_without_a_terminal_nobody_confirms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert Screen(as_json=False).out.confirm("really?") is False
