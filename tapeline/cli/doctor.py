"""`tapeline doctor`: everything that can be wrong with a machine and a run, each with its fix."""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import partial

from tapeline.cli import doctor_venues
from tapeline.cli.checks import Checked, Ground, ask, look
from tapeline.cli.checks_machine import MACHINE_CHECKS
from tapeline.cli.checks_services import CONTENTS, SERVICES
from tapeline.cli.failure import CRASH, OK
from tapeline.cli.reaching import impatient, meant
from tapeline.cli.render import Output
from tapeline.cli.venues_where import Asked
from tapeline.cli.view import Cell, Grid, Style, View, line, row
from tapeline.errors import Misconfigured
from tapeline.runtime import endpoints, runfile
from tapeline.runtime.settings import Settings

_MARKS: dict[str, tuple[str, Style]] = {"ok": ("✓", "good"), "warn": ("!", "warn"), "fail": ("✗", "bad")}


def doctor(out: Output, asked: Asked | None = None, *, within_s: float) -> int:
    """Run all checks, or those of venues that are asked for, and show them; return 1 when one fails, 0 otherwise."""
    found = examine() if asked is None else doctor_venues.examine(out, asked, within_s=within_s)
    state = worst(found)
    out.show({"state": state, "checks": found}, partial(_view, found))
    return CRASH if state == "fail" else OK


def examine() -> tuple[Checked, ...]:
    """Run all checks; wrong settings are a finding too, after which nothing else can be checked."""
    try:
        found = meant()
    except Misconfigured as error:
        return (Checked(name="settings", state="fail", detail=error.problem, fix=error.fix),)
    first = Checked(name="settings", state="ok", detail="all keys are known and have sound values")
    local = tuple(look(name, check, found) for name, check in MACHINE_CHECKS)
    return (first, *local, *asyncio.run(_services(found)))


async def _services(found: Settings) -> tuple[Checked, ...]:
    """Check the services, then what those that answer hold."""
    try:
        run = runfile.read(found.data.dir)
    except Misconfigured:
        return ()  # the check of the run file has said so
    ground = Ground(settings=found, known=impatient(endpoints.endpoints_from(found, run)))
    if run is None and not external(found):
        detail, fix = "Tapeline is stopped, so its services were not checked", "run `tapeline up`"
        return (Checked(name="services", state="warn", detail=detail, fix=fix),)
    reached = await asyncio.gather(*(ask(name, check, ground) for name, check in SERVICES))
    away = {one.name for one in reached if one.state == "fail"}
    rest = await asyncio.gather(
        *(ask(name, check, ground) for name, check, needs in CONTENTS if away.isdisjoint(needs))
    )
    skipped = [_unchecked(name, away.intersection(needs)) for name, _, needs in CONTENTS if not away.isdisjoint(needs)]
    return (*reached, *rest, *skipped)


def _unchecked(name: str, away: set[str]) -> Checked:
    return Checked(name=name, state="warn", detail=f"not checked without {' and '.join(sorted(away))}", fix="mend that")


def external(found: Settings) -> bool:
    """Tell whether settings name any service, so that there is something to check without a run."""
    named = (found.kafka.bootstrap, found.registry.url, found.database.host, found.clickhouse.host)
    return any(name is not None for name in named)


def worst(found: tuple[Checked, ...]) -> str:
    """Return the worst state among the checks."""
    states = {one.state for one in found}
    return next(state for state in ("fail", "warn", "ok") if state in states)


def _view(found: tuple[Checked, ...]) -> View:
    rows = tuple(_row(one) for one in found)
    counts = Counter(one.state for one in found)
    total = ", ".join(f"{counts[state]} {state}" for state in ("ok", "warn", "fail") if counts[state])
    return (Grid(("", "check", "found", "fix"), rows), line(), line(Cell(total, _MARKS[worst(found)][1])))


def _row(one: Checked) -> tuple[Cell, ...]:
    mark, style = _MARKS[one.state]
    return row(Cell(mark, style), Cell(one.name, "name"), one.detail, Cell(one.fix or "", style))
