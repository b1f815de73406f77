"""Publishing: a record counts as stored when the brokers acknowledged it, and never because it was handed over.

Idempotent, acks=all, zstd. What is not acknowledged within `ack_within_s`, or refused by the broker, raises Unavailable
and ends the session: its producer is dropped with all that it still held and a new one takes its place (counted). So
the old copy cannot arrive later, behind its successor; but it may have been stored before, unseen: after Unavailable
the caller publishes again, and readers drop what they have by its identity.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final, Self, TypeVar

from aiokafka import AIOKafkaProducer, errors

from tapeline.errors import InvalidMessage, Unavailable
from tapeline.runtime import logs, metrics
from tapeline.runtime.kafka import connection
from tapeline.runtime.kafka.abandon import abandon
from tapeline.runtime.kafka.placing import partition_for
from tapeline.runtime.kafka.records import Stored
from tapeline.runtime.log_events import LogEvent

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Iterator
    from types import TracebackType

    from aiokafka.structs import RecordMetadata

    from tapeline.runtime.endpoints import KafkaEndpoint
    from tapeline.runtime.kafka.records import Outgoing

Done = TypeVar("Done")

_BATCH_BYTES = 256 * 1024
# The topic's own limit decides, and that is one of compressed bytes: what others wrote into it, and is set aside as it
# was, may be many times as large. This bounds memory only.
RECORD_BYTES: Final = 64 * 1024 * 1024


class Publisher:
    """An idempotent producer that replaces itself when it is stuck or fenced."""

    def __init__(
        self, endpoint: KafkaEndpoint, *, client_id: str, linger_ms: int = 0, ack_within_s: float = 15.0
    ) -> None:
        """Prepare; nothing is opened before `async with`.

        `linger_ms` 0 suits intents; 1 to 2 suit market data above some 2,000 messages a second.
        """
        self._endpoint = endpoint
        self._client_id = client_id
        self._linger_ms = linger_ms
        self._ack_within_s = ack_within_s
        self._producer: AIOKafkaProducer | None = None
        self._opening = asyncio.Lock()
        self._partitions: dict[str, int] = {}
        self._open = False
        self._under_way = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def __aenter__(self) -> Self:
        """Wait for the broker (X-06) and open the first session."""
        await connection.reach(self._endpoint)
        self._open = True
        await self._session()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for what is being published, at most for `ack_within_s`, and close; nothing new is taken."""
        self._open = False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._ack_within_s):
                await self._idle.wait()
        async with self._opening:
            producer, self._producer = self._producer, None
            if producer is not None:
                await abandon(producer)

    async def publish(
        self,
        topic: str,
        key: bytes | str | None,
        value: bytes | None,
        partition: int | None = None,
        headers: Iterable[tuple[str, bytes]] = (),
    ) -> Stored:
        """Publish one record and return when it is stored; `value=None` deletes the key of a compacted topic.

        The partition is computed from the symbol at the end of the key when none is given. Raises Unavailable when the
        outcome is not known (publish again), Misconfigured when there is no such topic, InvalidMessage when too large.
        """
        raw = key.encode() if isinstance(key, str) else key
        with self._working():
            producer = await self._session()
            count = self._partitions.get(topic) or await self._count(producer, topic)
            place = partition_for(topic, raw, count) if partition is None else partition

            async def send() -> RecordMetadata:
                future = await producer.send(topic, value, raw, place, headers=list(headers))
                return await future

            done = await self._acknowledged(producer, topic, send())
        return Stored(done.partition, done.offset)

    async def publish_many(self, topic: str, partition: int, records: Iterable[Outgoing]) -> int:
        """Publish records of one partition in their order, in as few batches as fit, and return how many are stored.

        Two to three times cheaper per record than `publish`. Raises as `publish` does; then any part may be stored.
        """

        async def send(producer: AIOKafkaProducer) -> int:
            batch, count, pending = producer.create_batch(), 0, []
            for key, value, headers in records:
                listed = list(headers)
                if batch.append(timestamp=None, key=key, value=value, headers=listed) is None:
                    pending.append(await producer.send_batch(batch, topic, partition=partition))
                    batch = producer.create_batch()
                    batch.append(timestamp=None, key=key, value=value, headers=listed)
                count += 1
            if batch.record_count():
                batch.close()
                pending.append(await producer.send_batch(batch, topic, partition=partition))
            for future in pending:
                await future
            return count

        with self._working():
            producer = await self._session()
            if topic not in self._partitions:
                await self._count(producer, topic)
            return await self._acknowledged(producer, topic, send(producer))

    async def partitions(self, topic: str) -> int:
        """Return how many partitions a topic has; fixed at its creation, so asked once."""
        with self._working():
            return self._partitions.get(topic) or await self._count(await self._session(), topic)

    @contextlib.contextmanager
    def _working(self) -> Iterator[None]:
        """Count what is under way, so that closing can wait for it."""
        if not self._open:
            raise Unavailable(f"the publisher {self._client_id} is closed")
        self._under_way += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._idle.set()

    async def _session(self) -> AIOKafkaProducer:
        """Return the producer in use, or open one."""
        if self._producer is not None:
            return self._producer
        async with self._opening:
            if self._producer is None:
                self._producer = await self._opened()
            return self._producer

    async def _opened(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            **connection.options(self._endpoint),
            client_id=self._client_id,
            enable_idempotence=True,
            acks="all",
            compression_type="zstd",
            linger_ms=self._linger_ms,
            max_batch_size=_BATCH_BYTES,
            max_request_size=RECORD_BYTES,
        )
        try:
            async with asyncio.timeout(self._ack_within_s):
                await producer.start()
        except BaseException as error:
            await abandon(producer)
            if isinstance(error, errors.KafkaError | OSError):
                raise connection.translated(error, self._endpoint, "write any topic") from error
            raise
        return producer

    async def _count(self, producer: AIOKafkaProducer, topic: str) -> int:
        """Ask the broker for a topic's partitions; the library itself would wait for a missing topic to appear."""
        try:
            async with asyncio.timeout(self._ack_within_s):
                known = await producer.client.fetch_all_metadata()
                numbers = known.partitions_for_topic(topic)
                if not numbers:
                    raise await connection.absent(producer.client, topic, self._endpoint)
        except (errors.KafkaError, TimeoutError) as error:
            raise connection.translated(error, self._endpoint) from error
        self._partitions[topic] = len(numbers)
        return len(numbers)

    async def _acknowledged(self, producer: AIOKafkaProducer, topic: str, work: Awaitable[Done]) -> Done:
        """Wait for the broker's answer; any other end of it ends the session."""
        try:
            async with asyncio.timeout(self._ack_within_s):
                return await work
        except TimeoutError as error:
            await self._recreate(producer, "no acknowledgement")
            raise Unavailable(
                f"Kafka at {self._endpoint.bootstrap} (kafka.bootstrap) did not acknowledge a record of {topic} "
                f"within {self._ack_within_s:g} s"
            ) from error
        except errors.MessageSizeTooLargeError as error:
            # Refused by the broker, its number is missing in the session and every later record would be refused.
            await self._recreate(producer, "record too large")
            raise InvalidMessage(f"a record of {topic} is larger than the topic permits", field="value") from error
        except errors.KafkaError as error:
            await self._recreate(producer, type(error).__name__)
            raise connection.translated(error, self._endpoint, f"write the topic {topic}") from error

    async def _recreate(self, producer: AIOKafkaProducer, reason: str) -> None:
        """Drop the session, once, however many waited on it; the next record opens another."""
        async with self._opening:
            if self._producer is not producer:
                return
            self._producer = None
            metrics.PRODUCERS_RECREATED.inc(reason=reason)
            logs.get(__name__).warning(LogEvent.PRODUCER_RECREATED, client=self._client_id, reason=reason)
            await abandon(producer)
