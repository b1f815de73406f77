"""Stock Faust's transport and ours behind one face, so that one suite says what both must do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Literal, NamedTuple

import faust
from yarl import URL

from processors.app import BatchApp
from processors.transport import Batch
from tapeline.runtime.endpoints import KafkaEndpoint

Kind = Literal["stock", "ours"]


class Seen(NamedTuple):
    """A record as an agent saw it."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


Gate = Callable[[Seen], Awaitable[None]]
"""Called with each record before it is acknowledged."""


async def at_once(seen: Seen) -> None:
    """Let every record through."""
    del seen


class Listener:
    """A running worker: what it has seen, and its app."""

    def __init__(self, app: faust.App, seen: list[Seen]) -> None:
        self.app = app
        self.seen = seen

    def values(self, partition: int = 0) -> list[bytes | None]:
        """Return the values of one partition in the order seen."""
        return [one.value for one in self.seen if one.partition == partition]

    @property
    def partitions(self) -> set[int]:
        """Return the numbers of the partitions that it has now."""
        return {place.partition for place in self.app.consumer.assignment()}

    @property
    def ready(self) -> bool:
        """Whether it has joined its group and reads."""
        consumer: Any = self.app.consumer
        return bool(consumer._active_partitions) and consumer.flow_active and not self.app.rebalancing  # noqa: SLF001 - Faust says it nowhere else


@asynccontextmanager
async def listening(
    kind: Kind, kafka: KafkaEndpoint, topic: str, group: str, *, member: str = "one", gate: Gate = at_once
) -> AsyncIterator[Listener]:
    """Run a worker on one topic for the time of the block."""
    seen: list[Seen] = []
    app = (_ours if kind == "ours" else _stock)(kafka, topic, group, member, gate, seen)
    try:
        await app.start()
        yield Listener(app, seen)
    finally:
        await app.stop()


def _ours(kafka: KafkaEndpoint, topic: str, group: str, member: str, gate: Gate, seen: list[Seen]) -> faust.App:
    app = BatchApp(group, member=member, kafka=kafka)

    async def turn(batch: Batch) -> None:
        for record in batch.records:
            one = Seen(record.partition, record.offset, record.key, record.value, tuple(record.headers))
            seen.append(one)
            await gate(one)
        batch.acknowledge()

    app.take("agent", [topic], turn)
    return app


def _stock(kafka: KafkaEndpoint, topic: str, group: str, member: str, gate: Gate, seen: list[Seen]) -> faust.App:
    app = faust.App(
        group,
        broker=URL(f"kafka://{kafka.bootstrap}"),
        consumer_group_instance_id=member,
        consumer_auto_offset_reset="earliest",
        broker_session_timeout=6.0,
        broker_heartbeat_interval=2.0,
        broker_rebalance_timeout=10.0,
        broker_commit_interval=1.0,
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        key_serializer="raw",
        value_serializer="raw",
        autodiscover=False,
        store="memory://",
    )

    @app.agent(app.topic(topic, key_serializer="raw", value_serializer="raw", value_type=bytes), name=f"{group}.agent")
    async def run(stream: Any) -> None:  # noqa: ANN401 - Faust's interface of a stream lacks `events`
        async for event in stream.events():
            message = event.message
            one = Seen(message.partition, message.offset, message.key, message.value, tuple(message.headers or ()))
            seen.append(one)
            await gate(one)

    app.BootStrategy.enable_web = False
    app._create_directories = lambda: None  # type: ignore[method-assign] # noqa: SLF001 - no folder per group
    return app


def blocked_at(value: bytes) -> tuple[Gate, asyncio.Event]:
    """Return a gate that lets nothing through from this value on, until the event is set."""
    opened = asyncio.Event()

    async def gate(seen: Seen) -> None:
        if seen.value is not None and seen.value >= value:
            await opened.wait()

    return gate, opened
