"""What a command shows, as plain values: commands build these, and only render.py knows the terminal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Style = Literal["", "good", "warn", "bad", "dim", "name", "bold", "bid", "ask", "best", "shade"]


@dataclass(frozen=True, slots=True)
class Cell:
    """A piece of text and what it means to the reader."""

    text: str
    style: Style = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One line made of pieces."""

    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table; columns whose name ends in `>` are aligned to the right (numbers)."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    empty: str = "nothing to show"


Block = Line | Grid
View = tuple[Block, ...]


def line(*parts: str | Cell) -> Line:
    """Make a line of plain strings and cells."""
    return Line(tuple(part if isinstance(part, Cell) else Cell(part) for part in parts))


def row(*parts: object) -> tuple[Cell, ...]:
    """Make a table row; None becomes a dim dash, every other value its text."""
    return tuple(_cell(part) for part in parts)


def _cell(part: object) -> Cell:
    if isinstance(part, Cell):
        return part
    return Cell("-", "dim") if part is None else Cell(str(part))


def span(seconds: float) -> str:
    """Return a length of time as a person says it: 0.4 s, 12 s, 3 min 5 s, 2 h 4 min, 3 d 1 h."""
    if seconds < 10:  # noqa: PLR2004 - below this a tenth still matters to the reader
        return f"{seconds:.1f} s"
    whole = int(seconds)
    for size, unit, small, small_unit in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // small
            return f"{whole // size} {unit} {rest} {small_unit}" if rest else f"{whole // size} {unit}"
    return f"{whole} s"


def size(count: float) -> str:
    """Return a number of bytes with a unit: 512 B, 1.5 kB, 220 MB."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":  # noqa: PLR2004 - decimal units, as download tools show them
            return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"  # noqa: PLR2004 - three digits are enough
        count /= 1000
    raise AssertionError(unit)


def length(ms: int | None) -> str:
    """Return a retention time: forever, 24 h, 7 d, 90 s."""
    if ms is None or ms < 0:
        return "forever"
    for unit_ms, unit, least in ((86_400_000, "d", 2), (3_600_000, "h", 1), (60_000, "min", 1), (1_000, "s", 1)):
        if ms % unit_ms == 0 and ms >= least * unit_ms:
            return f"{ms // unit_ms} {unit}"
    return f"{ms} ms"
