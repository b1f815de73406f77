"""The producers' process: `python -m producers [VENUE ..]`; each market in it lives and fails alone."""

from __future__ import annotations

import argparse
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from producers import places
from producers.looking_back import LookingBack
from producers.recording import Means, Recorder
from schemas import topics
from schemas.topics import TOPICS
from tapeline.runtime import endpoints, lifecycle, registry, telemetry
from tapeline.runtime.codec import Codec
from tapeline.runtime.kafka import Publisher
from tapeline.runtime.registry import RegistryClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from producers.places import Place
    from tapeline.domain.events import Alert, Heartbeat
    from tapeline.runtime.lifecycle import Lifecycle
    from tapeline.runtime.telemetry import Publish

SERVICE: Final = "producers"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the process and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m producers", description=__doc__)
    parser.add_argument("venues", nargs="*", metavar="VENUE", help="which venues to record (default: all)")
    parser.add_argument("--market", default=places.ALL, help="spot, futures or all (the default)")
    parser.add_argument("--name", default=None, help="name in heartbeats; default: the venues and the host")
    wanted = parser.parse_args(arguments)

    async def body(life: Lifecycle) -> None:
        chosen = places.choose(wanted.venues, wanted.market)
        name = wanted.name or "-".join([*dict.fromkeys(one.venue for one in chosen), socket.gethostname()])
        await record(life, chosen, name=name)

    return lifecycle.run(body, service=SERVICE)


async def record(life: Lifecycle, chosen: Sequence[Place], *, name: str) -> None:
    """Start what the markets share, then each market, and keep them until the stop."""
    settings = life.settings
    found = endpoints.resolve(settings)
    for place in chosen:
        places.hosts(place, settings, found.run)  # what cannot be is said before anything starts
    process = f"{SERVICE}-{name}"
    await life.start("telemetry", telemetry.serve(settings.process.metrics_port, life.health))
    schemas = await life.start("registry", RegistryClient(found.registry))
    known = {} if found.run is None else found.run.schema_ids
    codec = Codec(known or await registry.register_all(schemas, TOPICS))
    publisher = await life.start("publisher", Publisher(found.kafka, client_id=process))
    publish = _publishing(publisher, codec)

    async def tell(code: str, sentence: str, fix: str | None) -> Alert:
        return await telemetry.alert(publish, process, "critical", code, sentence, fix=fix)

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
    recorders = [Recorder(place, means) for place in chosen]

    def waiting() -> Mapping[str, int]:
        return {str(one.place): one.waiting() for one in recorders}

    pulse = telemetry.Pulse(
        publish, life.health, every_s=settings.process.heartbeat_every_s, process=process, lag=waiting
    )
    await life.start("heartbeat", _beating(pulse))
    for one in recorders:
        _ = life.spawn(str(one.place), one.run(), essential=False)
    await life.stopping()


def _publishing(publisher: Publisher, codec: Codec) -> Publish:
    async def publish(name: str, key: str, value: Heartbeat | Alert) -> None:
        _ = await publisher.publish(name, key, codec.encode(topics.by_name(name), value), partition=0)

    return publish


@asynccontextmanager
async def _beating(pulse: telemetry.Pulse) -> AsyncIterator[None]:
    async with lifecycle.background("heartbeat", pulse.run()):
        yield


if __name__ == "__main__":
    sys.exit(main())
