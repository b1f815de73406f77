"""What every worker says on the bus: heartbeats and alerts, by its own publisher, for as long as it lives."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from schemas import topics
from tapeline.domain.events import Alert, Heartbeat
from tapeline.runtime import lifecycle
from tapeline.runtime.codec import Codec
from tapeline.runtime.kafka import Publisher
from tapeline.runtime.lifecycle import Lifecycle
from tapeline.runtime.telemetry import Publish, Pulse


def publishing(publisher: Publisher, codec: Codec) -> Publish:
    """Return what publishes a heartbeat or an alert, once."""

    async def publish(name: str, key: str, value: Heartbeat | Alert) -> None:
        _ = await publisher.publish(name, key, codec.encode(topics.by_name(name), value))

    return publish


@asynccontextmanager
async def beating(
    life: Lifecycle, publish: Publish, process: str, lag: Callable[[], Mapping[str, int]]
) -> AsyncIterator[None]:
    """Send heartbeats beside the block."""
    pulse = Pulse(publish, life.health, every_s=life.settings.process.heartbeat_every_s, process=process, lag=lag)
    async with lifecycle.background("heartbeat", pulse.run()):
        yield
