"""`tapeline demo`: the services in a data directory of their own, emptied at each start, shown live, then stopped."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec

from infra.embedded import datadir
from tapeline.cli import status as state
from tapeline.cli.failure import OK
from tapeline.cli.foreground import Run, run_and_stop
from tapeline.cli.render import Output
from tapeline.cli.status import ProcessStatus, Status
from tapeline.cli.view import Cell, View, line, span
from tapeline.errors import Misconfigured, Unavailable
from tapeline.runtime import clock, settings
from tapeline.runtime.runfile import Addresses
from tapeline.runtime.settings import Settings


class DemoResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a demo run was: how long until ready, how long it ran, and the last status before the stop."""

    ready_s: float
    ran_s: float
    state: str
    addresses: Addresses
    processes: dict[str, ProcessStatus]
    data_dir: str
    log_dir: str


@dataclass(slots=True)
class _Seen:
    """What a run has shown so far; `last` means something once it was ready."""

    last: Status
    ready_s: float = 0.0
    ran_s: float = 0.0


def demo(out: Output, *, for_s: float | None, headless: bool) -> int:
    """Start, show and stop; Ctrl-C before the time is over is an ordinary end."""
    found = in_own_folder(settings.load())
    empty(found.data.dir)
    seen = _Seen(last=state.stopped(found.data.dir, found.log.dir))

    async def work(run: Run) -> None:
        began_s = clock.monotonic_s()
        await run.start()
        seen.last = state.read(found)
        seen.ready_s = clock.monotonic_s() - began_s
        out.remark(f"ready in {span(seen.ready_s)}" + ("; Ctrl-C stops it" if for_s is None else ""))
        try:
            await _watch(out, found, seen, for_s=for_s, headless=headless or out.as_json)
        finally:
            seen.ran_s = clock.monotonic_s() - began_s - seen.ready_s

    run_and_stop(work, out, found)
    result = DemoResult(
        ready_s=round(seen.ready_s, 3),
        ran_s=round(seen.ran_s, 3),
        state=seen.last.state,
        addresses=seen.last.addresses,
        processes=seen.last.processes,
        data_dir=seen.last.data_dir,
        log_dir=seen.last.log_dir,
    )
    out.show(result, partial(_view, result))
    return OK


def in_own_folder(found: Settings) -> Settings:
    """Return the settings with a data directory and logs of the demo's own, beside the real ones."""
    data = found.data.model_copy(update={"dir": found.data.dir.with_name(f"{found.data.dir.name}-demo")})
    log = found.log.model_copy(update={"dir": found.log.dir / "demo"})
    return found.model_copy(update={"data": data, "log": log})


def empty(folder: Path) -> None:
    """Delete the data of the last demo; refuse while one runs there, or when the folder is none of ours."""
    if datadir.is_locked(folder):
        raise Misconfigured(
            f"a demo is running in {folder}", fix="wait for its end, or stop it with Ctrl-C in its terminal"
        )
    if folder.exists() and any(folder.iterdir()) and not (folder / datadir.LOCK_FILE).exists():
        raise Misconfigured(
            f"{folder} was not made by Tapeline", fix="move it aside, or set data.dir to another folder"
        )
    shutil.rmtree(folder, ignore_errors=True)


async def _watch(out: Output, found: Settings, seen: _Seen, *, for_s: float | None, headless: bool) -> None:
    """Keep the newest state in `seen`; a supervisor that ends by itself ends the demo with an error."""
    end_s = None if for_s is None else clock.monotonic_s() + for_s
    with out.live() as show:
        while True:
            now = state.read(found)
            if now.state == "stopped":
                raise Unavailable(f"the demo stopped by itself; the logs in {found.log.dir} say why")
            seen.last = now
            if not headless:
                show(now, partial(state.view, now))
            left_s = state.REFRESH_S if end_s is None else end_s - clock.monotonic_s()
            if left_s <= 0:
                return
            await asyncio.sleep(min(state.REFRESH_S, left_s))


def _view(result: DemoResult) -> View:
    return (
        line(Cell("✓ ", "good"), f"ready in {span(result.ready_s)}, ran {span(result.ran_s)}, stopped"),
        line(Cell(f"{'data':<11}", "dim"), result.data_dir),
    )
