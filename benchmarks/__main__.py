"""`make bench`: runs the benchmarks and writes docs/performance.json and the tables of docs/performance.md.

`make bench ARGS=--all` also runs those that need services, and starts these; without it, what they said last is kept.
"""

from __future__ import annotations

import argparse
import platform
import re
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import msgspec

from benchmarks import (
    chain,
    codec,
    frames,
    order_figures,
    order_store,
    orders,
    postgres,
    producers,
    sink,
    spreads,
    start,
    transport,
)
from benchmarks.measure import Latency, Load, Result, Run, machine

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE = DOCS / "performance.md"
JSON = DOCS / "performance.json"
_LIBRARIES = ("ccxt", "confluent-kafka", "fastavro", "msgspec")
_SERVICE_LIBRARIES = ("aiokafka", "asyncpg", "clickhouse-connect", "faust-streaming", "websockets")
_QUICK, _SERVICES = "measured", "measured with services"
_NONE = "-"
_SHORT_US = 100
"""What is shorter is told to the hundred a second."""


class Page(Run, frozen=True, kw_only=True):
    """All that is on the page: the quick run, the last one with services, and how long the demo's starts took then."""

    services: Run | None = None
    ready_s: tuple[float, ...] = ()


def table(run: Run) -> str:
    """Return a run as a page shows it."""
    versions = ", ".join(f"{name} {number}" for name, number in run.versions.items())
    lines = [
        f"Machine: {run.machine}. Python {run.python}; {versions}.",
        "",
        "| what | Tapeline | a second | peer | peer's | ratio | calls each |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {one.what} | {one.ours_us:g} us | {_a_second(one.ours_us)} "
        f"| {_peer(one.peer)} | {_unit(one.peer_us, ' us')} | {_unit(one.ratio, 'x')} | {one.calls:,} |"
        for one in run.results
    ]
    if run.latencies:
        lines += [
            "",
            "| p50 / p90 / p99 in ms | Tapeline | n | peer | peer's | n | p90, ours to peer's |",
            "|---|---|---|---|---|---|---|",
        ]
        lines += [
            f"| {one.what} | {_shown(one.ours_ms)} | {one.ours_count:,} "
            f"| {_peer(one.peer)} | {_shown(one.peer_ms)} | {_count(one.peer_count)} | {_unit(one.ratio, 'x')} |"
            for one in run.latencies
        ]
    if run.loads:
        lines += ["", *_loads(run.loads)]
    return "\n".join(lines)


def _loads(loads: Sequence[Load]) -> list[str]:
    columns = {
        "load": [one.what for one in loads],
        "sent, taken a second": [f"{one.sent_a_second:,}, {one.taken_a_second:,}" for one in loads],
        "cores": [f"{one.cores:g}" for one in loads],
        "resident": [f"{one.resident_mb:,} MB" for one in loads],
        "most at the socket, in the outbox": [f"{one.socket_most:,}, {one.outbox_most:,}" for one in loads],
        "left at the end": [f"{one.left:,}" for one in loads],
        "lost, twice, gaps": [f"{one.lost:,}, {one.twice:,}, {one.gaps:,}" for one in loads],
        "books conflated": [f"{one.conflated:,}" for one in loads],
        "collector, longest": [f"{one.longest_pause_ms:g} ms" for one in loads],
        "collector, of the time": [f"{one.paused:.2%}" for one in loads],
    }
    rows = [columns, ["---"] * len(columns), *zip(*columns.values(), strict=True)]
    return [f"| {' | '.join(row)} |" for row in rows]


def with_services(page: Page) -> str:
    """Return what needed services as a page shows it."""
    parts = [] if page.services is None else [table(page.services)]
    if page.ready_s:
        parts.append(
            f"The demo was ready, its first set-up done, after {', '.join(f'{s:.1f}' for s in page.ready_s)} s."
        )
    return "\n\n".join(parts)


def main() -> None:
    """Measure, write, show."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--all", action="store_true", help="also those that need services, which are started here")
    wanted = parser.parse_args()
    quick = _run(_LIBRARIES, [*codec.run(), *frames.run(), *spreads.run(), *order_figures.run()], [])
    held = msgspec.json.decode(JSON.read_bytes(), type=Page)
    services, ready_s = held.services, held.ready_s
    if wanted.all:
        ready_s = start.run()
        stored, waited = order_store.run()
        loads, taken = producers.run()
        results = [*transport.run(), *sink.run(), *postgres.run(), *stored]
        services = _run(_SERVICE_LIBRARIES, results, [*chain.run(), *orders.run(), *waited, *taken], loads)
    page = Page(**msgspec.structs.asdict(quick), services=services, ready_s=ready_s)
    JSON.write_bytes(msgspec.json.format(msgspec.json.encode(page), indent=2) + b"\n")
    text = put(PAGE.read_text("utf-8"), _QUICK, table(quick))
    PAGE.write_text(text if services is None else put(text, _SERVICES, with_services(page)), "utf-8")
    sys.stdout.write("\n\n".join((table(quick), with_services(page))) + "\n")


def _run(
    libraries: tuple[str, ...], results: list[Result], latencies: list[Latency], loads: Sequence[Load] = ()
) -> Run:
    return Run(
        machine=machine(),
        python=platform.python_version(),
        versions={name: version(name) for name in libraries},
        results=results,
        latencies=latencies,
        loads=list(loads),
    )


def put(page: str, block: str, text: str) -> str:
    """Return the page with a text in one of its blocks."""
    held = re.compile(rf"(<!-- {block} -->\n).*?(<!-- end -->)", re.DOTALL)
    return held.sub(lambda found: f"{found[1]}\n{text}\n\n{found[2]}", page)


def _shown(times_ms: tuple[float, ...]) -> str:
    return " / ".join(f"{time_ms:g}" for time_ms in times_ms) or _NONE


def _a_second(each_us: float) -> str:
    return f"{round(1e6 / each_us, -2 if each_us < _SHORT_US else 0):,.0f}"


def _peer(name: str) -> str:
    return name or _NONE


def _count(number: int) -> str:
    return f"{number:,}" if number else _NONE


def _unit(number: float | None, unit: str) -> str:
    return _NONE if number is None else f"{number:g}{unit}"


if __name__ == "__main__":
    main()
