"""Finds and ends what a killed supervisor left running; two that wrote to the same folder would destroy it."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterable
from pathlib import Path

import psutil

from tapeline.runtime import runfile
from tapeline.runtime.runfile import RunFile

MARK = "SUPERVISED_DATA_DIR"
"""Each child carries the data directory under this name in its environment: found even when no run file names it."""

_GO_WITHIN_S = 15.0
_KILLED_WITHIN_S = 5.0
_FAST_STOP = {"postgres": signal.SIGINT}


def find(folder: Path, run: RunFile | None) -> tuple[psutil.Process, ...]:
    """Return the processes of a run whose supervisor is gone."""
    found = {process.pid: process for process in _marked(folder)}
    if run is not None:
        named = (runfile.living(record) for record in run.processes.values())
        found |= {process.pid: process for process in named if process is not None}
    found.pop(os.getpid(), None)
    return tuple(found.values())


def end(processes: Iterable[psutil.Process]) -> tuple[str, ...]:
    """Stop the processes in order, kill what stays; return the names of what was killed."""
    known = list(processes)
    for process in known:
        with contextlib.suppress(psutil.Error):
            process.send_signal(_FAST_STOP.get(process.name(), signal.SIGTERM))
    _, alive = psutil.wait_procs(known, timeout=_GO_WITHIN_S)
    killed = []
    for process in alive:
        with contextlib.suppress(psutil.Error):
            killed.append(process.name())
            process.kill()
    psutil.wait_procs(alive, timeout=_KILLED_WITHIN_S)
    return tuple(killed)


def _marked(folder: Path) -> Iterable[psutil.Process]:
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(MARK) == str(folder):
                yield process
