"""Views on a terminal or in a pipe: the only module that shows by rich, loaded when a person looks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn, TextIO

import rich.style
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from tapeline.cli.render import ReaderGone
from tapeline.cli.view import Cell, Grid, Line, Style, View

STYLES: dict[Style, str] = {
    "": "",
    "good": "green",
    "warn": "yellow",
    "bad": "bold red",
    "dim": "bright_black",
    "name": "cyan",
    "bold": "bold",
    "bid": "green",
    "ask": "red",
    "best": "bold black on green",
    "shade": "grey62 on grey19",
}
# A table that goes into a pipe or a file is never cut at 80 columns.
_PIPE_WIDTH = 1000


class _Console(Console):
    """A console whose reader may leave without ending the process from inside."""

    def on_broken_pipe(self) -> NoReturn:
        """Say that the reader is gone; rich itself would end the process with exit code 1."""
        raise ReaderGone


def console(stream: TextIO) -> Console:
    """Return a console that prints text as it is: no markup, no emoji, no guessed colours."""
    width = None if stream.isatty() else _PIPE_WIDTH
    return _Console(file=stream, width=width, highlight=False, markup=False, emoji=False)


def show(stream: TextIO, view: View) -> None:
    """Print a view; a line is never wrapped by us, so that it can be copied whole."""
    out = console(stream)
    for block in view:
        out.print(renderable(block), soft_wrap=isinstance(block, Line))
    stream.flush()


@contextmanager
def screen(stream: TextIO) -> Iterator[Callable[[View], None]]:
    """Yield a function that shows a view in the place of the one before it."""
    with Live(console=console(stream), auto_refresh=False) as live:
        yield lambda view: live.update(Group(*map(renderable, view)), refresh=True)


def text(content: Line) -> Text:
    """Return a line as rich has it."""
    return Text.assemble(*((cell.text, STYLES[cell.style]) for cell in content.cells))


def paragraph(lines: Sequence[Line]) -> Text:
    """Return lines below one another as rich has them, none of them wrapped."""
    found = Text("\n", no_wrap=True).join(map(text, lines))
    found.no_wrap = True
    return found


def pieces(content: Line) -> list[Segment]:
    """Return a line as rich writes it, piece by piece."""
    return [Segment(cell.text, rich.style.Style.parse(STYLES[cell.style])) for cell in content.cells]


def renderable(block: Line | Grid) -> RenderableType:
    """Return a block as rich has it."""
    if isinstance(block, Line):
        return text(block)
    if not block.rows:
        return text(Line((Cell(block.empty, "dim"),)))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style=STYLES["dim"])
    for column in block.columns:
        right = column.endswith(">")
        table.add_column(column.removesuffix(">"), justify="right" if right else "left", overflow="fold")
    for cells in block.rows:
        table.add_row(*(text(Line((cell,))) for cell in cells))
    return table
