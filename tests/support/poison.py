"""Records that no process of ours would write, made of a real one: each must be set aside, and its neighbours go on."""

from __future__ import annotations

import math
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import msgspec
from aiokafka import AIOKafkaProducer

from schemas import topics
from simulator.chance import Chance
from tapeline.domain.events import DeadLetter
from tapeline.runtime import kafka
from tapeline.runtime.codec import Codec
from tapeline.runtime.endpoints import KafkaEndpoint
from tapeline.runtime.kafka import Partition, Record

_HEAD: Final = struct.Struct(">bI")
_NO_SCHEMA: Final = 999_999
_LOOKED_AT: Final = 20
LARGE_BYTES: Final = 10 * 1024 * 1024
_MOST_REQUEST: Final = 64 * 1024 * 1024


class Poison(NamedTuple):
    """One record, by what is wrong with it."""

    kind: str
    value: bytes


class Placed(NamedTuple):
    """Where a record stands, as a dead letter names it."""

    topic: str
    partition: int
    offset: int


def wire(schema_id: int, body: bytes) -> bytes:
    """Return bytes that name a schema."""
    return _HEAD.pack(0, schema_id) + body


def kinds_of(real: bytes, value: Any, chance: Chance) -> Iterator[Poison]:  # noqa: ANN401 - a record of any topic
    """Yield what can be wrong with a record of which this is a real one, as bytes and decoded."""
    yield Poison("random bytes", bytes([1 + chance.below(255)]) + chance.randbytes(199))
    yield Poison("unknown id", wire(_NO_SCHEMA, real[_HEAD.size :]))
    yield Poison("truncated", real[: _HEAD.size + (len(real) - _HEAD.size) // 2])
    yield Poison("10 MB", real + bytes(LARGE_BYTES - len(real)))
    found = next(_doubles(value, real), None)
    if found is not None:
        yield Poison("NaN", real.replace(found, struct.pack("<d", math.nan), 1))


def _doubles(value: Any, real: bytes) -> Iterator[bytes]:  # noqa: ANN401 - a record, or a part of it
    """Yield the doubles of a record, as they stand in its bytes."""
    if isinstance(value, float) and (data := struct.pack("<d", value)) in real:
        yield data
    elif isinstance(value, msgspec.Struct):
        yield from _doubles(msgspec.structs.asdict(value), real)
    elif isinstance(value, dict):
        yield from _doubles(list(value.values()), real)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _doubles(part, real)


@dataclass(slots=True)
class Poisoner:
    """Writes what nobody should write."""

    producer: AIOKafkaProducer

    async def put(self, topic: str, partition: int, key: bytes | None, value: bytes) -> Placed:
        """Publish bytes as they are."""
        stored = await self.producer.send_and_wait(topic, value, key, partition)
        return Placed(topic, partition, stored.offset)


@asynccontextmanager
async def poisoner(endpoint: KafkaEndpoint) -> AsyncIterator[Poisoner]:
    """Open one; what it sends is pressed together, so that 10 MB of nothing pass the broker's limit."""
    producer = AIOKafkaProducer(
        bootstrap_servers=endpoint.bootstrap, acks="all", compression_type="zstd", max_request_size=_MOST_REQUEST
    )
    await producer.start()
    try:
        yield Poisoner(producer)
    finally:
        await producer.stop()


async def newest(endpoint: KafkaEndpoint, topic: str) -> Record | None:
    """Return one of the newest records of a topic that have a value; None when there is none."""
    async with kafka.admin(endpoint) as admin:
        known = await admin.topics((topic,))
        ends = await admin.ends(known[topic].places())
    starts = {part: max(0, end - _LOOKED_AT) for part, end in ends.items()}
    found: Record | None = None
    async with kafka.Reader.assigned(endpoint, starts, client_id="test") as reader:  # type: ignore[arg-type]  # invariant keys
        async for record in reader.until_end():
            if record.value is not None:
                found = record
    return found


async def letters(endpoint: KafkaEndpoint, codec: Codec) -> set[tuple[str, Placed]]:
    """Return who set what aside."""
    topic = topics.by_name("dlq")
    found: set[tuple[str, Placed]] = set()
    async with kafka.Reader.assigned(endpoint, {Partition(topic.name, 0): "beginning"}, client_id="test") as reader:
        async for record in reader.until_end():
            if record.value is not None:
                letter: DeadLetter = codec.decode(topic, record.value)
                place = Placed(letter.origin_topic, letter.origin_partition, letter.origin_offset)
                found.add((letter.process, place))
    return found
