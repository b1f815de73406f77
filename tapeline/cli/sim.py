"""`tapeline sim`: fake exchanges on loopback that speak the venues' real protocols, until Ctrl-C or SIGTERM."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from simulator import faults, places, running
from simulator.running import Ready
from tapeline.cli.render import Output
from tapeline.cli.view import Cell, Line
from tapeline.errors import Misconfigured
from tapeline.runtime import lifecycle, settings
from tapeline.runtime.lifecycle import Lifecycle


def sim(
    out: Output, *, venue: str, market: str, port: int, seed: int, chosen: str, symbols: int, journal: Path | None
) -> int:
    """Serve what was asked for and return the exit code of the process; a wrong option raises Misconfigured."""
    chosen_places = places.choose(venue, market)
    options = places.checked(
        places.Options(
            places=chosen_places,
            ports=places.consecutive(port, chosen_places),
            seed=seed,
            faults=faults.parse(chosen),
            symbols=symbols,
            journal=journal,
        )
    )
    found = settings.load(service=running.SERVICE)
    quiet = found.model_copy(update={"log": found.log.model_copy(update={"console": "off"})})
    raised: list[Misconfigured] = []

    async def main(life: Lifecycle) -> None:
        try:
            await running.run(life, options, partial(_tell, out))
        except Misconfigured as error:  # a port that is taken
            raised.append(error)

    code = lifecycle.run(main, service=running.SERVICE, settings=quiet)
    if raised:
        raise raised[0]
    return code


def _tell(out: Output, ready: Ready) -> None:
    out.item(ready, lambda: Line((Cell(f"{ready.venue} {ready.market:<8}", "dim"), Cell(f"{ready.rest}  {ready.ws}"))))
