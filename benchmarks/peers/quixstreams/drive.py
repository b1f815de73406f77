"""Quix Streams on a topic: raw bytes and a trivial body, or each message decoded by fastavro and produced again."""

from __future__ import annotations

import io

from fastavro import parse_schema, schemaless_reader
from quixstreams import Application

from benchmarks.peers.metering import Meter, wanted

_HEAD = 5
"""Bytes before the Avro: a zero and the schema's id."""


def main() -> None:
    """Run until all messages are done; it commits every 5 s, and produces idempotently, as it does by default."""
    asked = wanted()
    app = Application(
        broker_address=asked.bootstrap,
        consumer_group=asked.group,
        auto_offset_reset="earliest",
        auto_create_topics=False,
        state_dir=asked.folder,
        loglevel="ERROR",
    )
    meter = Meter(asked.messages, app.stop)
    schema = parse_schema(asked.schema)
    source = app.topic(asked.topic, value_deserializer="bytes", key_deserializer="bytes")
    stream = app.dataframe(source)

    def body(value: bytes) -> bytes:
        if asked.out:
            schemaless_reader(io.BytesIO(value[_HEAD:]), schema, None)
        return value

    stream = stream.apply(body)
    if asked.out:
        stream = stream.to_topic(app.topic(asked.out, value_serializer="bytes", key_serializer="bytes"))
    stream.update(lambda _: meter.add())
    app.run()
    meter.tell("quixstreams", "confluent-kafka", "fastavro")


if __name__ == "__main__":
    main()
