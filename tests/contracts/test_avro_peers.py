"""Our codec and confluent-kafka's Avro serializers read each other, for every record, through a schema registry."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import avro_files
from schemas.topics import TOPICS, Topic, by_name
from tapeline.runtime.avro.strict import TYPE_HINT, tagged
from tapeline.runtime.codec import Codec
from tapeline.runtime.runfile import RunFile
from tests.support.records import BOOK, plain, values

every_topic = pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
few = settings(max_examples=10)


@pytest.fixture(scope="module", params=["mock", "embedded"])
def client(request: pytest.FixtureRequest) -> Iterator[SchemaRegistryClient]:
    """Yield confluent's client of its own registry in memory, and of ours."""
    url = "mock://tapeline"
    if request.param == "embedded":
        run: RunFile = request.getfixturevalue("tapeline_up")
        url = str(run.addresses.registry)
    with SchemaRegistryClient.new_client({"url": url}) as found:
        yield found


@pytest.fixture(scope="module")
def codec(client: SchemaRegistryClient) -> Codec:
    """Return our codec with the ids that the registry gave confluent's client."""
    ids = {
        topic.subject: client.register_schema(topic.subject, Schema(avro_files.text(topic.record), "AVRO"))
        for topic in TOPICS
    }
    return Codec(ids)


def context(topic: Topic) -> SerializationContext:
    return SerializationContext(topic.name, MessageField.VALUE)


def nameless(value: object) -> object:
    """Return plain values without the names of records in unions."""
    if isinstance(value, dict):
        return {name: nameless(part) for name, part in value.items() if name != TYPE_HINT}
    if isinstance(value, list):
        return [nameless(part) for part in value]
    return value


@every_topic
@few
@given(data=st.data())
def test_confluent_reads_what_we_write(
    topic: Topic, client: SchemaRegistryClient, codec: Codec, data: st.DataObject
) -> None:
    value = data.draw(values(topic.record))
    read = AvroDeserializer(client, return_record_name=True)(codec.encode(topic, value), context(topic))
    # Confluent's side gives the names of all records in unions, also where there is but one.
    assert nameless(tagged(read)) == nameless(plain(value))
    if topic.name == "order.intent":
        assert tagged(read["command"]) == plain(value)["command"]


@every_topic
@few
@given(data=st.data())
def test_we_read_what_confluent_writes(
    topic: Topic, client: SchemaRegistryClient, codec: Codec, data: st.DataObject
) -> None:
    value = data.draw(values(topic.record))
    write = AvroSerializer(client, conf={"auto.register.schemas": False, "use.latest.version": True})
    assert codec.decode(topic, write(plain(value), context(topic)) or b"") == value


def test_the_bytes_are_the_same(client: SchemaRegistryClient, codec: Codec) -> None:
    topic = by_name("md.book")
    write = AvroSerializer(client, conf={"auto.register.schemas": False, "use.latest.version": True})
    assert write(plain(BOOK), context(topic)) == codec.encode(topic, BOOK)
