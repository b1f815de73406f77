"""Log files that several processes write at once: whole lines are appended, never lost or torn by a rotation.

A line goes out in one write to a file opened for appending, which the kernel does not interleave. A rotation renames
the file under a lock that nobody waits for: whoever still holds the old file open writes its line there, so nothing is
lost, and a process that is paused in the middle of a rotation stops nobody else.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from collections.abc import Iterator
from pathlib import Path

from tapeline.runtime import clock

_DAY_US = 86_400_000_000
_MODE = 0o640
_LOCK = ".rotate.lock"
# <service>_YYYYMMDD[.n].log and <shared>.YYYYMMDD.n.log
_DATED = re.compile(r"^(?P<stem>.+?)(?P<mark>[_.])(?P<day>\d{8})(?:\.(?P<number>\d+))?\.log$")


class LogFile:
    """One log: the file that is written now and the rotated ones beside it.

    Daily logs carry the day in their name (`api_20260102.log`) and get a number when they are full
    (`api_20260102.1.log`). Shared logs keep their name (`error.log`) and get day and number (`error.20260102.1.log`).
    """

    def __init__(self, folder: Path, stem: str, *, daily: bool, max_bytes: int) -> None:
        """Describe the log; nothing is opened before the first `write` or `open`."""
        self._folder = folder
        self._stem = stem
        self._daily = daily
        self._max_bytes = max_bytes
        self._fd: int | None = None
        self._identity = (0, 0)
        self._day = ""
        self._today = (-1, "")
        self._torn = False

    @property
    def stem(self) -> str:
        """The name without day, number and ending."""
        return self._stem

    def path(self, day: str) -> Path:
        """Return the file that is written on this day."""
        return self._folder / (f"{self._stem}_{day}.log" if self._daily else f"{self._stem}.log")

    def open(self, now_us: int) -> None:
        """Open the file of this moment, making it (and its folder) when absent; raises OSError when that fails."""
        self.close()
        self._folder.mkdir(parents=True, exist_ok=True)
        today = self._day_of(now_us)
        fd = os.open(self.path(today), os.O_WRONLY | os.O_APPEND | os.O_CREAT, _MODE)
        state = os.fstat(fd)
        self._fd, self._identity = fd, (state.st_dev, state.st_ino)
        # A shared file that was last written on another day is still that day's.
        written_us = state.st_mtime_ns // 1000
        self._day = today if self._daily or not state.st_size else clock.day(written_us)

    def write(self, line: bytes, now_us: int) -> None:
        """Append one line that ends in a newline; raises OSError when the disk is full or the folder is gone."""
        fd = self._ready(len(line), now_us)
        # What is left of a line that a full disk cut off must not swallow the next one.
        data = b"\n" + line if self._torn else line
        done = os.write(fd, data)
        self._torn = done < len(data)
        while done < len(data):
            done += os.write(fd, data[done:])
        self._torn = False

    def close(self) -> None:
        """Close the file; a later write opens it again."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _ready(self, size: int, now_us: int) -> int:
        """Return the descriptor to write to, after a rotation where one is due."""
        today = self._day_of(now_us)
        if self._fd is None or (self._daily and today != self._day):
            self.open(now_us)
        found = self._current()
        if found is None:
            # Another process has rotated, and may have filled the new file as well.
            self.open(now_us)
            found = self._current()
        if found is not None and self._is_due(found, size, today):
            self._rotate(size, now_us)
        if self._fd is None:
            raise OSError(f"log file {self._stem} is not open")
        return self._fd

    def _is_due(self, written: int, size: int, today: str) -> bool:
        # Older, not other: a line on its way at midnight may find the new day's file already there.
        return written > 0 and (written + size > self._max_bytes or self._day < today)

    def _current(self) -> int | None:
        """Return the size of the file under our name, or None when that is another file than ours or gone."""
        try:
            state = self.path(self._today[1]).stat()
        except FileNotFoundError:
            return None
        return state.st_size if (state.st_dev, state.st_ino) == self._identity else None

    def _rotate(self, size: int, now_us: int) -> None:
        """Give the full or old file its number, unless another process is just doing that."""
        with _lock(self._folder) as mine:
            if not mine:
                return
            written = self._current()
            if written is not None and self._is_due(written, size, self._day_of(now_us)):
                mark = "_" if self._daily else "."
                head = f"{self._stem}{mark}{self._day}"
                self.path(self._today[1]).rename(self._folder / f"{head}.{_next_number(self._folder, head)}.log")
            self.open(now_us)

    def _day_of(self, now_us: int) -> str:
        # Formatting a date for each line would cost more than writing it.
        number = now_us // _DAY_US
        if number != self._today[0]:
            self._today = (number, clock.day(now_us))
        return self._today[1]


def files_of(folder: Path, stem: str) -> list[Path]:
    """Return all files of a log (`stem` as in "kafka", "kafka_errors", "error", "trade"), the oldest first."""
    found: list[tuple[str, int, Path]] = []
    for path in folder.glob(f"{stem}*.log"):
        match = _DATED.match(path.name)
        if path.name == f"{stem}.log":
            found.append(("9" * 8, 0, path))
        elif match is not None and match["stem"] == stem:
            # Within a day the file without a number is the one that is written now.
            found.append((match["day"], int(match["number"] or 2**31), path))
    return [path for _, _, path in sorted(found)]


def prune(folder: Path, keep_days: int, now_us: int) -> list[Path]:
    """Delete rotated and dated log files not written for `keep_days`; return what was deleted."""
    oldest_ns = (now_us - keep_days * _DAY_US) * 1000
    gone: list[Path] = []
    for path in sorted(folder.glob("*.log")):
        # Another process prunes the same folder, so a file may be gone already.
        with contextlib.suppress(OSError):
            if _DATED.match(path.name) is not None and path.stat().st_mtime_ns < oldest_ns:
                path.unlink()
                gone.append(path)
    return gone


def _next_number(folder: Path, head: str) -> int:
    numbers = [int(path.name[len(head) + 1 : -len(".log")] or 0) for path in folder.glob(f"{head}.[0-9]*.log")]
    return max(numbers, default=0) + 1


@contextlib.contextmanager
def _lock(folder: Path) -> Iterator[bool]:
    """Yield whether this process may rotate in the folder; never waits."""
    fd = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, _MODE)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(fd)
