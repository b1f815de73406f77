"""What waits for the broker, bounded: the newest book of each instrument, and every change and trade in order.

A book is conflated: one record per instrument is on its way at a time, and meanwhile only the newest state counts.
Changes and trades never are: when the buffer is full the oldest are shed, and each span that was shed is told once, for
a gap record and, after it, a fresh snapshot. What is on its way is not shed; what failed goes back to its place.

A gap is with the broker before all that comes behind it and after all that comes before it: a successor begins at the
newest that is durable, a change or a gap that was said, and would never know what is missing before that.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Callable
from typing import Final

import msgspec

from tapeline.domain.events import Channel

GAPS: Final = "md.gap"
MOST_TAKEN: Final = 500
"""Records handed to the broker at once, so that what follows a failure is sent again in small pieces."""


class Due(msgspec.Struct, frozen=True):
    """A book to publish now: how many newer states replaced an unsent one, and when its oldest news was received.

    None where it has no news: what is sent again only proves that it stands, and nothing has waited since its receipt.
    """

    key: str
    conflated: int
    first_received_us: int | None


class Books:
    """Which books are to be published: one per instrument in flight, the newest wins."""

    def __init__(self) -> None:
        """Begin with nothing to publish."""
        self._news: dict[str, Due] = {}
        self._flying: dict[str, Due] = {}
        self.on_news: Callable[[], None] = _unheard
        self.conflated = 0
        """How many states were never published because a newer one came."""

    def changed(self, key: str, received_us: int | None) -> None:
        """Note that an instrument's book has news, received at this time, or is to be sent again (None)."""
        self.on_news()
        before = self._news.get(key)
        if before is None:
            self._news[key] = Due(key, 0, received_us)
            return
        self.conflated += 1
        self._news[key] = Due(key, before.conflated + 1, _oldest(before.first_received_us, received_us))

    def take(self) -> list[Due]:
        """Return the books that have news and are not in flight; now they are."""
        found = [due for key, due in self._news.items() if key not in self._flying]
        for due in found:
            self._flying[due.key] = self._news.pop(due.key)
        return found

    def done(self, key: str) -> None:
        """Note that the broker has the book that was in flight."""
        self._flying.pop(key, None)

    def failed(self, key: str) -> None:
        """Note that it may not have it: publish the newest state, which tells of the same news and more."""
        flown = self._flying.pop(key, None)
        if flown is None:
            return
        newer = self._news.get(key)
        if newer is None:
            self._news[key] = flown
            return
        self.conflated += 1
        first_us = _oldest(flown.first_received_us, newer.first_received_us)
        self._news[key] = Due(key, flown.conflated + newer.conflated + 1, first_us)

    def holds(self, key: str) -> bool:
        """Whether a book of this instrument waits or is in flight."""
        return key in self._news or key in self._flying

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing is in flight."""
        return not self._news and not self._flying


def _oldest(before_us: int | None, newer_us: int | None) -> int | None:
    """Return the first receipt of news, None where there was none."""
    return newer_us if before_us is None else before_us


def _unheard() -> None:
    """Stand in for whoever wants to be told of news."""


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """What of a channel is in a record, or missing when it is shed: everything after `from_id` up to `to_id`."""

    instrument: str
    channel: Channel
    epoch: int
    to_epoch: int
    from_id: str | None
    to_id: str | None
    start_us: int
    end_us: int


class Entry(msgspec.Struct, frozen=True):
    """An encoded record; without a span it is never shed (gaps, instruments)."""

    key: bytes
    value: bytes
    span: Span | None = None


class Batch(msgspec.Struct, frozen=True):
    """Records of one partition on their way, in order."""

    topic: str
    partition: int
    entries: tuple[Entry, ...]


Place = tuple[str, int]


class Buffer:
    """Records in the order of their partition, at most `most` of those that may be shed."""

    def __init__(self, most: int) -> None:
        """Begin empty."""
        self._most = most
        self._queues: dict[Place, deque[tuple[int, Entry]]] = {}
        self._flying: dict[Place, list[tuple[int, Entry]]] = {}
        self._count = 0
        self._held = 0
        self._shed: dict[tuple[str, Channel], list[tuple[int, Span]]] = {}
        self.shed = 0
        """How many records were shed."""

    def __len__(self) -> int:
        """Return how many records wait or are on their way."""
        return sum(map(len, self._queues.values())) + sum(map(len, self._flying.values()))

    def waiting(self, topic: str) -> int:
        """Return how many records of a topic wait or are on their way."""
        held = [len(queue) for place, queue in self._queues.items() if place[0] == topic]
        return sum(held) + sum(len(flying) for place, flying in self._flying.items() if place[0] == topic)

    def holds(self, key: str) -> bool:
        """Whether a record of this instrument waits, is on its way, or was shed and nobody has said so."""
        wanted = key.encode()
        waiting = (entry for queue in (*self._queues.values(), *self._flying.values()) for _, entry in queue)
        return any(entry.key == wanted for entry in waiting) or any(shed == key for shed, _ in self._shed)

    def put(self, topic: str, partition: int, entry: Entry, *, number: int | None = None) -> None:
        """Add a record behind those of its partition; when too many wait the oldest of all is shed.

        With a `number` it stands where that record stood which it speaks of.
        """
        self._count += 1
        queue = self._queues.setdefault((topic, partition), deque())
        if number is None:
            queue.append((self._count, entry))
        else:
            queue.insert(bisect_left([held for held, _ in queue], number), (number, entry))
        self._held += entry.span is not None
        if self._held > self._most:
            self._shed_oldest()

    def take(self) -> list[Batch]:
        """Return the next batch of each partition that has none on its way."""
        batches: list[Batch] = []
        for place, queue in self._queues.items():
            taken = [] if place in self._flying else self._ready(place, queue)
            if taken:
                self._flying[place] = taken
                batches.append(Batch(*place, tuple(entry for _, entry in taken)))
        return batches

    def _ready(self, place: Place, queue: deque[tuple[int, Entry]]) -> list[tuple[int, Entry]]:
        """Take from a queue what may go now: nothing overtakes a gap, a gap nothing, and no record its own neighbours.

        Their topics may have different leaders, of which one takes records while the other is away.
        """
        taken: list[tuple[int, Entry]] = []
        gap = self._oldest_gap(place)
        while queue and len(taken) < MOST_TAKEN:
            number, entry = queue[0]
            if place[0] == GAPS and min(self._oldest_beside(place), self._oldest_unsaid()) < number:
                break
            if entry.span is not None and (gap < number or self._is_unsaid(entry.span, number)):
                break
            taken.append(queue.popleft())
        return taken

    def _oldest_gap(self, place: Place) -> float:
        """Return the number of the oldest gap of the same symbols that the broker does not have."""
        gaps = (GAPS, place[1])
        held = (self._flying.get(gaps), self._queues.get(gaps))
        return min((one[0][0] for one in held if one), default=float("inf"))

    def _is_unsaid(self, span: Span, number: int) -> bool:
        """Tell whether something older of the same stream was shed and nobody has said so."""
        ends = self._shed.get((span.instrument, span.channel)) if self._shed else None
        return ends is not None and ends[0][0] < number

    def _oldest_unsaid(self) -> float:
        """Return the number of the oldest record that was shed while nobody has said so."""
        return min((ends[0][0] for ends in self._shed.values()), default=float("inf"))

    def _oldest_beside(self, place: Place) -> float:
        """Return the number of the oldest record that other topics of the same symbols still have to hand over."""
        beside = (
            held[0][0]
            for kept in (self._queues, self._flying)
            for other, held in kept.items()
            if held and other[1] == place[1] and other != place
        )
        return min(beside, default=float("inf"))

    def done(self, batch: Batch) -> None:
        """Note that the broker has the batch."""
        for _, entry in self._flying.pop((batch.topic, batch.partition)):
            self._held -= entry.span is not None

    def failed(self, batch: Batch) -> None:
        """Note that it may not have it: it goes back to the head of its queue."""
        place = (batch.topic, batch.partition)
        self._queues[place].extendleft(reversed(self._flying.pop(place)))

    @property
    def is_held_up(self) -> bool:
        """Whether nothing is on its way and something was shed: what waits may wait for that to be said."""
        return bool(self._shed) and not self._flying

    def settle(self) -> list[tuple[int, Span]]:
        """Return, once, what was shed since the last call: a span for each channel of an instrument, and its place."""
        found = [(ends[0][0], _whole([span for _, span in ends])) for ends in self._shed.values()]
        self._shed = {}
        return found

    def _shed_oldest(self) -> None:
        """Shed the oldest record that may be; when all those are on their way the newest ones wait above the bound."""
        oldest: tuple[int, deque[tuple[int, Entry]], int] | None = None
        for queue in self._queues.values():
            at = next((at for at, (_, entry) in enumerate(queue) if entry.span is not None), None)
            if at is not None and (oldest is None or queue[at][0] < oldest[0]):
                oldest = (queue[at][0], queue, at)
        if oldest is None:
            return
        number, queue, at = oldest
        span = queue[at][1].span
        del queue[at]
        self._held -= 1
        self.shed += 1
        if span is not None:
            # The first and the last are kept. What was on its way and failed is shed after younger ones.
            ends = sorted([*self._shed.get((span.instrument, span.channel), []), (number, span)], key=_number)
            self._shed[span.instrument, span.channel] = [ends[0], ends[-1]]


def _number(end: tuple[int, Span]) -> int:
    return end[0]


def _whole(ends: list[Span]) -> Span:
    """Return the span from the beginning of the first to the end of the last."""
    first, last = ends[0], ends[-1]
    end_us = max(first.end_us, last.end_us)
    return msgspec.structs.replace(first, to_id=last.to_id, to_epoch=last.to_epoch, end_us=end_us)
