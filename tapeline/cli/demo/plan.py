"""What a demo is asked for, as settings of its own: its own data and logs beside the real ones, every part of it on."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from infra.embedded import datadir
from simulator import faults, places
from simulator.instruments import DEFAULT_SYMBOLS
from tapeline.cli import reaching
from tapeline.errors import Misconfigured
from tapeline.runtime.settings import Monitor, Server, Settings, Simulation, Strategies, Trader, Venues
from tapeline.venues.registry import VENUES

KILL: Final = "kill"
ALL: Final = "all"
MOST_BOOKS: Final = 120
LEAST_SYMBOLS: Final = 4
CAPS: Final[dict[str, Any]] = {
    "max_open_orders": 100,
    "max_open_positions": 40,
    "max_exposure": 40_000,
    "max_pairs": 20,
}
"""Room for a pair on each symbol; the settings' own caps are those of one careful person."""
STRATEGIES: Final[tuple[dict[str, Any], ...]] = (
    {
        "name": "two-leg-1",
        "strategy": "two-leg",
        "parameters": {
            "entry_net": "0.002",
            "part_net": "0.0005",
            "notional": "300",
            "parts": 2,
            "target_profit": "0.0004",
            "stop_loss": "3",
            "max_hold_s": 14,
            "cool_down_s": 5,
            "ttl_ms": 2_000,
        },
    },
)
"""What trades in a demo: quick to enter and to leave, so that a minute shows it all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """The options of the command; `for_s` None: until Ctrl-C."""

    for_s: float | None = None
    seed: int = 0
    faults: tuple[str, ...] = ()
    kills: bool = False
    headless: bool = False
    brokers: int | None = None
    venues: str | None = None


def chosen(text: str) -> tuple[tuple[str, ...], bool]:
    """Return the faults of the simulated markets, and whether processes are killed; Misconfigured for unknown names."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    kills = KILL in words or faults.ALL in words
    return faults.parse(",".join(word for word in words if word != KILL)), kills


def settings_of(found: Settings, wish: Wish) -> Settings:
    """Return the settings under which the demo's processes run."""
    found = reaching.with_brokers(found, wish.brokers)
    venues = {} if wish.venues is None else {"venues": wish.venues}
    monitor = Monitor(**{**found.monitor.model_dump(exclude_unset=True), "symbols": "all", **venues})
    kept = found.simulation.model_dump(include={"symbols", "rate"}, exclude_unset=True)
    embedded = {**found.embedded.model_dump(exclude_unset=True), "pipeline": True}
    return reaching.of_demo(found).model_copy(
        update={
            "embedded": type(found.embedded)(**embedded),
            "venues": Venues(network="simulated"),
            "simulation": Simulation(
                **{"seed": wish.seed, "faults": ",".join(wish.faults), "symbols": _symbols(monitor.venues), **kept}
            ),
            "monitor": monitor,
            "server": Server(port=0),
            "trader": Trader(**{**CAPS, **found.trader.model_dump(exclude_unset=True)}),
            "strategies": Strategies(run=found.strategies.run or (STRATEGIES if _trades(monitor.venues) else ())),
        }
    )


def _symbols(venues: str) -> int:
    """Return how many symbols each market lists, unless settings say so: as many as a laptop carries of all markets."""
    chosen = places.choose(venues, places.ALL)
    return max(LEAST_SYMBOLS, min(DEFAULT_SYMBOLS, MOST_BOOKS // len(chosen)))


def _trades(venues: str) -> bool:
    """Tell whether all venues that can be traded on take part: orders go to each of them."""
    words = {word.strip() for word in venues.split(",")}
    return ALL in words or words.issuperset(one.id for one in VENUES.values() if one.is_traded)


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
