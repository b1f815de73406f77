"""Simulated exchanges of a probe's own: started for it in a process of theirs, stopped after it."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from tapeline.cli import reaching, venues_where
from tapeline.cli.venues_where import SIMULATED, Asked, Place
from tapeline.errors import Unavailable
from tapeline.runtime import runfile
from tapeline.runtime.settings import child_environment
from tapeline.venues.contract import Hosts

START_WITHIN_S: Final = 60.0
STOP_WITHIN_S: Final = 10.0
SYMBOLS: Final = 5
"""As many as a look needs: the first is looked at, and others show that theirs is told apart."""


def wanted(asked: Asked) -> bool:
    """Tell whether a probe starts exchanges: nothing runs, no address is given, and settings name no real network."""
    if asked.rest is not None or asked.ws is not None or asked.sim is not None:
        return False
    found = reaching.meant()
    if runfile.standing(found.data.dir) is not None:
        return False
    return found.venues.network == SIMULATED or "network" not in found.venues.model_fields_set


@contextlib.contextmanager
def running(places: Iterable[Place]) -> Iterator[Mapping[Place, Hosts]]:
    """Serve these markets for the time of the block; Unavailable when they do not start."""
    listed = tuple(places)
    venues, markets = (tuple(dict.fromkeys(names)) for names in zip(*listed, strict=True))
    command = [sys.executable, "-m", "simulator", "--venue", ",".join(venues), "--symbols", str(SYMBOLS)]
    command += ["--market", markets[0]] if len(markets) == 1 else []
    with tempfile.TemporaryDirectory(prefix="tapeline-probe-") as folder:
        environ = child_environment(TAPELINE_LOG__DIR=folder, TAPELINE_LOG__CONSOLE="off")
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ) as process:
            try:
                yield venues_where.printed(_told(process, len(listed)), "the simulator")
            finally:
                _stop(process)


def _told(process: subprocess.Popen[str], count: int) -> list[str]:
    """Return the line of each market; they come when all are ready."""
    late = threading.Timer(START_WITHIN_S, process.kill)
    late.start()
    try:
        lines = [line for _, line in zip(range(count), process.stdout or (), strict=False)]
    finally:
        late.cancel()
    if len(lines) < count:
        raise Unavailable(f"the simulated exchanges did not start within {START_WITHIN_S:g} s")
    return lines


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        _ = process.wait(STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
