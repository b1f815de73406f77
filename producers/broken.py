"""Frames that break their venue's contract, or differ from it, as dead letters: kept byte for byte (X-10)."""

from __future__ import annotations

from producers.outbox import Entry
from producers.places import Place
from schemas import topics
from tapeline.domain.events import DeadLetter
from tapeline.errors import InvalidMessage
from tapeline.runtime.codec import Codec

TOPIC = topics.by_name("dlq")
MOST_WAITING = 1_000
"""Letters kept while the broker is away; what breaks beyond that is counted and logged, no more."""


class BrokenFrames:
    """Makes letters of one market's frames; each has an identity of its own, for a socket has no offsets."""

    def __init__(self, place: Place, codec: Codec, *, process: str) -> None:
        """Take whose frames they are and how letters are written."""
        self._place = place
        self._codec = codec
        self._process = process
        self._last_us = 0
        self.count = 0
        """How many frames were set aside."""

    def letter(self, data: bytes, error: InvalidMessage, at_us: int) -> Entry:
        """Return the letter to publish in partition 0."""
        self.count += 1
        self._last_us = max(self._last_us + 1, at_us)
        letter = DeadLetter(
            origin_topic=f"socket.{self._place.venue}.{self._place.market}",
            origin_partition=0,
            origin_offset=self._last_us,
            origin_us=at_us,
            value=data,
            headers=(),
            error=error.reason,
            field=error.field,
            process=self._process,
            at_us=at_us,
        )
        return Entry(letter.origin.encode(), self._codec.encode(TOPIC, letter))
