"""Our own agent on the same topic: whole batches, raw or each message decoded by our codec and produced again.

Each batch's outputs are acknowledged by all replicas, idempotently, before the batch is: more than the peers promise.
"""

from __future__ import annotations

import asyncio

from benchmarks.peers.metering import Meter, Wanted, wanted
from processors.app import BatchApp
from processors.transport import Batch
from schemas.topics import by_name
from tapeline.runtime.codec import Codec
from tapeline.runtime.endpoints import KafkaEndpoint
from tapeline.runtime.kafka import Outgoing, Publisher


async def _run(asked: Wanted) -> None:
    done = asyncio.Event()
    meter = Meter(asked.messages, done.set)
    kafka = KafkaEndpoint(bootstrap=asked.bootstrap)
    topic = by_name("md.book")
    codec = Codec({topic.subject: 1})
    app = BatchApp(asked.group, member="one", kafka=kafka)
    async with Publisher(kafka, client_id="benchmark") as publisher:

        async def turn(batch: Batch) -> None:
            if asked.out:
                outputs = []
                for record in batch.records:
                    value = record.value or b""
                    codec.decode(topic, value)
                    outputs.append(Outgoing(record.key or b"", value))
                await publisher.publish_many(asked.out, 0, outputs)
            batch.acknowledge()
            meter.add(len(batch))

        app.take("agent", [asked.topic], turn)
        await app.start()
        await done.wait()
        meter.tell("tapeline", "faust-streaming", "aiokafka", "fastavro")
        await app.stop()


if __name__ == "__main__":
    asyncio.run(_run(wanted()))
