"""`tapeline doctor --venues`: whether each exchange that is recorded still speaks as we know it, each no with its fix.

The probe is that of `tapeline venues --probe`: the list, the sockets, the streams and each frame compared strictly.
"""

from __future__ import annotations

from typing import Final

from tapeline.cli import venues
from tapeline.cli.checks import Checked, State
from tapeline.cli.reaching import meant
from tapeline.cli.render import Output
from tapeline.cli.venues_facts import VenueRow
from tapeline.cli.venues_where import Asked
from tapeline.venues import registry

ALL: Final = "all"


def examine(out: Output, asked: Asked, *, within_s: float) -> tuple[Checked, ...]:
    """Probe the markets that are asked for, of the venues that settings record where none is named."""
    if asked.venue is None:
        asked = Asked(among=among(meant().monitor.venues), market=asked.market)
    return tuple(map(checked, venues.probed(out, asked, within_s=within_s)))


def among(wished: str) -> tuple[str, ...]:
    """Return the venues of `monitor.venues`; none is all, as the producers have it."""
    names = [word.strip() for word in wished.split(",") if word.strip()] or [ALL]
    return tuple(dict.fromkeys(one for name in names for one in (registry.HOSTED if name == ALL else (name,))))


def checked(row: VenueRow) -> Checked:
    """Return what a probe found as one line of the doctor's."""
    name = f"{row.venue} {row.market}"
    if row.ok is None:
        return Checked(name=name, state="warn", detail=f"not probed: {row.error}", fix="start or name what it needs")
    if row.ok:
        counts = f"{row.instruments.count} instruments, {row.trades.received} trades, {row.book.checked} changes"
        return Checked(name=name, state="ok", detail=f"{row.network}: {row.symbol} works: {counts}")
    state: State = "fail" if venues.fails(row) else "warn"
    return Checked(name=name, state=state, detail="; ".join(venues.said(row)), fix=fix(row))


def fix(row: VenueRow) -> str:
    """Say what a person does about the first of what fails, in the order in which one thing needs the other."""
    if not venues.fails(row):
        return "the venue is closing: take it out of monitor.venues"
    if row.drift:
        return row.drift[0].fix
    if row.instruments.error is not None:
        return f"try {row.address} from this machine; if it is away for others too, look for an announcement"
    if row.error is not None:
        return "try the address of the socket from this machine; a proxy may not let it through, or it has moved"
    return f"look at it for longer: `tapeline venues --probe --venue {row.venue} --market {row.market} --within 60`"
