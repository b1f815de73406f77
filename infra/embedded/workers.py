"""The pipeline's own processes as children of the supervisor: their order, their ports, how each is started.

Each is started by the command that a person or a container would give; they find everything in the run file.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from infra.embedded import probes
from infra.embedded.child import ChildSpec
from infra.embedded.ports import HOST, Ports
from infra.embedded.probes import Probe
from schemas.roles import ROLES, Role
from tapeline.runtime import entropy
from tapeline.runtime.database_logins import Login
from tapeline.runtime.runfile import VenueKey
from tapeline.runtime.settings import Settings
from tapeline.venues.registry import VENUES, every, venue

SIMULATOR: Final = "simulator"
PRODUCERS: Final = "producers"
PROCESSORS: Final = "processors"
STRATEGIES: Final = "strategies"
"""The agent that asks for orders, in a process of its own where the broker is not ours and may know it by its user."""
EXECUTOR: Final = "executor"
SINKS: Final = "sinks"
GATEWAY: Final = "gateway"
JOURNAL: Final = "journal"
"""The folder below the data directory in which the simulated markets write down what they do."""

_ROLES: Final[Mapping[str, Role | None]] = {str(process): role for process, role in ROLES.items()}
_ALL: Final = "all"
_YIELDING: Final = frozenset({SINKS, GATEWAY})


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerPorts:
    """The ports of one run: of the gateway, of each simulated market, of each worker's metrics."""

    gateway: int | None = None
    venues: Mapping[str, int] = field(default_factory=dict)
    metrics: Mapping[str, int] = field(default_factory=dict)


def names(settings: Settings) -> tuple[str, ...]:
    """Return the workers of a run in the order of their start; none unless settings ask for them."""
    if not settings.embedded.pipeline:
        return ()
    simulated = (SIMULATOR,) if settings.venues.network == "simulated" else ()
    executors = (EXECUTOR,) if trades(settings) else ()
    apart = (STRATEGIES,) if trades(settings) and settings.kafka.bootstrap is not None else ()
    return (*simulated, PRODUCERS, PROCESSORS, *apart, *executors, SINKS, GATEWAY)


def trades(settings: Settings) -> bool:
    """Tell whether anything is to trade by itself; without it nothing needs keys."""
    return bool(settings.strategies.run)


def login_name(worker: str) -> str:
    """Return who a worker is in our own Postgres."""
    return f"tapeline_up_{worker}"


def logins(settings: Settings) -> dict[str, Login]:
    """Make up the logins of the workers that have to do with Postgres, with new passwords for each run."""
    found = {name: _ROLES.get(name) for name in names(settings)}
    return {
        name: Login(name=login_name(name), role=role, password=entropy.token())
        for name, role in found.items() if role is not None
    }  # fmt: skip


def _venues(settings: Settings) -> tuple[str, ...]:
    """Return the venues that are recorded, in the order of the registry."""
    wanted = {word.strip() for word in settings.monitor.venues.split(",") if word.strip()}
    for venue_id in wanted - {_ALL}:
        _ = venue(venue_id)  # one that does not exist is said before anything starts
    wanted |= {*every(settings.venues.network)} if _ALL in wanted else set()
    return tuple(one for one in VENUES if one in wanted)


def places(settings: Settings) -> tuple[str, ...]:
    """Return `venue:market` of each market that is recorded."""
    return tuple(f"{one}:{market}" for one in _venues(settings) for market in VENUES[one].feeds)


def keys(settings: Settings) -> dict[str, VenueKey]:
    """Make the keys of the simulated venues up, new ones for each run as the venues are."""
    if SIMULATOR not in names(settings):
        return {}
    return {venue: VenueKey(key=entropy.token(), secret=entropy.token()) for venue in _venues(settings)}


def choose(settings: Settings, ports: Ports) -> WorkerPorts:
    """Take the ports of the workers; Misconfigured for one that is taken."""
    chosen = names(settings)
    return WorkerPorts(
        gateway=ports.take(settings.server.port, "server.port") if GATEWAY in chosen else None,
        venues={place: ports.take(0, "") for place in places(settings)} if SIMULATOR in chosen else {},
        metrics={name: ports.take(0, "") for name in chosen if name != SIMULATOR},
    )


def spec(name: str, settings: Settings, chosen: WorkerPorts, *, environ: Mapping[str, str], output: Path) -> ChildSpec:
    """Return how one worker is started and asked."""
    arguments: Mapping[str, Callable[[], tuple[str, ...]]] = {
        SIMULATOR: lambda: _simulator(settings, chosen),
        PROCESSORS: lambda: _agents(settings),
        STRATEGIES: lambda: ("strategies",),
        SINKS: lambda: ("clickhouse", "postgres"),
    }
    return ChildSpec(
        name=name,
        command=(sys.executable, "-m", PROCESSORS if name == STRATEGIES else name, *arguments.get(name, tuple)()),
        environ=environ,
        folder=Path.cwd(),
        output=output,
        probe=_probe(name, chosen),
        yields=name in _YIELDING,
    )


def _agents(settings: Settings) -> tuple[str, ...]:
    """Return the agents of the one process of them; strategies without an order speak to nobody."""
    return ("spreads", "strategies") if trades(settings) and STRATEGIES not in names(settings) else ("spreads",)


def _probe(name: str, chosen: WorkerPorts) -> Probe:
    if name == SIMULATOR:
        # It serves no metrics: it is not of the pipeline.
        return probes.http(HOST, [*chosen.venues.values()][-1], "/_simulator/state")
    return probes.http(HOST, chosen.metrics[name], "/health")


def _simulator(settings: Settings, chosen: WorkerPorts) -> tuple[str, ...]:
    wanted = settings.simulation
    return (
        *("--venue", ",".join(_venues(settings))),
        *("--ports", ",".join(str(port) for port in chosen.venues.values())),
        *("--seed", str(wanted.seed)),
        *("--symbols", str(wanted.symbols)),
        *("--rate", str(wanted.rate)),
        *("--faults", wanted.faults),
        *("--journal", str(settings.data.dir / JOURNAL)),
    )
