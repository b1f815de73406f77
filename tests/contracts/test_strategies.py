"""Strategies on the real broker: state first, then decisions; after kill -9 the same ids from the same inputs."""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import msgspec
import pytest

from processors import running
from processors.agent import Agent
from processors.app import BatchApp
from processors.strategies import agent
from processors.transport import Batch
from schemas import topics
from tapeline.domain import events, ids
from tapeline.domain.account_records import Portfolio, Slot
from tapeline.domain.events import Book
from tapeline.domain.order_records import EnterPair
from tapeline.domain.partition import control_key, partition_of
from tapeline.runtime import clock
from tapeline.runtime.codec import Codec
from tapeline.runtime.endpoints import Endpoints, endpoints_from
from tapeline.runtime.health import Health
from tapeline.runtime.kafka import Outgoing, Publisher, Reader, Record, admin
from tapeline.runtime.runfile import RunFile
from tapeline.runtime.settings import Settings, child_environment
from tapeline.strategies.registry import Order, instances
from tests.support.eventually import eventually
from tests.support.records import plain
from tests.unit.strategies.views import book, portfolio, rules

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:faust.*", "ignore::ResourceWarning")
INTENTS = topics.by_name("order.intent")


class Desk:
    """One symbol of its own on the shared broker: records go in, the intents of it come out."""

    def __init__(self, endpoints: Endpoints, publisher: Publisher, reader: Reader) -> None:
        assert endpoints.run is not None
        self.symbol = f"T{uuid.uuid4().hex[:8].upper()}/USDT"
        self.codec = Codec(endpoints.run.schema_ids)
        self.found: list[tuple[dict[str, Any], Record]] = []
        self._publisher = publisher
        self._reader = reader
        self._sequence = 0

    async def say(self, topic: str, key: str, value: Any) -> None:  # noqa: ANN401 - any record
        found = topics.by_name(topic)
        whole = value if isinstance(value, dict) or found.record in events.STRUCTS else plain(value)
        partition = 0 if found.partitions == 1 else None
        await self._publisher.publish(topic, key, self.codec.encode(found, whole), partition)

    async def rules(self) -> None:
        for venue in ("binance", "bybit"):
            one = msgspec.structs.replace(rules(venue, "futures", "0.001"), symbol=self.symbol)
            await self.say("ref.instrument", one.key, one)

    async def holds(self, strategy: str, round_: int) -> None:
        one: Portfolio = portfolio(
            strategy=strategy,
            symbol=self.symbol,
            version=round_,
            slots=(Slot(slot=0, round=round_),),
            at_us=clock.now_us() - 60_000_000,
        )
        await self.say("portfolio", one.key, one)

    async def books(self) -> None:
        """Publish two new books between which trading pays."""
        self._sequence += 1
        now_us = clock.now_us()
        for one in (book("binance", "futures", 999.0, 1_000.0), book("bybit", "futures", 1_020.0, 1_021.0)):
            fresh: Book = msgspec.structs.replace(
                one, symbol=self.symbol, sequence=self._sequence, first_received_us=now_us, published_us=now_us
            )
            await self.say("md.book", fresh.key, fresh)

    async def read(self) -> list[tuple[str, int]]:
        """Return id and round of every intent of the symbol so far."""
        for records in (await self._reader.batches(wait_s=0.1)).values():
            for record in records:
                assert record.value is not None
                values = self.codec.decode_any(record.value)[1]
                if values["symbol"] == self.symbol:
                    self.found.append((values, record))
        return [(values["intent_id"], values["round"]) for values, _ in self.found]

    async def decided(self, count: int) -> list[tuple[str, int]]:
        """Keep the books coming until so many intents are there."""

        async def enough() -> bool:
            await self.books()
            return len(await self.read()) >= count

        await eventually(enough, within_s=40)
        return await self.read()


@pytest.fixture
def endpoints(tapeline_settings: Settings, tapeline_up: RunFile) -> Endpoints:
    return endpoints_from(tapeline_settings, tapeline_up)


@pytest.fixture
async def desk(endpoints: Endpoints) -> AsyncIterator[Desk]:
    async with (
        Publisher(endpoints.kafka, client_id="test", ack_within_s=10) as publisher,
        Reader.assigned(endpoints.kafka, {INTENTS.name: "end"}, client_id="test") as reader,
    ):
        yield Desk(endpoints, publisher, reader)


@contextmanager
def worker(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    env = child_environment(
        TAPELINE_DATA__DIR=str(settings.data.dir),
        TAPELINE_LOG__DIR=str(settings.log.dir),
        TAPELINE_STRATEGIES__RUN='[{"name": "two-leg-1", "strategy": "two-leg"}]',
    )
    process = subprocess.Popen([sys.executable, "-m", "processors", "strategies"], env=env)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=20)


def opening(desk: Desk, round_: int) -> tuple[str, int]:
    command = desk.codec.decode_any(desk.found[0][1].value or b"")[1]["command"]
    assert command["-type"] == "tapeline.EnterPair"
    enter = EnterPair(**{name: part for name, part in command.items() if name != "-type"})
    return ids.intent_id("two-leg-1", desk.symbol, 0, round_, enter), round_


async def test_after_kill_9_the_same_inputs_give_the_same_ids_and_the_portfolio_is_known_first(
    tapeline_settings: Settings, desk: Desk
) -> None:
    await desk.rules()
    await desk.holds("two-leg-1", 5)
    with worker(tapeline_settings) as process:
        await desk.decided(1)
        process.kill()
        process.wait()
    await desk.books()
    with worker(tapeline_settings) as process:
        again = await desk.decided(2)
        process.kill()
        process.wait()
    await desk.holds("two-leg-1", 6)
    await desk.books()
    with worker(tapeline_settings):
        last = await desk.decided(3)

    assert again == [opening(desk, 5)] * 2
    assert last == [*again, opening(desk, 6)]
    values, record = desk.found[0]
    assert record.partition == partition_of(desk.symbol, 4)
    assert {cause["topic"] for cause in values["cause"]} == {"md.book", "portfolio"}
    assert [name for name, _ in record.headers] == ["traceparent"]
    assert values["expires_us"] == values["decided_us"] + 1_000_000
    assert values["first_received_us"] <= values["decided_us"]


@asynccontextmanager
async def working(settings: Settings, endpoints: Endpoints, one: Agent[Any]) -> AsyncIterator[None]:
    group = f"test-{uuid.uuid4().hex[:8]}"
    async with running.working(settings, endpoints, group, (one,), Health(group)):
        yield


async def test_control_reaches_every_partition_before_and_while_it_runs(
    tapeline_settings: Settings, endpoints: Endpoints, desk: Desk
) -> None:
    name = f"two-leg-{uuid.uuid4().hex[:6]}"
    made = instances((Order(name=name, strategy="two-leg", symbols=(desk.symbol,)),))
    key = control_key("strategy", name)
    values = {"scope": "strategy", "target": name, "version": 1, "desired": "HALTED", "parameters": None}
    values |= {"actor": "test", "reason": None, "at_us": 1}
    await desk.rules()
    await desk.say("control", key, _control(values))
    async with working(tapeline_settings, endpoints, agent(made)):
        for _ in range(20):
            await desk.books()
            assert await desk.read() == []
        await desk.say("control", key, _control(values | {"version": 2, "desired": "RUNNING"}))
        found = await desk.decided(1)

    assert [round_ for _, round_ in found] == [0]


def _control(values: dict[str, Any]) -> Any:  # noqa: ANN401 - plain values or the record's Struct
    kind = events.STRUCTS.get("tapeline.Control")
    return values if kind is None else msgspec.convert(values, kind)


async def test_a_rebuilt_topic_is_read_whole_before_the_others_at_every_start(endpoints: Endpoints, desk: Desk) -> None:
    names = [f"test.{uuid.uuid4().hex}" for _ in range(2)]
    state, flow = names
    group = f"test-{uuid.uuid4().hex}"
    async with admin(endpoints.kafka) as found:
        for name in names:
            assert await found.create(name, partitions=2, replication=1, config={})
        try:
            for topic, count in ((state, 3_000), (flow, 5)):
                for partition in (0, 1):
                    await _fill(endpoints, topic, partition, count)
            first = await _seen(endpoints, group, state, flow, 2 * 3_005)
            await _fill(endpoints, flow, 0, 2)
            await _fill(endpoints, state, 0, 1)
            second = await _seen(endpoints, group, state, flow, 2 * 3_000 + 3)
        finally:
            for name in names:
                await found.delete(name)

    for partition, more in ((0, 1), (1, 0)):
        assert [one for one in first if one[1] == partition] == [
            *((state, partition, offset, False) for offset in range(3_000)),
            *((flow, partition, offset, False) for offset in range(5)),
        ]
        assert [one for one in second if one[1] == partition] == [
            *((state, partition, offset, offset < 3_000) for offset in range(3_000 + more)),
            *((flow, partition, offset, False) for offset in range(5, 5 + 2 * more)),
        ]
    assert desk.found == []


async def _fill(endpoints: Endpoints, topic: str, partition: int, count: int) -> None:
    async with Publisher(endpoints.kafka, client_id="test", ack_within_s=10) as publisher:
        await publisher.publish_many(topic, partition, [Outgoing(b"k", b"v")] * count)


async def _seen(
    endpoints: Endpoints, group: str, state: str, flow: str, count: int
) -> list[tuple[str, int, int, bool]]:
    """Run an agent until it has seen so many records; return (topic, partition, offset, replayed) of each."""
    seen: list[tuple[str, int, int, bool]] = []
    app = BatchApp(group, member="one", kafka=endpoints.kafka)

    async def turn(batch: Batch) -> None:
        seen.extend((one.topic, one.partition, one.offset, batch.replayed) for one in batch.records)
        batch.acknowledge()

    app.take("agent", [state, flow], turn, rebuilt=frozenset({state}))
    try:
        await app.start()
        await eventually(lambda: len(seen) >= count, within_s=30)
    finally:
        await app.stop()
    return seen
