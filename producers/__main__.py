"""The producers' process: `python -m producers [VENUE ..]`; each market in it lives and fails alone."""

from __future__ import annotations

import argparse
import socket
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from producers import places
from producers.leasing import leasing
from producers.looking_back import LookingBack
from producers.recording import Means, Recorder
from tapeline.runtime import endpoints, lifecycle, registry, speaking, telemetry
from tapeline.runtime.codec import Codec
from tapeline.runtime.kafka import Publisher
from tapeline.runtime.registry import RegistryClient

if TYPE_CHECKING:
    from producers.places import Place
    from tapeline.domain.events import Alert, Severity
    from tapeline.runtime.lifecycle import Lifecycle

SERVICE: Final = "producers"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the process and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m producers", description=__doc__)
    parser.add_argument(
        "venues", nargs="*", metavar="VENUE", help="which venues to record, or all (default: monitor.venues)"
    )
    parser.add_argument("--market", default=places.ALL, help="spot, futures or all (the default)")
    parser.add_argument("--name", default=None, help="name in heartbeats; default: the venues and the host")
    wanted = parser.parse_args(arguments)

    async def body(life: Lifecycle) -> None:
        by_tasks = life.settings.monitor.tasks
        venues = wanted.venues or (() if by_tasks else places.named(life.settings.monitor.venues))
        chosen = places.choose(venues, wanted.market, network=life.settings.venues.network)
        words = () if by_tasks else dict.fromkeys(one.venue for one in chosen)
        name = wanted.name or "-".join([*words, socket.gethostname()])
        await record(life, chosen, name=name)

    return lifecycle.run(body, service=SERVICE)


async def record(life: Lifecycle, chosen: Sequence[Place], *, name: str) -> None:
    """Start what the markets share, then each market, and keep them until the stop."""
    settings = life.settings
    found = endpoints.resolve(settings)
    by_tasks = settings.monitor.tasks
    if by_tasks:
        chosen = places.reachable(chosen, settings, found.run)
    for place in chosen:
        places.hosts(place, settings, found.run)  # what cannot be is said before anything starts
    process = f"{SERVICE}-{name}"
    await life.start("telemetry", telemetry.serving(settings.process, life.health))
    schemas = await life.start("registry", RegistryClient(found.registry))
    codec = Codec(await registry.ids_for(found, schemas))
    publisher = await life.start("publisher", Publisher(found.kafka, client_id=process))
    publish = speaking.publishing(publisher, codec)

    async def tell(code: str, sentence: str, fix: str | None, *, severity: Severity = "critical") -> Alert:
        return await telemetry.alert(publish, process, severity, code, sentence, fix=fix)

    means = Means(
        settings=settings,
        endpoints=found,
        codec=codec,
        publisher=publisher,
        looking_back=LookingBack(found.kafka, codec, schemas),
        partitions=await publisher.partitions("md.book"),
        process=process,
        tell=tell,
    )
    recorders = [Recorder(place, means, by_tasks=by_tasks) for place in chosen]

    def waiting() -> Mapping[str, int]:
        return {str(one.place): one.waiting() for one in recorders}

    await life.start("heartbeat", speaking.beating(life, publish, process, waiting))
    # Leases outlive what is recorded by them: parts stop in the order that is the reverse of their start.
    fetcher = await life.start("tasks", leasing(means, recorders)) if by_tasks else None
    for one in recorders:
        _ = life.spawn(str(one.place), one.run(), essential=False)
    if fetcher is not None:
        _ = life.spawn("rounds", fetcher.run())
    await life.stopping()


if __name__ == "__main__":
    sys.exit(main())
