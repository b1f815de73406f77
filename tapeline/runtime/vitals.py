"""The vital signs of a process, taken by its own event loop every second: heartbeat file, lateness, room on its disks.

What stands still is seen from outside, from the first moment of its start on: the file gets old. Nothing here may stop
a process.
"""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Final, NoReturn

from tapeline.runtime import clock, heartbeat_file, logs, metrics
from tapeline.runtime.health import Health
from tapeline.runtime.log_events import LogEvent
from tapeline.runtime.settings import Settings

EVERY_S: Final = 1.0
MISSED: Final = 3
"""So many missed heartbeats mean that the process stands still, as on the topic."""


async def show(health: Health, settings: Settings, *, every_s: float = EVERY_S) -> NoReturn:
    """Take the signs until cancelled."""
    path, good_for_s = settings.process.heartbeat_path, MISSED * settings.process.heartbeat_every_s
    folders = {"data": settings.data.dir, "log": settings.log.dir}
    writable = True
    due_s = clock.monotonic_s()
    while True:
        metrics.LOOP_LATE_S.observe(max(0.0, clock.monotonic_s() - due_s))
        if path is not None:
            writable = _write(path, health, good_for_s, said=not writable)
        for name, folder in folders.items():
            _measure(name, folder)
        due_s = clock.monotonic_s() + every_s
        await asyncio.sleep(every_s)


def _write(path: Path, health: Health, good_for_s: float, *, said: bool) -> bool:
    """Write the heartbeat file; tell whether it could be written, in the log only once."""
    found = health.report()
    try:
        heartbeat_file.write(path, heartbeat_file.sign(found.service, found.state, found.waiting_for, good_for_s))
    except OSError as error:
        if not said:
            logs.get(__name__).error(LogEvent.HEARTBEAT_FILE_FAILED, path=str(path), reason=str(error))
        return False
    return True


def _measure(name: str, folder: Path) -> None:
    try:
        found = shutil.disk_usage(folder)
    except OSError:
        # It is made when something is first kept in it.
        return
    metrics.DISK_FREE_BYTES.set(found.free, folder=name)
    metrics.DISK_SIZE_BYTES.set(found.total, folder=name)
