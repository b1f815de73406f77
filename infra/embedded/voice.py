"""The supervisor's voice on the bus: a publisher for its heartbeats and alerts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from schemas import topics
from tapeline.domain.events import Alert, Heartbeat
from tapeline.errors import Misconfigured, Unavailable
from tapeline.runtime.codec import Codec
from tapeline.runtime.endpoints import KafkaEndpoint
from tapeline.runtime.kafka import Publisher
from tapeline.runtime.telemetry import Publish

_ACK_WITHIN_S = 5.0


@asynccontextmanager
async def opened(place: KafkaEndpoint, schema_ids: Mapping[str, int], client_id: str) -> AsyncIterator[Publish]:
    """Open a publisher for heartbeats and alerts for the time of the block."""
    codec = Codec(schema_ids)
    async with Publisher(place, client_id=client_id, ack_within_s=_ACK_WITHIN_S) as publisher:

        async def publish(name: str, key: str, value: Heartbeat | Alert) -> None:
            try:
                await publisher.publish(name, key, codec.encode(topics.by_name(name), value))
            except Misconfigured as error:
                # Somebody removed the topic: that must not stop the supervisor.
                raise Unavailable(str(error)) from error

        yield publish
