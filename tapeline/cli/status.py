"""How the running Tapeline does: read from the run file and the system, never asked of the services themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Literal

import msgspec
import psutil

from tapeline.cli import reaching
from tapeline.cli.failure import OK
from tapeline.cli.render import Output
from tapeline.cli.stream import until_stopped
from tapeline.cli.version import installed
from tapeline.cli.view import Cell, Grid, Line, Style, View, line, row, size, span
from tapeline.runtime import clock, runfile
from tapeline.runtime.runfile import Addresses, Brokers, ProcessRecord, RunFile
from tapeline.runtime.settings import Settings

State = Literal["running", "starting", "stopped", "degraded"]
REFRESH_S = 1.0
SUPERVISOR = "supervisor"


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What a process and its own children use."""

    rss_mb: float
    cpu_s: float


class ProcessStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One process of the run, as it is now."""

    state: str
    pid: int | None
    restarts: int
    uptime_s: float | None
    rss_mb: float | None
    cpu_s: float | None
    metrics: str | None
    detail: str | None


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of `tapeline status`; when stopped every address is null and there is no process.

    `brokers` is null where there is one only, or none of ours.
    """

    state: State
    ready: bool
    version: str
    data_dir: str
    log_dir: str
    run_file: str | None
    addresses: Addresses
    brokers: Brokers | None
    processes: dict[str, ProcessStatus]


def read(found: Settings) -> Status:
    """Return the present state of the Tapeline of these settings; a stopped one is an answer, not an error."""
    run = runfile.read(found.data.dir)
    if run is None:
        return stopped(found.data.dir, found.log.dir)
    records = {SUPERVISOR: run.supervisor, **run.processes}
    return assess(run, runfile.path_in(found.data.dir), usage_of(records), clock.now_us())


def stopped(data_dir: Path, log_dir: Path) -> Status:
    """Return the status of a Tapeline that does not run."""
    return Status(
        state="stopped",
        ready=False,
        version=installed(),
        data_dir=str(data_dir),
        log_dir=str(log_dir),
        run_file=None,
        addresses=Addresses(),
        brokers=None,
        processes={},
    )


def assess(run: RunFile, path: Path, usage: Mapping[str, Usage], now_us: int) -> Status:
    """Judge a run file by what was found of its processes: one that is not in `usage` is dead."""
    supervised = SUPERVISOR in usage
    records = {SUPERVISOR: run.supervisor, **run.processes}
    processes = {name: _process(record, usage.get(name), now_us, supervised) for name, record in records.items()}
    return Status(
        state=_state(run, usage, processes),
        ready=run.ready and supervised,
        version=run.version,
        data_dir=run.data_dir,
        log_dir=run.log_dir,
        run_file=str(path),
        addresses=run.addresses,
        brokers=run.brokers if supervised else None,
        processes=processes,
    )


def usage_of(records: Mapping[str, ProcessRecord]) -> dict[str, Usage]:
    """Measure the living processes; a child counts to the nearest process that has a record of its own."""
    living = {name: process for name, record in records.items() if (process := runfile.living(record))}
    owners = {process.pid for process in living.values()}
    return {name: used for name, process in living.items() if (used := _usage(process, owners)) is not None}


def family(process: psutil.Process, owners: Collection[int]) -> Iterator[psutil.Process]:
    """Yield a process and all below it that have no record of their own.

    Raises psutil.NoSuchProcess when one of them ends meanwhile.
    """
    members = [process]
    for member in members:
        yield member
        members.extend(child for child in member.children() if child.pid not in owners)


def _usage(process: psutil.Process, owners: set[int]) -> Usage | None:
    rss, cpu = 0, 0.0
    try:
        for member in family(process, owners):
            with member.oneshot():
                times = member.cpu_times()
                rss += member.memory_info().rss
                cpu += times.user + times.system
    except psutil.NoSuchProcess:
        if not process.is_running():
            return None
    return Usage(rss_mb=round(rss / 1e6, 1), cpu_s=round(cpu, 2))


def _process(record: ProcessRecord, used: Usage | None, now_us: int, supervised: bool) -> ProcessStatus:  # noqa: FBT001 - a fact, private
    state, detail = str(record.state), record.detail
    if used is None and record.pid is not None and record.state in {"running", "starting"}:
        state = "restarting" if supervised else "stopped"
        detail = detail or f"process {record.pid} is gone"
    alive = used is not None and record.started_us is not None
    return ProcessStatus(
        state=state,
        pid=record.pid if used is not None else None,
        restarts=record.restarts,
        uptime_s=round((now_us - (record.started_us or 0)) / 1e6, 1) if alive else None,
        rss_mb=None if used is None else used.rss_mb,
        cpu_s=None if used is None else used.cpu_s,
        metrics=record.metrics,
        detail=detail,
    )


def _state(run: RunFile, usage: Mapping[str, Usage], processes: Mapping[str, ProcessStatus]) -> State:
    if SUPERVISOR not in usage:
        return "degraded" if usage else "stopped"
    if not run.ready:
        return "starting"
    return "running" if all(process.state == "running" for process in processes.values()) else "degraded"


_MARKS: dict[str, tuple[str, Style]] = {
    "running": ("●", "good"),
    "starting": ("◐", "warn"),
    "restarting": ("◐", "warn"),
    "degraded": ("●", "warn"),
    "failed": ("✗", "bad"),
    "stopped": ("○", "dim"),
}


def view(found: Status) -> View:
    """Lay out a status for a person."""
    mark, style = _MARKS[found.state]
    head = line(Cell(f"{mark} {found.state}", style), Cell(f"  tapeline {found.version}", "dim"))
    if found.state == "stopped" and not found.processes:
        return (head, line(Cell("data  ", "dim"), found.data_dir), line(Cell("start it with `tapeline up`", "dim")))
    rest = (*brokers_lines(found), *addresses_lines(found), *folder_lines(found))
    return (head, line(), processes_grid(found), line(), *rest)


def processes_grid(found: Status) -> Grid:
    """Return the table of processes."""
    columns = ("", "process", "state", "pid>", "up>", "memory>", "cpu>", "restarts>", "metrics", "detail")
    return Grid(columns, tuple(_row(name, process) for name, process in found.processes.items()))


def _row(name: str, process: ProcessStatus) -> tuple[Cell, ...]:
    mark, style = _MARKS.get(process.state, ("●", ""))
    return row(
        Cell(mark, style),
        Cell(name, "name"),
        Cell(process.state, style),
        process.pid,
        None if process.uptime_s is None else span(process.uptime_s),
        None if process.rss_mb is None else size(process.rss_mb * 1e6),
        None if process.cpu_s is None else f"{process.cpu_s:.1f} s",
        Cell(str(process.restarts), "warn" if process.restarts else "dim"),
        process.metrics,
        Cell(process.detail or "", "dim"),
    )


def addresses_lines(found: Status) -> tuple[Line, ...]:
    """Return one line per service that has an address."""
    addresses = msgspec.structs.asdict(found.addresses)
    venues = addresses.pop("venues")
    return tuple(line(Cell(f"{name:<11}", "dim"), address) for name, address in addresses.items() if address) + tuple(
        line(Cell(f"{name:<16}", "dim"), address) for name, address in venues.items()
    )


def brokers_lines(found: Status) -> tuple[Line, ...]:
    """Return how the brokers of a cluster keep what they were given, where there are several."""
    now = found.brokers
    if now is None:
        return ()
    if now.under_min:
        said = Cell(f"{now.under_min} of {now.partitions} partitions have too few copies: writers wait", "bad")
    elif now.under_replicated:
        said = Cell(f"{now.under_replicated} of {now.partitions} partitions lack copies", "warn")
    else:
        said = Cell(f"{now.partitions} partitions, all copies in step", "good")
    return (line(Cell(f"{'brokers':<11}", "dim"), f"{now.in_service} of {now.brokers} in service, ", said),)


def folder_lines(found: Status) -> tuple[Line, ...]:
    """Return where data and logs are."""
    return (line(Cell(f"{'data':<11}", "dim"), found.data_dir), line(Cell(f"{'logs':<11}", "dim"), found.log_dir))


def status(out: Output, *, watch: bool) -> int:
    """Show the status once, or again and again until Ctrl-C."""
    found = reaching.meant()
    if not watch:
        now = read(found)
        out.show(now, partial(view, now))
        return OK
    return until_stopped(_watch(out, found))


async def _watch(out: Output, found: Settings) -> None:
    with out.live() as show:
        while True:
            now = read(found)
            show(now, partial(view, now))
            await asyncio.sleep(REFRESH_S)
