"""Reads the ends of our own topics, so that a successor knows what was durable; nothing is decided here.

Of books and changes the last record of each instrument counts, of trades the last half minute, of gaps all that are
kept, of the rules of a market all that stand. The first four are read backwards in growing steps until each wanted
instrument was seen, as far as LOOK_BACK.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from producers.tail import Tails
from schemas import topics
from tapeline.domain.events import Instrument
from tapeline.domain.partition import instrument_key, partition_of
from tapeline.errors import InvalidMessage, UnknownSchema
from tapeline.runtime import kafka
from tapeline.runtime.codec import Codec
from tapeline.runtime.endpoints import KafkaEndpoint
from tapeline.runtime.kafka import Partition, Reader, Record
from tapeline.runtime.registry import RegistryClient

LOOK_BACK: Final = 100_000
"""Records of one partition at most; what is further back is not known, and then nothing is claimed of it."""
_FIRST_STEP: Final = 2_000
_GROWTH: Final = 4
_LAST_ONLY: Final = ("md.book", "md.delta")
_RULES: Final = "ref.instrument"
_TRADES_MS: Final = 30_000
"""More than two comparisons of recent trades, so that an answer repeats no trade that we do not know."""
_CLIENT: Final = "tapeline-producers-tail"


@dataclass(slots=True)
class _Part:
    """One partition being read: what was read of it so far stands in `found`, forwards."""

    partition: Partition
    oldest: int
    end: int
    wanted: frozenset[bytes]
    found: list[Record] = field(default_factory=list)
    step: int = _FIRST_STEP

    @property
    def done(self) -> bool:
        """Whether nothing further back can matter."""
        if self.end <= self.oldest or self.step > LOOK_BACK:
            return True
        if self.partition.topic == "md.gap" or {one.key for one in self.found} < self.wanted:
            return False
        if self.partition.topic in _LAST_ONLY:
            return True
        return bool(self.found) and self.found[-1].timestamp - self.found[0].timestamp >= _TRADES_MS

    def take(self, chunk: list[Record]) -> None:
        """Put what lies before all that was read in front of it."""
        self.found = [*chunk, *self.found]
        self.step *= _GROWTH


class LookingBack:
    """Makes the tails of instruments from the topics."""

    def __init__(self, endpoint: KafkaEndpoint, codec: Codec, registry: RegistryClient) -> None:
        """Take where to read and how to understand it."""
        self._endpoint = endpoint
        self._codec = codec
        self._registry = registry

    async def tails(self, symbols: Mapping[str, str], partitions: int) -> Tails:
        """Return what is durable of these instruments, `symbols` by key; Unavailable when the broker is away."""
        tails = Tails()
        by_partition: dict[int, set[bytes]] = defaultdict(set)
        for key, symbol in symbols.items():
            by_partition[partition_of(symbol, partitions)].add(key.encode())
        for topic in (*_LAST_ONLY, "md.trade", "md.gap"):
            wanted = {Partition(topic, number): frozenset(keys) for number, keys in by_partition.items()}
            for part in await self._read(wanted):
                await self._fold(part, tails)
        return tails

    async def instruments(self, venue: str, market: str) -> tuple[Instrument, ...]:
        """Return the rules of a market as they were said last; Unavailable when the broker is away."""
        found: dict[bytes, Instrument] = {}
        prefix = instrument_key(venue, market, "").encode()
        async with Reader.assigned(self._endpoint, {_RULES: "beginning"}, client_id=_CLIENT) as reader:
            async for record in reader.until_end(max_records=_FIRST_STEP):
                if record.key is not None and record.key.startswith(prefix):
                    value = await self._understood(record)
                    if value is not None:
                        found[record.key] = value
        return tuple(found.values())

    async def _read(self, wanted: Mapping[Partition, frozenset[bytes]]) -> list[_Part]:
        async with kafka.admin(self._endpoint) as admin:
            oldest, ends = await admin.beginnings(wanted), await admin.ends(wanted)
        parts = [_Part(one, oldest[one], ends[one], keys) for one, keys in wanted.items()]
        async with Reader.assigned(self._endpoint, dict(ends), client_id=_CLIENT) as reader:
            while open_parts := [part for part in parts if not part.done]:
                ranges = {
                    part.partition: range(max(part.oldest, part.end - part.step), part.end) for part in open_parts
                }
                chunks = await _chunks(reader, ranges, {part.partition: part.wanted for part in open_parts})
                for part in open_parts:
                    part.end = ranges[part.partition].start
                    part.take(chunks[part.partition])
        return parts

    async def _fold(self, part: _Part, tails: Tails) -> None:
        records: Iterable[Record] = part.found
        if part.partition.topic in _LAST_ONLY:
            records = {one.key: one for one in part.found}.values()
        for record in records:
            value = await self._understood(record)
            if value is not None:
                tails.fold(value)

    async def _understood(self, record: Record) -> Any:  # noqa: ANN401 - the Struct differs from topic to topic
        """Decode a record of ours; what nobody can read tells nothing."""
        try:
            return self._decoded(record)
        except UnknownSchema as error:
            self._codec.learn(error.schema_id, await self._registry.schema(error.schema_id))
        except InvalidMessage:
            return None
        return self._decoded(record)

    def _decoded(self, record: Record) -> Any:  # noqa: ANN401 - the topic says which
        return self._codec.decode(topics.by_name(record.topic), record.value or b"")


async def _chunks(
    reader: Reader, ranges: Mapping[Partition, range], wanted: Mapping[Partition, frozenset[bytes]]
) -> dict[Partition, list[Record]]:
    """Return the wanted records of a range of each partition; the others are not read meanwhile."""
    chunks: dict[Partition, list[Record]] = {partition: [] for partition in ranges}
    reader.pause(*reader.assignment())
    for partition, offsets in ranges.items():
        await reader.seek(partition, offsets.start)
    left = set(ranges)
    reader.resume(*left)
    while left:
        for partition, records in (await reader.batches(max_records=_FIRST_STEP, wait_s=0.2)).items():
            if partition in left:
                chunks[partition] += [
                    one for one in records if one.offset < ranges[partition].stop and one.key in wanted[partition]
                ]
        for partition in tuple(left):
            if await reader.position(partition) >= ranges[partition].stop:
                reader.pause(partition)
                left.discard(partition)
    return chunks
