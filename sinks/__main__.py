"""The sinks' process: `python -m sinks clickhouse`; start as many as are needed, each by a name of its own."""

from __future__ import annotations

import argparse
import socket
import sys
from typing import TYPE_CHECKING, Final

from sinks import store
from sinks.batching import Bounds
from sinks.clickhouse import Place, Sink
from sinks.holes import Holes
from sinks.intake import Intake
from tapeline.runtime import endpoints, lifecycle, registry, speaking, telemetry
from tapeline.runtime.codec import Codec
from tapeline.runtime.dlq import DeadLetters
from tapeline.runtime.kafka import Publisher
from tapeline.runtime.registry import RegistryClient

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sinks.steps import Steps
    from tapeline.runtime.lifecycle import Lifecycle

SERVICE: Final = "sinks"
GROUP: Final = "sink-clickhouse"


def main(arguments: Sequence[str] | None = None, *, steps: Steps | None = None) -> int:
    """Run the process and return its exit code; `steps` is told of each moment of a batch."""
    parser = argparse.ArgumentParser(prog="python -m sinks", description=__doc__)
    parser.add_argument("store", choices=["clickhouse"], help="which store to fill")
    parser.add_argument("--name", default=None, help="this sink's own fixed name; default: clickhouse and the host")
    parser.add_argument("--group", default=GROUP, help="consumer group (default: %(default)s)")
    wanted = parser.parse_args(arguments)
    name = wanted.name or f"clickhouse-{socket.gethostname()}"

    async def body(life: Lifecycle) -> None:
        await fill_clickhouse(life, name=name, group=wanted.group, steps=steps)

    return lifecycle.run(body, service=SERVICE)


async def fill_clickhouse(life: Lifecycle, *, name: str, group: str, steps: Steps | None = None) -> None:
    """Start the parts of a ClickHouse sink and keep them until the stop; several may live in one process."""
    settings = life.settings
    found = endpoints.resolve(settings)
    process = f"{SERVICE}-{name}"
    await life.start("telemetry", telemetry.serve(settings.process.metrics_port, life.health))
    schemas = await life.start("registry", RegistryClient(found.registry))
    codec = Codec(await registry.ids_for(found, schemas))
    publisher = await life.start("publisher", Publisher(found.kafka, client_id=process))
    alarm = speaking.publishing(publisher, codec)
    opened = await life.start("clickhouse", store.store(found.clickhouse))
    sink = Sink(
        Place(kafka=found.kafka, group=group, member=name),
        opened,
        Intake(codec, DeadLetters(publisher, codec, process=process), schemas.schema),
        Holes(publisher, codec, opened, alarm=alarm, process=process),
        life.health,
        bounds=Bounds(rows=settings.monitor.batch_size, wait_s=settings.monitor.batch_interval_sec),
        steps=steps,
    )
    await life.start("heartbeat", speaking.beating(life, alarm, process, sink.lag))
    await life.start("sink", sink.running())
    await life.stopping()


if __name__ == "__main__":
    sys.exit(main())
