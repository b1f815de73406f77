"""What the peers' run writes: a struct for docs/performance-peers.json, and of it the block of docs/performance.md."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from benchmarks.measure import Latency, Result
from benchmarks.peers.books import Books
from benchmarks.peers.holes import Met
from benchmarks.peers.sink_kills import Audit
from benchmarks.peers.streams import Streams

SHOWN = {
    "": "Tapeline",
    "cryptofeed": "cryptofeed",
    "ccxt": "ccxt.pro",
    "quixstreams": "Quix Streams",
    "faust": "stock Faust",
}
_NONE = "-"


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the design's budgets; `met` is None where nothing measured says so."""

    what: str
    budget: str
    reached: str
    met: bool | None


class Peers(msgspec.Struct, frozen=True, kw_only=True):
    """The last run of each part."""

    machine: str
    books: Books | None = None
    streams: Streams | None = None
    sinks: list[Audit] = []
    budgets: list[Budget] = []


def text(run: Peers) -> str:
    """Return the block."""
    parts = [f"Machine: {run.machine}.", _versions(run)]
    if run.books is not None:
        parts.append(_frames(run.books))
        parts += [_otherwise(run.books)] if run.books.otherwise else []
        parts += [_memory(run.books)] if run.books.memory else []
        parts += [_holes(run.books.met)] if run.books.met else []
    if run.streams is not None:
        parts.append(_streams(run.streams))
    if run.sinks:
        parts.append(_sinks(run.sinks))
    if run.budgets:
        parts.append(_budgets(run.budgets))
    return "\n\n".join(parts)


def _versions(run: Peers) -> str:
    told: dict[str, Mapping[str, str]] = {}
    missing: dict[str, str] = {}
    for part in (run.books, run.streams):
        if part is not None:
            told |= {name: {**told.get(name, {}), **versions} for name, versions in part.versions.items()}
            missing |= part.missing
    rows = [
        [SHOWN[name], ", ".join(f"{one} {number}" for one, number in sorted(all_.items()))]
        for name, all_ in told.items()
    ]
    rows += [[SHOWN[name], f"not measured: {reason}"] for name, reason in missing.items()]
    return _table(["process", "runs on"], rows)


def _frames(books: Books) -> str:
    names = list(dict.fromkeys(one.peer for one in books.results if one.peer))
    head = ["CPU a frame", "Tapeline", *(SHOWN[name] for name in names), "ratio to the better", "frames each"]
    others = {(one.peer, one.market) for one in books.otherwise if one.measured}
    rows, times = [], []
    for what, found in _grouped(books.results).items():
        ratios = [one.ratio for one in found if one.ratio is not None]
        market = what.partition(",")[0]
        theirs = {one.peer: _theirs(one, other=(one.peer, market) in others) for one in found if one.peer}
        cells = [theirs.get(name, _NONE) for name in names]
        better = f"{min(ratios):g}x" if ratios else _NONE
        rows.append([what, f"{found[0].ours_us:g} us", *cells, better, f"{found[0].calls:,}"])
    for what, waits in _grouped_waits(books.latencies).items():
        waited = {one.peer: _times(one.peer_ms) for one in waits}
        times.append(
            [what, _times(waits[0].ours_ms), *(waited.get(name, _NONE) for name in names), f"{waits[0].ours_count:,}"]
        )
    above = ["p50 / p90 / p99 in us", "Tapeline", *(SHOWN[name] for name in names), "n each"]
    return f"{_table(head, rows)}\n\n{_table(above, times)}"


def _theirs(one: Result, *, other: bool) -> str:
    return f"{one.peer_us:g} us ({one.ratio:g}x{', other frames' if other else ''})"


def _otherwise(books: Books) -> str:
    """Return who is not given our frames of a market, markets of which the same is said in one row."""
    merged: dict[tuple[str, str], list[str]] = {}
    for one in books.otherwise:
        told = f"{one.why}; measured on those" if one.measured else f"{one.why}; not measured"
        merged.setdefault((SHOWN[one.peer], told), []).append(one.market)
    rows = [[peer, ", ".join(markets), why] for (peer, why), markets in merged.items()]
    return _table(["peer", "is not given our frames of", "because it"], rows)


def _times(times: Sequence[float]) -> str:
    return " / ".join(f"{time_us:g}" for time_us in times)


def _grouped(results: Iterable[Result]) -> dict[str, list[Result]]:
    found: dict[str, list[Result]] = {}
    for one in results:
        found.setdefault(one.what, []).append(one)
    return found


def _grouped_waits(waits: Iterable[Latency]) -> dict[str, list[Latency]]:
    found: dict[str, list[Latency]] = {}
    for one in waits:
        found.setdefault(one.what, []).append(one)
    return found


def _memory(books: Books) -> str:
    rows = [[SHOWN[one.peer], f"{one.kb:g} kB", f"{one.books:,}"] for one in books.memory]
    return _table(["a book of 1,000 levels a side", "resident", "books"], rows)


def _holes(met: Sequence[Met]) -> str:
    """Return faults by market, markets of which all say the same in one row."""
    names = list(dict.fromkeys(one.peer for one in met))
    cells: dict[tuple[str, str], dict[str, str]] = {}
    for one in met:
        cells.setdefault((one.fault, one.market), {})[one.peer] = _met(one)
    merged: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (fault, market), by_peer in cells.items():
        merged.setdefault((fault, tuple(by_peer.get(name, _NONE) for name in names)), []).append(market)
    rows = [[fault, ", ".join(markets), *told] for (fault, told), markets in merged.items()]
    return _table(["fault", "on", *(SHOWN[name] for name in names)], rows)


def _met(one: Met) -> str:
    noticed = "" if one.noticed in {0, one.times} else f" ({one.noticed} of {one.times} times)"
    if not one.books:
        return f"{one.did}{noticed}; no book any more"
    if not one.wrong:
        return f"{one.did}{noticed}; no book wrong"
    crossed = f", {one.crossed} of them crossed" if one.crossed else ""
    return f"{one.did}{noticed}; **{one.wrong} of {one.books} books wrong**{crossed}, for up to {one.longest} frames"


def _streams(streams: Streams) -> str:
    ours = {one.what: one.cpu_us for one in streams.rows if not one.peer}
    rows = [
        [
            one.what,
            SHOWN[one.peer],
            f"{one.cpu_us:g} us",
            f"{one.a_second:,}",
            f"{one.mb} MB",
            f"{one.cpu_us / ours[one.what]:.2f}x",
            f"{one.messages:,}",
        ]
        for one in streams.rows
    ]
    return _table(
        ["topic of books", "process", "CPU a message", "messages/s", "peak memory", "CPU to ours", "messages"], rows
    )


def _sinks(audits: Sequence[Audit]) -> str:
    rows = [
        [one.store, one.sink, str(one.kills), f"{one.rows:,}", f"{one.lost:,}", f"{one.doubled:,}"] for one in audits
    ]
    return _table(["store", "sink", "kill -9", "rows sent", "lost", "doubled"], rows)


def _budgets(budgets: Sequence[Budget]) -> str:
    said = {True: "met", False: "**not met**", None: "not measured"}
    return _table(
        ["budget of the design", "must reach", "reached", ""],
        [[one.what, one.budget, one.reached, said[one.met]] for one in budgets],
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])
