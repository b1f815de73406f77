"""Notices: topics of one partition that every worker reads whole, so that the state of each partition knows them.

What stands in them at the start is read to its end before the worker reads anything else. The newest record of each key
stays, so a state that begins later is told all of it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from processors.agent import Placed
from processors.outlets import Outlets
from schemas import topics
from tapeline.errors import InvalidMessage, Unavailable, UnknownSchema
from tapeline.runtime import retry
from tapeline.runtime.endpoints import KafkaEndpoint
from tapeline.runtime.kafka import Reader, Record


class Notices:
    """The newest notice of each key, numbered in the order in which they came."""

    def __init__(self, reader: Reader, outlets: Outlets) -> None:
        """Take an open reader of the topics, and what decodes."""
        self._reader = reader
        self._outlets = outlets
        self._found: dict[tuple[str, bytes | None], tuple[int, Placed]] = {}
        self._number = 0

    def since(self, number: int) -> tuple[int, list[Placed]]:
        """Return the last number and the notices that came after the given one, in their order."""
        if number == self._number:
            return number, []
        return self._number, [one for at, one in self._found.values() if at > number]

    async def read_all(self) -> None:
        """Read to the end that the topics have now; what is broken there was set aside when it came."""
        async for record in self._reader.until_end():
            await self.take(record, live=False)

    async def follow(self) -> None:
        """Read on, for ever; while the broker is away this waits."""
        while True:
            try:
                found = await self._reader.batches()
            except Unavailable:
                found = await retry.reach("Kafka", self._reader.batches, None)
            for records in found.values():
                for record in records:
                    await self.take(record, live=True)

    async def take(self, record: Record, *, live: bool) -> None:
        """Take one record in; one that was deleted leaves nothing, one that is broken is set aside."""
        key = (record.topic, record.key)
        if record.value is None:
            self._found.pop(key, None)
            return
        try:
            value = await self._value(record.topic, record.value)
        except InvalidMessage as error:
            if live:
                await self._outlets.set_aside(record, error)
            return
        self._number += 1
        # Taken out first, so that the dict has the order of the numbers.
        self._found.pop(key, None)
        self._found[key] = (self._number, Placed(value, record.topic, record.partition, record.offset))

    async def _value(self, name: str, data: bytes) -> Any:  # noqa: ANN401 - the Struct differs from topic to topic
        topic = topics.by_name(name)
        try:
            return self._outlets.codec.decode(topic, data)
        except UnknownSchema as error:
            await self._outlets.learn(error.schema_id)
            return self._outlets.codec.decode(topic, data)


@asynccontextmanager
async def followed(
    kafka: KafkaEndpoint, names: Sequence[str], outlets: Outlets, client_id: str
) -> AsyncIterator[Notices]:
    """Read topics to their end and keep them open to be followed for the time of the block."""
    async with Reader.assigned(kafka, dict.fromkeys(names, "beginning"), client_id=client_id) as reader:
        made = Notices(reader, outlets)
        await made.read_all()
        yield made
