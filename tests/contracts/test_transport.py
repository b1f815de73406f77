"""What a transport for Faust promises, on the real broker: the same of stock Faust's and of ours."""

from __future__ import annotations

import uuid

import pytest
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from faust.types import TP

from tapeline.runtime.endpoints import KafkaEndpoint
from tapeline.runtime.kafka import Outgoing, Partition, Publisher, admin
from tests.contracts.conftest import MakeTopic
from tests.support.eventually import eventually
from tests.support.listening import Kind, blocked_at, listening

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:faust.*", "ignore::ResourceWarning")


@pytest.fixture(params=["stock", "ours"])
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


@pytest.fixture
def group() -> str:
    return f"test-{uuid.uuid4().hex}"


def numbered(*, first: int = 0, count: int) -> list[bytes]:
    return [b"%06d" % number for number in range(first, first + count)]


async def fill(publisher: Publisher, topic: str, values: list[bytes], partition: int = 0) -> None:
    await publisher.publish_many(topic, partition, [Outgoing(b"k", value) for value in values])


async def committed(kafka: KafkaEndpoint, group: str) -> dict[int, int]:
    async with admin(kafka) as found:
        return {place.partition: commit.offset for place, commit in (await found.commits(group)).items()}


async def test_every_record_is_delivered_in_order_and_committed(
    kind: Kind, kafka: KafkaEndpoint, make_topic: MakeTopic, publisher: Publisher, group: str
) -> None:
    topic = await make_topic(partitions=2)
    for partition in (0, 1):
        await fill(publisher, topic, numbered(count=1_500), partition)

    async with listening(kind, kafka, topic, group) as worker:
        await eventually(lambda: len(worker.seen) == 3_000, within_s=20)
        await publisher.publish(topic, b"k", b"later", 1)
        await eventually(lambda: len(worker.seen) == 3_001)
        values = worker.values(0), worker.values(1)

    assert values == (numbered(count=1_500), [*numbered(count=1_500), b"later"])
    assert await committed(kafka, group) == {0: 1_500, 1: 1_501}


async def test_key_value_offset_and_headers_arrive_as_published(
    kind: Kind, kafka: KafkaEndpoint, make_topic: MakeTopic, publisher: Publisher, group: str
) -> None:
    topic = await make_topic()
    await publisher.publish(topic, b"\x00key", b"\xffvalue", 0, [("trace", b"1"), ("other", b"2")])
    await publisher.publish(topic, None, b"no key", 0)
    await publisher.publish(topic, b"gone", None, 0)

    async with listening(kind, kafka, topic, group) as worker:
        await eventually(lambda: len(worker.seen) == 3, within_s=20)

    assert worker.seen == [
        (0, 0, b"\x00key", b"\xffvalue", (("trace", b"1"), ("other", b"2"))),
        (0, 1, None, b"no key", ()),
        (0, 2, b"gone", None, ()),
    ]
    assert await committed(kafka, group) == {0: 3}


async def test_nothing_is_committed_past_what_is_not_acknowledged(
    kind: Kind, kafka: KafkaEndpoint, make_topic: MakeTopic, publisher: Publisher, group: str
) -> None:
    topic = await make_topic(partitions=2)
    await fill(publisher, topic, numbered(count=10), 0)
    await fill(publisher, topic, numbered(count=10), 1)
    gate, opened = blocked_at(b"000005")

    async with listening(kind, kafka, topic, group, gate=gate) as worker:
        try:
            await eventually(lambda: b"000005" in [one.value for one in worker.seen], within_s=20)
            await worker.app.consumer.commit()
            stood = await committed(kafka, group)
        finally:
            opened.set()
        await eventually(lambda: len(worker.seen) == 20, within_s=20)

    assert all(offset <= 5 for offset in stood.values())
    assert await committed(kafka, group) == {0: 10, 1: 10}


async def test_a_second_worker_takes_its_share_and_gives_it_back(
    kind: Kind, kafka: KafkaEndpoint, make_topic: MakeTopic, publisher: Publisher, group: str
) -> None:
    topic = await make_topic(partitions=2)
    async with listening(kind, kafka, topic, group) as one:
        await eventually(lambda: one.ready, within_s=20)
        async with listening(kind, kafka, topic, group, member="two") as two:
            await eventually(lambda: len(one.partitions) == len(two.partitions) == 1, within_s=20)
            for partition in (0, 1):
                await fill(publisher, topic, numbered(count=50), partition)
            await eventually(lambda: len(one.seen) + len(two.seen) >= 100, within_s=20)
        await eventually(lambda: one.partitions == {0, 1}, within_s=20)
        for partition in (0, 1):
            await fill(publisher, topic, numbered(first=50, count=50), partition)
        await eventually(lambda: {s[:2] for s in (*one.seen, *two.seen)} == places(2, 100), within_s=20)

    assert await committed(kafka, group) == {0: 100, 1: 100}


def places(partitions: int, count: int) -> set[tuple[int, int]]:
    return {(partition, offset) for partition in range(partitions) for offset in range(count)}


async def test_seeking_back_while_paused_reads_again_from_there(
    kind: Kind, kafka: KafkaEndpoint, make_topic: MakeTopic, publisher: Publisher, group: str
) -> None:
    topic = await make_topic()
    await fill(publisher, topic, numbered(count=100))
    place = TP(topic, 0)

    async with listening(kind, kafka, topic, group) as worker:
        await eventually(lambda: len(worker.seen) == 100, within_s=20)
        worker.app.consumer.pause_partitions({place})
        await publisher.publish(topic, b"k", b"000100", 0)
        await worker.app.consumer.seek(place, 40)
        worker.app.consumer.resume_partitions({place})
        await eventually(lambda: len(worker.seen) == 161, within_s=20)

    assert worker.values() == [*numbered(count=100), *numbered(first=40, count=61)]
    assert await committed(kafka, group) == {0: 101}


async def test_an_empty_topic_gives_nothing_and_then_what_comes(
    kind: Kind, kafka: KafkaEndpoint, make_topic: MakeTopic, publisher: Publisher, group: str
) -> None:
    topic = await make_topic()
    async with listening(kind, kafka, topic, group) as worker:
        await eventually(lambda: worker.ready, within_s=20)
        before = list(worker.seen)
        await publisher.publish(topic, b"k", b"first", 0)
        await eventually(lambda: worker.seen, within_s=20)

    assert (before, worker.values()) == ([], [b"first"])
    assert await committed(kafka, group) == {0: 1}


async def test_what_retention_took_is_passed_over(
    kind: Kind, kafka: KafkaEndpoint, make_topic: MakeTopic, publisher: Publisher, group: str
) -> None:
    topic = await make_topic()
    await fill(publisher, topic, numbered(count=10))
    async with listening(kind, kafka, topic, group) as worker:
        await eventually(lambda: len(worker.seen) == 10, within_s=20)
    await fill(publisher, topic, numbered(first=10, count=20))
    client = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await client.start()
    await client.delete_records({Partition(topic, 0): RecordsToDelete(before_offset=25)})
    await client.close()

    async with listening(kind, kafka, topic, group) as worker:
        await eventually(lambda: len(worker.seen) == 5, within_s=20)

    assert worker.values() == numbered(first=25, count=5)
    assert await committed(kafka, group) == {0: 30}
