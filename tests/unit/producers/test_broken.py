"""X-10: a frame that breaks its contract becomes a letter, byte for byte, with an identity of its own."""

from __future__ import annotations

from producers.broken import TOPIC, BrokenFrames
from producers.places import Place
from schemas.topics import TOPICS
from tapeline.domain.events import DeadLetter
from tapeline.errors import InvalidMessage
from tapeline.runtime.codec import Codec

CODEC = Codec({topic.subject: number for number, topic in enumerate(TOPICS, start=1)})


def test_a_frame_is_kept_whole_and_two_of_one_moment_are_two_letters() -> None:
    frames = BrokenFrames(Place("bybit", "spot"), CODEC, process="producers-test")
    entries = [frames.letter(b"\xff{", InvalidMessage("no JSON", field="topic"), 1_000) for _ in range(2)]
    letters = [CODEC.decode(TOPIC, entry.value) for entry in entries]
    assert letters == [
        DeadLetter(
            origin_topic="socket.bybit.spot",
            origin_partition=0,
            origin_offset=offset,
            origin_us=1_000,
            value=b"\xff{",
            headers=(),
            error="no JSON",
            field="topic",
            process="producers-test",
            at_us=1_000,
        )
        for offset in (1_000, 1_001)
    ]
    assert [entry.key for entry in entries] == [b"socket.bybit.spot/0/1000", b"socket.bybit.spot/0/1001"]
    assert (frames.count, entries[0].span) == (2, None)
