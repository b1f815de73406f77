"""Stock Faust on a topic: raw bytes and a trivial body, or each message decoded by fastavro and sent on.

One agent on the app's own loop, nothing declared, no web server; all else is Faust's default. `send` puts into its
producer's buffer, which is not idempotent; nothing waits for an acknowledgement before the input is committed.
"""

from __future__ import annotations

import asyncio
import io
from typing import Any

import faust
from fastavro import parse_schema, schemaless_reader
from yarl import URL

from benchmarks.peers.metering import Meter, Wanted, wanted

_HEAD = 5
"""Bytes before the Avro: a zero and the schema's id."""


async def _run(asked: Wanted) -> None:
    done = asyncio.Event()
    meter = Meter(asked.messages, done.set)
    app = faust.App(
        asked.group,
        broker=URL(f"kafka://{asked.bootstrap}"),
        consumer_auto_offset_reset="earliest",
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        autodiscover=False,
        datadir=asked.folder,
    )
    schema = parse_schema(asked.schema)

    async def turn(stream: Any) -> None:
        async for event in stream.events():
            if asked.out:
                schemaless_reader(io.BytesIO(event.value[_HEAD:]), schema, None)
                _ = await app.send(
                    asked.out, key=event.key, value=event.value, key_serializer="raw", value_serializer="raw"
                )
            meter.add()

    source = app.topic(asked.topic, key_serializer="raw", value_serializer="raw", value_type=bytes)
    app.agent(source, name=f"{asked.group}.agent")(turn)
    await app.start()
    await done.wait()
    meter.tell("faust-streaming", "aiokafka", "fastavro")
    await app.stop()


if __name__ == "__main__":
    asyncio.run(_run(wanted()))
