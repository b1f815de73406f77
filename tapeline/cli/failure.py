"""What went wrong, for a person and for a program: one sentence with the fix, one kind, one exit code."""

from __future__ import annotations

from dataclasses import dataclass

import typer

from tapeline.errors import Misconfigured, TapelineError, Unavailable

OK = 0
CRASH = 1
USAGE = 2
UNAVAILABLE = 3
INTERRUPTED = 130
# The shell's own number for a command that a person stopped with Ctrl-C.


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One failed command: `kind` for programs, `problem` and `fix` for people."""

    kind: str
    problem: str
    fix: str | None
    exit_code: int

    @property
    def sentence(self) -> str:
        """The one sentence on standard error."""
        if self.fix is None:
            return self.problem
        return f"{self.problem} {self.fix}" if self.problem.endswith("?") else f"{self.problem}: {self.fix}"

    def as_json(self) -> dict[str, dict[str, str | None]]:
        """Return the object that stands on standard output in --json mode."""
        return {"error": {"kind": self.kind, "problem": self.problem, "fix": self.fix}}


def explain(error: BaseException, *, log: str | None) -> Failure:
    """Turn whatever ended a command into its failure; `log` is the file that has the traceback of a crash."""
    if isinstance(error, Misconfigured):
        return Failure(kind="misconfigured", problem=error.problem, fix=error.fix, exit_code=USAGE)
    if isinstance(error, Unavailable):
        return Failure(
            kind="unavailable",
            problem=str(error),
            fix="see `tapeline status` and `tapeline doctor`, then try again",
            exit_code=UNAVAILABLE,
        )
    if isinstance(error, TapelineError):
        return Failure(kind=_words(type(error).__name__), problem=str(error), fix=None, exit_code=CRASH)
    if isinstance(error, typer.TyperException):
        fix = "see `tapeline --help`, or --help of the command"
        return Failure(kind="usage", problem=_flat(error.format_message()), fix=fix, exit_code=USAGE)
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        return Failure(kind="interrupted", problem="stopped by Ctrl-C", fix=None, exit_code=INTERRUPTED)
    where = "run it again with TAPELINE_LOG__CONSOLE=text" if log is None else f"the traceback is in {log}"
    problem = f"unexpected {type(error).__name__} ({_flat(str(error)) or 'no message'})"
    return Failure(kind="crash", problem=problem, fix=where, exit_code=CRASH)


def _words(name: str) -> str:
    """Turn a class name into the kind: InvalidMessage -> invalid_message."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


def _flat(text: str) -> str:
    """Keep a message on one line, without its final full stop."""
    return " ".join(text.split()).removesuffix(".")
