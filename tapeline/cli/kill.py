"""`tapeline kill`, `reduce` and `resume`: what is wanted of the whole system, told in every way that still works.

A kill goes to the executor as a signal first, for that needs neither database nor broker, and then into Postgres, where
it stands until a person takes it back.
"""

from __future__ import annotations

import asyncio
import signal
from functools import partial
from typing import Final, Literal

import msgspec
import psutil

from tapeline.cli.failure import OK, UNAVAILABLE, Failure
from tapeline.cli.reaching import impatient, meant
from tapeline.cli.render import Output
from tapeline.cli.view import Cell, Line, Style, View, line
from tapeline.domain.order_records import DesiredState, Scope
from tapeline.errors import TapelineError
from tapeline.runtime import desired_state, endpoints, runfile
from tapeline.runtime.desired_state import EVERYTHING, THROWN_AT_EXECUTOR, Wish
from tapeline.runtime.endpoints import Endpoints
from tapeline.runtime.runfile import RunFile
from tapeline.runtime.settings import Settings
from tapeline.runtime.single_transaction import transaction

EXECUTOR: Final = "executor"
WITHIN_S: Final = 30.0
"""A database that has not answered by then counts as away: who stops everything does not wait for minutes."""


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """One way in which it was told, and whether it arrived."""

    way: Literal["signal", "postgres"]
    reached: bool
    detail: str


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One row of desired state as it stands now."""

    scope: Scope
    target: str
    desired: DesiredState
    version: int
    reason: str | None


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a command: each way, and the rows that it wrote."""

    desired: DesiredState
    data_dir: str
    ways: tuple[Way, ...]
    rows: tuple[Row, ...]

    @property
    def reached(self) -> bool:
        """Tell whether at least one way worked."""
        return any(one.reached for one in self.ways)


def kill(out: Output, *, reason: str | None) -> int:
    """Throw the kill switch; exit code 0 when it arrived in at least one way."""
    found = meant()
    ways: list[Way] = []
    rows: tuple[Row, ...] = ()
    try:
        ways.append(signalled(runfile.read(found.data.dir)))
    except Exception as error:  # noqa: BLE001 - whatever is wrong with one way, the other one is taken
        ways.append(Way(way="signal", reached=False, detail=_said(error)))
    out.remark(f"signal: {ways[0].detail}")  # at once, for the database may take its time
    try:
        rows = asyncio.run(_write(_services(found), "HALTED", reason or "stopped by `tapeline kill`"))
        ways.append(Way(way="postgres", reached=True, detail="HALTED is stored with its audit entry"))
    except Exception as error:  # noqa: BLE001 - as above
        ways.append(Way(way="postgres", reached=False, detail=_said(error)))
    told = Told(desired="HALTED", data_dir=str(found.data.dir), ways=tuple(ways), rows=rows)
    if told.reached:
        out.show(told, partial(view, told))
        return OK
    failed = failure(told)
    out.fail(failed)
    return failed.exit_code


def change(out: Output, desired: DesiredState, *, reason: str | None) -> int:
    """Set what is wanted of the system, and take back the halts of kill switches that executors have stored."""
    command = "resume" if desired == "RUNNING" else "reduce"
    found = meant()
    rows = asyncio.run(_write(_services(found), desired, reason or f"set by `tapeline {command}`"))
    stored = Way(way="postgres", reached=True, detail=f"{desired} is stored with its audit entry")
    told = Told(desired=desired, data_dir=str(found.data.dir), ways=(stored,), rows=rows)
    out.show(told, partial(view, told))
    return OK


def signalled(run: RunFile | None) -> Way:
    """Tell every executor of a run by a signal."""
    records = {} if run is None else {name: one for name, one in run.processes.items() if is_executor(name)}
    reached, problems = [], []
    for name, record in records.items():
        process = runfile.living(record)
        if process is None:
            problems.append(f"{name} does not run")
            continue
        if record.state != "running":
            # Until its own code has begun it would die of the signal and come back without knowing of a halt, and the
            # run file does not tell that moment from the rest of its start. Postgres tells it as soon as it is ready.
            problems.append(f"{name} (process {process.pid}) is {record.state}: it takes nothing yet, nor a signal")
            continue
        try:
            process.send_signal(signal.SIGUSR1)
            reached.append(f"{name} (process {process.pid})")
        except psutil.Error as error:
            problems.append(f"{name} (process {process.pid}): {error}")
    if not records:
        problems.append("the run file names no executor" if run is not None else "there is no run file")
    return Way(way="signal", reached=bool(reached), detail="; ".join((*reached, *problems)))


def is_executor(name: str) -> bool:
    """Tell whether a process of a run is an executor, the only one or that of an account."""
    return name == EXECUTOR or name.startswith((f"{EXECUTOR}-", f"{EXECUTOR}:"))


def failure(told: Told) -> Failure:
    """Say that nothing was reached, and what is left to do."""
    problem = "; ".join(f"{one.way}: {one.detail}" for one in told.ways)
    return Failure(
        kind="unreached",
        problem=f"the kill switch has reached nothing ({problem})",
        fix="stop the executor's process or its machine; if orders may still rest, cancel them at the venues",
        exit_code=UNAVAILABLE,
    )


def _said(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {WITHIN_S:.0f} s"
    return str(error) if isinstance(error, TapelineError) else f"{type(error).__name__}: {error}"


def _services(found: Settings) -> Endpoints:
    return impatient(endpoints.resolve(found))


async def _write(known: Endpoints, desired: DesiredState, reason: str) -> tuple[Row, ...]:
    actor = f"cli:{psutil.Process().username()}"
    async with asyncio.timeout(WITHIN_S), transaction(known.postgres, writes=True) as session:
        wishes = [Wish(scope="system", target=EVERYTHING, desired=desired, actor=actor, reason=reason)]
        if desired != "HALTED":
            wishes += [
                Wish(scope="account", target=one.target, desired="RUNNING", actor=actor, reason=reason)
                for one in await desired_state.read(session)
                if one.scope == "account" and one.desired == "HALTED" and one.reason == THROWN_AT_EXECUTOR
            ]
        states = [(await desired_state.change(session, wish)).state for wish in wishes]
    return tuple(
        Row(scope=one.scope, target=one.target, desired=one.desired, version=one.version, reason=one.reason)
        for one in states
    )


_MEANING: Final[dict[DesiredState, str]] = {
    "HALTED": "nothing is opened, what rests is cancelled, closes go on; until `tapeline resume` or `tapeline reduce`",
    "REDUCING": "nothing is opened, positions may be closed; until `tapeline resume`",
    "RUNNING": "strategies may open again",
}
_STYLES: Final[dict[DesiredState, Style]] = {"HALTED": "bad", "REDUCING": "warn", "RUNNING": "good"}


def view(told: Told) -> View:
    """Lay out what came of it for a person."""
    return (
        line(Cell(told.desired, _STYLES[told.desired]), f"  {_MEANING[told.desired]}"),
        line(Cell("  of       ", "dim"), f"the Tapeline whose data is in {told.data_dir}"),
        *(_way(one) for one in told.ways),
        *(
            line(Cell("  ", "dim"), f"{one.scope} {one.target}: {one.desired}, version {one.version}")
            for one in told.rows
        ),
    )


def _way(one: Way) -> Line:
    mark = Cell("✓ ", "good") if one.reached else Cell("✗ ", "bad")
    return line(mark, Cell(f"{one.way:<9}", "dim"), one.detail)
