"""Start, stop and look at the embedded services from another process (the command line, tests): no state of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import psutil

from infra.embedded import datadir, inherit, orphans, steps
from infra.embedded.child import tail, what_is_wrong
from infra.embedded.steps import OnStep, Step
from tapeline.errors import Misconfigured, TapelineError, Unavailable
from tapeline.runtime import runfile
from tapeline.runtime.runfile import ProcessRecord, RunFile
from tapeline.runtime.settings import Settings

_STOP_WITHIN_S = 35.0
_KILLED_WITHIN_S = 5.0
# Above what a process has open by itself; only the supervisor knows this number.
_REPORT_FD = 77
_MB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessStatus:
    """One process as it is now, whatever the run file last said of it."""

    record: ProcessRecord
    alive: bool
    memory_mb: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What runs in a data directory: `running` while its supervisor lives, `ready` when its start is complete.

    `left_over` says that the supervisor was killed and processes of it may still run.
    """

    running: bool
    ready: bool
    left_over: bool
    run: RunFile | None
    processes: tuple[ProcessStatus, ...]


def start(settings: Settings, on_step: OnStep) -> RunFile:
    """Start the supervisor in the background, follow its steps, and return the run file when everything is ready.

    Raises Misconfigured or Unavailable with the one sentence of what failed; nothing is left running then, also when
    the caller is interrupted.
    """
    process, reader = _spawn(settings)
    try:
        return _wait_ready(settings, process, reader, on_step)
    except BaseException:
        _end(process)
        raise


def stop(settings: Settings, timeout_s: float = _STOP_WITHIN_S) -> bool:
    """Stop everything that runs in the data directory and wait for its end; return False when nothing ran.

    The supervisor stops its children in order; after `timeout_s`, or when it was killed before, they are ended here.
    """
    folder = settings.data.dir
    run = runfile.read(folder)
    master = datadir.holder(folder) if run is None else runfile.living(run.supervisor)
    if master is not None:
        _end(master, timeout_s)
    left_over = orphans.find(folder, run)
    orphans.end(left_over)
    if not datadir.is_locked(folder):
        runfile.remove(folder)
    return master is not None or bool(left_over) or run is not None


def snapshot(settings: Settings) -> Status:
    """Return what runs in the data directory now; never fails because nothing does."""
    run = runfile.read(settings.data.dir)
    if run is None:
        return Status(running=False, ready=False, left_over=False, run=None, processes=())
    running = runfile.is_alive(run.supervisor)
    records = (run.supervisor, *run.processes.values())
    return Status(
        running=running,
        ready=running and run.ready,
        left_over=not running,
        run=run,
        processes=tuple(map(_now, records)),
    )


def _now(record: ProcessRecord) -> ProcessStatus:
    process = runfile.living(record)
    memory_mb = None
    if process is not None:
        with contextlib.suppress(psutil.Error):
            memory_mb = round(process.memory_info().rss / _MB, 1)
    return ProcessStatus(record=record, alive=process is not None, memory_mb=memory_mb)


def _spawn(settings: Settings) -> tuple[psutil.Process, int]:
    """Start the supervisor in a session of its own, so that it outlives this terminal; return it and its report."""
    file = _output(settings)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        output = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError as error:
        raise Misconfigured(
            f"log.dir {settings.log.dir} cannot be used ({error.strerror})",
            fix="set log.dir to a folder that can be written",
        ) from None
    reader, writer = os.pipe()
    silence = os.open(os.devnull, os.O_RDONLY)
    try:
        # Not `subprocess`: its object would complain about a process that outlives it, which is the purpose here.
        pid = os.posix_spawn(
            sys.executable,
            [sys.executable, "-m", "infra.embedded", "--report-fd", str(_REPORT_FD)],
            inherit.environment(settings, "supervisor"),
            file_actions=[
                (os.POSIX_SPAWN_DUP2, writer, _REPORT_FD),
                (os.POSIX_SPAWN_DUP2, silence, 0),
                (os.POSIX_SPAWN_DUP2, output, 1),
                (os.POSIX_SPAWN_DUP2, output, 2),
            ],
            setsid=True,
        )
    except BaseException:
        os.close(reader)
        raise
    finally:
        for descriptor in (writer, silence, output):
            os.close(descriptor)
    return psutil.Process(pid), reader


def _end(process: psutil.Process, within_s: float = _STOP_WITHIN_S) -> None:
    """Ask a supervisor to stop, wait for it, and kill it when it does not; its children are not its own then."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(signal.SIGTERM)
    _, alive = psutil.wait_procs([process], timeout=within_s)
    for one in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()
    psutil.wait_procs(alive, timeout=_KILLED_WITHIN_S)


def _wait_ready(settings: Settings, process: psutil.Process, reader: int, on_step: OnStep) -> RunFile:
    with os.fdopen(reader, "rb") as lines:
        failure = _follow(lines, on_step)
    run = runfile.read(settings.data.dir)
    if failure is None and run is not None and run.ready:
        return run
    code = process.wait(timeout=_STOP_WITHIN_S)
    raise failure or _died(settings, code)


def _follow(lines: Iterable[bytes], on_step: OnStep) -> TapelineError | None:
    """Pass on each step until the start is done (None) or failed (why); also None when the report just ends."""
    for line in lines:
        with contextlib.suppress(msgspec.DecodeError):
            step = steps.decode(line)
            on_step(step)
            if step.step == steps.WHOLE and step.state == "done":
                return None
            if step.step == steps.WHOLE and step.state == "failed":
                return _error(step)
    return None


def _output(settings: Settings) -> Path:
    return settings.log.dir / "supervisor_output.log"


def _died(settings: Settings, code: int | None) -> Unavailable:
    """Return the sentence for a supervisor that ended without saying why (killed, or broken in itself)."""
    said = what_is_wrong(tail(_output(settings), 0))
    return Unavailable(f"the supervisor ended with exit {code} (it last said: {said}): read {_output(settings)}")


def _error(step: Step) -> TapelineError:
    """Make the error again that the supervisor reported."""
    sentence = step.error or "the supervisor failed"
    if step.fix is None:
        return Unavailable(sentence)
    return Misconfigured(sentence.removesuffix(f": {step.fix}"), fix=step.fix)
