"""One partition's way into a store, as decisions: a range is recorded before it is written and settled after; pure.

Rows are written in ranges [first, last] of offsets. A range is recorded beside the group's offset before its rows are
sent, so whoever reads the partition next replays exactly that range, under the same token, whatever happened between:

    read -> Commit(first, pending) -> Insert(range) -> Commit(last + 1, the next range or nothing) -> ..

Nothing here waits, reads a clock or talks: the shell does what `decide` says and tells what came of it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sinks.known import Key

MEGABYTE: Final = 1024**2

State = Literal["reading", "replaying", "recording", "inserting", "settling"]
Event = Literal["cut", "committed", "inserted", "complete"]

NEXT: Final[dict[State, dict[Event, State]]] = {
    "reading": {"cut": "recording"},
    "replaying": {"complete": "inserting"},
    "recording": {"committed": "inserting"},
    "inserting": {"inserted": "settling"},
    "settling": {"cut": "recording", "committed": "reading"},
}
"""What may follow what; `cut` while settling records the next range in the same commit that settles the last one."""


@dataclass(frozen=True, slots=True)
class Range:
    """Offsets from `first` to `last`, both in it; `since_us` is when its first record was published."""

    first: int
    last: int
    since_us: int


class Entry(msgspec.Struct, frozen=True):
    """One record of the partition; without a key it has nothing to store (it was set aside)."""

    offset: int
    at_us: int
    size: int
    rows: int = 0
    key: Key | None = None
    value: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """A range ends at so many rows or bytes (one record may exceed them), or when its first record waited so long."""

    rows: int = 10_000
    size: int = 16 * MEGABYTE
    wait_s: float = 1.0


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing is due before that time; None: nothing is waiting."""

    until_s: float | None


@dataclass(frozen=True, slots=True)
class Commit:
    """Commit this offset, with this range recorded beside it."""

    offset: int
    pending: Range | None


@dataclass(frozen=True, slots=True)
class Insert:
    """Write the rows of these entries under the token of this range."""

    range: Range
    entries: tuple[Entry, ...]


Decision = Wait | Commit | Insert


def token(topic: str, partition: int, wanted: Range) -> str:
    """Return what marks a range's insert, the same whoever sends it and whenever."""
    return f"{topic}/{partition}/{wanted.first}-{wanted.last}"


@dataclass(slots=True)
class Lane:
    """One partition between taking it over and giving it up.

    `expected` is the offset that comes next (None: whatever comes first). With a `pending` range that range is replayed
    before anything else; `settle` commits `expected` even so when nothing is pending (the range was gone).
    """

    bounds: Bounds
    expected: int | None = None
    pending: Range | None = None
    settle: bool = False
    state: State = "reading"
    _waiting: deque[Entry] = field(default_factory=deque)
    _rows: int = 0
    _size: int = 0
    _since_s: float = 0.0
    _batch: tuple[Entry, ...] = ()

    def __post_init__(self) -> None:
        """Begin with the replay where there is one."""
        if self.pending is not None:
            self.state = "replaying"
        elif self.settle:
            self.state = "settling"

    def offer(self, entries: Iterable[Entry], now_s: float) -> None:
        """Take in records in their order; what was taken in before is left out."""
        for entry in entries:
            if self.expected is not None and entry.offset < self.expected:
                continue
            if not self._waiting:
                self._since_s = now_s
            self._waiting.append(entry)
            self._rows += max(1, entry.rows)
            self._size += entry.size
            self.expected = entry.offset + 1

    def jumped(self, offset: int) -> bool:
        """Tell whether a record of this offset would leave out others."""
        return self.expected is not None and offset > self.expected

    def skip_to(self, offset: int) -> None:
        """Go on at `offset`: what lies before it does not exist any more."""
        self.expected = offset

    @property
    def full(self) -> bool:
        """Whether reading should pause."""
        return self._rows >= 2 * self.bounds.rows or self._size >= 2 * self.bounds.size

    def decide(self, now_s: float, *, flush: bool = False, hold: bool = False) -> Decision:
        """Return what is to be done now; asked again before it is done, the answer is the same or a later need.

        `flush` lets nothing wait for more, `hold` begins nothing new.
        """
        if self.state == "replaying" and not hold:
            self._replay()
        if self.state in {"reading", "settling"} and not hold and self._due(now_s, flush=flush):
            self._cut(now_s)
        if self.state == "recording" and self.pending is not None:
            return Commit(self.pending.first, self.pending)
        if self.state == "inserting" and self.pending is not None:
            return Insert(self.pending, self._batch)
        if self.state == "settling" and self.expected is not None:
            return Commit(self._settled(), None)
        return Wait(self._since_s + self.bounds.wait_s if self._waiting and self.state == "reading" else None)

    def renewal(self) -> Commit:
        """Return the record of the range under way, to prove again that the partition is still ours."""
        if self.pending is None:
            message = f"nothing is pending while {self.state}"
            raise RuntimeError(message)
        return Commit(self.pending.first, self.pending)

    def committed(self) -> None:
        """Say that the commit is stored."""
        self._go("committed")

    def inserted(self) -> None:
        """Say that the rows are stored."""
        self._go("inserted")
        self.pending, self._batch = None, ()

    def _go(self, event: Event) -> None:
        following = NEXT[self.state].get(event)
        if following is None:
            message = f"{event} cannot happen while {self.state}"
            raise RuntimeError(message)
        self.state = following

    def _settled(self) -> int:
        """Return the offset behind all that is stored."""
        return self._waiting[0].offset if self._waiting else self.expected or 0

    def _due(self, now_s: float, *, flush: bool) -> bool:
        if not self._waiting:
            return False
        whole = self._rows >= self.bounds.rows or self._size >= self.bounds.size
        return whole or flush or now_s >= self._since_s + self.bounds.wait_s

    def _cut(self, now_s: float) -> None:
        taken: list[Entry] = []
        rows = size = 0
        while self._waiting:
            entry = self._waiting[0]
            rows, size = rows + max(1, entry.rows), size + entry.size
            if taken and (rows > self.bounds.rows or size > self.bounds.size):
                break
            taken.append(self._take())
        self._since_s = now_s
        self._batch = tuple(taken)
        self.pending = Range(taken[0].offset, taken[-1].offset, taken[0].at_us)
        self._go("cut")

    def _replay(self) -> None:
        """Complete the recorded range, whatever the bounds are now."""
        pending = self.pending
        if pending is None or self.expected is None:
            return
        if self.expected > pending.last:
            taken: list[Entry] = []
            while self._waiting and self._waiting[0].offset <= pending.last:
                taken.append(self._take())
            self._batch = tuple(taken)
            self._go("complete")

    def _take(self) -> Entry:
        entry = self._waiting.popleft()
        self._rows -= max(1, entry.rows)
        self._size -= entry.size
        return entry


def opened(bounds: Bounds, offset: int | None, pending: Range | None, *, oldest: int, end: int) -> tuple[Lane, range]:
    """Return the lane of a partition just taken over, and the offsets that are gone for ever.

    `offset` and `pending` are what the group has committed; the log holds what lies from `oldest` to before `end`. A
    recorded range of which something is left is replayed as far as it is, under its own token: if it had been written,
    that changes nothing. A range that reaches behind the end is not replayed: the log was cut short, other records will
    have its offsets, and under its token they would be dropped.
    """
    if offset is None or offset > end:
        return Lane(bounds, expected=oldest), range(0)
    gone = range(offset, max(offset, oldest))
    if pending is None or not oldest <= pending.last < end:
        return Lane(bounds, expected=max(offset, oldest), settle=bool(gone)), gone
    return Lane(bounds, expected=max(offset, oldest), pending=pending), gone
