"""A producers' process as it ships, `python -m benchmarks.watched FILE [ARGUMENTS of producers]`, that takes notes.

Noted is when the broker had acknowledged what, and each run of the garbage collector; at the stop it is written down.
They stand in arrays, which the collector does not look at, so that taking them changes little of what is measured.
"""

from __future__ import annotations

import gc
import sys
import time
from array import array
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec

from benchmarks.loads import Notes
from producers import __main__ as program
from tapeline.runtime import clock
from tapeline.runtime.kafka import Outgoing, Publisher
from tapeline.runtime.kafka.records import Stored

_NS_PER_US = 1_000


class Watch:
    """Takes the notes of this process."""

    def __init__(self) -> None:
        """Begin with none."""
        self._books, self._changes, self._pauses = array("q"), array("q"), array("q")
        self._began_ns = 0

    def book(self, stored: Stored) -> None:
        """Note that a book is acknowledged."""
        self._books.extend((stored.partition, stored.offset, clock.now_us()))

    def changes(self, count: int) -> None:
        """Note that so many changes are acknowledged."""
        self._changes.extend((count, clock.now_us()))

    def collected(self, phase: str, told: dict[str, Any]) -> None:
        """Hear from the collector that it begins or ends."""
        if phase == "start":
            self._began_ns = time.perf_counter_ns()
            return
        took_us = (time.perf_counter_ns() - self._began_ns) // _NS_PER_US
        self._pauses.extend((told["generation"], clock.now_us() - took_us, took_us))

    def notes(self) -> Notes:
        """Return what was noted."""
        return Notes(books=list(self._books), changes=list(self._changes), pauses=list(self._pauses))


def noting(watch: Watch) -> type[Publisher]:
    """Return the publisher that ships, which tells of what is acknowledged."""

    class Noting(Publisher):
        async def publish(
            self,
            topic: str,
            key: bytes | str | None,
            value: bytes | None,
            partition: int | None = None,
            headers: Iterable[tuple[str, bytes]] = (),
        ) -> Stored:
            stored = await super().publish(topic, key, value, partition, headers)
            if topic == "md.book":
                watch.book(stored)
            return stored

        async def publish_many(self, topic: str, partition: int, records: Iterable[Outgoing]) -> int:
            count = await super().publish_many(topic, partition, records)
            if topic == "md.delta":
                watch.changes(count)
            return count

    return Noting


def main(file: Path, arguments: list[str]) -> int:
    """Run the producers until they are stopped, and write down what was noted."""
    watch = Watch()
    gc.callbacks.append(watch.collected)
    with mock.patch.object(program, "Publisher", noting(watch)):
        code = program.main(arguments)
    file.write_bytes(msgspec.json.encode(watch.notes()))
    return code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
