"""The design's budgets against what was measured, here and by `make bench`; what neither measures says so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.__main__ import Page
from benchmarks.measure import Latency, Result
from benchmarks.peers.books import TO, Books
from benchmarks.peers.page import Budget, Peers
from benchmarks.peers.streams import WORKS, Streams

_BOOK, _RECORD = 4.0, 6.0
_AGENT_US, _AGENT_RATIO = 8.0, 10.0
_CLICKHOUSE, _POSTGRES = 30_000, 50_000
_ORDER_MS, _ORDER_RATIO = 5.0, 1.5
_MEMORY_MB, _SYMBOLS = 400, 500
_START_S = 15.0
_UNKNOWN = "-"


def rows(run: Peers, bench: Page) -> list[Budget]:
    """Return every row of the design's budgets."""
    stored = [] if bench.services is None else bench.services.results
    waited = [] if bench.services is None else bench.services.latencies
    return [*_books(run.books), *_orders(waited), *_agent(run.streams), *_stores(stored), *_rest(run)]


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
    yield Budget(
        what="live frame, one per wake-up, to record", budget="<= 120 us at 2,400/s", reached=_UNKNOWN, met=None
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


def _rest(run: Peers) -> Iterator[Budget]:
    kb = None if run.books is None else next((one.kb for one in run.books.memory if not one.peer), None)
    books_mb = None if kb is None else kb * _SYMBOLS / 1_000
    yield Budget(
        what=f"memory of a producer with {_SYMBOLS} symbols",
        budget=f"< {_MEMORY_MB} MB",
        reached=_UNKNOWN if books_mb is None else f"{books_mb:.0f} MB of books alone",
        met=False if books_mb is not None and books_mb >= _MEMORY_MB else None,
    )
    yield Budget(
        what="demo ready after the first set-up",
        budget=f"<= {_START_S:g} s",
        reached=_UNKNOWN if run.streams is None else f"{run.streams.start_s:g} s until all services are",
        met=None,
    )
