"""`dlq ls`, `show` and `replay`: what was set aside is found, read, and sent to where it came from, once."""

from __future__ import annotations

from tapeline.domain import events
from tapeline.errors import InvalidMessage
from tapeline.runtime.codec import Codec
from tapeline.runtime.dlq import DeadLetters
from tapeline.runtime.kafka import Publisher, Reader
from tests.journeys.conftest import Up

TOPIC = "md.funding"
BROKEN = b"broken record"


async def set_aside(up: Up) -> events.DeadLetter:
    """Write a broken record and set it aside as a worker does."""
    known = up.endpoints
    assert known.run is not None
    async with Publisher(known.kafka, client_id="journey") as publisher:
        await publisher.publish(TOPIC, "bybit:futures:BTC/USDT", BROKEN, partition=1, headers=[("source", b"test")])
        letters = DeadLetters(publisher, Codec(known.run.schema_ids), process="journey")
        async with Reader.assigned(known.kafka, {TOPIC: "beginning"}, client_id="journey") as reader:
            record = [record async for record in reader.until_end()][-1]
        await letters.put(record, InvalidMessage("no magic byte", field="magic", value=98))
    return events.DeadLetter(
        origin_topic=TOPIC,
        origin_partition=1,
        origin_offset=record.offset,
        headers=(),
        error="no magic byte",
        process="journey",
        at_us=0,
    )


async def test_a_letter_is_listed_shown_and_replayed_once(up: Up) -> None:
    letter = await set_aside(up)
    listed = up.tapeline.json("dlq", "ls")
    (found,) = [one for one in listed["letters"] if one["id"] == letter.origin]
    assert found | {"at_us": 0} == {
        "id": f"{TOPIC}/1/{letter.origin_offset}",
        "topic": TOPIC,
        "partition": 1,
        "offset": letter.origin_offset,
        "at_us": 0,
        "process": "journey",
        "error": "no magic byte",
        "field": "magic",
        "schema_id": None,
        "key": "bybit:futures:BTC/USDT",
        "size": len(BROKEN),
        "replays": 0,
        "replayed_us": None,
    }
    shown = up.tapeline.json("dlq", "show", letter.origin)
    assert (shown["letter"], shown["headers"], shown["record"]) == (found, {"source": "test"}, None)
    assert shown["invalid"]["head"] == BROKEN.hex()

    replayed = up.tapeline.json("dlq", "replay", letter.origin)
    assert replayed == {
        "replayed": [{"id": letter.origin, "topic": TOPIC, "partition": 1, "offset": letter.origin_offset + 1}]
    }
    (tail,) = up.tapeline.run("topics", "tail", TOPIC, "-n", "1", "--json").values
    assert (tail["offset"], tail["error"]["head"]) == (letter.origin_offset + 1, BROKEN.hex())

    code, error, _ = up.tapeline.run("dlq", "replay", letter.origin, "--json").refusal
    assert (code, error["fix"]) == (2, "pass --again to publish its record once more")
    assert up.tapeline.json("dlq", "replay", "--all", "--yes") == {"replayed": []}


def test_an_unknown_letter_names_the_nearest(up: Up) -> None:
    code, error, _ = up.tapeline.run("dlq", "show", "md.funding/9/9", "--json").refusal
    assert (code, error["kind"], error["problem"]) == (2, "misconfigured", "there is no dead letter 'md.funding/9/9'")


def test_nothing_is_replayed_unless_it_is_said_what(up: Up) -> None:
    answer = up.tapeline.run("dlq", "replay")
    assert (answer.code, answer.stdout, answer.stderr) == (
        2, "", "error: it is not said which letters to replay: name their ids, or say --all\n",
    )  # fmt: skip
