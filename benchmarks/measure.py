"""Measuring two ways of doing the same in turns, so that what slows the machine slows both: the ratio is the result."""

from __future__ import annotations

import gc
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

Work = Callable[[], object]


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One comparison: CPU time of one call each, in microseconds, and how many times cheaper we are.

    A figure that nobody else has stands without a peer.
    """

    what: str
    ours_us: float
    peer: str = ""
    peer_us: float | None = None
    ratio: float | None = None
    calls: int


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """One comparison of how long something takes, in milliseconds: the p50, p90 and p99 of so many.

    A hop that the peer does not have stands without one.
    """

    what: str
    ours_ms: tuple[float, ...]
    ours_count: int
    peer: str = ""
    peer_ms: tuple[float, ...] = ()
    peer_count: int = 0
    ratio: float | None = None
    """Of the p90: above 1 means that ours is slower."""


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """One process under load: what it was sent and took, what that cost, what waited, and what of it is missing."""

    what: str
    sent_a_second: int
    taken_a_second: int
    """Received while they were sent."""
    cores: float
    resident_mb: int
    socket_most: int
    """Frames that were sent and not yet received, at most."""
    outbox_most: int
    """Changes that were made and not yet acknowledged, at most."""
    left: int
    """Of both, as the last frame went out."""
    lost: int
    twice: int
    gaps: int
    conflated: int
    longest_pause_ms: float
    """Of the garbage collector."""
    paused: float
    """The part of the time in which the collector ran."""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """All comparisons of one run on one machine."""

    machine: str
    python: str
    versions: dict[str, str]
    results: list[Result]
    latencies: list[Latency] = []
    loads: list[Load] = []


def compare(what: str, ours: Work, peers: Mapping[str, Work], *, calls: int, rounds: int = 15) -> list[Result]:
    """Return one result per peer: the median CPU time of a call over rounds in which all take turns.

    Without a peer it is one result that stands alone.
    """
    ways = {"": ours, **peers}
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for work in ways.values():
        _cpu_us(work, calls)  # warm
    for _ in range(rounds):
        for name, work in ways.items():
            spent[name].append(_cpu_us(work, calls))
    if not peers:
        return [alone(what, spent[""], calls=calls * rounds)]
    return against(what, spent, dict.fromkeys(peers, calls * rounds))


def alone(what: str, ours_us: Sequence[float], *, calls: int) -> Result:
    """Return the result of so many calls that nobody else is measured beside: the median of its rounds."""
    return Result(what=what, ours_us=round(statistics.median(ours_us), 2), calls=calls)


def against(what: str, spent: Mapping[str, Sequence[float]], calls: Mapping[str, int]) -> list[Result]:
    """Return one result per peer of so many calls: the median of its rounds against that of ours, which has no name."""
    cost = {name: statistics.median(times) for name, times in spent.items()}
    return [
        Result(
            what=what,
            ours_us=round(cost[""], 2),
            peer=peer,
            peer_us=round(cost[peer], 2),
            ratio=round(cost[peer] / cost[""], 2),
            calls=count,
        )
        for peer, count in calls.items()
    ]


def latency(what: str, ours_us: Sequence[int], peer: str, peer_us: Sequence[int]) -> Latency:
    """Compare how long something took, each time in microseconds."""
    ours, theirs = _percentiles(ours_us), _percentiles(peer_us)
    return Latency(
        what=what,
        ours_ms=ours,
        ours_count=len(ours_us),
        peer=peer,
        peer_ms=theirs,
        peer_count=len(peer_us),
        ratio=round(ours[1] / theirs[1], 2),
    )


def hop(what: str, ours_us: Sequence[int]) -> Latency:
    """Say how long a hop took that no peer has, each time in microseconds."""
    return Latency(what=what, ours_ms=_percentiles(ours_us), ours_count=len(ours_us))


def machine() -> str:
    """Name the machine: processor, cores, system."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = (line.partition(":") for line in cpuinfo.read_text("utf-8").splitlines())
        name = next((value.strip() for key, _, value in lines if key.strip() == "model name"), name)
    return f"{name}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}"


def _percentiles(times_us: Sequence[int]) -> tuple[float, ...]:
    rising = sorted(times_us)
    return tuple(round(rising[int(len(rising) * part)] / 1_000, 2) for part in (0.5, 0.9, 0.99))


def _cpu_us(work: Work, calls: int) -> float:
    gc.collect()
    gc.disable()
    began = time.process_time()
    for _ in range(calls):
        work()
    spent = time.process_time() - began
    gc.enable()
    return spent / calls * 1e6
