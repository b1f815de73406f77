"""confluent-kafka's own registry client, serializer and deserializer work with our registry and our codec (X-09)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import msgspec
import pytest
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.schema_registry.schema_registry_client import ConfigCompatibilityLevel, ServerConfig
from confluent_kafka.serialization import MessageField, SerializationContext

from infra.embedded.registry.canonical import canonical
from schemas import avro_files
from schemas.topics import TOPICS, by_name
from tapeline.domain.events import Heartbeat
from tapeline.runtime.codec import Codec
from tapeline.runtime.endpoints import RegistryEndpoint
from tapeline.runtime.registry import RegistryClient, register_all
from tapeline.runtime.runfile import RunFile
from tests.support.registry_process import registry_process

ONE = '{"type":"record","name":"A","fields":[{"name":"a","type":"int"}]}'
TWO = '{"type":"record","name":"A","fields":[{"name":"a","type":"int"},{"name":"b","type":"int","default":0}]}'
BAD = '{"type":"record","name":"A","fields":[{"name":"c","type":"int"}]}'


@pytest.fixture
async def url(tapeline_up: RunFile, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    assert tapeline_up.addresses.kafka is not None
    with registry_process(tmp_path_factory.mktemp("registry"), tapeline_up.addresses.kafka) as process:
        await process.ready()
        yield process.url


async def test_the_peers_client_registers_reads_checks_and_deletes(url: str) -> None:
    await asyncio.to_thread(_use, url)


def _use(url: str) -> None:
    with SchemaRegistryClient({"url": url}) as peer:
        assert peer.register_schema("s", Schema(ONE, "AVRO")) == 1
        assert peer.register_schema("s", Schema(TWO, "AVRO"), normalize_schemas=True) == 2
        assert (peer.get_schema_types(), peer.get_subjects(), peer.get_versions("s")) == (["AVRO"], ["s"], [1, 2])
        latest = peer.get_latest_version("s")
        assert (latest.schema_id, latest.version, latest.schema.schema_str) == (2, 2, TWO)
        assert peer.get_version("s", 1).schema.schema_str == ONE
        assert peer.get_schema(2).schema_str == TWO
        assert peer.get_subjects_by_schema_id(1) == ["s"]
        assert [(used.subject, used.version) for used in peer.get_schema_versions(1)] == [("s", 1)]
        assert peer.lookup_schema("s", Schema(ONE, "AVRO")).version == 1
        assert peer.get_referenced_by("s", 1) == []
        assert [peer.test_compatibility("s", Schema(text, "AVRO")) for text in (TWO, BAD)] == [True, False]
        assert peer.test_compatibility_all_versions("s", Schema(BAD, "AVRO")) is False
        with pytest.raises(SchemaRegistryError) as refused:
            peer.register_schema("s", Schema(BAD, "AVRO"))
        assert (refused.value.http_status_code, refused.value.error_code) == (409, 409)
        assert peer.set_compatibility("s", "none") == {"compatibility": "NONE"}
        assert peer.get_compatibility("s") == "NONE"
        full = ServerConfig(compatibility=ConfigCompatibilityLevel.FULL)
        # The client hands on the JSON as it came.
        assert peer.set_config(config=full) == {"compatibility": "FULL"}
        assert peer.get_config().compatibility_level == ConfigCompatibilityLevel.FULL
        assert (peer.update_mode("s", "READONLY"), peer.get_mode("s"), peer.get_global_mode()) == (
            "READONLY", "READONLY", "READWRITE",
        )  # fmt: skip
        assert peer.delete_mode("s") == "READONLY"
        assert peer.delete_version("s", 1) == 1
        assert (peer.delete_subject("s"), peer.delete_subject("s", permanent=True)) == ([2], [1, 2])


async def test_records_of_either_side_are_read_by_the_other(url: str) -> None:
    """X-09: the wire format is Confluent's, through this registry."""
    async with RegistryClient(RegistryEndpoint(url=url)) as client:
        ids = await register_all(client, TOPICS)
        assert sorted(await client.subjects()) == sorted(ids)
    topic, codec = by_name("heartbeat"), Codec(ids)
    values = {
        "process": "p", "service": "s", "status": "online", "latency_us": 5, "lag": {"md.trade": 7}, "version": "1",
        "pid": 1, "host": "h", "started_us": 1, "interval_us": 2, "at_us": 3,
    }  # fmt: skip
    text = avro_files.text(topic.record)
    ours = codec.encode(topic, msgspec.convert(values, Heartbeat))

    def peer() -> tuple[bytes, object]:
        context = SerializationContext(topic.name, MessageField.VALUE)
        with SchemaRegistryClient({"url": url}) as registry:
            write = AvroSerializer(registry, text)
            theirs = write(values, context)
            assert theirs is not None
            return theirs, AvroDeserializer(registry)(ours, context)

    theirs, read = await asyncio.to_thread(peer)
    assert codec.decode_any(theirs) == (topic.record, values)
    assert read == values
    assert theirs == ours


async def test_every_schema_of_ours_is_kept_as_it_was_written(url: str) -> None:
    async with RegistryClient(RegistryEndpoint(url=url)) as client:
        ids = await register_all(client, TOPICS)
        for topic in TOPICS:
            kept = await client.schema(ids[topic.subject])
            assert kept == canonical(avro_files.text(topic.record))
            assert json.loads(kept) == json.loads(avro_files.text(topic.record))
