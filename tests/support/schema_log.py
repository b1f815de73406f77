"""A log of schemas in memory that may misbehave as Kafka may, and its compaction; the fake of the outside world."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Literal

from infra.embedded.registry.records import Entry
from tapeline.errors import Unavailable

Mishap = Literal["none", "lost", "unacknowledged", "late", "away"]
"""How an append ends: well; not stored; stored and not told; stored behind the next one and not told; log not there."""


class FakeLog:
    """One partition that several registries share; each append takes the next mishap, none when there are no more."""

    def __init__(self, mishaps: Iterable[Mishap] = ()) -> None:
        self.entries: list[Entry] = []
        self._mishaps = iter(mishaps)
        self._late: list[tuple[bytes, bytes]] = []
        self.away = False

    async def end(self) -> int:
        await self._there()
        return len(self.entries)

    async def read(self, start: int) -> Sequence[Entry]:
        await self._there()
        # Two at a time, so that a reader has to come again.
        return self.entries[start : start + 2]

    async def append(self, key: bytes, value: bytes) -> None:
        await self._there()
        mishap = next(self._mishaps, "none")
        if mishap == "late":
            self._late.append((key, value))
        elif mishap in {"none", "unacknowledged"}:
            self.store(key, value)
            for held in self._late:
                self.store(*held)
            self._late.clear()
        if mishap != "none":
            raise Unavailable(f"the append ended as {mishap}")

    def store(self, key: bytes, value: bytes) -> None:
        """Put a record at the end, as another writer would."""
        self.entries.append(Entry(offset=len(self.entries), key=key, value=value))

    def compacted(self) -> list[Entry]:
        """Return what compaction leaves: the last record of each key, at its offset."""
        last = {entry.key: entry for entry in self.entries}
        return sorted(last.values(), key=lambda entry: entry.offset)

    async def _there(self) -> None:
        # Others get their turn here, as at every await of the real one.
        await asyncio.sleep(0)
        if self.away:
            raise Unavailable("the log is away")
