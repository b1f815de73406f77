"""The bare way from a made-up exchange twice through the broker: bytes alone, aiokafka and websockets as they are."""

from __future__ import annotations

import itertools
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.tape import VENUE, Seen, Stage
from producers.pool import Pool
from tapeline.runtime import clock
from tapeline.runtime.kafka import admin
from tapeline.runtime.lifecycle import background
from tapeline.venues.registry import feed as feed_of

FRAMES, COPIES = "benchmark.frames", "benchmark.copies"
_NUMBER = re.compile(rb'"s":"(\w+)","U":(\d+)')


class _Stamps:
    """When each frame passed where; frames are told apart by their bytes, and looked into when all is over."""

    def __init__(self, natives: dict[str, str]) -> None:
        self._natives = natives
        self.client_us: dict[bytes, int] = {}
        self.signal_us: dict[bytes, int] = {}
        self.seen: list[Seen] = []

    def read(self, frame: bytes, now_us: int) -> None:
        """Note a frame at the end of its way."""
        found = _NUMBER.search(frame)
        if found is None:
            raise AssertionError(frame)
        symbol = self._natives[found[1].decode()]
        self.seen.append(Seen(symbol, int(found[2]), self.client_us[frame], self.signal_us[frame], now_us))


@asynccontextmanager
async def bare(stage: Stage) -> AsyncIterator[list[Seen]]:
    """Run the chain for the time of the block and yield what has come to its end, as it comes."""
    await _topics(stage)
    feed = feed_of(VENUE, "spot")
    pool = Pool(feed.facts)
    pool.change(dict.fromkeys(stage.venue.natives, 20))
    stamps = _Stamps(stage.venue.natives)
    producer = AIOKafkaProducer(bootstrap_servers=stage.kafka.bootstrap, acks="all", enable_idempotence=True)
    async with AsyncExitStack() as stack:
        await producer.start()
        stack.push_async_callback(producer.stop)
        middle = await _consumer(stage, FRAMES, stack)
        last = await _consumer(stage, COPIES, stack)
        _ = await stack.enter_async_context(background("last", _last(last, stamps)))
        _ = await stack.enter_async_context(background("middle", _middle(middle, producer, stamps)))
        for slot in pool.slots:
            url = stage.venue.ws + feed.facts.sockets[slot.socket]
            socket = await stack.enter_async_context(connect(url, compression=None, ping_interval=None))
            for ask in feed.subscribe(pool.wants(slot), 1):
                await socket.send(ask.frame, text=True)
                await socket.recv()
            _ = await stack.enter_async_context(background("first", _first(socket, producer, stage.partitions, stamps)))
        yield stamps.seen


async def _topics(stage: Stage) -> None:
    async with admin(stage.kafka) as cluster:
        known = await cluster.topics()
        for name in {FRAMES, COPIES} - set(known):
            await cluster.create(name, partitions=stage.partitions, replication=1, config={})


async def _consumer(stage: Stage, topic: str, stack: AsyncExitStack) -> AIOKafkaConsumer:
    consumer = AIOKafkaConsumer(bootstrap_servers=stage.kafka.bootstrap, enable_auto_commit=False)
    await consumer.start()
    stack.push_async_callback(consumer.stop)
    consumer.assign([TopicPartition(topic, number) for number in range(stage.partitions)])
    await consumer.seek_to_end()
    return consumer


async def _first(socket: ClientConnection, producer: AIOKafkaProducer, partitions: int, stamps: _Stamps) -> None:
    for number in itertools.count():
        frame = bytes(await socket.recv(decode=False))
        stamps.client_us[frame] = clock.now_us()
        await producer.send(FRAMES, frame, partition=number % partitions)


async def _middle(consumer: AIOKafkaConsumer, producer: AIOKafkaProducer, stamps: _Stamps) -> None:
    while True:
        for records in (await consumer.getmany(timeout_ms=1_000)).values():
            for record in records:
                stamps.signal_us[record.value] = clock.now_us()
                await producer.send(COPIES, record.value, partition=record.partition)


async def _last(consumer: AIOKafkaConsumer, stamps: _Stamps) -> None:
    while True:
        batches = await consumer.getmany(timeout_ms=1_000)
        now_us = clock.now_us()
        for records in batches.values():
            for record in records:
                stamps.read(record.value, now_us)
