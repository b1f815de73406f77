"""Reads what a live view shows: the records of one symbol, those that exist and those that come, from one partition.

A record that cannot be decoded is counted and told, and the next one follows.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, Final

from schemas.topics import by_name
from tapeline.cli.decoding import Decoder
from tapeline.cli.market_symbols import Missing
from tapeline.domain.partition import partition_of
from tapeline.errors import InvalidMessage, Misconfigured, UnknownSchema
from tapeline.runtime import clock
from tapeline.runtime.endpoints import KafkaEndpoint
from tapeline.runtime.kafka import Partition, Reader, Record, Start, admin, connection

CLIENT: Final = "tapeline-cli"
LOOK_BACK: Final = 10_000
"""So many of the newest records of the partition are looked at for what exists; a valid book is there each second."""
QUIET_S: Final = 5.0
"""When nothing came for so long, the broker is asked whether it still answers."""
TOPICS: Final = ("ref.instrument", "md.book", "md.gap", "signal.spread")
"""What live views read."""
_SYMBOLS_IN: Final = {"ref.instrument": None, "md.book": 2_000}
"""Where symbols are known from: so many of the newest records of each partition, or all."""
_WHOLE: Final = frozenset({"ref.instrument"})
"""Compacted topics, of which all that exists is looked at: what is old is still in force."""
_WAIT_S: Final = 0.2

Take = Callable[[Any], None]
"""Where the decoded values of a topic go."""
Extents = Mapping[Partition, tuple[int, int]]
"""The oldest offset and the end of each partition."""


class Source:
    """A reader that raises Unavailable when its broker is gone; the reader itself waits for it without a word."""

    def __init__(self, kafka: KafkaEndpoint, reader: Reader) -> None:
        """Read with an open reader."""
        self._kafka = kafka
        self._reader = reader
        self._heard_s = clock.monotonic_s()

    async def arrived(self, wait_s: float) -> Sequence[Record]:
        """Return what has come, in the order of each partition; empty when nothing came within `wait_s`."""
        batches = await self._reader.batches(wait_s=wait_s)
        now_s = clock.monotonic_s()
        if batches:
            self._heard_s = now_s
        elif now_s - self._heard_s > QUIET_S:
            await connection.probe(self._kafka)
            self._heard_s = now_s
        return [record for records in batches.values() for record in records]

    async def until(self, goals: Mapping[Partition, int]) -> AsyncIterator[Record]:
        """Yield the records up to these offsets, which were asked beforehand.

        The reader's own `until_end` asks on the connection on which a fetch waits, which costs half a second.
        """
        while any([await self._reader.position(place) < goal for place, goal in goals.items()]):
            for record in await self.arrived(_WAIT_S):
                yield record


class Feed:
    """The records of one symbol: `catch_up` with what exists, then `follow`."""

    def __init__(
        self, source: Source, decoder: Decoder, symbol: str, takers: dict[str, Take], goals: Mapping[Partition, int]
    ) -> None:
        """Hand the values of each topic to its taker; up to `goals` they existed before. `opened` makes one."""
        self._source = source
        self._decoder = decoder
        self._symbol = symbol
        self._takers = takers
        self._goals = goals
        self._unreadable = 0
        self._problem = ""

    @property
    def unread(self) -> Missing | None:
        """Return what to say of records that could not be decoded, None when there was none."""
        if not self._unreadable:
            return None
        return Missing(
            f"{self._unreadable} of the records of {self._symbol} could not be read",
            fix=f"the last is {self._problem}",
        )

    async def catch_up(self) -> None:
        """Take what the partition held when the feed was opened."""
        async for record in self._source.until(self._goals):
            await self._take(record)

    async def follow(self, until_s: float) -> None:
        """Take what comes until that moment of the monotonic clock."""
        while (left_s := until_s - clock.monotonic_s()) > 0:
            for record in await self._source.arrived(left_s):
                await self._take(record)

    async def _take(self, record: Record) -> None:
        if record.value is None or symbol_in(record) != self._symbol:
            return
        try:
            value = await self._decoded(record.topic, record.value)
        except InvalidMessage as error:
            self._unreadable += 1
            self._problem = f"{record.topic}/{record.partition}/{record.offset}: {error}"
        else:
            self._takers[record.topic](value)

    async def _decoded(self, name: str, data: bytes) -> Any:  # noqa: ANN401 - each topic has a record of its own
        topic = by_name(name)
        try:
            return self._decoder.codec.decode(topic, data)
        except UnknownSchema as error:
            await self._decoder.learn(error.schema_id)
            return self._decoder.codec.decode(topic, data)


async def extents(kafka: KafkaEndpoint, topics: Collection[str]) -> Extents:
    """Return the oldest offset and the end of every partition of these topics; asked once, for all of them."""
    async with admin(kafka) as asked:
        states = await asked.topics(topics)
        for name in topics:
            if name not in states:
                raise Misconfigured(
                    f"there is no topic {name} at Kafka {kafka.bootstrap}",
                    fix="run `tapeline up`, which creates the topics of the catalogue",
                )
        places = [place for state in states.values() for place in state.places()]
        begins, ends = await asked.beginnings(places), await asked.ends(places)
    return {place: (begins[place], ends[place]) for place in places}


async def known(kafka: KafkaEndpoint, found: Extents) -> frozenset[str]:
    """Return the symbols that are known: of all instruments, and of the newest books."""
    goals = {place: end for place, (_, end) in found.items() if place.topic in _SYMBOLS_IN}
    starts: dict[Partition | str, Start] = {place: _begin(found[place], _SYMBOLS_IN[place.topic]) for place in goals}
    async with Reader.assigned(kafka, starts, client_id=CLIENT) as reader:
        symbols = {symbol_in(record) async for record in Source(kafka, reader).until(goals)}
    return frozenset(symbol for symbol in symbols if "/" in symbol)


async def opened(
    stack: AsyncExitStack,
    kafka: KafkaEndpoint,
    decoder: Decoder,
    symbol: str,
    found: Extents,
    *,
    newest: dict[str, Take],
    coming: dict[str, Take],
) -> Feed:
    """Open the feed of a symbol until the stack is left.

    Of the topics in `newest` it begins with what exists, of those in `coming` with what is published from now on.
    """
    takers = newest | coming
    # Topics that are spread by symbol have equally many partitions.
    number = partition_of(symbol, sum(place.topic == next(iter(takers)) for place in found))
    goals = {place: found[place][1] for place in (Partition(topic, number) for topic in takers)}
    back = {topic: None if topic in _WHOLE else LOOK_BACK for topic in newest} | dict.fromkeys(coming, 0)
    starts: dict[Partition | str, Start] = {place: _begin(found[place], back[place.topic]) for place in goals}
    reader = await stack.enter_async_context(Reader.assigned(kafka, starts, client_id=CLIENT))
    return Feed(Source(kafka, reader), decoder, symbol, takers, goals)


def symbol_in(record: Record) -> str:
    """Return the symbol in which a record's key ends, empty when it has none."""
    return "" if record.key is None else record.key.decode("utf-8", "replace").rpartition(":")[2]


def _begin(extent: tuple[int, int], count: int | None) -> int:
    """Return the offset so many records before the end, or the oldest that is left; without a count the oldest."""
    begin, end = extent
    return begin if count is None else max(begin, end - count)
