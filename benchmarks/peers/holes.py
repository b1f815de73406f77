"""What each does when the stream breaks its word: the same faults, the same places, every book handed out compared.

A fault falls into the clean frames of a walking market. A book counts as wrong when its 20 best levels are not the
venue's at that moment, as crossed when its best bid meets its best ask. Binance and Bybit send no checksum, so that
nobody can see a quantity that is falsified on the way; a broken frame is no JSON, or has a price that is none.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from benchmarks.peers.driving import Delivery, Top
from benchmarks.peers.recording import Stretch

FRAMES = 40
PLACES = (6, 9, 11, 14, 17, 20, 22, 25, 28, 31)
"""Which frame the fault falls on, each in a run of its own."""
LATE = 3
"""A frame that comes again late comes so many frames later."""
_NOTHING = "nothing"


class Askable(Protocol):
    """A peer's process, or what stands in for one."""

    name: str

    def ask(self, do: str, *files: Any, **other: Any) -> Any:  # noqa: ANN401 - plain JSON
        """Let it do one thing and return what came of it."""


class Met(msgspec.Struct, frozen=True, kw_only=True):
    """What one peer made of one fault over all places."""

    fault: str
    market: str
    peer: str
    times: int
    noticed: int
    """In how many of them it did anything but take the frames."""
    did: str
    """What it did, most often."""
    books: int
    """Books handed out from the fault on."""
    wrong: int
    crossed: int
    longest: int
    """The longest run of frames after which what it handed out last was wrong."""


class Judged(NamedTuple):
    """One run."""

    did: tuple[str, ...]
    books: int
    wrong: int
    crossed: int
    longest: int


def _lost(frames: Sequence[Delivery], at: int) -> Iterator[Delivery]:
    yield from (one for one in frames if one.at != at)


def _twice(frames: Sequence[Delivery], at: int) -> Iterator[Delivery]:
    for one in frames:
        yield from (one,) * (2 if one.at == at else 1)


def _late(frames: Sequence[Delivery], at: int) -> Iterator[Delivery]:
    for one in frames:
        yield one
        if one.at == at + LATE:
            yield Delivery(frames[at].frame, one.at)


def _swapped(frames: Sequence[Delivery], at: int) -> Iterator[Delivery]:
    for one in frames:
        if one.at == at:
            yield Delivery(frames[at + 1].frame, at + 1)
        elif one.at == at + 1:
            yield Delivery(frames[at].frame, at + 1)
        else:
            yield one


def _cut(frames: Sequence[Delivery], at: int) -> Iterator[Delivery]:
    for one in frames:
        yield one._replace(frame=one.frame[: len(one.frame) // 2]) if one.at == at else one


def _nan(frames: Sequence[Delivery], at: int) -> Iterator[Delivery]:
    for one in frames:
        told = json.loads(one.frame)
        told["data"]["b"].append(["NaN", "1"])
        yield one._replace(frame=json.dumps(told)) if one.at == at else one


Faults = Mapping[str, Callable[[Sequence[Delivery], int], Iterator[Delivery]]]
ON_THE_WAY: Faults = {
    "a frame is lost": _lost,
    "a frame comes twice": _twice,
    f"a frame comes again {LATE} frames later": _late,
    "two frames are swapped": _swapped,
}
FAULTS: Faults = {**ON_THE_WAY, "a frame is cut in half": _cut, "a price is NaN": _nan}
"""The last two are those of a text of JSON."""


def met(peer: Askable, stretch: Stretch, file: Any, faults: Faults = FAULTS) -> list[Met]:  # noqa: ANN401 - a path
    """Let a peer meet every fault at every place."""
    frames = [Delivery(text, at) for at, text in enumerate(stretch.recording.frames)]
    found = []
    for fault, change in faults.items():
        runs = []
        for place in PLACES:
            deliveries = list(change(frames, place))
            seen = peer.ask("meet", file, deliveries=deliveries)["seen"]
            runs.append(_judged(deliveries, seen, stretch.tops, place))
        found.append(_summed(fault, stretch, peer.name, runs))
    return found


def _judged(deliveries: Sequence[Delivery], seen: Sequence[Any], tops: Sequence[Top], place: int) -> Judged:
    did: list[str] = []
    books = wrong = crossed = longest = run = 0
    bad = False
    for one, (handed, said) in zip(deliveries, seen, strict=True):
        if one.at < place:
            continue
        did += said
        for top in handed:
            bids, asks = top
            truth = [[list(level) for level in side] for side in tops[one.at]]
            bad = top != truth
            books, wrong = books + 1, wrong + bad
            crossed += bool(bids and asks and bids[0][0] >= asks[0][0])
        run = run + 1 if bad else 0
        longest = max(longest, run)
    return Judged(tuple(dict.fromkeys(did)), books, wrong, crossed, longest)


def _summed(fault: str, stretch: Stretch, peer: str, runs: Sequence[Judged]) -> Met:
    ways = Counter(run.did for run in runs)
    (most, _), *_ = ways.most_common(1)
    return Met(
        fault=fault,
        market=f"{stretch.recording.venue} {stretch.recording.market}",
        peer=peer,
        times=len(runs),
        noticed=sum(bool(run.did) for run in runs),
        did=", ".join(most) or _NOTHING,
        books=sum(run.books for run in runs),
        wrong=sum(run.wrong for run in runs),
        crossed=sum(run.crossed for run in runs),
        longest=max(run.longest for run in runs),
    )
