"""Frames to books and records, and streams with faults: ours, cryptofeed and ccxt.pro in turns on the same files.

Each is a process of its own that stays up over all rounds; the first round warms it up. What a round ends with is
compared with the book behind the frames, read a second way, so nobody is fast by leaving something out.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from benchmarks.measure import Latency, Result, against, alone, hop, latency
from benchmarks.peers import environments, faced, holes, recording
from benchmarks.peers.apart import APART
from benchmarks.peers.asking import OURS, Asked, asked, pipe, started
from benchmarks.peers.driving import written
from benchmarks.peers.holes import Met
from benchmarks.peers.recording import Stretch
from tapeline.domain.events import Market
from tapeline.venues import registry

PEERS = ("cryptofeed", "ccxt")
VENUES = registry.HOSTED
ROUNDS = 9
FRAMES = 400
FACED = 200
"""Frames of each market that its simulated face writes."""
BOOKS = 200
TO = {"book": "depth frame to checked book", "record": "depth frame to 20 levels as bytes"}
LIVE = "off a socket, one per wake-up, to 20 levels as bytes"
LIVE_AT = ("binance", "spot")
LIVE_FRAMES = 7_200
LIVE_RATE = 2_400
LIVE_ROUNDS = 3


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """Resident memory of one book of 1,000 levels a side, over so many."""

    peer: str
    kb: float
    books: int


class Otherwise(msgspec.Struct, frozen=True, kw_only=True):
    """Why a peer is not given our frames of a market, and whether it is measured on those of another channel."""

    peer: str
    market: str
    why: str
    measured: bool


class Books(msgspec.Struct, frozen=True, kw_only=True):
    """All that was found out about books."""

    results: list[Result]
    latencies: list[Latency]
    memory: list[Memory]
    met: list[Met]
    versions: dict[str, dict[str, str]]
    missing: dict[str, str]
    otherwise: list[Otherwise] = []


class Given(NamedTuple):
    """A peer and the frames that it is given."""

    one: Asked
    stretch: Stretch
    file: Path


def run(wanted: Sequence[str], venues: Sequence[str] = ()) -> Books:
    """Measure us and these peers; with venues only the frames of these."""
    missing: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder, sides = Path(name), [stack.enter_context(asked(OURS))]
        for peer in wanted:
            try:
                sides.append(stack.enter_context(asked(peer)))
            except environments.Missing as error:
                missing[peer] = str(error)
        results: list[Result] = []
        latencies: list[Latency] = []
        for stretch in _stretches(venues or VENUES):
            given = _given(folder, sides, stretch)
            for to, what in TO.items():
                told = _rounds(given, to)
                results += _results(f"{stretch.name}: {what}", told, given)
                latencies += _latencies(f"{stretch.name}: {what}", told)
        if LIVE_AT[0] in (venues or VENUES):
            results += _live(folder, sides)
        return Books(
            results=results,
            latencies=latencies,
            memory=[] if venues else _memory(folder, sides),
            met=[] if venues else _met(folder, sides),
            versions={one.name: one.versions for one in sides},
            missing=missing,
            otherwise=list(otherwise([one.name for one in sides], venues or VENUES)),
        )


def otherwise(peers: Sequence[str], venues: Sequence[str]) -> Iterator[Otherwise]:
    """Yield which of these peers are not given our frames."""
    for peer in peers:
        for (venue, market), apart in APART.get(peer, {}).items():
            if venue in venues:
                yield Otherwise(
                    peer=peer, market=f"{venue} {market}", why=apart.why, measured=apart.channel is not None
                )


def _stretches(venues: Sequence[str]) -> Iterator[Stretch]:
    yield from (recording.made(*place, FRAMES) for place in recording.MARKETS if place[0] in venues)
    folder = recording.captures()
    if folder is not None:
        yield from (one for one in recording.recorded(folder) if one.recording.venue in venues)
    for venue in venues:
        yield from (faced.faced(venue, market, FACED) for market in registry.venue(venue).feeds)


def _given(folder: Path, sides: Sequence[Asked], stretch: Stretch) -> list[Given]:
    """Return who is given which frames: ours, or those of the same steps on the channel that it reads."""
    held, file = stretch.recording, _written(folder, stretch)
    given = []
    for one in sides:
        apart = APART.get(one.name, {}).get((held.venue, held.market))
        if apart is None:
            given.append(Given(one, stretch, file))
        elif apart.channel is not None:
            market: Market = "spot" if held.spot else "futures"
            wholes = bool(held.wholes)
            other = faced.faced_on(apart.channel, held.venue, market, len(held.frames), wholes=wholes)
            given.append(Given(one, other, _written(folder, other, one.name)))
    return given


def _written(folder: Path, stretch: Stretch, whose: str = "") -> Path:
    name = stretch.name.replace(" ", "-").replace(",", "")
    path = folder / f"{name}-{len(stretch.recording.frames)}{whose}.json"
    path.write_text(written(stretch.recording), "utf-8")
    return path


def _memory(folder: Path, sides: Sequence[Asked]) -> list[Memory]:
    pattern = _written(folder, recording.made("bybit", "spot", 1))
    return [Memory(peer=one.name, kb=round(one.ask("hold", pattern, count=BOOKS)["kb"]), books=BOOKS) for one in sides]


def _met(folder: Path, sides: Sequence[Asked]) -> list[Met]:
    met = []
    for place in recording.MARKETS:
        stretch = recording.walked(*place, holes.FRAMES)
        file = _written(folder, stretch)
        met += [found for one in sides for found in holes.met(one, stretch, file)]
    for venue in VENUES:
        for market, feed in registry.venue(venue).feeds.items():
            # Without numbers nothing but a second look over REST shows a hole: docs/integrity.md has those.
            if (venue, market) not in recording.MARKETS and feed.facts.book.rule != "skipping":
                given = _given(folder, sides, faced.faced(venue, market, holes.FRAMES, wholes=True))
                met += [found for one in given for found in holes.met(*one, holes.ON_THE_WAY)]
    return met


def _rounds(given: Sequence[Given], to: str) -> dict[str, list[Any]]:
    told: dict[str, list[Any]] = {one.name: [] for one, _, _ in given}
    for turn in range(ROUNDS + 1):
        for one, stretch, file in given:
            answer = one.ask("round", file, to=to)
            _compared(one, answer, stretch)
            told[one.name] += [answer] if turn else []
    return told


def _compared(one: Asked, answer: Any, stretch: Stretch) -> None:  # noqa: ANN401 - plain JSON
    """Refuse an answer whose book is not the venue's at the end."""
    if answer["top"] != [[list(level) for level in side] for side in stretch.tops[-1]]:
        raise AssertionError(f"{one.name or 'our'} book is not the venue's at the end of {stretch.name}")


def _live(folder: Path, sides: Sequence[Asked]) -> list[Result]:
    """Let each side read the same frames off a socket of its own, in turns; a process of its own sends them."""
    stretch = recording.made(*LIVE_AT, LIVE_FRAMES)
    file = _written(folder, stretch)
    spent: dict[str, list[float]] = {one.name: [] for one in sides}
    with started(Path(sys.executable), "benchmarks.peers.replaying", str(file), str(LIVE_RATE)) as replaying:
        url = pipe(replaying.stdout).readline().strip()
        for turn in range(LIVE_ROUNDS + 1):
            for one in sides:
                answer = one.ask("live", file, to="record", url=url)
                _compared(one, answer, stretch)
                spent[one.name] += [answer["cpu_us"]] if turn else []
    what = f"{stretch.name}: {LIVE_RATE:,} frames/s {LIVE}"
    calls = dict.fromkeys((one.name for one in sides if one.name != OURS), LIVE_FRAMES * LIVE_ROUNDS)
    return against(what, spent, calls) or [alone(what, spent[OURS], calls=LIVE_FRAMES * LIVE_ROUNDS)]


def _results(what: str, told: dict[str, list[Any]], given: Sequence[Given]) -> list[Result]:
    spent = {name: [answer["cpu_us"] for answer in answers] for name, answers in told.items()}
    calls = {one.name: len(stretch.recording.frames) * ROUNDS for one, stretch, _ in given}
    found = against(what, spent, {name: count for name, count in calls.items() if name != OURS})
    return found or [alone(what, spent[OURS], calls=calls[OURS])]


def _latencies(what: str, told: dict[str, list[Any]]) -> list[Latency]:
    times = {name: [_ns(each) for answer in answers for each in answer["times_us"]] for name, answers in told.items()}
    ours = times.pop(OURS)
    return [latency(what, ours, name, theirs) for name, theirs in times.items()] or [hop(what, ours)]


def _ns(time_us: float) -> int:
    """Return nanoseconds, which `latency` tells a thousandth of: so its figures are microseconds."""
    return round(time_us * 1_000)
