"""Kills a process of the pipeline every few seconds, evenly over all of them, and writes down when and how long.

What it writes is the audit's word about outages: the time is taken here, at the source, and never from a process.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Collection, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Final

import msgspec

from simulator.audit.outages import FILE_NAME, Outage, append
from tapeline.runtime import clock, runfile
from tapeline.runtime.lifecycle import background
from tapeline.runtime.runfile import ProcessRecord, RunFile

EVERY_S: Final = 5.0
RARELY: Final = ("kafka", "postgres", "clickhouse", "executor")
"""Whoever all others need is killed at most once in `APART_S`."""
APART_S: Final = 15.0
NEVER: Final = ("supervisor", "simulator")
OF_A_CLUSTER: Final = "kafka-"
"""How the names of several brokers begin: each is killed at most once in `APART_S`, and never two at once."""
_LOOK_S: Final = 0.05


class Round:
    """Whose turn it is: whoever was killed least often, where it may be killed now; the seed says who is first."""

    def __init__(self, names: Sequence[str], seed: int) -> None:
        """Take the processes of the pipeline."""
        killed = [name for name in names if name not in NEVER]
        start = seed % max(1, len(killed))
        self._counts = dict.fromkeys(killed[start:] + killed[:start], 0)
        self._last_rare_s = float("-inf")
        self._last_s: dict[str, float] = {}

    def next(self, now_s: float, *, whole: bool = True) -> str:
        """Return who is killed now; of several brokers one only while they are `whole`."""
        spared = set(RARELY if now_s - self._last_rare_s < APART_S else ())
        spared |= {name for name in self._counts if _one_of_several(name) and not (whole and self._rested(name, now_s))}
        # Of equals first one that must be rare, as its turn seldom comes; then the first, for a dict keeps its order.
        allowed = (name for name in self._counts if name not in spared)
        found = min(allowed, key=lambda name: (self._counts[name], name not in RARELY and not _one_of_several(name)))
        self._counts[found] += 1
        self._last_s[found] = now_s
        if found in RARELY:
            self._last_rare_s = now_s
        return found

    def _rested(self, name: str, now_s: float) -> bool:
        return now_s - self._last_s.get(name, float("-inf")) >= APART_S


def whole(run: RunFile, away: Collection[str]) -> bool:
    """Tell whether all brokers of a cluster run and each partition has all its copies, so that one may be spared."""
    here = all(
        record.state == "running" and name not in away
        for name, record in run.processes.items()
        if _one_of_several(name)
    )
    return here and (run.brokers is None or run.brokers.under_replicated == 0)


def _one_of_several(name: str) -> bool:
    return name.startswith(OF_A_CLUSTER)


class Killer:
    """Kills until told to end; what it did stands in the file of outages."""

    def __init__(self, data_dir: Path, *, seed: int) -> None:
        """Take where the run file is; what happens is written down beside it."""
        self._data_dir = data_dir
        self._outages = data_dir / FILE_NAME
        self._seed = seed
        self._end = asyncio.Event()
        self._away: set[str] = set()

    async def run(self) -> None:
        """Kill one process every few seconds, until `end`; return when all that were killed are back."""
        order = Round(tuple(self._processes()), self._seed)
        async with AsyncExitStack() as stack:
            waits: list[asyncio.Task[object]] = []
            while not await self._ends_within(EVERY_S):
                run = runfile.read(self._data_dir)
                name = order.next(clock.monotonic_s(), whole=run is not None and whole(run, self._away))
                record = None if run is None else run.processes.get(name)
                if record is not None and record.pid is not None and record.state == "running":
                    wait = background(f"back-{record.name}", self.kill(record))
                    waits.append(await stack.enter_async_context(wait))
            if waits:
                await asyncio.wait(waits)

    def end(self) -> None:
        """Kill nobody any more."""
        self._end.set()

    async def _ends_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._end.wait(), seconds)
        return self._end.is_set()

    async def kill(self, record: ProcessRecord) -> float:
        """Kill a process, wait until its successor answers, and return how long that took in seconds."""
        outage = Outage(process=record.name, action="kill", at_us=clock.now_us())
        append(self._outages, outage)
        self._away.add(record.name)
        os.kill(record.pid or 0, signal.SIGKILL)
        while not self._is_back(record):  # noqa: ASYNC110 - another process writes the run file
            await asyncio.sleep(_LOOK_S)
        back_us = clock.now_us()
        self._away.discard(record.name)
        append(self._outages, msgspec.structs.replace(outage, back_us=back_us))
        return (back_us - outage.at_us) / 1e6

    def _is_back(self, killed: ProcessRecord) -> bool:
        now = self._processes().get(killed.name)
        return now is not None and now.pid not in {None, killed.pid} and now.state == "running"

    def _processes(self) -> Mapping[str, ProcessRecord]:
        run: RunFile | None = runfile.read(self._data_dir)
        return {} if run is None else run.processes
