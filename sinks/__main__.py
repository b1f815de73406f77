"""The sinks' process: `python -m sinks clickhouse postgres`, or one of them; each process by a name of its own."""

from __future__ import annotations

import argparse
import socket
import sys
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

from sinks import clickhouse, postgres, store
from sinks.batching import Bounds
from sinks.histories.catalogue import BY_TOPIC as HISTORIES
from sinks.holes import Hole, Holes, alarm
from sinks.intake import Intake
from sinks.ledger import ledger
from sinks.membership import Place
from tapeline.runtime import endpoints, lifecycle, registry, speaking, telemetry
from tapeline.runtime.codec import Codec
from tapeline.runtime.dlq import DeadLetters
from tapeline.runtime.kafka import Publisher
from tapeline.runtime.registry import RegistryClient

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from sinks.steps import Steps
    from tapeline.runtime.endpoints import Endpoints
    from tapeline.runtime.lifecycle import Lifecycle
    from tapeline.runtime.telemetry import Publish

SERVICE: Final = "sinks"
STORES: Final = ("clickhouse", "postgres")

Sink = clickhouse.Sink | postgres.Sink


class Lagging(Protocol):
    """What can tell how far it is behind."""

    def lag(self) -> Mapping[str, int]:
        """Return the records not yet taken in, by topic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a process fills and as whom: its own name, and for each store its group and its name in that."""

    process: str
    members: Mapping[str, tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the sinks of one process share."""

    life: Lifecycle
    found: Endpoints
    process: str
    codec: Codec
    publisher: Publisher
    intake: Intake
    alarm: Publish
    steps: Steps | None


def main(arguments: Sequence[str] | None = None, *, steps: Steps | None = None) -> int:
    """Run the process and return its exit code; `steps` is told of each moment of a batch."""
    wanted = asked_for(arguments)

    async def body(life: Lifecycle) -> None:
        await fill(life, wanted, steps=steps)

    return lifecycle.run(body, service=SERVICE)


def asked_for(arguments: Sequence[str] | None) -> Wanted:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m sinks", description=__doc__)
    parser.add_argument("store", nargs="+", choices=STORES, help="which stores to fill")
    parser.add_argument("--name", default=None, help="this process's own fixed name; default: the store and the host")
    parser.add_argument("--group", default=None, help="consumer group of one store; default: sink- and its name")
    given: Any = parser.parse_args(arguments)
    stores = tuple(dict.fromkeys(given.store))
    if given.group is not None and len(stores) > 1:
        message = "--group is for one store: each has a group of its own"
        parser.error(message)
    host = socket.gethostname()
    return Wanted(
        process=f"{SERVICE}-{given.name or '-'.join((*stores, host))}",
        members={one: (given.group or f"sink-{one}", given.name or f"{one}-{host}") for one in stores},
    )


async def fill(life: Lifecycle, wanted: Wanted, *, steps: Steps | None = None) -> None:
    """Start the sinks and keep them until the stop; when one of them fails, the process does."""
    settings = life.settings
    found = endpoints.resolve(settings)
    await life.start("telemetry", telemetry.serving(settings.process, life.health))
    schemas = await life.start("registry", RegistryClient(found.registry))
    codec = Codec(await registry.ids_for(found, schemas))
    publisher = await life.start("publisher", Publisher(found.kafka, client_id=wanted.process))
    parts = Parts(
        life=life,
        found=found,
        process=wanted.process,
        codec=codec,
        publisher=publisher,
        intake=Intake(codec, DeadLetters(publisher, codec, process=wanted.process), schemas.schema),
        alarm=speaking.publishing(publisher, codec),
        steps=steps,
    )
    sinks = {
        name: await _SINKS[name](parts, Place(kafka=found.kafka, group=group, member=member))
        for name, (group, member) in wanted.members.items()
    }
    await life.start("heartbeat", speaking.beating(life, parts.alarm, wanted.process, partial(lag, sinks.values())))
    for name, sink in sinks.items():
        await life.start(f"sink {name}", sink.running())
    await life.stopping()


def lag(sinks: Iterable[Lagging]) -> dict[str, int]:
    """Return the records not yet taken in by topic; where two sinks read a topic, of the one that is behind."""
    found: dict[str, int] = {}
    for sink in sinks:
        for topic, count in sink.lag().items():
            found[topic] = max(count, found.get(topic, 0))
    return found


async def _clickhouse(parts: Parts, place: Place) -> Sink:
    opened = await parts.life.start("clickhouse", store.store(parts.found.clickhouse))
    monitor = parts.life.settings.monitor
    return clickhouse.Sink(
        place,
        opened,
        parts.intake,
        Holes(parts.publisher, parts.codec, opened, alarm=parts.alarm, process=parts.process),
        parts.life.health,
        bounds=Bounds(rows=monitor.batch_size, wait_s=monitor.batch_interval_sec),
        steps=parts.steps,
    )


async def _postgres(parts: Parts, place: Place) -> Sink:
    async def gone(hole: Hole) -> None:
        table = HISTORIES[hole.partition.topic].name
        await alarm(parts.alarm, parts.process, hole, f"{table} has no row of them")

    opened = await parts.life.start("postgres", ledger(parts.found.postgres, place.group))
    return postgres.Sink(place, opened, parts.intake, gone, parts.life.health, steps=parts.steps)


_SINKS: Final[Mapping[str, Callable[[Parts, Place], Awaitable[Sink]]]] = {
    "clickhouse": _clickhouse,
    "postgres": _postgres,
}


if __name__ == "__main__":
    sys.exit(main())
