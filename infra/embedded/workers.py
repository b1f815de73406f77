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
from tapeline.runtime import entropy
from tapeline.runtime.runfile import VenueKey
from tapeline.runtime.settings import Settings
from tapeline.venues.registry import VENUES

SIMULATOR: Final = "simulator"
PRODUCERS: Final = "producers"
PROCESSORS: Final = "processors"
EXECUTOR: Final = "executor"
SINKS: Final = "sinks"
GATEWAY: Final = "gateway"
JOURNAL: Final = "journal"
"""The folder below the data directory in which the simulated markets write down what they do."""

_YIELDING: Final = frozenset({SINKS, GATEWAY})
_PLACES: Final = tuple(f"{venue.id}:{market}" for venue in VENUES.values() for market in venue.feeds)


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
    return (*simulated, PRODUCERS, PROCESSORS, *executors, SINKS, GATEWAY)


def trades(settings: Settings) -> bool:
    """Tell whether anything is to trade by itself; without it nothing needs keys."""
    return bool(settings.strategies.run)


def keys(settings: Settings) -> dict[str, VenueKey]:
    """Make the keys of the simulated venues up, new ones for each run as the venues are."""
    if SIMULATOR not in names(settings):
        return {}
    return {venue: VenueKey(key=entropy.token(), secret=entropy.token()) for venue in VENUES}


def choose(settings: Settings, ports: Ports) -> WorkerPorts:
    """Take the ports of the workers; Misconfigured for one that is taken."""
    chosen = names(settings)
    return WorkerPorts(
        gateway=ports.take(settings.server.port, "server.port") if GATEWAY in chosen else None,
        venues={place: ports.take(0, "") for place in _PLACES} if SIMULATOR in chosen else {},
        metrics={name: ports.take(0, "") for name in chosen if name != SIMULATOR},
    )


def spec(name: str, settings: Settings, chosen: WorkerPorts, *, environ: Mapping[str, str], output: Path) -> ChildSpec:
    """Return how one worker is started and asked."""
    arguments: Mapping[str, Callable[[], tuple[str, ...]]] = {
        SIMULATOR: lambda: _simulator(settings, chosen),
        # Strategies without an order speak to nobody.
        PROCESSORS: lambda: ("spreads", "strategies") if trades(settings) else ("spreads",),
        SINKS: lambda: ("clickhouse", "postgres"),
    }
    return ChildSpec(
        name=name,
        command=(sys.executable, "-m", name, *arguments.get(name, tuple)()),
        environ=environ,
        folder=Path.cwd(),
        output=output,
        probe=_probe(name, chosen),
        yields=name in _YIELDING,
    )


def _probe(name: str, chosen: WorkerPorts) -> Probe:
    if name == SIMULATOR:
        # It serves no metrics: it is not of the pipeline.
        return probes.http(HOST, chosen.venues[_PLACES[-1]], "/_simulator/state")
    return probes.http(HOST, chosen.metrics[name], "/health")


def _simulator(settings: Settings, chosen: WorkerPorts) -> tuple[str, ...]:
    wanted = settings.simulation
    return (
        *("--ports", ",".join(str(chosen.venues[place]) for place in _PLACES)),
        *("--seed", str(wanted.seed)),
        *("--symbols", str(wanted.symbols)),
        *("--rate", str(wanted.rate)),
        *("--faults", wanted.faults),
        *("--journal", str(settings.data.dir / JOURNAL)),
    )
