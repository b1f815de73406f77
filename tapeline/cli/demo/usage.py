"""What each process of the demo used and how often it was started, counted by looking at the system, not by asking."""

from __future__ import annotations

from typing import Final

import msgspec

from tapeline.cli import status as state
from tapeline.runtime import runfile
from tapeline.runtime.settings import Settings

SUPERVISOR: Final = state.SUPERVISOR


class Used(msgspec.Struct, frozen=True, kw_only=True):
    """One process over the whole run: the most memory seen, all CPU time of all its lives, starts beyond the first."""

    rss_mb: float
    cpu_s: float
    restarts: int


class Usages:
    """Adds up what is seen; a life shorter than the time between two looks may be missed."""

    def __init__(self, found: Settings) -> None:
        """Take where the run file is."""
        self._settings = found
        self._lives: dict[str, dict[int, state.Usage]] = {}

    def look(self) -> None:
        """Look at all processes once."""
        run = runfile.read(self._settings.data.dir)
        if run is None:
            return
        records = {SUPERVISOR: run.supervisor, **run.processes}
        for name, used in state.usage_of(records).items():
            pid = records[name].pid or 0
            lives = self._lives.setdefault(name, {})
            before = lives.get(pid, used)
            lives[pid] = state.Usage(rss_mb=max(before.rss_mb, used.rss_mb), cpu_s=max(before.cpu_s, used.cpu_s))

    def found(self) -> dict[str, Used]:
        """Return what was seen so far."""
        return {
            name: Used(
                rss_mb=max(one.rss_mb for one in lives.values()),
                cpu_s=round(sum(one.cpu_s for one in lives.values()), 2),
                restarts=len(lives) - 1,
            )
            for name, lives in self._lives.items()
        }
