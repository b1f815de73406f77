"""`tapeline up` and `tapeline down`: start and stop the embedded services, each step shown."""

from __future__ import annotations

import asyncio
from functools import partial

import msgspec

from infra.embedded import control
from tapeline.cli import progress, reaching
from tapeline.cli import status as state
from tapeline.cli.failure import OK
from tapeline.cli.foreground import Run, run_and_stop
from tapeline.cli.render import Output
from tapeline.cli.status import Status
from tapeline.cli.view import Cell, View, line, span
from tapeline.errors import Unavailable
from tapeline.runtime import clock, settings
from tapeline.runtime.settings import Settings

LOOK_EVERY_S = 1.0


def up(out: Output, *, foreground: bool, brokers: int | None = None) -> int:
    """Start what settings do not name; return when everything is ready, or at its end with `foreground`."""
    found = reaching.with_brokers(settings.load(), brokers)
    began_s = clock.monotonic_s()
    if not foreground:
        with progress.watch(out) as show:
            control.start(found, show)
        _ready(out, found, began_s)
        return OK

    async def work(run: Run) -> None:
        await run.start()
        _ready(out, found, began_s)
        out.remark("Ctrl-C stops everything")
        await watch_over(found)

    run_and_stop(work, out, found)
    return OK


def down(out: Output) -> int:
    """Stop everything that was started; data stays. A stopped Tapeline is an answer, not an error."""
    found = settings.load()
    began_s = clock.monotonic_s()
    was_running = control.stop(found)
    took_s = round(clock.monotonic_s() - began_s, 3)
    view = (line(f"stopped in {span(took_s)}" if was_running else "nothing was running"),)
    out.show({"state": "stopped", "was_running": was_running, "took_s": took_s}, lambda: view)
    return OK


async def watch_over(found: Settings) -> None:
    """Return never while the supervisor lives; raise Unavailable when it is gone."""
    while True:
        if not control.snapshot(found).running:
            raise Unavailable(f"the supervisor is gone; the logs in {found.log.dir} say why")
        await asyncio.sleep(LOOK_EVERY_S)


def _ready(out: Output, found: Settings, began_s: float) -> None:
    now, ready_s = state.read(found), round(clock.monotonic_s() - began_s, 3)
    out.show({"ready_s": ready_s, **msgspec.structs.asdict(now)}, partial(_up_view, now, ready_s))


def _up_view(now: Status, ready_s: float) -> View:
    head = line(Cell("✓ ready", "good"), f" in {span(ready_s)}")
    return (head, *state.addresses_lines(now), *state.folder_lines(now))
