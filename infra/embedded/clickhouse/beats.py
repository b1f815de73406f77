"""Heartbeats of the ClickHouse process: it is up before the broker and may outlive it, so nothing here is urgent."""

from __future__ import annotations

import asyncio
import dataclasses

from schemas.topics import by_name
from tapeline.domain.events import Alert, Heartbeat
from tapeline.errors import Misconfigured, Unavailable
from tapeline.runtime import endpoints, retry, telemetry
from tapeline.runtime.codec import Codec
from tapeline.runtime.kafka import Publisher
from tapeline.runtime.lifecycle import Lifecycle

_CLIENT_ID = "tapeline-clickhouse"
_AWAY = (Misconfigured, Unavailable, OSError, TimeoutError)


async def beat(life: Lifecycle) -> None:
    """Publish heartbeats until cancelled, from the moment the run file names a broker and the ids of the schemas."""
    pauses = retry.delays()
    while True:
        try:
            await _beat_once(life)
        except _AWAY:
            await asyncio.sleep(next(pauses))


async def _beat_once(life: Lifecycle) -> None:
    found = endpoints.resolve(life.settings)
    ids = found.run.schema_ids if found.run is not None else {}
    if by_name(telemetry.HEARTBEAT_TOPIC).subject not in ids:
        raise Unavailable("the run file names no schema of heartbeats yet")
    codec = Codec(ids)
    endpoint = dataclasses.replace(found.kafka, max_retries=0)
    async with Publisher(endpoint, client_id=_CLIENT_ID) as publisher:

        async def publish(topic: str, key: str, value: Heartbeat | Alert) -> object:
            return await publisher.publish(topic, key, codec.encode(by_name(topic), value))

        await telemetry.Pulse(publish, life.health, every_s=life.settings.process.heartbeat_every_s).run()
