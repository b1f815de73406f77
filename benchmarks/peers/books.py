"""Frames to books and records, and streams with faults: ours, cryptofeed and ccxt.pro in turns on the same files.

Each is a process of its own that stays up over all rounds; the first round warms it up. What a round ends with is
compared with a second, plain reading of the same frames, so nobody is fast by leaving something out.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.measure import Latency, Result, against, latency
from benchmarks.peers import environments, holes, recording
from benchmarks.peers.asking import OURS, Asked, asked
from benchmarks.peers.holes import Met
from benchmarks.peers.recording import Stretch

PEERS = ("cryptofeed", "ccxt")
ROUNDS = 9
FRAMES = 400
BOOKS = 200
TO = {"book": "depth frame to checked book", "record": "depth frame to 20 levels as bytes"}


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """Resident memory of one book of 1,000 levels a side, over so many."""

    peer: str
    kb: float
    books: int


class Books(msgspec.Struct, frozen=True, kw_only=True):
    """All that was found out about books."""

    results: list[Result]
    latencies: list[Latency]
    memory: list[Memory]
    met: list[Met]
    versions: dict[str, dict[str, str]]
    missing: dict[str, str]


def run(wanted: Sequence[str]) -> Books:
    """Measure us and these peers."""
    missing: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        sides = [stack.enter_context(asked(OURS))]
        for name in wanted:
            try:
                sides.append(stack.enter_context(asked(name)))
            except environments.Missing as error:
                missing[name] = str(error)
        results: list[Result] = []
        latencies: list[Latency] = []
        for stretch in _stretches():
            file = _written(Path(folder), stretch)
            for to, what in TO.items():
                told = _rounds(sides, stretch, file, to)
                results += _results(f"{stretch.name}: {what}", told, len(stretch.recording.frames))
                latencies += _latencies(f"{stretch.name}: {what}", told)
        pattern = _written(Path(folder), recording.made("bybit", "spot", 1))
        memory = [
            Memory(peer=one.name, kb=round(one.ask("hold", pattern, count=BOOKS)["kb"]), books=BOOKS) for one in sides
        ]
        met = []
        for place in recording.MARKETS:
            stretch = recording.walked(*place, holes.FRAMES)
            file = _written(Path(folder), stretch)
            met += [found for one in sides for found in holes.met(one, stretch, file)]
        versions = {one.name: one.versions for one in sides}
    return Books(results=results, latencies=latencies, memory=memory, met=met, versions=versions, missing=missing)


def _stretches() -> list[Stretch]:
    found = [recording.made(*place, FRAMES) for place in recording.MARKETS]
    folder = recording.captures()
    return found if folder is None else [*found, *recording.recorded(folder)]


def _written(folder: Path, stretch: Stretch) -> Path:
    path = folder / f"{stretch.name.replace(' ', '-').replace(',', '')}-{len(stretch.recording.frames)}.json"
    path.write_text(json.dumps(stretch.recording._asdict()), "utf-8")
    return path


def _rounds(sides: Sequence[Asked], stretch: Stretch, file: Path, to: str) -> dict[str, list[Any]]:
    told: dict[str, list[Any]] = {one.name: [] for one in sides}
    truth = [[list(level) for level in side] for side in stretch.tops[-1]]
    for turn in range(ROUNDS + 1):
        for one in sides:
            answer = one.ask("round", file, to=to)
            if answer["top"] != truth:
                raise AssertionError(f"{one.name or 'our'} book is not the venue's at the end of {stretch.name}")
            told[one.name] += [answer] if turn else []
    return told


def _results(what: str, told: dict[str, list[Any]], frames: int) -> list[Result]:
    spent = {name: [answer["cpu_us"] for answer in answers] for name, answers in told.items()}
    return against(what, spent, {name: frames * ROUNDS for name in spent if name != OURS})


def _latencies(what: str, told: dict[str, list[Any]]) -> list[Latency]:
    times = {name: [_ns(each) for answer in answers for each in answer["times_us"]] for name, answers in told.items()}
    ours = times.pop(OURS)
    return [latency(what, ours, name, theirs) for name, theirs in times.items()]


def _ns(time_us: float) -> int:
    """Return nanoseconds, which `latency` tells a thousandth of: so its figures are microseconds."""
    return round(time_us * 1_000)
