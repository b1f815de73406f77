"""The dead letter queue on the real broker: nothing invalid is lost, a replay is the record as it was, and once."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import pytest

from tapeline.domain.events import DeadLetter, Header
from tapeline.errors import InvalidMessage, Misconfigured
from tapeline.runtime import dlq
from tapeline.runtime.codec import Codec
from tapeline.runtime.dlq_limits import Limits
from tapeline.runtime.endpoints import KafkaEndpoint
from tapeline.runtime.kafka import Publisher, Reader, Record, admin
from tapeline.runtime.kafka.publisher import RECORD_BYTES
from tapeline.runtime.runfile import RunFile

LARGE = 10 * 1024 * 1024


@pytest.fixture
def codec(tapeline_up: RunFile) -> Codec:
    return Codec(tapeline_up.schema_ids)


@pytest.fixture
async def topic(kafka: KafkaEndpoint) -> AsyncIterator[str]:
    name = f"test.{uuid.uuid4().hex}"
    async with admin(kafka) as found:
        await found.create(name, partitions=3, replication=1, config={})
        yield name
        await found.delete(name)


async def records(kafka: KafkaEndpoint, topic: str) -> list[Record]:
    async with Reader.assigned(kafka, {topic: "beginning"}, client_id="test") as reader:
        return [record async for record in reader.until_end()]


async def letters_of(kafka: KafkaEndpoint, codec: Codec, topic: str) -> list[DeadLetter]:
    return [letter for letter in await dlq.letters(kafka, codec) if letter.origin_topic == topic]


async def test_a_record_set_aside_is_listed_whole_and_once(
    kafka: KafkaEndpoint, codec: Codec, topic: str, publisher: Publisher
) -> None:
    await publisher.publish(topic, b"\x00k", b"\x00\x00\x00\x00\x2arest", 2, [("trace", b"1"), ("trace", b"")])
    [record] = await records(kafka, topic)
    letters = dlq.DeadLetters(publisher, codec, process="worker-1")
    error = InvalidMessage("price is not finite", field="price", value="nan")

    await letters.put(record, error)
    await letters.put(record, error)

    [letter] = await letters_of(kafka, codec, topic)
    assert letter == dlq.letter_of(record, error, process="worker-1", at_us=letter.at_us)
    assert (letter.origin, letter.schema_id, letter.key) == (f"{topic}/2/0", 42, b"\x00k")


async def test_a_record_of_10_mb_that_was_pressed_into_little_is_set_aside_whole(
    kafka: KafkaEndpoint, codec: Codec, topic: str, publisher: Publisher
) -> None:
    value = b"\x00" * LARGE
    await publisher.publish(topic, b"k", value, 0)
    [record] = await records(kafka, topic)
    await dlq.DeadLetters(publisher, codec, process="worker-1").put(record, InvalidMessage("no"))
    [letter] = await letters_of(kafka, codec, topic)
    assert (len(letter.value or b""), letter.value == value) == (LARGE, True)


async def test_a_record_that_no_letter_can_hold_stays_at_its_origin_and_stops_nobody(
    kafka: KafkaEndpoint, codec: Codec, topic: str, publisher: Publisher
) -> None:
    await publisher.publish(topic, b"k", b"\x00" * (RECORD_BYTES - 100), 0)
    [record] = await records(kafka, topic)
    await dlq.DeadLetters(publisher, codec, process="worker-1").put(record, InvalidMessage("no"))
    [letter] = await letters_of(kafka, codec, topic)
    left = Header(name=dlq.LEFT_HEADER, value=str(RECORD_BYTES - 100).encode())
    assert (letter.value, letter.headers) == (None, (left,))
    with pytest.raises(Misconfigured, match=f"has no value: its {RECORD_BYTES - 100} bytes were too many"):
        await dlq.replay(publisher, codec, letter)


async def test_a_replay_is_the_record_as_it_was_and_happens_once(
    kafka: KafkaEndpoint, codec: Codec, topic: str, publisher: Publisher
) -> None:
    await publisher.publish(topic, b"k", b"broken", 1, [("trace", b"1")])
    [record] = await records(kafka, topic)
    await dlq.DeadLetters(publisher, codec, process="worker-1").put(record, InvalidMessage("no"))
    [letter] = await letters_of(kafka, codec, topic)

    stored = await dlq.replay(publisher, codec, letter)

    _, again = await records(kafka, topic)
    assert (stored, again.partition, again.offset) == ((1, 1), 1, 1)
    assert (again.key, again.value) == (b"k", b"broken")
    assert list(again.headers) == [("trace", b"1"), (dlq.REPLAYS_HEADER, b"1")]
    [marked] = await letters_of(kafka, codec, topic)
    assert (marked.value, marked.replayed_us is not None) == (b"broken", True)
    with pytest.raises(Misconfigured, match=rf"the letter {topic}/1/0 was replayed at .*Z: pass --again"):
        await dlq.replay(publisher, codec, marked)
    assert len(await records(kafka, topic)) == 2
    await dlq.replay(publisher, codec, marked, again=True)
    assert len(await records(kafka, topic)) == 3


async def test_a_replayed_record_that_fails_again_says_how_often(
    kafka: KafkaEndpoint, codec: Codec, topic: str, publisher: Publisher
) -> None:
    await publisher.publish(topic, b"k", b"broken", 0, [("trace", b"1")])
    letters = dlq.DeadLetters(publisher, codec, process="worker-1")
    [record] = await records(kafka, topic)
    await letters.put(record, InvalidMessage("no"))
    [letter] = await letters_of(kafka, codec, topic)
    await dlq.replay(publisher, codec, letter)
    _, again = await records(kafka, topic)

    await letters.put(again, InvalidMessage("still no"))

    first, second = await letters_of(kafka, codec, topic)
    assert (first.origin, first.replays) == (f"{topic}/0/0", 0)
    assert (second.origin, second.replays, second.replayed_us) == (f"{topic}/0/1", 1, None)
    assert second.headers == first.headers


async def test_too_many_stop_the_worker_after_the_last_was_stored(
    kafka: KafkaEndpoint, codec: Codec, topic: str, publisher: Publisher
) -> None:
    for number in range(3):
        await publisher.publish(topic, b"k", b"broken-%d" % number, 0)
    bad = await records(kafka, topic)
    letters = dlq.DeadLetters(publisher, codec, process="worker-1", limits=Limits(streak=3))
    await letters.put(bad[0], InvalidMessage("no"))
    await letters.put(bad[1], InvalidMessage("no"))

    with pytest.raises(Misconfigured) as stopped:
        await letters.put(bad[2], InvalidMessage("no", field="price", value=1))

    assert str(stopped.value) == (
        f"worker-1 stops: 3 records in a row could not be processed from {topic} (last: no (field 'price', value 1)): "
        "correct the writer or this worker, start it again, then `tapeline dlq replay`"
    )
    assert len(await letters_of(kafka, codec, topic)) == 3
