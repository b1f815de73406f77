"""The one place that prints: a view for a person, exactly one JSON value (or one a line) for a program.

Answers go to standard output, progress and remarks to standard error; in --json mode standard output carries JSON only.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from tapeline.cli.failure import Failure
from tapeline.cli.view import Cell, Line, View

if TYPE_CHECKING:  # rich costs 0.15 s: only a view for a person pays it
    from rich.console import Console


class ReaderGone(Exception):
    """Whoever read our output (head, less) has seen enough."""


class Output:
    """Where one command's answer goes."""

    def __init__(self, *, as_json: bool = False, stdout: TextIO | None = None, stderr: TextIO | None = None) -> None:
        """Write to the process's own streams unless others are given."""
        self.as_json = as_json
        self.stdout = stdout or sys.stdout
        self.stderr = stderr or sys.stderr

    def show(self, value: object, view: Callable[[], View]) -> None:
        """Print the answer of a command: `value` as one JSON line, or its view."""
        if self.as_json:
            self._line(self.stdout, to_json(value))
            return
        from tapeline.cli import terminal

        terminal.show(self.stdout, view())

    def item(self, value: object, text: Callable[[], Line]) -> None:
        """Print one element of a stream at once: one JSON line, or one line of text."""
        if self.as_json:
            self._line(self.stdout, to_json(value))
        else:
            from tapeline.cli import terminal

            terminal.show(self.stdout, (text(),))

    def remark(self, text: str) -> None:
        """Tell a person something that is not the answer; programs never see it."""
        if not self.as_json:
            from tapeline.cli import terminal

            terminal.show(self.stderr, (Line((Cell(text, "dim"),)),))

    def fail(self, failure: Failure) -> None:
        """Print a failure: the sentence on standard error, in --json mode its object on standard output too."""
        if self.as_json:
            self._line(self.stdout, to_json(failure.as_json()))
            self._line(self.stderr, failure.sentence)
            return
        from tapeline.cli import terminal

        terminal.show(self.stderr, (Line((Cell("error: ", "bad"), Cell(failure.sentence))),))

    @contextmanager
    def live(self) -> Iterator[Callable[[object, Callable[[], View]], None]]:
        """Yield a function that shows the newest state: in place on a terminal, else one after another."""
        if self.as_json or not self.stdout.isatty():
            yield self.show
            return
        from tapeline.cli import terminal

        with terminal.screen(self.stdout) as refresh:
            yield lambda _, view: refresh(view())

    @property
    def has_keys(self) -> bool:
        """Tell whether a person sits in front of it and can press keys."""
        return not self.as_json and self.stdout.isatty() and sys.stdin.isatty()

    def confirm(self, question: str) -> bool:
        """Ask a person for y or n on standard error; without a terminal the answer is no."""
        if self.as_json or not sys.stdin.isatty():
            return False
        self.stderr.write(f"{question} [y/N] ")
        self.stderr.flush()
        return sys.stdin.readline().strip().lower() in {"y", "yes"}

    def error_console(self) -> Console:
        """Return the console of standard error, for progress."""
        from tapeline.cli import terminal

        return terminal.console(self.stderr)

    @staticmethod
    def _line(stream: TextIO, text: str) -> None:
        try:
            stream.write(f"{text}\n")
            stream.flush()
        except BrokenPipeError:
            raise ReaderGone from None


def to_json(value: object) -> str:
    """Return a value as one line of JSON; paths become text."""
    import msgspec

    return msgspec.json.encode(value, enc_hook=_plain).decode()


def _plain(value: object) -> object:
    if isinstance(value, Path):
        return str(value)
    message = f"{type(value).__name__} has no JSON form"
    raise NotImplementedError(message)
