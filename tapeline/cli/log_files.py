"""Reads the log files of all processes as one stream in the order of time, from the end or as they grow.

A file is never read whole: the newest entries are found from its end, in blocks.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from tapeline.cli.log_lines import Entry, Wanted, parse
from tapeline.runtime import clock

BLOCK = 1 << 16
# <process>_YYYYMMDD[.n].log: what it logs; <process>_output[.1].log: what it says besides, as a crash;
# <process>.log[.n]: what a program that is not ours logs.
_NAME = re.compile(r"(?P<process>.+?)(?P<kind>_\d{8}|_output)?(?:\.(?P<part>\d+))?\.log(?:\.(?P<old>\d+))?")
# These repeat entries of the files above.
_COPIES = re.compile(r"(.+_errors|error|trade)(\.\d{8})?")
_NEWEST_PART = 1 << 31


def newest(folder: Path, wanted: Wanted, count: int | None) -> list[Entry]:
    """Return the newest `count` wanted entries of all files (all of them for None), oldest first."""
    streams = [_backwards(files, process) for process, files in sources(folder)]
    merged = heapq.merge(*streams, key=lambda entry: entry.timestamp, reverse=True)
    found = list(islice((entry for entry in merged if wanted.holds(entry)), count))
    found.reverse()
    return found


def processes(folder: Path) -> list[str]:
    """Return the names of the processes that have written logs."""
    return sorted({process for process, _ in sources(folder)})


def sources(folder: Path) -> list[tuple[str, list[Path]]]:
    """Return each log with the process that wrote it and its files, the oldest first."""
    found: dict[tuple[str, bool], list[tuple[tuple[str, int, int], Path]]] = {}
    for path in sorted(folder.glob("*.log*")) if folder.is_dir() else ():
        name = _NAME.fullmatch(path.name)
        if name is None or _COPIES.fullmatch(name["process"]):
            continue
        kind = name["kind"] or ""
        day = kind.removeprefix("_") if kind[1:].isdigit() else ""
        # A day's file without a number is the newest of that day; `.log.2` is older than `.log.1`; `_output.1` is old.
        part = int(name["part"] or _NEWEST_PART)
        found.setdefault((name["process"], bool(day)), []).append(((day, part, -int(name["old"] or 0)), path))
    return [(process, [path for _, path in sorted(files)]) for (process, _), files in sorted(found.items())]


class Follower:
    """Returns what was written since the last look, in the order of time."""

    def __init__(self, folder: Path) -> None:
        """Start at the present end of every file."""
        self.folder = folder
        self._read = {_identity(path): path.stat().st_size for _, files in sources(folder) for path in files}

    def more(self) -> list[Entry]:
        """Return the entries written since the last call; half a line waits for its end."""
        now = clock.iso(clock.now_us())
        found: list[Entry] = []
        for process, files in sources(self.folder):
            for path in files:
                entries = (parse(text, process) for text in self._lines(path) if text.strip())
                found.extend(entry if entry.timestamp else entry.at(now) for entry in entries)
        return sorted(found, key=lambda entry: entry.timestamp)

    def _lines(self, path: Path) -> list[str]:
        try:
            who, end = _identity(path), path.stat().st_size
            start = self._read.get(who, 0)
            if end == start:
                return []
            with path.open("rb") as file:
                file.seek(start if start < end else 0)  # shorter than it was: it starts anew
                start = file.tell()
                data = file.read()
        except FileNotFoundError:  # rotated away between the listing and now; its new name is read next time
            return []
        whole = data[: data.rfind(b"\n") + 1]
        self._read[who] = start + len(whole)
        return whole.decode("utf-8", "replace").splitlines()


def _identity(path: Path) -> tuple[int, int]:
    """Return what stays the same when a file is renamed by rotation."""
    found = path.stat()
    return found.st_dev, found.st_ino


def _backwards(files: Iterable[Path], process: str) -> Iterator[Entry]:
    """Yield the entries of a process, newest first; text without a time takes that of the entry before it."""
    oldest = ""
    for path in reversed(list(files)):
        waiting: list[Entry] = []
        for text in reversed_lines(path):
            entry = parse(text, process)
            if entry.timestamp:
                oldest = entry.timestamp
                yield from (late.at(oldest) for late in waiting)
                waiting.clear()
                yield entry
            elif text.strip():
                waiting.append(entry)
        oldest = oldest or clock.iso(path.stat().st_mtime_ns // 1_000)
        yield from (late.at(oldest) for late in waiting)


def reversed_lines(path: Path, block: int = BLOCK) -> Iterator[str]:
    """Yield the lines of a file that are not empty, the last one first."""
    with path.open("rb") as file:
        at = file.seek(0, 2)
        rest = b""
        while at > 0:
            step = min(block, at)
            at -= step
            file.seek(at)
            first, *whole = (file.read(step) + rest).split(b"\n")
            for part in reversed(whole):
                if part:
                    yield part.decode("utf-8", "replace")
            rest = first
        if rest:
            yield rest.decode("utf-8", "replace")
