"""The one place that prints: a view for a person, exactly one JSON value (or one a line) for a program.

Answers go to standard output, progress and remarks to standard error; in --json mode standard output carries JSON only.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from tapeline.cli.view import Cell, Grid, Line, Style, View

if TYPE_CHECKING:  # rich costs 0.15 s: only a view for a person pays it
    from rich.console import Console, RenderableType
    from rich.text import Text

    from tapeline.cli.failure import Failure

STYLES: dict[Style, str] = {
    "": "",
    "good": "green",
    "warn": "yellow",
    "bad": "bold red",
    "dim": "bright_black",
    "name": "cyan",
    "bold": "bold",
}
# A table that goes into a pipe or a file is never cut at 80 columns.
_PIPE_WIDTH = 1000


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
        console = _console(self.stdout)
        for block in view():
            console.print(_renderable(block), soft_wrap=isinstance(block, Line))

    def item(self, value: object, text: Callable[[], Line]) -> None:
        """Print one element of a stream at once: one JSON line, or one line of text."""
        if self.as_json:
            self._line(self.stdout, to_json(value))
        else:
            _console(self.stdout).print(_text(text()), soft_wrap=True)
            self.stdout.flush()

    def remark(self, text: str) -> None:
        """Tell a person something that is not the answer; programs never see it."""
        if not self.as_json:
            _console(self.stderr).print(_text(Line((Cell(text, "dim"),))), soft_wrap=True)

    def fail(self, failure: Failure) -> None:
        """Print a failure: the sentence on standard error, in --json mode its object on standard output too."""
        if self.as_json:
            self._line(self.stdout, to_json(failure.as_json()))
            self._line(self.stderr, failure.sentence)
            return
        _console(self.stderr).print(_text(Line((Cell("error: ", "bad"), Cell(failure.sentence)))), soft_wrap=True)

    @contextmanager
    def live(self) -> Iterator[Callable[[object, Callable[[], View]], None]]:
        """Yield a function that shows the newest state: in place on a terminal, else one after another."""
        if self.as_json or not self.stdout.isatty():
            yield self.show
            return
        from rich.console import Group
        from rich.live import Live

        with Live(console=_console(self.stdout), auto_refresh=False) as screen:

            def refresh(value: object, view: Callable[[], View]) -> None:
                del value
                screen.update(Group(*(_renderable(block) for block in view())), refresh=True)

            yield refresh

    def confirm(self, question: str) -> bool:
        """Ask a person for y or n on standard error; without a terminal the answer is no."""
        if self.as_json or not sys.stdin.isatty():
            return False
        self.stderr.write(f"{question} [y/N] ")
        self.stderr.flush()
        return sys.stdin.readline().strip().lower() in {"y", "yes"}

    def error_console(self) -> Console:
        """Return the console of standard error, for progress."""
        return _console(self.stderr)

    @staticmethod
    def _line(stream: TextIO, text: str) -> None:
        stream.write(f"{text}\n")
        stream.flush()


def to_json(value: object) -> str:
    """Return a value as one line of JSON; paths become text."""
    import msgspec

    return msgspec.json.encode(value, enc_hook=_plain).decode()


def _plain(value: object) -> object:
    if isinstance(value, Path):
        return str(value)
    message = f"{type(value).__name__} has no JSON form"
    raise NotImplementedError(message)


def _console(stream: TextIO) -> Console:
    from rich.console import Console

    width = None if stream.isatty() else _PIPE_WIDTH
    return Console(file=stream, width=width, highlight=False, markup=False, emoji=False)


def _text(content: Line) -> Text:
    from rich.text import Text

    return Text.assemble(*((cell.text, STYLES[cell.style]) for cell in content.cells))


def _renderable(block: Line | Grid) -> RenderableType:
    if isinstance(block, Line):
        return _text(block)
    from rich.table import Table

    if not block.rows:
        return _text(Line((Cell(block.empty, "dim"),)))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style=STYLES["dim"])
    for column in block.columns:
        right = column.endswith(">")
        table.add_column(column.removesuffix(">"), justify="right" if right else "left", overflow="fold")
    for cells in block.rows:
        table.add_row(*(_text(Line((cell,))) for cell in cells))
    return table
