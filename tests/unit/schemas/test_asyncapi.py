"""The AsyncAPI document: made from the catalogue, committed, and never behind it."""

from __future__ import annotations

import yaml

from schemas import asyncapi, avro_files
from schemas.topics import TOPICS


def test_the_committed_document_is_what_the_catalogue_makes() -> None:
    assert asyncapi.FILE.read_text("utf-8") == asyncapi.text(), "run `python -m schemas.asyncapi`"


def test_the_yaml_means_the_document() -> None:
    assert yaml.safe_load(asyncapi.text()) == asyncapi.document()


def test_every_topic_is_a_channel_with_its_message_and_its_writers_and_readers() -> None:
    document = asyncapi.document()
    assert [channel["address"] for channel in document["channels"].values()] == [topic.name for topic in TOPICS]
    assert [message["name"] for message in document["components"]["messages"].values()] == [
        topic.record for topic in TOPICS
    ]
    assert len(document["operations"]) == sum(len(topic.owner) + len(topic.readers) for topic in TOPICS)
    assert document["operations"]["executor_receive_order_intent"] == {
        "action": "receive",
        "channel": {"$ref": "#/channels/order_intent"},
    }


def test_every_reference_leads_somewhere() -> None:
    document = asyncapi.document()
    for operation in document["operations"].values():
        assert operation["channel"]["$ref"].removeprefix("#/channels/") in document["channels"]
    for channel in document["channels"].values():
        for message in channel["messages"].values():
            assert message["$ref"].removeprefix("#/components/messages/") in document["components"]["messages"]
    files = {message["payload"]["schema"]["$ref"] for message in document["components"]["messages"].values()}
    assert files == {f"./avro/{record.removeprefix('tapeline.')}.avsc" for record in avro_files.names()}
    assert all((asyncapi.FILE.parent / file).is_file() for file in files)


def test_two_makings_are_the_same_text() -> None:
    assert asyncapi.text() == asyncapi.text()
