"""A book of 20 levels to bytes and back: our codec against confluent-kafka's Avro (de)serializer, the same bytes.

Both sides start from and end at what their users hold: we at the frozen Struct, checked; the peer at a dict, unchecked.
"""

from __future__ import annotations

import msgspec
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from benchmarks.measure import Result, compare
from schemas import avro_files
from schemas.topics import by_name
from tapeline.domain.events import Book
from tapeline.runtime.codec import Codec

LEVELS = 20
CALLS = 2_000
PEER = "confluent-kafka"


def book() -> Book:
    """Return a book as a venue would send it: prices with two digits, quantities with up to eight."""
    return Book(
        venue="binance",
        market="spot",
        symbol="BTC/USDT",
        epoch=1_700_000_000_000_000,
        sequence=48_213_377_902,
        state="valid",
        depth=LEVELS,
        bid_prices=tuple(round(67_012.31 - level * 0.37, 2) for level in range(LEVELS)),
        bid_quantities=tuple(round(0.00121 * (level + 1) ** 2, 8) for level in range(LEVELS)),
        ask_prices=tuple(round(67_012.32 + level * 0.41, 2) for level in range(LEVELS)),
        ask_quantities=tuple(round(0.00173 * (level + 1) ** 2, 8) for level in range(LEVELS)),
        first_received_us=1_700_000_100_000_100,
        venue_us=1_700_000_100_000_000,
        received_us=1_700_000_100_000_200,
        published_us=1_700_000_100_000_300,
    )


def run() -> list[Result]:
    """Return the comparisons, after proving that both sides say the same."""
    topic = by_name("md.book")
    client = SchemaRegistryClient.new_client({"url": "mock://benchmark"})
    text = avro_files.text(topic.record)
    schema_id = client.register_schema(topic.subject, Schema(text, "AVRO"))
    context = SerializationContext(topic.name, MessageField.VALUE)
    theirs = AvroSerializer(client, text, conf={"auto.register.schemas": False})
    read_theirs = AvroDeserializer(client, text)
    ours = Codec({topic.subject: schema_id})
    value = book()
    plain = msgspec.json.decode(msgspec.json.encode(value))
    data = ours.encode(topic, value)
    _same(data, theirs(plain, context))
    _same(ours.decode(topic, data), value)
    _same(read_theirs(data, context), plain)
    return [
        *compare(
            "book of 20 levels to bytes",
            lambda: ours.encode(topic, value),
            {PEER: lambda: theirs(plain, context)},
            calls=CALLS,
        ),
        *compare(
            "bytes to book of 20 levels",
            lambda: ours.decode(topic, data),
            {PEER: lambda: read_theirs(data, context)},
            calls=CALLS,
        ),
    ]


def _same(left: object, right: object) -> None:
    if left != right:
        message = f"the two sides do not say the same, so comparing their speed means nothing: {left!r} {right!r}"
        raise AssertionError(message)
