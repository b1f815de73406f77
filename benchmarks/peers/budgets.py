"""The design's budgets against what was measured, here and by `make bench`; what neither measures says so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.__main__ import Page
from benchmarks.measure import Latency, Load, Result
from benchmarks.peers.books import LIVE, LIVE_RATE, TO, Books
from benchmarks.peers.page import Budget, Peers
from benchmarks.peers.streams import WORKS, Streams

_BOOK, _RECORD = 4.0, 6.0
_LIVE_US = 120.0
_AGENT_US, _AGENT_RATIO = 8.0, 10.0
_CLICKHOUSE, _POSTGRES = 30_000, 50_000
_ORDER_MS, _ORDER_RATIO = 5.0, 1.5
_MEMORY_MB, _SYMBOLS = 400, 500
_START_S = 15.0
_UNKNOWN = "-"


def rows(run: Peers, bench: Page) -> list[Budget]:
    """Return every row of the design's budgets."""
    run_with = bench.services
    stored, waited, loads = ([], [], []) if run_with is None else (run_with.results, run_with.latencies, run_with.loads)
    return [
        *_books(run.books),
        *_orders(waited),
        *_agent(run.streams),
        *_stores(stored),
        _memory(loads),
        _start(bench.ready_s),
    ]


def _books(books: Books | None) -> Iterator[Budget]:
    results = [] if books is None else books.results
    whole = {"cryptofeed", "ccxt"} <= {one.peer for one in results}
    ratios = [one.ratio or 0.0 for one in results if one.peer and one.what.endswith(TO["book"])] if whole else []
    yield Budget(
        what="depth frame to checked book",
        budget=f">= {_BOOK:g}x the better peer everywhere",
        reached=_span(ratios),
        met=min(ratios) >= _BOOK if ratios else None,
    )
    ratios = [one.ratio or 0.0 for one in results if one.what.endswith(TO["record"]) and one.peer == "cryptofeed"]
    yield Budget(
        what="frame to Avro record of 20 levels, against cryptofeed's JSON",
        budget=f">= {_RECORD:g}x",
        reached=_span(ratios),
        met=min(ratios) >= _RECORD if ratios else None,
    )
    live = [one for one in results if one.what.endswith(LIVE)]
    told = f"{live[0].ours_us:g} us" if live else _UNKNOWN
    told += "".join(f", {one.ratio:g}x cryptofeed's JSON" for one in live if one.peer == "cryptofeed")
    yield Budget(
        what="live frame, one per wake-up, to record",
        budget=f"<= {_LIVE_US:g} us at {LIVE_RATE:,}/s",
        reached=told,
        met=live[0].ours_us <= _LIVE_US if live else None,
    )


def _span(ratios: Sequence[float]) -> str:
    """Return the least ratio and the largest: the least is against the better peer on the worst stretch."""
    return f"{min(ratios):g}x to {max(ratios):g}x" if ratios else _UNKNOWN


def _orders(waited: Sequence[Latency]) -> Iterator[Budget]:
    found = [one for one in waited if one.what.startswith("received to request")]
    told = "; ".join(f"{one.what.partition(', ')[2]}: {one.ours_ms[1]:g} ms, {one.ratio:g}x" for one in found)
    met = all(one.ours_ms[1] < _ORDER_MS and (one.ratio or 0.0) <= _ORDER_RATIO for one in found) if found else None
    yield Budget(
        what="tick to order, p90, and to the bare chain's",
        budget=f"< {_ORDER_MS:g} ms, <= {_ORDER_RATIO:g}x, also at 1,000/s",
        reached=told or "see Tick to order",
        met=met,
    )


def _agent(streams: Streams | None) -> Iterator[Budget]:
    costs = {} if streams is None else {one.peer: one.cpu_us for one in streams.rows if one.what == WORKS[0]}
    ours, theirs = costs.get(""), costs.get("faust")
    told = _UNKNOWN if ours is None else f"{ours:g} us"
    if ours is not None and theirs is not None:
        told += f", {theirs / ours:.1f}x"
    yield Budget(
        what="agent consumes, bytes in, trivial body",
        budget=f"<= {_AGENT_US:g} us, >= {_AGENT_RATIO:g}x stock Faust",
        reached=told,
        met=None if ours is None or theirs is None else ours <= _AGENT_US and theirs / ours >= _AGENT_RATIO,
    )


def _stores(stored: Sequence[Result]) -> Iterator[Budget]:
    for what, begins, least in (
        ("ClickHouse from Kafka, 20 levels, alone", "book of 20 levels from Kafka", _CLICKHOUSE),
        ("Postgres upserts", "row into Postgres", _POSTGRES),
    ):
        found = next((one for one in stored if one.what.startswith(begins)), None)
        a_second = 0 if found is None else round(1e6 / found.ours_us / 100) * 100
        yield Budget(
            what=what,
            budget=f">= {least:,} rows/s",
            reached=f"{a_second:,} rows/s (`make bench`)" if found else _UNKNOWN,
            met=a_second >= least if found else None,
        )


def _memory(loads: Sequence[Load]) -> Budget:
    found = next((one for one in loads if one.what.startswith(f"{_SYMBOLS} symbols")), None)
    return Budget(
        what=f"memory of a producer with {_SYMBOLS} symbols",
        budget=f"< {_MEMORY_MB} MB",
        reached=_UNKNOWN if found is None else f"{found.resident_mb} MB at {found.taken_a_second:,} frames/s",
        met=None if found is None else found.resident_mb < _MEMORY_MB,
    )


def _start(ready_s: Sequence[float]) -> Budget:
    return Budget(
        what="demo ready after the first set-up",
        budget=f"<= {_START_S:g} s",
        reached=f"{max(ready_s):.1f} s at most of {len(ready_s)}" if ready_s else _UNKNOWN,
        met=max(ready_s) <= _START_S if ready_s else None,
    )
