"""What a long run says about growth: a line through the samples of each process after its warm-up, a table, a picture.

Pure: samples in, text out. What grows for ever shows as a slope; what only breathes has none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

WARM: Final = 1 / 3
"""Of a run so much is warm-up: caches fill, books come to their size, heaps settle."""
S_PER_H: Final = 3_600.0
_WIDTH, _HEIGHT, _LEFT, _TOP, _LEGEND = 900, 420, 60, 20, 190
_COLOURS: Final = (
    "#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22", "#17becf",
    "#393b79", "#637939", "#8c6d31", "#843c39", "#7b4173",
)  # fmt: skip


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One look at one process and its children."""

    at_s: float
    """Since the run was ready."""
    memory_mb: float
    files: int
    connections: int
    threads: int


class Soak(msgspec.Struct, frozen=True, kw_only=True):
    """A long run: its processes by name, and what waited in queues by name, each as (seconds, count)."""

    machine: str
    python: str
    minutes: float
    seed: int
    rate: float
    balanced: bool
    orders: int
    records: int
    restarts: int
    processes: dict[str, list[Sample]]
    queues: dict[str, list[tuple[float, float]]]


class Growth(msgspec.Struct, frozen=True, kw_only=True):
    """How one number of one process went after the warm-up."""

    first: float
    last: float
    per_h: float


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Return how much a number rises in an hour, by the line through all points (least squares)."""
    if len(points) < 2:  # noqa: PLR2004 - a line needs two
        return 0.0
    mean_s = sum(at_s for at_s, _ in points) / len(points)
    mean = sum(value for _, value in points) / len(points)
    spread = sum((at_s - mean_s) ** 2 for at_s, _ in points)
    rise = sum((at_s - mean_s) * (value - mean) for at_s, value in points)
    return 0.0 if spread == 0 else rise / spread * S_PER_H


def growth(points: Sequence[tuple[float, float]]) -> Growth:
    """Return how a number went after the warm-up."""
    warm_s = points[-1][0] * WARM
    kept = [one for one in points if one[0] >= warm_s]
    return Growth(first=kept[0][1], last=kept[-1][1], per_h=slope(kept))


def table(soak: Soak) -> str:
    """Return the run as a page shows it."""
    audit = "the audit balances" if soak.balanced else "THE AUDIT DOES NOT BALANCE"
    lines = [
        f"Machine: {soak.machine}. Python {soak.python}.",
        f"{soak.minutes:g} minutes, seed {soak.seed}, rate {soak.rate:g}: {soak.records:,} trades and deltas,",
        f"{soak.orders:,} orders, {soak.restarts} restarts, {audit}.",
        "",
        "| process | memory after warm-up | at the end | slope | files | connections | threads |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, samples in sorted(soak.processes.items()):
        memory = growth([(one.at_s, one.memory_mb) for one in samples])
        counts = [
            growth([(one.at_s, float(getattr(one, field))) for one in samples])
            for field in ("files", "connections", "threads")
        ]
        shown = " | ".join(f"{one.first:.0f} to {one.last:.0f}" for one in counts)
        lines.append(f"| {name} | {memory.first:.0f} MB | {memory.last:.0f} MB | {memory.per_h:+.1f} MB/h | {shown} |")
    lines += ["", "| what waits | most | at the end | slope |", "|---|---|---|---|"]
    for name, points in sorted(soak.queues.items()):
        found = growth(points)
        most = max(value for _, value in points)
        lines.append(f"| {name} | {most:,.0f} | {found.last:,.0f} | {found.per_h:+,.0f}/h |")
    return "\n".join(lines)


def picture(processes: Mapping[str, Sequence[Sample]]) -> str:
    """Return the memory of all processes over time as SVG."""
    longest_s = max((one.at_s for samples in processes.values() for one in samples), default=1.0) or 1.0
    highest = max((one.memory_mb for samples in processes.values() for one in samples), default=1.0)
    top = -(-highest // 100) * 100
    wide, high = _WIDTH - _LEFT - _LEGEND, _HEIGHT - 2 * _TOP - 20

    def place(at_s: float, memory_mb: float) -> str:
        return f"{_LEFT + at_s / longest_s * wide:.1f},{_TOP + high - memory_mb / top * high:.1f}"

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}">',
        '<g font-family="sans-serif" font-size="11">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
    ]
    for step in range(5):
        value = top * step / 4
        y = _TOP + high - value / top * high
        parts.append(
            f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{_LEFT + wide}" y2="{y:.1f}" stroke="#ddd"/>'
            f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:g} MB</text>'
        )
        minutes = longest_s / 60 * step / 4
        x = _LEFT + wide * step / 4
        parts.append(f'<text x="{x:.1f}" y="{_TOP + high + 18}" text-anchor="middle">{minutes:.0f} min</text>')
    for number, (name, samples) in enumerate(sorted(processes.items())):
        colour = _COLOURS[number % len(_COLOURS)]
        points = " ".join(place(one.at_s, one.memory_mb) for one in samples)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        y = _TOP + 10 + number * 18
        parts.append(
            f'<rect x="{_LEFT + wide + 14}" y="{y - 8}" width="10" height="10" fill="{colour}"/>'
            f'<text x="{_LEFT + wide + 30}" y="{y + 1}">{name}</text>'
        )
    return "\n".join((*parts, "</g></svg>", ""))
