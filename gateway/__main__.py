"""The gateway's process: `python -m gateway`; with `--announce` one JSON line says where it listens."""

from __future__ import annotations

import argparse
import socket
import sys
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from gateway import access, app, serving, tape
from gateway.desk import Desk
from gateway.hub import Hub
from gateway.state import State
from gateway.tape import Tape
from tapeline.runtime import clock, endpoints, lifecycle, logs, registry, speaking, telemetry
from tapeline.runtime.codec import Codec
from tapeline.runtime.dlq import DeadLetters
from tapeline.runtime.kafka import Publisher
from tapeline.runtime.lifecycle import Lifecycle
from tapeline.runtime.log_events import LogEvent
from tapeline.runtime.registry import RegistryClient

SERVICE: Final = "gateway"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the process and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m gateway", description=__doc__)
    parser.add_argument("--name", default=None, help="this gateway's own name in heartbeats; default: the host")
    parser.add_argument("--announce", action="store_true", help="write the address to standard output when it listens")
    given = parser.parse_args(arguments)
    process = f"{SERVICE}-{given.name or socket.gethostname()}"

    async def body(life: Lifecycle) -> None:
        await serve(life, process=process, announce=_announce if given.announce else None)

    return lifecycle.run(body, service=SERVICE)


async def serve(life: Lifecycle, *, process: str, announce: Callable[[str], None] | None = None) -> None:
    """Start the parts of a gateway and keep them until the stop; it listens first, and so can say what it waits for."""
    settings = life.settings
    found = endpoints.resolve(settings)
    kafka, registry_at = found.kafka, found.registry
    state = State()
    desk = Desk(health=life.health, state=state, hub=Hub(state), token=access.token(settings, found))
    logs.hide(desk.token)
    await life.start("telemetry", telemetry.serving(settings.process, life.health))
    life.health.waiting(tape.KAFKA, "what was published last is not read yet")
    listens = serving.serving(app.build(desk), settings.server.host, settings.server.port)
    address = await life.start("server", listens)
    log = logs.get(__name__)
    log.info(LogEvent.GATEWAY_SERVING, address=address)
    if announce is not None:
        announce(address)
    await life.start("clients", desk.hub.serving())
    log.info(LogEvent.WS_SERVER_STARTED, address=f"{address.replace('http', 'ws', 1)}/ws")
    schemas = await life.start("registry", RegistryClient(registry_at))
    codec = Codec(await registry.ids_for(found, schemas))
    publisher = await life.start("publisher", Publisher(kafka, client_id=process))
    letters = DeadLetters(publisher, codec, process=process)
    reader = Tape(kafka, desk.hub, codec, letters, learn=schemas.schema, health=life.health, process=process)
    await life.start("topics", reader.reading())
    desk.hub.open()
    publish = speaking.publishing(publisher, codec)
    await life.start("heartbeat", speaking.beating(life, publish, process, reader.lag))
    await life.stopping()
    desk.stopped_us = clock.now_us()


def _announce(address: str) -> None:
    sys.stdout.write(f"{msgspec.json.encode({'gateway': address}).decode()}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
