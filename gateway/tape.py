"""What the gateway reads: its topics without a group, from a few seconds back, so that each gateway sees everything.

Of books and heartbeats only the newest of a fetch is decoded. What breaks its contract is set aside as everywhere. The
broker is asked every second whether it answers; while it does not, clients stay and are told (A-10).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple

import msgspec

from gateway.hub import Hub
from schemas import topics
from schemas.topics import Topic
from tapeline.domain.spread import Spread
from tapeline.errors import InvalidMessage, Unavailable, UnknownSchema
from tapeline.runtime import clock, logs, metrics, retry
from tapeline.runtime.codec import Codec
from tapeline.runtime.dlq import DeadLetters
from tapeline.runtime.endpoints import KafkaEndpoint
from tapeline.runtime.health import Health
from tapeline.runtime.kafka import FromTime, Partition, Reader, Record, Start
from tapeline.runtime.lifecycle import background
from tapeline.runtime.log_events import LogEvent

BACK_US: Final = 5_000_000
"""A valid book is published every second, so this far back is one of each."""
READS: Final[Mapping[str, bool]] = {
    "heartbeat": True,
    "alert": False,
    "md.gap": False,
    "md.book": True,
    "signal.spread": False,
}
"""The topics, and whether of one key's records only the newest counts."""

KAFKA: Final = "Kafka"
"""Its name in health: waited for until all that was published before the start has been read."""

_WAIT_S: Final = 0.5
GATHER_S: Final = 0.05
"""People see no difference, and the broker answers a twentieth of the questions."""
_ASK_EVERY_S: Final = 1.0
_ANSWER_WITHIN_S: Final = 2.0
# Clients get their turn between so many records: a backlog must not keep them waiting.
_RECORDS_MOST: Final = 500

Learn = Callable[[int], Awaitable[str]]
"""Returns the schema of an id; raises UnknownSchema when there is none, Unavailable when that cannot be told now."""


class Newest(NamedTuple):
    """A record, and how many of its key before it in the same fetch were left out."""

    record: Record
    skipped: int


class Tape:
    """Reads the topics into the hub."""

    def __init__(
        self,
        kafka: KafkaEndpoint,
        hub: Hub,
        codec: Codec,
        letters: DeadLetters,
        *,
        learn: Learn,
        health: Health,
        process: str,
    ) -> None:
        """Take where to read, whom to tell, and where what cannot be read goes."""
        self._kafka = kafka
        self._hub = hub
        self._codec = codec
        self._letters = letters
        self._learn = learn
        self._health = health
        self._process = process
        self._take: Mapping[str, Callable[[Any, int], None]] = {
            "md.book": hub.take_book,
            "signal.spread": lambda value, _: hub.take_spread(_spread(value)),
            "md.gap": lambda value, _: hub.take_gap(value),
            "alert": lambda value, _: hub.take_alert(value),
            "heartbeat": lambda value, _: hub.take_heartbeat(value),
        }
        self._read = {name: metrics.RECORDS_READ.bind(agent="gateway", topic=name) for name in READS}
        self._lag = dict.fromkeys(READS, 0)
        self._answers = True

    def lag(self) -> Mapping[str, int]:
        """Return how many records are not read yet, by topic."""
        return self._lag

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        """Read for the time of the block, which begins when all that was published before it has been read."""
        begin: Start = FromTime(clock.now_us() - BACK_US)
        # The last word of each process is kept for ever, so those that fell silent long ago are known too.
        starts: dict[Partition | str, Start] = {name: "beginning" if name == "heartbeat" else begin for name in READS}
        async with Reader.assigned(self._kafka, starts, client_id=self._process, gather_s=GATHER_S) as reader:
            goals = await reader.ends()
            caught_up = asyncio.Event()
            async with background("topics", self._run(reader, goals, caught_up)):
                await caught_up.wait()
                self._health.ready(KAFKA)
                async with background("broker", self._watch(reader)):
                    yield

    async def _run(self, reader: Reader, goals: Mapping[Partition, int], caught_up: asyncio.Event) -> None:
        while True:
            if not caught_up.is_set() and not await _left(reader, goals):
                caught_up.set()
            for partition, records in (await self._fetched(reader)).items():
                await self._batch(topics.by_name(partition.topic), records)
            self._hub.wake()

    async def _fetched(self, reader: Reader) -> Mapping[Partition, Sequence[Record]]:
        """Return what has come; nothing while the broker is away."""
        try:
            return await reader.batches(max_records=_RECORDS_MOST, wait_s=_WAIT_S)
        except Unavailable as error:
            self._lost(str(error))
            await asyncio.sleep(_ASK_EVERY_S)
            return {}

    async def _batch(self, topic: Topic, records: Sequence[Record]) -> None:
        good = 0
        for record, skipped in newest(records) if READS[topic.name] else (Newest(one, 0) for one in records):
            if record.value is None:
                # A compacted topic forgets this key.
                continue
            try:
                self._take[topic.name](await self._decoded(topic, record.value), skipped)
            except InvalidMessage as error:
                self._letters.passed(topic.name, good)
                good = 0
                await self._letters.put(record, error)
            else:
                good += 1
        self._letters.passed(topic.name, good)
        self._read[topic.name].inc(len(records))
        await asyncio.sleep(0)

    async def _decoded(self, topic: Topic, data: bytes) -> Any:  # noqa: ANN401 - the record differs by topic
        try:
            return self._codec.decode(topic, data)
        except UnknownSchema as error:
            wanted = error.schema_id
        self._codec.learn(wanted, await retry.reach("the schema registry", lambda: self._learn(wanted), None))
        return self._codec.decode(topic, data)

    async def _watch(self, reader: Reader) -> None:
        """Ask the broker again and again where the topics end: does it answer, and how far behind are we?"""
        while True:
            await asyncio.sleep(_ASK_EVERY_S)
            try:
                async with asyncio.timeout(_ANSWER_WITHIN_S):
                    self._lag = await _lag(reader)
            except (Unavailable, TimeoutError) as error:
                self._lost(str(error) or f"no answer within {_ANSWER_WITHIN_S:g} s")
            else:
                self._back()

    def _lost(self, reason: str) -> None:
        if self._answers:
            self._answers = False
            self._health.waiting(KAFKA, reason)
            logs.get(__name__).warning(LogEvent.DEPENDENCY_LOST, dependency=KAFKA, reason=reason)
            self._hub.bus_lost()

    def _back(self) -> None:
        if not self._answers:
            self._answers = True
            self._health.ready(KAFKA)
            logs.get(__name__).info(LogEvent.DEPENDENCY_READY, dependency=KAFKA)
            self._hub.bus_back()


def newest(records: Iterable[Record]) -> list[Newest]:
    """Return the last record of each key, in the order of those, with the number of those before it."""
    found: dict[bytes | None, Newest] = {}
    for record in records:
        before = found.pop(record.key, None)
        found[record.key] = Newest(record, 0 if before is None else before.skipped + 1)
    return list(found.values())


async def _left(reader: Reader, goals: Mapping[Partition, int]) -> bool:
    """Tell whether anything before the goals is still to be read."""
    return any([await reader.position(partition) < goal for partition, goal in goals.items()])


async def _lag(reader: Reader) -> dict[str, int]:
    found = dict.fromkeys(READS, 0)
    for partition, end in (await reader.ends()).items():
        found[partition.topic] += max(0, end - await reader.position(partition))
    return found


def _spread(value: Any) -> Spread:  # noqa: ANN401 - what the codec gives
    """Return a spread as its Struct, which stands beside its function and not among the records."""
    return value if isinstance(value, Spread) else msgspec.convert(value, Spread)
