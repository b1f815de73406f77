"""`tapeline logs`: the entries of all processes in the order of time, as they stand in the files."""

from __future__ import annotations

import asyncio
import difflib
from dataclasses import replace
from functools import partial

import msgspec

from tapeline.cli.failure import OK
from tapeline.cli.log_files import Follower, newest, processes
from tapeline.cli.log_lines import LEVELS, Entry, Wanted, level_of
from tapeline.cli.reaching import meant
from tapeline.cli.render import Output
from tapeline.cli.stream import until_stopped
from tapeline.cli.view import Cell, Line, Style, line
from tapeline.errors import Misconfigured

DEFAULT_COUNT = 50
LOOK_EVERY_S = 0.25
_STYLES: dict[str, Style] = {"debug": "dim", "info": "", "warn": "warn", "error": "bad", "critical": "bad"}
_SHOWN_APART = frozenset({"timestamp", "level", "service", "event", "exception", "pid", "logger"})


def logs(out: Output, wanted: Wanted, *, follow: bool, count: int | None) -> int:
    """Show the newest entries that are wanted, then, when following, those written from now on."""
    folder = meant().log.dir
    asked = checked(wanted, processes(folder), follow=follow)
    follower = Follower(folder)
    if count is None and asked.trace is None:
        count = DEFAULT_COUNT
    shown = newest(folder, asked, count) if count != 0 else []
    for entry in shown:
        out.item(entry.fields, partial(text, entry))
    if follow:
        return until_stopped(_follow(out, follower, asked))
    if not shown:
        out.remark(f"no such entries in {folder}")
    return OK


def checked(wanted: Wanted, known: list[str], *, follow: bool) -> Wanted:
    """Return what is asked for with the level's full name; raise Misconfigured for an unknown level or process."""
    level = None if wanted.level is None else level_of(wanted.level)
    if level is not None and level not in LEVELS:
        raise Misconfigured(f"unknown level {wanted.level!r}", fix=f"use one of {', '.join(LEVELS)}")
    if wanted.name is not None and wanted.name not in known and not follow:
        near = difflib.get_close_matches(wanted.name, known, n=1, cutoff=0.0)
        fix = f"did you mean {near[0]!r}?" if near else "nothing was logged yet; run `tapeline up`"
        raise Misconfigured(f"there is no log of {wanted.name!r}", fix=fix)
    return replace(wanted, level=level)


def text(entry: Entry) -> Line:
    """Return an entry as a line for a person: time, level, process, event, then the rest as key=value."""
    style = _STYLES.get(entry.level, "")
    rest = (
        f" {key}={_short(value)}"
        for key, value in entry.fields.items()
        if key not in _SHOWN_APART and value is not None
    )
    parts = [
        Cell(entry.timestamp[:23].replace("T", " "), "dim"),
        Cell(f" {entry.level:<7} ", style),
        Cell(f"{entry.service:<12} ", "name"),
        Cell(entry.event, style),
        Cell("".join(rest), "dim"),
    ]
    exception = entry.fields.get("exception")
    if exception is not None:
        parts.append(Cell(f"\n{exception}", "dim"))
    return line(*parts)


def _short(value: object) -> str:
    return value if isinstance(value, str) and value and " " not in value else msgspec.json.encode(value).decode()


async def _follow(out: Output, follower: Follower, wanted: Wanted) -> None:
    while True:
        for entry in filter(wanted.holds, follower.more()):
            out.item(entry.fields, partial(text, entry))
        await asyncio.sleep(LOOK_EVERY_S)
