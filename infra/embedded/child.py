"""One child process: started in a session of its own, asked whether it works, started again when it dies, and stopped.

The rule: what it is doing is one word of a literal table, and each change of that word is told at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec
import psutil

from infra.embedded.probes import Probe
from infra.embedded.yielding import give_way
from tapeline.errors import Misconfigured, TapelineError, Unavailable
from tapeline.runtime import clock
from tapeline.runtime.runfile import ProcessRecord, ProcessState

Event = Literal["spawned", "answered", "died", "gave_up", "stopped"]

TRANSITIONS: Mapping[ProcessState, Mapping[Event, ProcessState]] = {
    "stopped": {"spawned": "starting", "gave_up": "failed", "stopped": "stopped"},
    "starting": {"answered": "running", "died": "restarting", "gave_up": "failed", "stopped": "stopped"},
    "running": {"died": "restarting", "stopped": "stopped"},
    "restarting": {"spawned": "starting", "gave_up": "failed", "stopped": "stopped"},
    "failed": {"stopped": "stopped"},
}

STEADY_S = 5.0
"""A child that worked this long is started again at once when it dies; one that dies sooner has to wait longer."""

_LONGEST_DELAY_S = 30.0
_ASK_STARTING_S = 0.05
_ASK_RUNNING_S = 2.0
_SILENT_AFTER = 2
_KILLED_WITHIN_S = 5.0
_TAIL_BYTES = 65_536
_MOST_OUTPUT_BYTES = 5_000_000
_COMPLAINTS = ("FATAL", "PANIC", "ERROR", "Error", "Exception")
# Time, process and level before what a log line says.
_PREFIX = re.compile(r"^[\d-]+[T ][\d:.,]+Z?(?: UTC)?(?: \[\d+\])? ")
_MOST_WORDS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildSpec:
    """How to start a child, how to ask it, how to stop it."""

    name: str
    command: tuple[str, ...]
    environ: Mapping[str, str]
    folder: Path
    output: Path
    probe: Probe
    data: Path | None = None
    log_file: Path | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    user: int | None = None
    before: Callable[[], object] | None = None
    yields: bool = False
    """Whether it gives way, where cores are few, to what decides and trades: it only records or shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What has just happened to a child."""

    event: Event | Literal["silent", "answers_again"]
    record: ProcessRecord
    delay_s: float = 0.0


OnChange = Callable[[Change], None]
Plan = Callable[[], Awaitable[ChildSpec]]
"""Makes ready what the child needs and returns how to start it; raises what a person must change."""


def delay_before(quick_deaths: int) -> float:
    """Return how long to wait before the next start, after so many quick deaths in a row: 0, 1, 2, 4 .. 30 seconds."""
    return 0.0 if quick_deaths <= 1 else min(2.0 ** (quick_deaths - 2), _LONGEST_DELAY_S)


class Child:
    """Keeps one process running until it is told to stop."""

    def __init__(self, name: str, plan: Plan, output: Path, on_change: OnChange, *, metrics: str | None = None) -> None:
        """Remember what to start; nothing runs before `keep`."""
        self.name = name
        self.record = ProcessRecord(name=name, state="stopped", log=str(output), metrics=metrics)
        self._plan = plan
        self._output = output
        self._on_change = on_change
        self._process: Process | None = None
        self._spawning = asyncio.Lock()
        self._stop = asyncio.Event()
        self._settled = asyncio.Event()
        self._failure: TapelineError | None = None
        self._output_from = 0
        self._log_from = 0
        self._stop_signal = signal.SIGTERM

    async def keep(self) -> None:
        """Plan and start the process and start it again each time it dies, until `stop`.

        The first start may fail for good; what failed is raised by `settled`, which somebody must await.
        """
        try:
            spec = await self._plan()
            await self._keep(spec)
        except TapelineError as error:
            self._failure = error
            self._change("gave_up", detail=str(error))
        finally:
            self._settled.set()
            if self._process is not None and self._process.returncode is None:
                self._kill_group(self._process.pid)

    async def _keep(self, spec: ChildSpec) -> None:
        quick_deaths = 0
        while not self._stop.is_set():
            if spec.before is not None:
                await asyncio.to_thread(spec.before)
            process = await self._spawn(spec)
            if process is None:
                return
            answered_s = await self._live(spec, process)
            self._kill_group(process.pid)
            if self._stop.is_set():
                return
            said = f"{_ended(process)}, it said: {self._complaint(spec)}"
            if not self._settled.is_set():
                raise never_worked(spec, said)
            lived_s = 0.0 if answered_s is None else clock.monotonic_s() - answered_s
            quick_deaths = 1 if lived_s >= STEADY_S else quick_deaths + 1
            delay_s = delay_before(quick_deaths)
            self._change("died", detail=said, delay_s=delay_s)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), delay_s)

    async def settled(self) -> None:
        """Wait until the child answered for the first time; raise Misconfigured when its first start failed."""
        await self._settled.wait()
        if self._failure is not None:
            raise self._failure

    async def stop(self, within_s: float) -> bool:
        """Ask the process to stop and kill its group when it does not; return False when it had to be killed."""
        self._stop.set()
        async with self._spawning:
            process, orderly = self._process, True
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(self._stop_signal)
            try:
                await asyncio.wait_for(process.wait(), within_s)
            except TimeoutError:
                orderly = False
                self._kill_group(process.pid)
                await asyncio.wait_for(process.wait(), _KILLED_WITHIN_S)
        if self.record.state != "stopped":
            self._change("stopped", detail=None if orderly else "killed")
        return orderly

    def _complaint(self, spec: ChildSpec) -> str:
        """Return the line in which the process said, since its last start, what is wrong with it."""
        said = tail(spec.output, self._output_from)
        if spec.log_file is not None:
            said = tail(spec.log_file, self._log_from) + said
        return what_is_wrong(said)

    async def _spawn(self, spec: ChildSpec) -> Process | None:
        """Start the process, unless a stop came before it."""
        async with self._spawning:
            if self._stop.is_set():
                return None
            spec.output.parent.mkdir(parents=True, exist_ok=True)
            if _size(spec.output) > _MOST_OUTPUT_BYTES:
                spec.output.replace(spec.output.with_suffix(".1.log"))
            self._log_from = 0 if spec.log_file is None else _size(spec.log_file)
            self._stop_signal = spec.stop_signal
            with spec.output.open("ab") as output:
                self._output_from = output.tell()
                process = await asyncio.create_subprocess_exec(
                    *spec.command,
                    stdin=DEVNULL,
                    stdout=output,
                    stderr=STDOUT,
                    cwd=spec.folder,
                    env=dict(spec.environ),
                    start_new_session=True,
                    user=spec.user,
                )
            self._process = process
        created_s = None
        with contextlib.suppress(psutil.NoSuchProcess):
            created_s = psutil.Process(process.pid).create_time()
        restarts = self.record.restarts + (1 if self._settled.is_set() else 0)
        self._change("spawned", pid=process.pid, created_s=created_s, restarts=restarts)
        if spec.yields:
            await give_way(process.pid)
        return process

    async def _live(self, spec: ChildSpec, process: Process) -> float | None:
        """Watch the process until it ends; return when it first answered, or None when it never did."""
        gone = asyncio.Event()

        async def wait() -> None:
            await process.wait()
            gone.set()

        answered_s, _ = await asyncio.gather(self._watch(spec.probe, gone), wait())
        return answered_s

    async def _watch(self, probe: Probe, gone: asyncio.Event) -> float | None:
        """Ask the process again and again until it is gone; tell when it answers, falls silent, answers again."""
        answered_s: float | None = None
        failures = 0
        while not gone.is_set():
            try:
                await probe()
            except (OSError, TimeoutError, Unavailable) as error:
                failures += 1
                if answered_s is not None and failures == _SILENT_AFTER and not gone.is_set():
                    self._tell("silent", detail=f"it runs but does not answer ({_words(error)})")
            else:
                if answered_s is None and not gone.is_set():
                    answered_s = clock.monotonic_s()
                    self._change("answered")
                    self._settled.set()
                elif failures >= _SILENT_AFTER:
                    self._tell("answers_again")
                failures = 0
            pause_s = _ASK_STARTING_S if answered_s is None else _ASK_RUNNING_S
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(gone.wait(), pause_s)
        return answered_s

    def _change(
        self,
        event: Event,
        *,
        detail: str | None = None,
        pid: int | None = None,
        created_s: float | None = None,
        restarts: int | None = None,
        delay_s: float = 0.0,
    ) -> None:
        """Go to the next state of the table and tell it."""
        old = self.record
        keeps = event == "answered"
        self.record = ProcessRecord(
            name=old.name,
            state=TRANSITIONS[old.state][event],
            pid=old.pid if keeps else pid,
            created_s=old.created_s if keeps else created_s,
            started_us=clock.now_us() if event == "spawned" else old.started_us,
            restarts=old.restarts if restarts is None else restarts,
            metrics=old.metrics,
            log=old.log,
            detail=detail,
        )
        self._on_change(Change(event=event, record=self.record, delay_s=delay_s))

    def _tell(self, event: Literal["silent", "answers_again"], detail: str | None = None) -> None:
        """Tell something that does not change the state."""
        self.record = msgspec.structs.replace(self.record, detail=detail)
        self._on_change(Change(event=event, record=self.record))

    @staticmethod
    def _kill_group(pid: int) -> None:
        """Leave nothing of a child behind: its session is its own, so nobody else is in its group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)


def what_is_wrong(lines: Sequence[str]) -> str:
    """Return the last line of a program's output that complains, without time stamp and stack trace."""
    said = [line for line in lines if not line[:1].isspace()]
    wrong = [line for line in said if any(word in line for word in _COMPLAINTS)]
    return _PREFIX.sub("", (wrong or said or ["nothing"])[-1])[:_MOST_WORDS]


def never_worked(spec: ChildSpec, said: str) -> Misconfigured:
    """Return the sentence for a child whose first start failed: most often its data, where it has any, is damaged."""
    read = f"read {spec.log_file or spec.output}"
    if spec.data is None:
        return Misconfigured(f"{spec.name} does not start ({said})", fix=read)
    return Misconfigured(
        f"{spec.name} does not start ({said})",
        fix=f"{read}; if its data in {spec.data} is damaged, put it back from a copy, or "
        f"move {spec.data} aside and run `tapeline up` again, which starts it empty (nothing was deleted)",
    )


def _ended(process: Process) -> str:
    code = process.returncode
    if code is None:
        return "still running"
    if code >= 0:
        return f"exit {code}"
    with contextlib.suppress(ValueError):
        return f"killed by {signal.Signals(-code).name}"
    return f"killed by signal {-code}"


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def tail(file: Path, start: int) -> list[str]:
    """Return the last lines of a file, of what stands behind `start`."""
    try:
        with file.open("rb") as reader:
            size = reader.seek(0, os.SEEK_END)
            reader.seek(max(min(start, size), size - _TAIL_BYTES))
            return [line for line in reader.read().decode("utf-8", "replace").splitlines() if line.strip()]
    except OSError:
        return []


def _words(error: BaseException) -> str:
    return str(error) or type(error).__name__
