"""Which processes a test run has started and not ended, also those that left the family."""

from __future__ import annotations

import contextlib
import os

import psutil

# Every process that a test starts inherits this, also one that detaches itself.
MARK = "PYTEST_TAPELINE_RUN"


def mark_this_run() -> None:
    """Put the mark of this run into the environment that children inherit."""
    os.environ[MARK] = f"{os.getpid()}"


def left_behind(*, within_s: float) -> list[str]:
    """Return, as `id command`, what this run has started and what does not end by itself in this time."""
    _, alive = psutil.wait_procs(_started_by_this_run(), timeout=within_s)
    return [f"{process.pid} {_command(process)}" for process in alive]


def _started_by_this_run() -> list[psutil.Process]:
    """Return our children, theirs, and all that carry the mark."""
    found = {child.pid: child for child in psutil.Process().children(recursive=True)}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid != os.getpid() and process.environ().get(MARK) == os.environ[MARK]:
                found[process.pid] = process
    return [process for process in found.values() if _runs(process)]


def _runs(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return "(gone)"
