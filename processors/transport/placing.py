"""Where reading stands in each partition: what is replayed to rebuild state, what is new, and what is missing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from faust.types import TP

    from tapeline.runtime.kafka import Record

AskBeginnings = Callable[[Iterable["TP"]], Awaitable[Mapping["TP", int]]]
"""Tells the oldest offset that is left in each partition."""


class Places:
    """The next offset and the committed one of each partition, of one assignment."""

    def __init__(
        self,
        beginnings: AskBeginnings,
        starts: Mapping[TP, int],
        committed: Mapping[TP, int],
        goals: Mapping[TP, int] | None = None,
    ) -> None:
        """Begin at `starts`; records before `committed` are replayed, where there is one.

        `goals` are the ends of the partitions that must be read to there before any other is.
        """
        self._beginnings = beginnings
        self._next = dict(starts)
        self._live = {place: committed.get(place, start) for place, start in starts.items()}
        self._goals = {place: goal for place, goal in (goals or {}).items() if starts[place] < goal}

    @property
    def rebuilding(self) -> frozenset[TP]:
        """Return the partitions that are not yet read to their goals."""
        for place in [place for place, goal in self._goals.items() if self._next[place] >= goal]:
            del self._goals[place]
        return frozenset(self._goals)

    def next(self, place: TP, otherwise: int) -> int:
        """Return the offset to go on at; `otherwise` for a partition that is not read in batches."""
        return self._next.get(place, otherwise)

    def begun(self, place: TP) -> int:
        """Return where what is new began: at the committed offset, or where a group begins that has none."""
        return self._live.get(place, 0)

    def move(self, place: TP, offset: int) -> None:
        """Go on at that offset."""
        self._next[place] = offset

    async def missed(self, place: TP, first: int) -> int:
        """Return how many records before `first` were deleted before we read them; nearly always asks nobody.

        Offsets also jump where a compacted topic forgot a key or a transaction left a marker: nothing is missing then.
        """
        expected = self._next[place]
        if first <= expected:
            return 0
        oldest = (await self._beginnings([place])).get(place, expected)
        return max(0, min(oldest, first) - max(expected, self._live[place]))

    def split(self, place: TP, records: Sequence[Record]) -> Iterator[tuple[bool, Sequence[Record]]]:
        """Yield (replayed, records): what lies before the committed offset first, then what is new."""
        self._next[place] = records[-1].offset + 1
        live = self._live[place]
        if records[0].offset >= live:
            yield False, records
            return
        old = [record for record in records if record.offset < live]
        yield True, old
        if len(old) < len(records):
            yield False, records[len(old) :]
