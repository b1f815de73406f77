"""The AsyncAPI document of all topics, made from the catalogue and the record files, the same text every time.

`python -m schemas.asyncapi` writes it again; a test fails when the committed file differs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from schemas import avro_files
from schemas.topics import TOPICS, Topic

FILE: Final = Path(__file__).with_name("asyncapi.yaml")
VERSION: Final = "1.0.0"

_AVRO: Final = "application/vnd.apache.avro;version=1.9.0"
_BINDING: Final = "0.5.0"
# The document shows a cluster; an embedded broker has 4 partitions and one copy.
_PARTITIONS: Final = 12
_COPIES: Final = 3
# What AsyncAPI's Kafka binding knows of a topic's settings, with the form it wants.
_NUMBERS: Final = ("retention.ms", "retention.bytes", "max.message.bytes")
_KEYS: Final = {
    "instrument": "venue:market:symbol, bybit:futures:BTC/USDT",
    "symbol": "symbol, BTC/USDT",
    "strategy_symbol": "strategy:symbol, grid-1:BTC/USDT",
    "position": "account:venue:market:symbol, main:bybit:futures:BTC/USDT",
    "partition": "number of the partition, 3",
    "pair": "id of the configured pair",
    "account": "name of the set of keys, main",
    "control": "scope:target, strategy:grid-1",
    "process": "name of the process, producers-1",
    "entity": "entity_type:entity_id, order:3f0c",
    "origin": "topic/partition/offset the record came from, md.book/3/812",
}


def document() -> dict[str, Any]:
    """Return the AsyncAPI 3.0 document as plain values."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Tapeline",
            "version": VERSION,
            "description": (
                "All topics of Tapeline. Values are Avro in Confluent's wire format, with a subject for each topic "
                "(TopicNameStrategy). The partition is murmur2(symbol) mod n and passed explicitly; the key is the "
                "record's identity."
            ),
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": _AVRO,
        "channels": {_id(topic.name): _channel(topic) for topic in TOPICS},
        "operations": dict(_operations()),
        "components": {"messages": {_short(topic): _message(topic) for topic in TOPICS}},
    }


def text() -> str:
    """Return the document as the YAML text that is committed."""
    head = (
        "# Made from schemas/topics.py and schemas/avro by `python -m schemas.asyncapi`; change those, not this file.\n"
    )
    return head + "".join(f"{line}\n" for line in _lines(document(), 0))


def _id(name: str) -> str:
    return name.replace(".", "_")


def _short(topic: Topic) -> str:
    return topic.record.rpartition(".")[2]


def _channel(topic: Topic) -> dict[str, Any]:
    """Return the channel of a topic, with the settings of a cluster."""
    partitions = topic.partition_count(_PARTITIONS)
    config = topic.config(partitions=partitions, replication=_COPIES)
    settings: dict[str, Any] = {"cleanup.policy": [config["cleanup.policy"]]}
    settings |= {name: int(config[name]) for name in _NUMBERS if name in config}
    return {
        "address": topic.name,
        "description": topic.about,
        "messages": {_short(topic): {"$ref": f"#/components/messages/{_short(topic)}"}},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": partitions,
                "replicas": _COPIES,
                "topicConfiguration": settings,
                "bindingVersion": _BINDING,
            }
        },
    }


def _operations() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what each process sends and receives, in the order of the catalogue."""
    for topic in TOPICS:
        channel = {"$ref": f"#/channels/{_id(topic.name)}"}
        for action, processes in (("send", topic.owner), ("receive", topic.readers)):
            for process in processes:
                yield f"{process}_{action}_{_id(topic.name)}", {"action": action, "channel": channel}


def _message(topic: Topic) -> dict[str, Any]:
    """Return the message of a topic: its record file, its key and how its schema is found."""
    short = _short(topic)
    message: dict[str, Any] = {
        "name": topic.record,
        "title": short,
        "summary": avro_files.load(topic.record)["doc"],
        "contentType": _AVRO,
        "payload": {"schemaFormat": _AVRO, "schema": {"$ref": f"./avro/{short}.avsc"}},
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": _KEYS[topic.key]},
                "schemaIdLocation": "payload",
                "schemaIdPayloadEncoding": "confluent",
                "schemaLookupStrategy": "TopicNameStrategy",
                "bindingVersion": _BINDING,
            }
        },
    }
    if topic.traced:
        traceparent = {"type": "string", "description": "W3C trace context: one search finds tick to fill"}
        message["headers"] = {"type": "object", "properties": {"traceparent": traceparent}}
    return message


def _lines(value: dict[str, Any], depth: int) -> Iterator[str]:
    """Yield the YAML lines of a table; texts are quoted as in JSON, which YAML reads as the same text."""
    pad = "  " * depth
    for key, part in value.items():
        name = json.dumps(key) if key.startswith("$") else key
        if isinstance(part, dict):
            yield f"{pad}{name}:"
            yield from _lines(part, depth + 1)
        else:
            yield f"{pad}{name}: {json.dumps(part, ensure_ascii=False)}"


if __name__ == "__main__":
    FILE.write_text(text(), "utf-8")
