"""The dead letter queue: what breaks its contract is set aside byte for byte, acknowledged, before the input goes on.

A letter's identity is where its record came from (topic, partition, offset), so setting the same record aside twice,
after a crash, is one letter. A replay first publishes the original bytes, key and headers to the partition they came
from, with one header that counts the replays, and then a *mark*: a letter of the same identity with the time of the
replay and no value. A letter with a mark is not replayed again unless asked to. The original goes first because a
crash between the two must not lose it; at worst it is published twice, and readers drop what they have by identity. A
replayed record that fails again is another letter, from its new place, and says how often it was replayed.

A value that no letter can hold (tens of MB, pressed into little by its writer) stays at its origin: its letter says
so in a header and cannot be replayed. To stop for it would stop every reader of its topic for good.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import msgspec

from schemas import topics
from tapeline.domain.events import DeadLetter, Header
from tapeline.errors import InvalidMessage, Misconfigured
from tapeline.runtime import clock, logs, metrics, retry
from tapeline.runtime.dlq_limits import Limits, Tally
from tapeline.runtime.kafka import Partition, Publisher, Reader, Record, Stored
from tapeline.runtime.log_events import LogEvent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tapeline.runtime.codec import Codec
    from tapeline.runtime.endpoints import KafkaEndpoint

TOPIC = "dlq"
REPLAYS_HEADER = "tapeline-replays"
LEFT_HEADER = "tapeline-value-left-at-origin"
"""How many bytes of a value are not in its letter."""

_HEAD = struct.Struct(">bI")
_US_PER_MS = 1_000


def letter_of(record: Record, error: InvalidMessage, *, process: str, at_us: int) -> DeadLetter:
    """Return the letter of a record: all of it, why it failed, and how often it had been replayed. Pure."""
    return DeadLetter(
        origin_topic=record.topic,
        origin_partition=record.partition,
        origin_offset=record.offset,
        origin_us=record.timestamp * _US_PER_MS,
        key=record.key,
        value=record.value,
        headers=tuple(Header(name=name, value=value) for name, value in record.headers if name != REPLAYS_HEADER),
        error=error.reason,
        field=error.field,
        schema_id=_schema_id(record.value),
        process=process,
        at_us=at_us,
        replays=_replays(record.headers),
    )


def without_value(letter: DeadLetter) -> DeadLetter:
    """Return the letter of a record whose value is too large for any. Pure."""
    left = Header(name=LEFT_HEADER, value=str(len(letter.value or b"")).encode())
    return msgspec.structs.replace(letter, value=None, headers=(*letter.headers, left))


def mark_of(letter: DeadLetter, *, at_us: int) -> DeadLetter:
    """Return the mark that a letter was replayed. Pure."""
    return msgspec.structs.replace(letter, value=None, replayed_us=at_us)


def folded(letters: Iterable[DeadLetter]) -> dict[str, DeadLetter]:
    """Return each letter once, by identity, with the time of its last replay; the oldest comes first. Pure."""
    found: dict[str, DeadLetter] = {}
    for letter in letters:
        first = found.get(letter.origin)
        if first is None or letter.replayed_us is None:
            replayed_us = None if first is None else first.replayed_us
            found[letter.origin] = msgspec.structs.replace(letter, replayed_us=letter.replayed_us or replayed_us)
        else:
            found[letter.origin] = msgspec.structs.replace(first, replayed_us=letter.replayed_us)
    return found


class DeadLetters:
    """Sets records aside for one worker, and stops it when they are too many."""

    def __init__(self, publisher: Publisher, codec: Codec, *, process: str, limits: Limits | None = None) -> None:
        """Keep what is needed; `process` is the name under which the worker sends heartbeats."""
        self._publisher = publisher
        self._codec = codec
        self._process = process
        self._limits = limits or Limits()
        self._tallies: dict[str, Tally] = {}

    def passed(self, topic: str, count: int = 1) -> None:
        """Count records of a topic that were processed; call it once a batch."""
        self._tally(topic).good(count)

    async def put(self, record: Record, error: InvalidMessage) -> Stored:
        """Set a record aside and return when the broker has acknowledged it; while the broker is away this waits.

        Raises Misconfigured, after that, when too many records of the topic were bad: do not commit the input then.
        """
        letter = letter_of(record, error, process=self._process, at_us=clock.now_us())
        try:
            stored = await retry.reach("Kafka", lambda: publish(self._publisher, self._codec, letter), None)
        except InvalidMessage:
            small = without_value(letter)
            stored = await retry.reach("Kafka", lambda: publish(self._publisher, self._codec, small), None)
        metrics.DEAD_LETTERS.inc(topic=record.topic)
        logs.get(__name__).warning(LogEvent.DEAD_LETTER, origin=letter.origin, error=letter.error, field=letter.field)
        reason = self._tally(record.topic).bad()
        if reason is not None:
            raise Misconfigured(
                f"{self._process} stops: {reason} from {record.topic} (last: {error})",
                fix="correct the writer or this worker, start it again, then `tapeline dlq replay`",
            )
        return stored

    def _tally(self, topic: str) -> Tally:
        found = self._tallies.get(topic)
        if found is None:
            found = self._tallies[topic] = Tally(self._limits)
        return found


async def publish(publisher: Publisher, codec: Codec, letter: DeadLetter) -> Stored:
    """Publish a letter, or its mark, and return when it is acknowledged."""
    topic = topics.by_name(TOPIC)
    return await publisher.publish(topic.name, letter.origin, codec.encode(topic, letter), partition=0)


async def letters(endpoint: KafkaEndpoint, codec: Codec) -> tuple[DeadLetter, ...]:
    """Return every letter there is, each once, the oldest first, with the time of its last replay.

    Raises UnknownSchema when one was written with a schema that the codec has not learned.
    """
    topic = topics.by_name(TOPIC)
    async with Reader.assigned(endpoint, {Partition(topic.name, 0): "beginning"}, client_id="tapeline-dlq") as reader:
        values = [record.value async for record in reader.until_end()]
    return tuple(folded(codec.decode(topic, value) for value in values if value is not None).values())


async def replay(publisher: Publisher, codec: Codec, letter: DeadLetter, *, again: bool = False) -> Stored:
    """Publish a letter's record to where it came from, mark the letter, and return where the record stands now.

    `letter` is as `letters` returned it. Raises Misconfigured when it was replayed already and `again` is not set, or
    when its value was too large for it.
    """
    left = next((header.value for header in letter.headers if header.name == LEFT_HEADER), None)
    if left is not None:
        raise Misconfigured(
            f"the letter {letter.origin} has no value: its {left.decode()} bytes were too many",
            fix="read it at its origin, while the topic still keeps it",
        )
    if letter.replayed_us is not None and not again:
        raise Misconfigured(
            f"the letter {letter.origin} was replayed at {clock.iso(letter.replayed_us)}",
            fix="pass --again to publish its record once more",
        )
    count = (REPLAYS_HEADER, str(letter.replays + 1).encode())
    stored = await publisher.publish(
        letter.origin_topic,
        letter.key,
        letter.value,
        partition=letter.origin_partition,
        headers=(*((header.name, header.value or b"") for header in letter.headers), count),
    )
    await publish(publisher, codec, mark_of(letter, at_us=clock.now_us()))
    logs.get(__name__).info(
        LogEvent.DEAD_LETTER_REPLAYED, origin=letter.origin, topic=letter.origin_topic, offset=stored.offset
    )
    return stored


def _schema_id(value: bytes | None) -> int | None:
    """Return the schema id that a value names, if it has the form of our wire."""
    if value is None or len(value) < _HEAD.size:
        return None
    magic, schema_id = _HEAD.unpack_from(value)
    return int(schema_id) if magic == 0 else None


def _replays(headers: Iterable[tuple[str, bytes]]) -> int:
    counts = [value for name, value in headers if name == REPLAYS_HEADER]
    return int(counts[-1]) if counts and counts[-1].isdigit() else 0
