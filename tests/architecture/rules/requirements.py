"""What docs/requirements.md must keep: every id once, an honest state, files that exist, tests that name their id."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

STATES = ("open", "partly", "done")
# How many of each group the users asked for.
_COUNTS = {"X": 22, "A": 20, "B": 13, "C": 32, "D": 32, "E": 31}
_READINGS = 29
IDS = tuple(f"{group}-{n:02d}" for group, count in _COUNTS.items() for n in range(1, count + 1)) + tuple(
    f"K{n}" for n in range(1, _READINGS + 1)
)
_ROW = re.compile(r"^\| ([A-Z]-?\d+) \| (.*?) \| (.*?) \| (.*?) \| (\w+) \|$", re.MULTILINE)
_PATH = re.compile(r"`([^`]+)`")


@dataclass(frozen=True, slots=True)
class Row:
    """One requirement: what, the files that fulfil it, the tests that prove it, how far it is."""

    id: str
    what: str
    where: tuple[str, ...]
    tests: tuple[str, ...]
    state: str


def rows(text: str) -> list[Row]:
    """Return the rows of the page in the order written."""
    return [
        Row(found[1], found[2], tuple(_PATH.findall(found[3])), tuple(_PATH.findall(found[4])), found[5])
        for found in _ROW.finditer(text)
    ]


def unkept(text: str, root: Path) -> Iterator[str]:
    """Yield each row that promises what is not there."""
    found = rows(text)
    if [row.id for row in found] != list(IDS):
        wrong = sorted({row.id for row in found} ^ set(IDS)) or "the order"
        yield f"every requirement stands in the table once, in order; wrong: {wrong}"
    for row in found:
        yield from (f"{row.id}: {told}" for told in _unkept(row, root))


def _unkept(row: Row, root: Path) -> Iterator[str]:
    if row.state not in STATES:
        yield f"the state is {row.state!r} and must be one of {', '.join(STATES)}"
    for path in (*row.where, *row.tests):
        if not (root / path).exists():
            yield f"{path} does not exist"
    if row.state == "done" and not (row.where and row.tests):
        yield "done needs the files that do it and the tests that prove it"
    if row.state == "partly" and not row.where:
        yield "partly needs the files that do a part of it"
    if row.state == "open" and (row.where or row.tests):
        yield "open names no files: it is partly done or the files are not for it"
    if row.state == "done" and not any(_names(row.id, root / path) for path in row.tests):
        yield f"none of its tests says {row.id} in a name or a docstring"


def _names(requirement: str, path: Path) -> bool:
    """Tell whether a test file, or one in a test folder, names the requirement."""
    files = [path] if path.is_file() else sorted(path.rglob("*.py"))
    spelt = re.compile(rf"\b\w*{requirement.replace('-', '[-_]?')}", re.IGNORECASE)
    return any(spelt.search(file.read_text("utf-8")) for file in files if file.exists())
