"""Every end of a command is one sentence, one kind and one exit code."""

from __future__ import annotations

import pytest
import typer

from tapeline.cli.failure import Failure, explain
from tapeline.errors import InvalidMessage, Misconfigured, OutcomeUnknown, Unavailable


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (
            Misconfigured("unknown key 'a'", fix="did you mean 'b'?"),
            Failure(kind="misconfigured", problem="unknown key 'a'", fix="did you mean 'b'?", exit_code=2),
        ),
        (
            Unavailable("Kafka does not answer"),
            Failure(
                kind="unavailable",
                problem="Kafka does not answer",
                fix="see `tapeline status` and `tapeline doctor`, then try again",
                exit_code=3,
            ),
        ),
        (
            InvalidMessage("no magic byte"),
            Failure(kind="invalid_message", problem="no magic byte", fix=None, exit_code=1),
        ),
        (OutcomeUnknown("no answer"), Failure(kind="outcome_unknown", problem="no answer", fix=None, exit_code=1)),
        (
            typer.BadParameter("'x' is not a valid int."),
            Failure(
                kind="usage",
                problem="Invalid value: 'x' is not a valid int",
                fix="see `tapeline --help`, or --help of the command",
                exit_code=2,
            ),
        ),
        (KeyboardInterrupt(), Failure(kind="interrupted", problem="stopped by Ctrl-C", fix=None, exit_code=130)),
        (
            ZeroDivisionError("division\nby zero"),
            Failure(
                kind="crash",
                problem="unexpected ZeroDivisionError (division by zero)",
                fix="the traceback is in /logs/cli.log",
                exit_code=1,
            ),
        ),
    ],
)
def test_an_error_is_told_by_who_must_act(error: BaseException, failure: Failure) -> None:
    assert explain(error, log="/logs/cli.log") == failure


def test_a_crash_that_could_not_be_logged_says_how_to_see_it() -> None:
    failure = explain(KeyError("a"), log=None)
    assert failure.sentence == "unexpected KeyError ('a'): run it again with TAPELINE_LOG__CONSOLE=text"


def test_the_sentence_has_problem_and_fix() -> None:
    assert Failure(kind="k", problem="it broke", fix="mend it", exit_code=1).sentence == "it broke: mend it"
    assert Failure(kind="k", problem="it broke", fix=None, exit_code=1).sentence == "it broke"
    assert Failure(kind="k", problem="did you?", fix="see", exit_code=1).sentence == "did you? see"


def test_the_json_form_has_kind_problem_and_fix() -> None:
    failure = Failure(kind="unavailable", problem="away", fix=None, exit_code=3)
    assert failure.as_json() == {"error": {"kind": "unavailable", "problem": "away", "fix": None}}
