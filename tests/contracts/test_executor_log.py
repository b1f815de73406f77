"""The executor's Log on the real broker: each intent with its place, nothing unreadable lost, the outbox in order."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal

import msgspec
import pytest

from executor.log.kafka import KafkaLog
from executor.ports import Log, LoggedIntent, Waiting
from schemas import topics
from tapeline.domain.changes import Outgoing, Place
from tapeline.domain.order_records import OrderEvent, OrderIntent
from tapeline.domain.partition import partition_of
from tapeline.errors import InvalidMessage, Unavailable
from tapeline.runtime import dlq
from tapeline.runtime.codec import Codec
from tapeline.runtime.endpoints import KafkaEndpoint, endpoints_from
from tapeline.runtime.kafka import Partition, Publisher, Reader, Record, Start
from tapeline.runtime.registry import RegistryClient
from tapeline.runtime.runfile import RunFile
from tapeline.runtime.settings import Settings
from tests.support.records import INTENT

INTENTS = topics.by_name("order.intent")
TRACE = "0af7651916cd43dd8448eb211c80319c"
WITHIN_S = 20.0


def intent(symbol: str, round_: int = 1) -> OrderIntent:
    """Return an intent on a symbol."""
    whole = msgspec.convert(INTENT, OrderIntent, builtin_types=(bytes, Decimal))
    return msgspec.structs.replace(whole, intent_id=str(uuid.uuid4()), symbol=symbol, round=round_)


def symbols(count: int = 4) -> dict[int, str]:
    """Return a symbol of each partition that no other test has."""
    found: dict[int, str] = {}
    while len(found) < count:
        symbol = f"T{uuid.uuid4().hex[:8].upper()}/USDT"
        found.setdefault(partition_of(symbol, count), symbol)
    return found


@dataclass
class Desk:
    """The broker as others use it, beside the log that is tested."""

    kafka: KafkaEndpoint
    codec: Codec
    publisher: Publisher
    log: Log

    async def ends(self, topic: str = INTENTS.name) -> dict[int, int]:
        """Return where each partition ends."""
        async with Reader.assigned(self.kafka, {topic: "end"}, client_id="test") as reader:
            return {place.partition: end for place, end in (await reader.ends()).items()}

    async def say(self, what: OrderIntent, *headers: tuple[str, bytes]) -> None:
        """Publish an intent."""
        value = msgspec.to_builtins(what, builtin_types=(bytes, Decimal))
        plain = {**value, "cause": list(value["cause"])}
        data = self.codec.encode(INTENTS, what if self.knows_struct() else plain)
        await self.publisher.publish(INTENTS.name, what.key, data, headers=headers)

    def knows_struct(self) -> bool:
        """Tell whether the codec takes the Struct of an intent itself."""
        try:
            self.codec.encode(INTENTS, INTENT)
        except TypeError:
            return True
        return False

    async def take(self, count: int) -> list[LoggedIntent]:
        """Return so many intents from the log."""
        found: list[LoggedIntent] = []
        async with asyncio.timeout(WITHIN_S):
            while len(found) < count:
                found += await self.log.next_batch()
        return found

    async def since(self, topic: str, ends: dict[int, int]) -> list[Record]:
        """Return what a topic has got since, by partition."""
        starts: dict[Partition | str, Start] = {Partition(topic, number): end for number, end in ends.items()}
        async with Reader.assigned(self.kafka, starts, client_id="test") as reader:
            return [record async for record in reader.until_end()]


@pytest.fixture
async def registry(tapeline_settings: Settings, tapeline_up: RunFile) -> AsyncIterator[RegistryClient]:
    async with RegistryClient(endpoints_from(tapeline_settings, tapeline_up).registry) as found:
        yield found


@pytest.fixture
async def desk(kafka: KafkaEndpoint, registry: RegistryClient, tapeline_up: RunFile) -> AsyncIterator[Desk]:
    codec = Codec(tapeline_up.schema_ids)
    async with (
        Publisher(kafka, client_id="test") as publisher,
        KafkaLog(kafka, codec, registry.schema, process="executor-test") as log,
    ):
        yield Desk(kafka, codec, publisher, log)


async def test_every_partition_is_read_from_its_offset_with_the_trace(desk: Desk) -> None:
    names, before = symbols(), await desk.ends()
    wanted: dict[int, list[LoggedIntent]] = {}
    for number, symbol in names.items():
        first, second = intent(symbol), intent(symbol, 2)
        await desk.say(first, ("traceparent", f"00-{TRACE}-00f067aa0ba902b7-01".encode()))
        await desk.say(second)
        offset = before[number]
        wanted[number] = [
            LoggedIntent(place=Place(partition=number, offset=offset), intent=first, trace_id=TRACE),
            LoggedIntent(place=Place(partition=number, offset=offset + 1), intent=second),
        ]

    await desk.log.intents(before)
    found = await desk.take(8)

    assert {number: [one for one in found if one.place.partition == number] for number in names} == wanted
    # Asked again, it reads again: from one offset later, a partition without one from its begin.
    await desk.log.intents({number: before[number] + (number == 1) for number in (1, 2, 3)})
    again = await desk.take(before[0] + 7)
    assert [one for one in again if one.place.partition == 1] == wanted[1][1:]
    assert [one.place.offset for one in again if one.place.partition == 0] == list(range(before[0] + 2))
    assert [one for one in again if one.place.partition == 0][-2:] == wanted[0]


async def test_what_cannot_be_read_is_a_dead_letter_before_it_is_told_and_the_next_goes_on(desk: Desk) -> None:
    symbol = symbols()[2]
    before, good = await desk.ends(), intent(symbol)
    await desk.publisher.publish(INTENTS.name, "broken", b"\x00\x00\x00\x00\x2arest", 2, [("traceparent", b"none")])
    await desk.publisher.publish(INTENTS.name, "none", None, 2)
    await desk.say(good, ("traceparent", b"not one"))

    await desk.log.intents(before)
    found = await desk.take(3)

    begin = before[2]
    assert found == [
        LoggedIntent(place=Place(partition=2, offset=begin), intent=None),
        LoggedIntent(place=Place(partition=2, offset=begin + 1), intent=None),
        LoggedIntent(place=Place(partition=2, offset=begin + 2), intent=good),
    ]
    letters = [one for one in await dlq.letters(desk.kafka, desk.codec) if one.origin_topic == INTENTS.name]
    assert [(one.origin, one.value, one.process) for one in letters if one.origin_offset >= begin] == [
        (f"order.intent/2/{begin}", b"\x00\x00\x00\x00\x2arest", "executor-test"),
        (f"order.intent/2/{begin + 1}", None, "executor-test"),
    ]


async def test_whoever_gives_up_waiting_loses_nothing(desk: Desk) -> None:
    symbol = symbols()[0]
    await desk.log.intents(await desk.ends())
    sent = [intent(symbol, number) for number in range(1, 9)]
    for one in sent:
        # Setting a record aside takes a while, so that there is something to give up.
        await desk.publisher.publish(INTENTS.name, "broken", b"broken", 0)
        await desk.say(one)
    found: list[LoggedIntent] = []
    given_up = 0
    async with asyncio.timeout(WITHIN_S):
        while len(found) < 16:
            try:
                async with asyncio.timeout(0.001):
                    found += await desk.log.next_batch()
            except TimeoutError:
                given_up += 1
    assert given_up > 1
    assert [one.intent for one in found] == [part for one in sent for part in (None, one)]


def event(number: int, symbol: str) -> OrderEvent:
    """Return an order event."""
    return OrderEvent(
        event_id=str(uuid.uuid4()),
        sequence=number,
        account="main",
        strategy="grid-1",
        symbol=symbol,
        slot=0,
        round=1,
        intent_id=str(uuid.uuid4()),
        kind="intent_approved",
        trace_id=TRACE,
        at_us=1_790_000_000_000_000,
    )


def waiting(number: int, value: OrderEvent) -> Waiting:
    """Return an event as it waits in the outbox."""
    record = Outgoing(topic="order.event", key=value.key, symbol=value.symbol, value=value, trace_id=value.trace_id)
    return Waiting(stream="main", number=number, record=record)


async def test_the_outbox_is_published_in_order_each_symbol_on_its_partition_with_its_trace(desk: Desk) -> None:
    topic, names = topics.by_name("order.event"), symbols()
    before = await desk.ends(topic.name)
    events = [event(number, names[number % 3]) for number in range(1, 31)]

    await desk.log.publish(tuple(waiting(one.sequence, one) for one in events))

    for number, symbol in names.items():
        records = [one for one in await desk.since(topic.name, before) if one.partition == number]
        values = [desk.codec.decode(topic, one.value or b"") for one in records]
        told = [msgspec.convert(one, OrderEvent, builtin_types=(bytes, Decimal)) for one in values]
        assert told == [one for one in events if one.symbol == symbol]
        assert {one.key for one in records} <= {f"grid-1:{symbol}".encode()}
        assert all(dict(one.headers)["traceparent"].startswith(f"00-{TRACE}-".encode()) for one in records)
        assert len({dict(one.headers)["traceparent"] for one in records}) == len(records)


async def test_what_does_not_fit_its_schema_is_refused_before_anything_is_sent(desk: Desk) -> None:
    before, symbol = await desk.ends("order.event"), symbols()[0]
    wrong = msgspec.structs.replace(event(2, symbol), at_us=2**63)
    with pytest.raises(InvalidMessage):
        await desk.log.publish((waiting(1, event(1, symbol)), waiting(2, wrong)))
    assert await desk.ends("order.event") == before


async def test_a_log_that_is_closed_is_unavailable(kafka: KafkaEndpoint, tapeline_up: RunFile) -> None:
    async def learn(schema_id: int) -> str:
        raise AssertionError(schema_id)

    log = KafkaLog(kafka, Codec(tapeline_up.schema_ids), learn, process="executor-test")
    with pytest.raises(Unavailable):
        await log.publish((waiting(1, event(1, "BTC/USDT")),))
    with pytest.raises(Unavailable):
        await log.next_batch()
