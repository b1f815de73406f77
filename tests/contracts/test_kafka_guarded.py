"""Every client is let in by password and certificate; each way of being kept out, and each of losing the broker."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tapeline.errors import Misconfigured, Unavailable
from tapeline.runtime import metrics
from tapeline.runtime.endpoints import KafkaEndpoint
from tapeline.runtime.kafka import Partition, Publisher, Reader, admin, connection
from tapeline.runtime.runfile import RunFile
from tapeline.runtime.settings import Settings
from tapeline.runtime.tls import TlsFiles
from tests.support.eventually import eventually
from tests.support.guarded_kafka import Guarded, guarded_kafka


@pytest.fixture(scope="module")
def guarded(
    tapeline_up: RunFile, tapeline_settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Guarded]:
    """A broker of its own; the jars are there because Tapeline is up."""
    cache = tapeline_settings.data.cache_dir
    assert cache is not None
    with guarded_kafka(tmp_path_factory.mktemp("guarded"), cache) as found:
        yield found


async def new_topic(endpoint: KafkaEndpoint) -> str:
    name = f"test.{uuid.uuid4().hex}"
    async with admin(endpoint) as found:
        await found.create(name, partitions=1, replication=1, config={})
    return name


@pytest.mark.parametrize("listener", ["tls", "password", "both"])
async def test_publisher_reader_group_and_admin_are_let_in(guarded: Guarded, listener: str) -> None:
    endpoint: KafkaEndpoint = getattr(guarded, listener)
    topic = await new_topic(endpoint)

    async with Publisher(endpoint, client_id="test") as publisher:
        await publisher.publish(topic, "k", b"v")
    async with Reader.in_group(endpoint, [topic], group=f"g-{topic}", member="one") as reader:
        found = await eventually(reader.batches)
        await reader.commit({Partition(topic, 0): 1})

    assert [record.value for record in found[Partition(topic, 0)]] == [b"v"]


async def answers(endpoint: KafkaEndpoint) -> bool:
    await connection.probe(endpoint)
    return True


async def sentence(endpoint: KafkaEndpoint) -> str:
    with pytest.raises(Misconfigured) as refused:
        await connection.probe(endpoint)
    return str(refused.value)


async def test_a_wrong_password_is_one_sentence_for_every_client(guarded: Guarded) -> None:
    endpoint = replace(guarded.both, password="wrong")
    expected = (
        f"Kafka at {endpoint.bootstrap} (kafka.bootstrap) refused the user 'tapeline': "
        "set kafka.username and kafka.password to what the broker knows"
    )

    for client in (
        Publisher(endpoint, client_id="test"),
        Reader.assigned(endpoint, {"t": "end"}, client_id="test"),
        admin(endpoint),
    ):
        with pytest.raises(Misconfigured) as refused:
            async with client:
                pass
        assert str(refused.value) == expected


async def test_each_wrong_setting_is_named(guarded: Guarded) -> None:
    both, where = guarded.both, f"Kafka at {guarded.both.bootstrap} (kafka.bootstrap)"

    assert await sentence(replace(both, sasl_mechanism="SCRAM-SHA-256")) == (
        f"{where} does not take kafka.sasl_mechanism SCRAM-SHA-256: "
        "set kafka.sasl_mechanism to one that the broker offers"
    )
    assert await sentence(replace(both, tls=TlsFiles(section="kafka"))) == (
        f"{where} shows a certificate that is not trusted (unable to get local issuer certificate): "
        "set kafka.ca_file to the authority that signed it"
    )
    assert await sentence(replace(guarded.password, bootstrap=guarded.plain.bootstrap)) == (
        f"Kafka at {guarded.plain.bootstrap} (kafka.bootstrap) asks for no password and kafka.security_protocol is "
        "SASL_PLAINTEXT: set kafka.security_protocol to what the broker's listener speaks"
    )
    assert await sentence(replace(both, tls=replace(both.tls, ca_file=Path("/absent.pem")))) == (
        "settings key 'kafka.ca_file' names /absent.pem, and there is no such file: correct the path or remove the key"
    )


@pytest.mark.parametrize("listener", ["tls", "password", "both"])
async def test_another_protocol_than_the_listeners_is_told(guarded: Guarded, listener: str) -> None:
    wrong = replace(guarded.plain, bootstrap=getattr(guarded, listener).bootstrap)

    with pytest.raises(Unavailable, match=r"asks for another kafka\.security_protocol than PLAINTEXT"):
        await connection.probe(wrong)


async def test_a_missing_client_certificate_is_refused(guarded: Guarded) -> None:
    without = replace(guarded.tls, tls=replace(guarded.tls.tls, cert_file=None, key_file=None))

    with pytest.raises((Misconfigured, Unavailable), match="kafka"):
        await connection.probe(without)


async def test_an_absent_broker_is_one_sentence_after_its_retries() -> None:
    nobody = KafkaEndpoint(bootstrap="127.0.0.1:9", max_retries=1)

    with pytest.raises(Unavailable, match=r"Kafka did not answer in 2 tries: Kafka at 127.0.0.1:9 \(kafka.bootstrap\)"):
        async with Publisher(nobody, client_id="test"):
            pass


async def test_the_second_of_two_brokers_is_enough(guarded: Guarded) -> None:
    await connection.probe(replace(guarded.plain, bootstrap=f"127.0.0.1:9,{guarded.plain.bootstrap}"))


async def test_a_stuck_producer_is_replaced_and_its_records_never_come_behind_newer_ones(guarded: Guarded) -> None:
    topic = await new_topic(guarded.plain)
    name = "tapeline_producers_recreated_total"
    before = metrics.registry().get_sample_value(name, {"reason": "no acknowledgement"}) or 0
    async with Publisher(guarded.plain, client_id="test", ack_within_s=1.0) as publisher:
        await publisher.publish(topic, "k", b"before")
        with guarded.process.paused():
            lost = [publisher.publish(topic, "k", b"stuck-%d" % number) for number in range(5)]
            outcomes = await asyncio.gather(*lost, return_exceptions=True)
        await eventually(lambda: answers(guarded.plain))
        for number in range(5):
            await publisher.publish(topic, "k", b"after-%d" % number)

    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 5
    assert metrics.registry().get_sample_value(name, {"reason": "no acknowledgement"}) == before + 1
    async with Reader.assigned(guarded.plain, {topic: "beginning"}, client_id="test") as reader:
        stored = [record.value async for record in reader.until_end()]
    assert stored[0] == b"before"
    assert stored[-5:] == [b"after-%d" % number for number in range(5)]
    assert set(stored[1:-5]) <= {b"stuck-%d" % number for number in range(5)}


async def test_a_killed_broker_that_returns_is_gone_on_with(guarded: Guarded) -> None:
    topic = await new_topic(guarded.plain)
    async with (
        Publisher(guarded.plain, client_id="test", ack_within_s=30.0) as publisher,
        Reader.assigned(guarded.plain, {topic: "beginning"}, client_id="test") as reader,
    ):
        await publisher.publish(topic, "k", b"0")
        guarded.process.kill()
        await asyncio.to_thread(guarded.process.start)
        for number in range(1, 4):
            await publisher.publish(topic, "k", b"%d" % number)
        found: list[bytes | None] = []
        while len(found) < 4:
            for records in (await reader.batches()).values():
                found += [record.value for record in records]

    assert found == [b"0", b"1", b"2", b"3"]
