"""Runs inside a peer's own Python beside its stream program: what it was asked to do, and what a message cost it.

Standard library alone, as in `driving.py`. The first quarter of the messages is what was fetched ahead while the group
was forming: measured are the others, CPU time over all threads of the process, and the wall.
"""

from __future__ import annotations

import json
import platform
import resource
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any, NamedTuple


class Wanted(NamedTuple):
    """What to consume, from where, and where to produce to; without `out` nothing is decoded or produced."""

    bootstrap: str
    topic: str
    group: str
    messages: int
    out: str
    schema: Any
    folder: str


def wanted() -> Wanted:
    """Return what the command line asks for: one JSON object."""
    return Wanted(**json.loads(sys.argv[1]))


class Meter:
    """Counts messages, and calls `done` after the last one."""

    def __init__(self, count: int, done: Callable[[], object]) -> None:
        """Begin with the first message."""
        self._count, self._done = count, done
        self._seen = self._before = 0
        self._cpu_s = self._wall_s = 0.0
        self._spent_s = self._took_s = 0.0
        self._measured = 0

    def add(self, count: int = 1) -> None:
        """Count messages whose work is done."""
        self._seen += count
        if not self._before and self._seen >= self._count // 4:
            self._before = self._seen
            self._cpu_s, self._wall_s = time.process_time(), time.perf_counter()
        elif self._before and self._seen >= self._count and not self._measured:
            self._spent_s, self._took_s = time.process_time() - self._cpu_s, time.perf_counter() - self._wall_s
            self._measured = self._seen - self._before
            self._done()

    def tell(self, *libraries: str) -> None:
        """Print what it cost."""
        told = {
            "cpu_us": self._spent_s / self._measured * 1e6,
            "a_second": self._measured / self._took_s,
            "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_000,
            "versions": {"Python": platform.python_version(), **{name: version(name) for name in libraries}},
        }
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
