"""What publishers, readers and the administrator promise, on the real broker."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from schemas.topics import Topic
from tapeline.domain.partition import partition_of
from tapeline.errors import InvalidMessage, Misconfigured, Unavailable
from tapeline.runtime import metrics, topics_admin
from tapeline.runtime.endpoints import KafkaEndpoint
from tapeline.runtime.kafka import Admin, Commit, FromTime, Outgoing, Partition, Publisher, Reader, Record, admin
from tests.contracts.conftest import MakeTopic
from tests.support.eventually import eventually


def own_group() -> str:
    return f"test-{uuid.uuid4().hex}"


def recreated(reason: str) -> float:
    return metrics.registry().get_sample_value("tapeline_producers_recreated_total", {"reason": reason}) or 0.0


async def values(kafka: KafkaEndpoint, topic: str) -> list[bytes | None]:
    async with Reader.assigned(kafka, {topic: "beginning"}, client_id="test") as reader:
        return [record.value async for record in reader.until_end()]


async def take(reader: Reader, count: int) -> list[Record]:
    """Read until so many records have come."""
    found: list[Record] = []
    while len(found) < count:
        for records in (await reader.batches(wait_s=0.2)).values():
            found += records
    return found


async def test_a_record_is_read_as_it_was_published(
    kafka: KafkaEndpoint, make_topic: MakeTopic, publisher: Publisher
) -> None:
    topic = await make_topic(partitions=3)

    stored = await publisher.publish(topic, b"\x00key", b"\xffvalue", 2, [("trace", b"1"), ("trace", b"2")])

    async with Reader.assigned(kafka, {topic: "beginning"}, client_id="test") as reader:
        [record] = await take(reader, 1)
    assert stored == (2, 0)
    assert (record.topic, record.partition, record.offset) == (topic, 2, 0)
    assert (record.key, record.value) == (b"\x00key", b"\xffvalue")
    assert list(record.headers) == [("trace", b"1"), ("trace", b"2")]
    assert record.timestamp > 1_700_000_000_000


async def test_the_symbol_at_the_end_of_the_key_decides_the_partition(
    make_topic: MakeTopic, publisher: Publisher
) -> None:
    topic = await make_topic(partitions=5)

    places = {
        (await publisher.publish(topic, key, b"")).partition
        for key in ("bybit:spot:BTC/USDT", "okx:futures:BTC/USDT", "grid-1:BTC/USDT", "BTC/USDT")
    }

    assert places == {partition_of("BTC/USDT", 5)}


async def test_a_value_of_none_deletes_a_key(kafka: KafkaEndpoint, make_topic: MakeTopic, publisher: Publisher) -> None:
    topic = await make_topic(**{"cleanup.policy": "compact"})

    await publisher.publish(topic, "a", b"1")
    await publisher.publish(topic, "a", None)

    assert await values(kafka, topic) == [b"1", None]


async def test_many_records_keep_their_order_over_many_batches(
    kafka: KafkaEndpoint, make_topic: MakeTopic, publisher: Publisher
) -> None:
    topic = await make_topic()
    wanted = [b"%d-" % number + b"x" * 1_000 for number in range(2_000)]

    count = await publisher.publish_many(topic, 0, (Outgoing(b"k", value) for value in wanted))

    assert count == 2_000
    assert await values(kafka, topic) == wanted


async def test_a_missing_topic_is_one_sentence_at_once(kafka: KafkaEndpoint, publisher: Publisher) -> None:
    sentence = f"there is no topic test.absent at Kafka {kafka.bootstrap}: run `tapeline up`"
    async with asyncio.timeout(3):
        with pytest.raises(Misconfigured, match=sentence):
            await publisher.publish("test.absent", "k", b"", 0)
        with pytest.raises(Misconfigured, match=sentence):
            async with Reader.assigned(kafka, {"test.absent": "end"}, client_id="test"):
                pass


async def test_a_record_too_large_is_invalid_and_the_next_one_is_stored(
    kafka: KafkaEndpoint, make_topic: MakeTopic, publisher: Publisher
) -> None:
    topic = await make_topic(**{"max.message.bytes": "1000", "compression.type": "uncompressed"})

    with pytest.raises(InvalidMessage, match="larger than the topic permits"):
        await publisher.publish(topic, "k", uuid.uuid4().bytes * 200)
    await publisher.publish(topic, "k", b"small")

    assert await values(kafka, topic) == [b"small"]


async def test_a_producer_out_of_sequence_is_recreated_and_counted(
    kafka: KafkaEndpoint, make_topic: MakeTopic, publisher: Publisher
) -> None:
    topic = await make_topic()
    await publisher.publish(topic, "k", b"before")
    before = recreated("OutOfOrderSequenceNumber")
    # The broker's own refusal, provoked by a hole in the session's numbers.
    publisher._producer._txn_manager.increment_sequence_number(Partition(topic, 0), 7)  # type: ignore[union-attr] # noqa: SLF001

    with pytest.raises(Unavailable):
        await publisher.publish(topic, "k", b"refused")
    await publisher.publish(topic, "k", b"after")

    assert await values(kafka, topic) == [b"before", b"after"]
    assert recreated("OutOfOrderSequenceNumber") == before + 1


async def test_a_closed_publisher_refuses(kafka: KafkaEndpoint) -> None:
    async with Publisher(kafka, client_id="test") as publisher:
        pass

    with pytest.raises(Unavailable, match="the publisher test is closed"):
        await publisher.publish("heartbeat", "k", b"")


async def test_closing_delivers_what_was_handed_over(kafka: KafkaEndpoint, make_topic: MakeTopic) -> None:
    topic = await make_topic()
    async with Publisher(kafka, client_id="test", linger_ms=500) as publisher:
        waiting = asyncio.gather(publisher.publish(topic, "k", b"late"))
        await asyncio.sleep(0)

    assert list(await waiting) == [(0, 0)]
    assert await values(kafka, topic) == [b"late"]


async def test_a_reader_begins_where_it_is_told(
    kafka: KafkaEndpoint, make_topic: MakeTopic, publisher: Publisher
) -> None:
    topic = await make_topic()
    for number in range(5):
        await publisher.publish(topic, "k", b"%d" % number)
    async with Reader.assigned(kafka, {topic: "beginning"}, client_id="test") as reader:
        third = (await take(reader, 5))[3]

        async def first_from(start: object) -> bytes | None:
            await reader.seek(Partition(topic, 0), start)  # type: ignore[arg-type] # each kind of start in turn
            return (await take(reader, 1))[0].value

        assert await first_from(2) == b"2"
        assert await first_from("beginning") == b"0"
        assert await first_from(FromTime(third.timestamp * 1_000)) in {b"0", b"1", b"2", b"3"}
        await reader.seek(Partition(topic, 0), FromTime((third.timestamp + 3_600_000) * 1_000))
        await publisher.publish(topic, "k", b"new")
        assert [record.value for record in await take(reader, 1)] == [b"new"]
        await reader.seek(Partition(topic, 0), "end")
        await publisher.publish(topic, "k", b"newer")
        assert [record.value for record in await take(reader, 1)] == [b"newer"]


async def test_records_lost_to_retention_are_counted_and_reading_goes_on(
    kafka: KafkaEndpoint, make_topic: MakeTopic, publisher: Publisher
) -> None:
    topic = await make_topic()
    for number in range(5):
        await publisher.publish(topic, "k", b"%d" % number)
    client = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await client.start()
    await client.delete_records({Partition(topic, 0): RecordsToDelete(before_offset=3)})
    await client.close()

    async with Reader.assigned(kafka, {Partition(topic, 0): 1}, client_id="test") as reader:
        found = await take(reader, 2)

    assert [record.value for record in found] == [b"3", b"4"]
    assert metrics.registry().get_sample_value("tapeline_records_missed_total", {"topic": topic}) == 2


async def test_a_commit_carries_metadata_and_the_group_goes_on_there(
    kafka: KafkaEndpoint, make_topic: MakeTopic, publisher: Publisher
) -> None:
    topic, group = await make_topic(), own_group()
    for number in range(4):
        await publisher.publish(topic, "k", b"%d" % number)

    async with Reader.in_group(kafka, [topic], group=group, member="one") as reader:
        first = await take(reader, 4)
        await reader.commit({Partition(topic, 0): (2, '{"pending":[2,3]}')})
    async with admin(kafka) as found:
        commits, lag = await found.commits(group), await topics_admin.lag(found, group)
    async with Reader.in_group(kafka, [topic], group=group, member="one") as reader:
        second = await take(reader, 2)

    assert [record.value for record in first] == [b"0", b"1", b"2", b"3"]
    assert [record.value for record in second] == [b"2", b"3"]
    assert commits == {Partition(topic, 0): Commit(offset=2, metadata='{"pending":[2,3]}')}
    row = topics_admin.Lag(group=group, topic=topic, partition=0, committed=2, end=4, metadata='{"pending":[2,3]}')
    assert (lag, row.lag) == ((row,), 2)


async def test_a_group_can_begin_at_the_end(kafka: KafkaEndpoint, make_topic: MakeTopic, publisher: Publisher) -> None:
    topic = await make_topic()
    await publisher.publish(topic, "k", b"old")

    async with Reader.in_group(kafka, [topic], group=own_group(), member="one", begin="end") as reader:
        await eventually(reader.assignment)
        assert await reader.batches(wait_s=0.2) == {}
        await eventually(lambda: reader.position(Partition(topic, 0)))
        await publisher.publish(topic, "k", b"new")
        assert [record.value for record in await take(reader, 1)] == [b"new"]


async def test_a_static_member_that_restarts_disturbs_nobody(kafka: KafkaEndpoint, make_topic: MakeTopic) -> None:
    topic, group = await make_topic(partitions=2), own_group()
    revoked: list[frozenset[Partition]] = []

    async def remember(gone: frozenset[Partition]) -> None:
        revoked.append(gone)

    async with Reader.in_group(kafka, [topic], group=group, member="one", on_revoked=remember) as one:
        async with Reader.in_group(kafka, [topic], group=group, member="two") as two:
            await eventually(lambda: len(one.assignment()) == len(two.assignment()) == 1, within_s=20)
            mine, theirs = one.assignment(), two.assignment()
        seen = len(revoked)
        async with Reader.in_group(kafka, [topic], group=group, member="two") as again:
            await eventually(again.assignment, within_s=20)
            assert (one.assignment(), again.assignment()) == (mine, theirs)

    assert len(revoked) == seen


async def test_a_member_whose_place_was_taken_cannot_commit(
    kafka: KafkaEndpoint, make_topic: MakeTopic, publisher: Publisher
) -> None:
    topic, group = await make_topic(), own_group()
    await publisher.publish(topic, "k", b"0")

    async with Reader.in_group(kafka, [topic], group=group, member="same") as stale:
        await take(stale, 1)
        async with Reader.in_group(kafka, [topic], group=group, member="same") as owner:
            await take(owner, 1)
            await owner.commit({Partition(topic, 0): 1})
            with pytest.raises(Unavailable, match=f"the group {group} did not take the commit"):
                await stale.commit({Partition(topic, 0): 0})
            async with admin(kafka) as found:
                assert await found.commits(group) == {Partition(topic, 0): Commit(offset=1, metadata="")}


@pytest.fixture
async def cluster(kafka: KafkaEndpoint) -> AsyncIterator[Admin]:
    async with admin(kafka) as found:
        yield found


def own_topic(name: str, *, cleanup: str = "delete") -> Topic:
    return Topic(
        name=name,
        record="tapeline.Trade",
        key="instrument",
        owner=("producers",),
        readers=(),
        partitions="symbol",
        cleanup=cleanup,  # type: ignore[arg-type] # one of the two
        retention_ms=3_600_000,
        about="of a test",
    )


async def test_ensure_creates_what_is_missing_once(cluster: Admin) -> None:
    topic = own_topic(f"test.{uuid.uuid4().hex}")

    first = await topics_admin.ensure(cluster, [topic], partitions=3, replication=1)
    second = await topics_admin.ensure(cluster, [topic], partitions=3, replication=1)
    found = await topics_admin.describe(cluster, topic, replication=1)
    await cluster.delete(topic.name)

    assert first == topics_admin.Ensured(created=(topic.name,), drift=())
    assert second == topics_admin.Ensured(created=(), drift=())
    assert (found.state.partitions, found.beginnings, found.ends, found.drift) == (3, (0, 0, 0), (0, 0, 0), ())
    assert found.config["retention.ms"] == "3600000"


async def test_ensure_refuses_another_number_of_partitions_and_creates_nothing(cluster: Admin) -> None:
    there, missing = own_topic(f"test.{uuid.uuid4().hex}"), own_topic(f"test.{uuid.uuid4().hex}")
    await topics_admin.ensure(cluster, [there], partitions=3, replication=1)

    with pytest.raises(Misconfigured) as refused:
        await topics_admin.ensure(cluster, [missing, there], partitions=4, replication=1)
    names = await cluster.topics()
    await cluster.delete(there.name)

    assert missing.name not in names
    assert str(refused.value) == (
        f"the topic {there.name} has 3 partitions and 4 are expected: set kafka.partitions to 3, or move its records "
        "to a new cluster: the number is fixed when a topic is created"
    )


async def test_ensure_tells_settings_that_differ_and_changes_nothing(cluster: Admin) -> None:
    name = f"test.{uuid.uuid4().hex}"
    await topics_admin.ensure(cluster, [own_topic(name)], partitions=1, replication=1)

    found = await topics_admin.ensure(cluster, [own_topic(name, cleanup="compact")], partitions=1, replication=1)
    config = (await cluster.config([name]))[name]
    await cluster.delete(name)

    drift = {row.key: (row.found, row.expected) for row in found.drift}
    assert drift["cleanup.policy"] == ("delete", "compact")
    assert config["cleanup.policy"] == "delete"


async def test_describe_names_a_missing_topic(cluster: Admin) -> None:
    with pytest.raises(Misconfigured, match=r"there is no topic test\.absent on the broker"):
        await topics_admin.describe(cluster, own_topic("test.absent"), replication=1)


async def test_a_reader_that_closes_at_once_ends_as_any_other(kafka: KafkaEndpoint, make_topic: MakeTopic) -> None:
    name = await make_topic()
    async with Reader.assigned(kafka, {Partition(name, 0): 0}, client_id="test") as reader:
        assigned = reader.assignment()
    assert assigned == {Partition(name, 0)}
