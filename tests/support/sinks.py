"""A flow of every record that the sink stores, real sink processes, and what stands in ClickHouse afterwards."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from schemas import topics
from sinks.rows.catalogue import BY_TOPIC, TABLES
from tapeline.domain.events import Book, DeltaBatch, Funding, Gap, Trade
from tapeline.domain.partition import partition_of
from tapeline.errors import Unavailable
from tapeline.runtime import clickhouse, clock, endpoints, kafka, runfile
from tapeline.runtime.codec import Codec
from tapeline.runtime.endpoints import Endpoints
from tapeline.runtime.kafka import Outgoing, Partition, Publisher
from tapeline.runtime.settings import Settings
from tests.support.eventually import eventually, pause
from tests.support.order_records import order_event

_US_PER_S = 1_000_000
# Of this run, for what retention has deleted is looked for among the last two days.
NOW_US = clock.now_us() // _US_PER_S * _US_PER_S - 600 * _US_PER_S
_STEP_US = 10_000
PARTITIONS = 4
"""Of a topic that is spread by symbol."""

IDENTITIES = {
    "trades": "SELECT trade_id FROM trades WHERE pair IN {pairs:Array(String)}",
    "orderbook_snapshots": (
        "SELECT concat(pair, '/', toString(epoch), '/', toString(sequence_num)) FROM orderbook_snapshots "
        "WHERE pair IN {pairs:Array(String)}"
    ),
    "orderbook_deltas": (
        "SELECT concat(pair, '/', toString(sequence_num), '/', toString(kind), '/', toString(level)) "
        "FROM orderbook_deltas WHERE pair IN {pairs:Array(String)}"
    ),
    "gaps": (
        "SELECT concat(pair, '/', toString(toUnixTimestamp64Micro(start_ts)), '/', channel) FROM gaps "
        "WHERE pair IN {pairs:Array(String)}"
    ),
    "funding": (
        "SELECT concat(pair, '/', toString(epoch), '/', toString(toUnixTimestamp64Micro(received_ts))) FROM funding "
        "WHERE pair IN {pairs:Array(String)}"
    ),
    "spreads": "SELECT signal_id FROM spreads WHERE pair IN {pairs:Array(String)}",
    "order_events": (
        "SELECT concat(pair, '/', toString(sequence_num)) FROM order_events WHERE pair IN {pairs:Array(String)}"
    ),
}
"""What tells a row of each table from all others."""


def trade(symbol: str, number: int, **other: Any) -> Trade:  # noqa: ANN401 - any field
    """Return the trade of this number."""
    at_us = NOW_US + number * _STEP_US
    plain = Trade(
        venue="bybit",
        market="spot",
        symbol=symbol,
        epoch=NOW_US,
        trade_id=f"{symbol}-{number}",
        sequence=number,
        price=64_000.1 + number,
        quantity=0.5,
        side="buy" if number % 2 else "sell",
        venue_us=at_us,
        received_us=at_us + 1_000,
        published_us=at_us + 2_000,
    )
    return msgspec.structs.replace(plain, **other)


def book(symbol: str, number: int, **other: Any) -> Book:  # noqa: ANN401 - any field
    """Return the book of this number."""
    at_us = NOW_US + number * _STEP_US
    plain = Book(
        venue="bybit",
        market="spot",
        symbol=symbol,
        epoch=NOW_US,
        sequence=number,
        state="valid",
        depth=20,
        bid_prices=(64_000.1, 64_000.0),
        bid_quantities=(0.5, 1.25),
        ask_prices=(64_000.2,),
        ask_quantities=(0.001,),
        first_received_us=at_us + 900,
        venue_us=at_us,
        received_us=at_us + 1_000,
        published_us=at_us + 2_000,
    )
    return msgspec.structs.replace(plain, **other)


def delta(symbol: str, number: int, **other: Any) -> DeltaBatch:  # noqa: ANN401 - any field
    """Return the changes of this number: two bids, one ask taken away."""
    at_us = NOW_US + number * _STEP_US
    plain = DeltaBatch(
        venue="bybit",
        market="spot",
        symbol=symbol,
        epoch=NOW_US,
        kind="change",
        follows=number - 1,
        first=number,
        sequence=number,
        bid_prices=(64_000.1, 63_999.0),
        bid_quantities=(0.25, 3.0),
        ask_prices=(64_000.2,),
        ask_quantities=(0.0,),
        venue_us=None,
        received_us=at_us + 1_000,
        published_us=at_us + 2_000,
    )
    return msgspec.structs.replace(plain, **other)


def gap(symbol: str, number: int, **other: Any) -> Gap:  # noqa: ANN401 - any field
    """Return the gap of this number, closed."""
    at_us = NOW_US + number * _STEP_US
    plain = Gap(
        venue="bybit",
        market="spot",
        symbol=symbol,
        channel="book",
        epoch=NOW_US,
        from_id=str(number),
        to_id=str(number + 5),
        start_us=at_us,
        end_us=at_us + 5_000,
        cause="sequence",
        published_us=at_us + 6_000,
    )
    return msgspec.structs.replace(plain, **other)


def funding(symbol: str, number: int, **other: Any) -> Funding:  # noqa: ANN401 - any field
    """Return the funding of this number."""
    at_us = NOW_US + number * _STEP_US
    plain = Funding(
        venue="bybit",
        market="futures",
        symbol=symbol,
        epoch=NOW_US,
        rate=0.0001,
        mark_price=64_000.15,
        index_price=None,
        next_us=NOW_US + 3_600 * _US_PER_S,
        interval_us=28_800 * _US_PER_S,
        venue_us=at_us,
        received_us=at_us + 1_000,
        published_us=at_us + 2_000,
    )
    return msgspec.structs.replace(plain, **other)


def spread(symbol: str, number: int) -> dict[str, Any]:
    """Return the spread of this number."""
    at_us = NOW_US + number * _STEP_US
    return {
        "signal_id": f"{symbol}-{number}",
        "symbol": symbol,
        "quantity": 0.1,
        "buy_venue": "bybit",
        "buy_market": "spot",
        "buy_epoch": NOW_US,
        "buy_sequence": number,
        "buy_price": 64_000.2,
        "sell_venue": "binance",
        "sell_market": "futures",
        "sell_epoch": NOW_US + 1,
        "sell_sequence": number + 7,
        "sell_price": 64_032.5,
        "gross": 0.0005,
        "fees": 0.002,
        "net": -0.0015,
        "first_received_us": at_us,
        "received_us": at_us + 1_000,
        "published_us": at_us + 2_000,
    }


MAKERS: Mapping[str, Callable[[str, int], Any]] = {
    "md.trade": trade,
    "md.book": book,
    "md.delta": delta,
    "md.gap": gap,
    "md.funding": funding,
    "signal.spread": spread,
    "order.event": order_event,
}


def identities(table: str, symbol: str, number: int) -> list[str]:
    """Return the identities of the rows that the record of this number becomes."""
    at_us = NOW_US + number * _STEP_US
    return {
        "trades": [f"{symbol}-{number}"],
        "orderbook_snapshots": [f"{symbol}/{NOW_US}/{number}"],
        "orderbook_deltas": [f"{symbol}/{number}/change/{level}" for level in range(3)],
        "gaps": [f"{symbol}/{at_us}/book"],
        "funding": [f"{symbol}/{NOW_US}/{at_us + 1_000}"],
        "spreads": [f"{symbol}-{number}"],
        "order_events": [f"{symbol}/{number}"],
    }[table]


def found(settings: Settings) -> Endpoints:
    """Return where the services are now."""
    return endpoints.endpoints_from(settings, runfile.read(settings.data.dir))


@dataclass(slots=True)
class Flow:
    """Publishes records of every topic, in order, some of them twice; `sent` is how many of each stand in Kafka."""

    settings: Settings
    symbols: tuple[str, ...]
    sent: int = 0
    stop: bool = False
    partitions: int = PARTITIONS
    makers: Mapping[str, Callable[[str, int], Any]] = field(default_factory=lambda: MAKERS)

    async def run(self, *, each: int = 5, most: int | None = None) -> None:
        """Publish rounds of `each` records a topic and symbol until told to stop, or until so many are sent."""
        run = runfile.read(self.settings.data.dir)
        assert run is not None
        codec = Codec(run.schema_ids)
        async with Publisher(found(self.settings).kafka, client_id="flow", ack_within_s=5) as publisher:
            while not self.stop and (most is None or self.sent < most):
                for topic in self.makers:
                    for symbol in self.symbols:
                        await self._publish(publisher, codec, topic, symbol, each)
                self.sent += each
                await pause()

    async def _publish(self, publisher: Publisher, codec: Codec, topic: str, symbol: str, each: int) -> None:
        make = self.makers[topic]
        numbers = range(self.sent, self.sent + each)
        # The last of them again, as after a broken session.
        values = [make(symbol, number) for number in (*numbers, *numbers[-3:])]
        records = [Outgoing(b"k", codec.encode(topics.by_name(topic), value)) for value in values]
        place = partition_of(symbol, self.partitions) if topics.by_name(topic).partitions == "symbol" else 0
        while True:
            with contextlib.suppress(Unavailable):
                await publisher.publish_many(topic, place, records)
                return
            await pause()

    def expected(self, table: str) -> list[str]:
        """Return the identities of all rows that must stand in a table."""
        return sorted(
            identity
            for symbol in self.symbols
            for number in range(self.sent)
            for identity in identities(table, symbol, number)
        )


async def until(flow: Flow, more: int) -> None:
    """Wait until so many more records of each are sent."""
    goal = flow.sent + more
    await eventually(lambda: flow.sent >= goal, within_s=30)


async def published(settings: Settings, name: str) -> list[object]:
    """Return everything that stands in a topic."""
    run = runfile.read(settings.data.dir)
    assert run is not None
    codec, topic = Codec(run.schema_ids), topics.by_name(name)
    async with kafka.Reader.assigned(found(settings).kafka, {name: "beginning"}, client_id="test") as reader:
        return [codec.decode(topic, record.value or b"") async for record in reader.until_end()]


async def shorten(settings: Settings, place: Partition, before: int) -> None:
    """Delete what stands in a partition before an offset, as retention does."""
    client = AIOKafkaAdminClient(bootstrap_servers=found(settings).kafka.bootstrap)
    await client.start()
    await client.delete_records({place: RecordsToDelete(before)})
    await client.close()


@contextlib.asynccontextmanager
async def flowing(
    settings: Settings, symbols: Sequence[str], makers: Mapping[str, Callable[[str, int], Any]] = MAKERS
) -> AsyncIterator[Flow]:
    """Publish for the length of the block."""
    flow = Flow(settings, tuple(symbols), makers=makers)
    async with asyncio.TaskGroup() as group:
        _ = group.create_task(flow.run())
        try:
            yield flow
        finally:
            flow.stop = True


async def rows(settings: Settings, symbols: Sequence[str]) -> dict[str, list[str]]:
    """Return the identity of every row of these symbols, by table, sorted: a row twice is there twice."""
    client = await clickhouse.connect(found(settings).clickhouse)
    try:
        answer = {}
        for table, query in IDENTITIES.items():
            result = await client.query(query, parameters={"pairs": list(symbols)})
            answer[table] = sorted(str(row[0]) for row in result.result_rows)
        return answer
    finally:
        await client.close()


async def drained(settings: Settings, group: str, *, within_s: float = 30.0) -> None:
    """Wait until the group has settled all that stands in Kafka."""

    async def done() -> bool:
        async with kafka.admin(found(settings).kafka) as admin:
            commits = await admin.commits(group)
            states = await admin.topics(list(BY_TOPIC))
            ends = await admin.ends([place for state in states.values() for place in state.places()])
        return all(end == 0 or (place in commits and commits[place].offset == end) for place, end in ends.items())

    await eventually(done, within_s=within_s)


async def assert_once(settings: Settings, group: str, flow: Flow) -> None:
    """Check that what was published stands in ClickHouse, all of it, each once."""
    await drained(settings, group)
    stored = await rows(settings, flow.symbols)
    for table in TABLES:
        wanted = flow.expected(table.name)
        assert len(wanted) > 0
        lost, doubled = set(wanted) - set(stored[table.name]), len(stored[table.name]) - len(set(stored[table.name]))
        assert (table.name, len(lost), doubled) == (table.name, 0, 0)
        assert stored[table.name] == wanted


async def commit_of(settings: Settings, group: str, partition: Partition) -> tuple[int, str]:
    """Return what a group has committed there: offset and note."""
    async with kafka.admin(found(settings).kafka) as admin:
        commit = (await admin.commits(group))[partition]
    return commit.offset, commit.metadata
