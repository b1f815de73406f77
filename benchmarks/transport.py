"""An agent's input on the real broker: our transport against stock Faust's and a plain `getmany` loop, CPU per message.

All read the same records. Raw: 600 bytes and a trivial body. Typed: books of 20 levels, each decoded by our codec, and
one output that is acknowledged before the input is, per batch (stock Faust, which has none: per 100 messages).
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from itertools import cycle, islice
from typing import Any, NamedTuple

import faust
from aiokafka import AIOKafkaConsumer
from yarl import URL

from benchmarks import services
from benchmarks.codec import book
from benchmarks.measure import Result, against
from processors.app import BatchApp
from processors.transport import Batch
from schemas.topics import by_name
from tapeline.runtime import entropy
from tapeline.runtime.codec import Codec
from tapeline.runtime.endpoints import KafkaEndpoint
from tapeline.runtime.kafka import Outgoing, Publisher, admin

PARTITIONS = 4
RECORDS = 40_000
STOCK_RECORDS = 8_000
RAW_BYTES = 600
ROUNDS = 3
_OUTPUT_EVERY = 100
# So many different values: bytes that hardly compress, as market data does at best by half.
_KINDS = 500
_COMMIT_EVERY_S = 1.0
_WITHIN_S = 120.0


class Work(NamedTuple):
    """What the body does with the values of a batch; returns when all that follows is stored."""

    body: Callable[[list[bytes]], Awaitable[None]]
    topic: str


def run() -> list[Result]:
    """Start a broker of its own, measure, stop it."""
    with services.started() as found:
        return asyncio.run(_measured(found.endpoints.kafka))


async def _measured(kafka: KafkaEndpoint) -> list[Result]:
    topic = by_name("md.book")
    codec = Codec({topic.subject: 1})
    record = codec.encode(topic, book())
    async with Publisher(kafka, client_id="benchmark") as publisher:
        raw = await _filled(kafka, publisher, [hashlib.shake_256(b"%d" % n).digest(RAW_BYTES) for n in range(_KINDS)])
        typed = await _filled(kafka, publisher, [record])
        out = await _filled(kafka, publisher, [])

        async def trivial(values: list[bytes]) -> None:
            del values

        async def decoded(values: list[bytes]) -> None:
            for value in values:
                codec.decode(topic, value)
            await publisher.publish(out, b"k", record, 0)

        return [
            *await _compared(kafka, "consume raw bytes, trivial body", Work(trivial, raw)),
            *await _compared(kafka, "consume, decode, one acknowledged output a batch", Work(decoded, typed)),
        ]


async def _filled(kafka: KafkaEndpoint, publisher: Publisher, values: Sequence[bytes]) -> str:
    """Make a topic with the records of a run, these values in turns; none without values."""
    name = f"benchmark.{entropy.new_id()}"
    async with admin(kafka) as cluster:
        await cluster.create(name, partitions=PARTITIONS, replication=1, config={})
    for partition in range(PARTITIONS if values else 0):
        turns = islice(cycle(values), RECORDS // PARTITIONS)
        await publisher.publish_many(name, partition, (Outgoing(b"bybit:spot:BTC/USDT", value) for value in turns))
    return name


async def _compared(kafka: KafkaEndpoint, what: str, work: Work) -> list[Result]:
    """Let all ways take turns; the cost of one is the median of its rounds."""
    ways = {"": (_ours, RECORDS), "stock Faust": (_stock, STOCK_RECORDS), "aiokafka getmany": (_plain, RECORDS)}
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, (way, count) in ways.items():
            spent[name].append(await way(kafka, work, count))
    return against(what, spent, {name: count * ROUNDS for name, (_, count) in ways.items() if name})


class _Meter:
    """CPU time of the whole process, all its threads, over the last three quarters of the messages.

    The first quarter is what was fetched ahead while the group was forming, and would look as if it had cost nothing.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._seen = 0
        self._began_s = 0.0
        self._before = 0
        self.done = asyncio.Event()
        self.cost_us = 0.0

    def add(self, count: int) -> None:
        self._seen += count
        if not self._before and self._seen >= self._count // 4:
            self._began_s, self._before = time.process_time(), self._seen
        elif self._seen >= self._count and not self.done.is_set():
            self.cost_us = (time.process_time() - self._began_s) / (self._seen - self._before) * 1e6
            self.done.set()

    async def result(self) -> float:
        async with asyncio.timeout(_WITHIN_S):
            await self.done.wait()
        return self.cost_us


async def _ours(kafka: KafkaEndpoint, work: Work, count: int) -> float:
    app = BatchApp(f"benchmark-{entropy.new_id()}", member="one", kafka=kafka)
    meter = _Meter(count)

    async def turn(batch: Batch) -> None:
        await work.body([record.value for record in batch.records if record.value is not None])
        batch.acknowledge()
        meter.add(len(batch))

    app.take("agent", [work.topic], turn)
    return await _metered(app, meter)


async def _stock(kafka: KafkaEndpoint, work: Work, count: int) -> float:
    group = f"benchmark-{entropy.new_id()}"
    app = faust.App(
        group,
        broker=URL(f"kafka://{kafka.bootstrap}"),
        consumer_auto_offset_reset="earliest",
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        autodiscover=False,
        datadir=tempfile.gettempdir(),
    )
    meter = _Meter(count)
    waiting: list[bytes] = []

    async def turn(stream: Any) -> None:  # noqa: ANN401 - Faust's interface of a stream
        async for value in stream:
            waiting.append(value)
            if len(waiting) == _OUTPUT_EVERY:
                await work.body(waiting)
                waiting.clear()
            meter.add(1)

    channel = app.topic(work.topic, key_serializer="raw", value_serializer="raw", value_type=bytes)
    app.agent(channel, name=f"{group}.agent")(turn)
    return await _metered(app, meter)


async def _metered(app: faust.App, meter: _Meter) -> float:
    await app.start()
    try:
        return await meter.result()
    finally:
        await app.stop()


async def _plain(kafka: KafkaEndpoint, work: Work, count: int) -> float:
    consumer = AIOKafkaConsumer(
        work.topic,
        bootstrap_servers=kafka.bootstrap,
        group_id=f"benchmark-{entropy.new_id()}",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_poll_records=1_000,
    )
    meter = _Meter(count)
    await consumer.start()
    due_s = time.monotonic() + _COMMIT_EVERY_S
    try:
        while not meter.done.is_set():
            for records in (await consumer.getmany(timeout_ms=1_000)).values():
                await work.body([record.value for record in records if record.value is not None])
                meter.add(len(records))
            if time.monotonic() >= due_s:
                await consumer.commit()
                due_s = time.monotonic() + _COMMIT_EVERY_S
        return await meter.result()
    finally:
        await consumer.stop()


if __name__ == "__main__":
    for one in run():
        sys.stdout.write(f"{one}\n")
