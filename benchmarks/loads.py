"""What a producer under load has made of its frames, from when they were sent and what stands in the broker's log.

Pure: times and records in, one row of the page and its latencies out.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import starmap
from typing import Final, NamedTuple

import msgspec

from benchmarks.exchange import Frame
from benchmarks.measure import Latency, Load, hop

US_PER_S: Final = 1_000_000
SUSTAINED: Final = 0.98
"""So much of the wanted rate must have been sent and taken, for the exchange shares the machine's cores."""
BEHIND_S: Final = 0.5
"""A rate is not sustained when more than comes in this time is still under way as the last frame goes out."""


class Change(NamedTuple):
    """A change in the log: the frame it came from, when that was received, when the record was made."""

    symbol: str
    number: int
    received_us: int
    made_us: int


class Book(NamedTuple):
    """A book in the log: where it stands, the newest frame in it, how many states it replaced."""

    partition: int
    offset: int
    symbol: str
    number: int
    conflated: int


class Shown(NamedTuple):
    """A book when it was acknowledged."""

    symbol: str
    number: int
    conflated: int
    at_us: int


class Pause(NamedTuple):
    """A run of the garbage collector."""

    generation: int
    began_us: int
    took_us: int


class Log(msgspec.Struct, frozen=True, kw_only=True):
    """What the broker holds of a measured time; `wholes` are books that stand whole among the changes."""

    changes: list[Change] = []
    wholes: list[tuple[str, int]] = []
    books: list[Book] = []
    gaps: list[str] = []


class Notes(msgspec.Struct, frozen=True, kw_only=True):
    """What a process noted, each kind as one flat column of whole numbers, so many to an entry."""

    books: list[int]
    """Partition, offset, when it was acknowledged."""
    changes: list[int]
    """How many, when they were acknowledged."""
    pauses: list[int]
    """Generation, when the collector began, for how many microseconds it ran."""


class Cost(NamedTuple):
    """What a process took of the machine."""

    cores: float
    resident_mb: float


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of one process in one measured time."""

    sent: Mapping[Frame, int]
    changes: Sequence[Change]
    wholes_us: Sequence[int]
    """When whole books were put among the changes."""
    books: Sequence[Shown]
    gaps: int
    acknowledged: Sequence[tuple[int, int]]
    """When changes and whole books were acknowledged, and how many."""
    pauses: Sequence[Pause]
    cost: Cost


def seen(sent: Mapping[Frame, int], log: Log, notes: Notes, cost: Cost) -> Seen:
    """Bring together what was sent, what is in the log, and what the one process noted that made it."""
    first_us, last_us = min(sent.values()), max(sent.values())
    at_us = {(partition, offset): at for partition, offset, at in _entries(notes.books, 3)}
    return Seen(
        sent=sent,
        changes=log.changes,
        wholes_us=[made_us for _, made_us in log.wholes],
        books=[
            Shown(one.symbol, one.number, one.conflated, at_us[one.partition, one.offset])
            for one in log.books
            if (one.partition, one.offset) in at_us
        ],
        gaps=len(log.gaps),
        acknowledged=[(at, count) for count, at in _entries(notes.changes, 2) if at >= first_us],
        pauses=[one for one in starmap(Pause, _entries(notes.pauses, 3)) if first_us <= one.began_us <= last_us],
        cost=cost,
    )


def shares(sent: Mapping[Frame, int], log: Log, notes: Iterable[Notes]) -> list[tuple[dict[Frame, int], Log]]:
    """Return what was sent and logged of each process that took notes, by whose the books of a symbol are."""
    found: list[tuple[dict[Frame, int], Log]] = []
    for of in notes:
        places = {(partition, offset) for partition, offset, _ in _entries(of.books, 3)}
        mine = {one.symbol for one in log.books if (one.partition, one.offset) in places}
        part = Log(
            changes=[one for one in log.changes if one.symbol in mine],
            wholes=[one for one in log.wholes if one[0] in mine],
            books=log.books,
            gaps=[symbol for symbol in log.gaps if symbol in mine],
        )
        found.append(({frame: at_us for frame, at_us in sent.items() if frame[0] in mine}, part))
    return found


def _entries(column: Sequence[int], size: int) -> Iterator[tuple[int, ...]]:
    return zip(*[iter(column)] * size, strict=True)


def load(what: str, found: Seen) -> Load:
    """Return the row of the page."""
    first_us, last_us = min(found.sent.values()), max(found.sent.values())
    took_s = (last_us - first_us) / US_PER_S
    taken = Counter((one.symbol, one.number) for one in found.changes)
    received = [(one.received_us, 1) for one in found.changes]
    made_us = [*(one.made_us for one in found.changes), *found.wholes_us]
    socket_most, socket_left = waiting(found.sent.values(), received, last_us)
    outbox_most, outbox_left = waiting(made_us, found.acknowledged, last_us)
    pauses_us = [one.took_us for one in found.pauses]
    return Load(
        what=what,
        sent_a_second=round(len(found.sent) / took_s),
        taken_a_second=round(sum(at_us <= last_us for at_us, _ in received) / took_s),
        cores=round(found.cost.cores, 2),
        resident_mb=round(found.cost.resident_mb),
        socket_most=socket_most,
        outbox_most=outbox_most,
        left=socket_left + outbox_left,
        lost=sum(frame not in taken for frame in found.sent),
        twice=sum(count - 1 for count in taken.values()),
        gaps=found.gaps,
        conflated=sum(one.conflated for one in found.books),
        longest_pause_ms=round(max(pauses_us, default=0) / 1_000, 2),
        paused=round(sum(pauses_us) / US_PER_S / took_s, 4),
    )


def latencies(what: str, found: Seen) -> list[Latency]:
    """Return how long frames were under way, and how long the collector ran, by generation."""
    received = {(one.symbol, one.number): one.received_us for one in found.changes}
    hops = {
        "frame to producer": [received[frame] - at_us for frame, at_us in found.sent.items() if frame in received],
        "frame to acknowledged book": answered(found.sent, found.books),
    }
    for generation in range(3):
        took_us = [one.took_us for one in found.pauses if one.generation == generation]
        hops[f"collector, generation {generation}"] = took_us
    return [hop(f"{what}: {name}", times_us) for name, times_us in hops.items() if times_us]


def is_sustained(rate: float, found: Load) -> bool:
    """Tell whether a producer keeps up with so many frames a second."""
    kept_up = min(found.sent_a_second, found.taken_a_second) >= SUSTAINED * rate
    return kept_up and found.left <= BEHIND_S * rate and (found.lost, found.twice, found.gaps) == (0, 0, 0)


def answered(sent: Mapping[Frame, int], books: Iterable[Shown]) -> list[int]:
    """Return how long each frame waited for the first acknowledged book with its news; those with none are left out."""
    shown: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for one in books:
        shown[one.symbol].append((one.number, one.at_us))
    for of in shown.values():
        of.sort()
    waits_us: list[int] = []
    for (symbol, number), at_us in sent.items():
        of = shown[symbol]
        at = bisect_left(of, (number, 0))
        if at < len(of):
            waits_us.append(of[at][1] - at_us)
    return waits_us


def waiting(came_us: Iterable[int], went: Iterable[tuple[int, int]], until_us: int) -> tuple[int, int]:
    """Return how many waited at most, and how many at a time: of all that came one by one and went, many at once."""
    steps = sorted([*((at_us, 1) for at_us in came_us), *((at_us, -count) for at_us, count in went)])
    now, most, then = 0, 0, 0
    for at_us, step in steps:
        now += step
        most = max(most, now)
        if at_us <= until_us:
            then = now
    return most, then
