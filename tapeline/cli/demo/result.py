"""The demo's answer: the audit's own words, beside how long it took and what the processes used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from simulator.audit import naked
from simulator.audit.compare import Audit
from tapeline.cli.demo.usage import Used
from tapeline.cli.view import Block, Cell, Grid, View, line, row, size, span
from tapeline.runtime.settings import Settings

SHOWN_PROBLEMS: Final = 12


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One finished demo."""

    ready_s: float
    ran_s: float
    audit: Audit
    processes: dict[str, Used]

    @property
    def balanced(self) -> bool:
        """Whether nothing was lost in silence, doubled or wrong."""
        return self.audit.balanced

    def as_json(self) -> dict[str, Any]:
        """Return the one flat object that programs read."""
        told = msgspec.json.decode(msgspec.json.encode(self.audit))
        return {
            "ready_s": self.ready_s,
            "ran_s": self.ran_s,
            **told,
            "processes": msgspec.to_builtins(self.processes),
            "balanced": told.pop("balanced"),
        }


def result_of(audit: Audit, processes: Mapping[str, Used], *, ready_s: float, ran_s: float) -> Result:
    """Return the result of a run."""
    return Result(ready_s=round(ready_s, 3), ran_s=round(ran_s, 3), audit=audit, processes=dict(processes))


def view(result: Result, found: Settings) -> View:
    """Lay out a result for a person."""
    return tuple(_blocks(result, found))


def _blocks(result: Result, found: Settings) -> Iterator[Block]:
    audit = result.audit
    mark = Cell("✓ balanced", "good") if audit.balanced else Cell("✗ not balanced", "bad")
    yield line(mark, f"  ready in {span(result.ready_s)}, ran {span(result.ran_s)}, stopped")
    yield line()
    yield Grid(("audit: what the markets did against what is stored", ">"), tuple(_rows(audit)))
    if audit.not_compared:
        yield line()
        told = "recorded and stored, but not compared, for they keep no journal: "
        yield line(Cell(told + ", ".join(audit.not_compared), "warn"))
    if audit.faults:
        yield line()
        yield Grid(("fault", "times>", "where"), tuple(_faults(audit)))
    yield line()
    yield Grid(
        ("process", "memory>", "cpu>", "restarts>"),
        tuple(
            row(Cell(name, "name"), size(one.rss_mb * 1e6), f"{one.cpu_s:.1f} s", one.restarts)
            for name, one in result.processes.items()
        ),
    )
    for problem in audit.problems[:SHOWN_PROBLEMS]:
        yield line(Cell("✗ ", "bad"), problem)
    if len(audit.problems) > SHOWN_PROBLEMS:
        yield line(Cell(f"and {len(audit.problems) - SHOWN_PROBLEMS} more; --json shows all", "dim"))
    yield line()
    yield line(Cell(f"{'data':<11}", "dim"), str(found.data.dir))
    yield line(Cell(f"{'logs':<11}", "dim"), str(found.log.dir))


def _rows(audit: Audit) -> Iterator[tuple[Cell, ...]]:
    yield row("level changes: emitted, stored", f"{audit.emitted.deltas:,} / {audit.stored.deltas:,}")
    yield row("trades: emitted, stored", f"{audit.emitted.trades:,} / {audit.stored.trades:,}")
    yield row("lost in silence", _none(audit.lost))
    yield row("missing and said so, in gap records", f"{audit.in_gaps:,} in {audit.gap_records:,}")
    unseen = audit.unseen
    if unseen.messages or unseen.books:
        told = f"{unseen.messages:,} messages, {unseen.books:,} books wrong until it showed"
        yield row("lost where messages bear no number, so nobody can know", told)
    yield row("stored twice", _none(audit.duplicates))
    yield row(
        "books checked, crossed, wrong",
        f"{audit.books_checked:,} / {audit.crossed_valid_books} / {audit.wrong_valid_books}",
    )
    yield row("funding records", f"{audit.funding:,}")
    yield row("spreads, on so many symbols", f"{audit.spreads:,} / {audit.spread_symbols} of {audit.symbols}")
    tick = audit.tick_to_signal_ms
    yield row("tick to signal, ms: p50, p90, p99", f"{tick.p50} / {tick.p90} / {tick.p99} of {tick.n:,}")
    yield from _traded(audit)


def _traded(audit: Audit) -> Iterator[tuple[Cell, ...]]:
    orders, tick = audit.orders, audit.tick_to_order_ms
    yield row("intents; orders sent, filled", f"{audit.intents:,}; {orders.sent:,} / {orders.filled:,}")
    wrong = (orders.duplicate, orders.orphan, orders.unknown_open)
    yield row("orders and fills doubled, orphan, left open", _none_of(wrong))
    yield row(
        "longest on one side, s; beside an outage",
        Cell(f"{audit.naked_s_max:g} / {audit.naked_s_max_crash:g}", "bad" if _too_long(audit) else "good"),
    )
    error = Cell(f"{audit.pnl.ours} / {audit.pnl.error}", "good" if audit.pnl.error == "0" else "bad")
    yield row("profit by cash flow in USDT, off by", error)
    yield row("tick to order, ms: p50, p90, p99", f"{tick.p50} / {tick.p90} / {tick.p99} of {tick.n:,}")
    if audit.kills:
        back = [kill.back_s for kill in audit.kills if kill.back_s is not None]
        longest = f"{max(back):.1f} s" if back else "-"
        yield row("processes killed, of them back, longest away", f"{len(audit.kills)} / {len(back)} / {longest}")


def _too_long(audit: Audit) -> bool:
    return audit.naked_s_max > naked.MOST_S or audit.naked_s_max_crash > naked.MOST_IN_OUTAGE_S


def _none_of(counts: tuple[int, ...]) -> Cell:
    return Cell(" / ".join(f"{count:,}" for count in counts), "bad" if any(counts) else "good")


def _none(count: int) -> Cell:
    return Cell(f"{count:,}", "bad" if count else "good")


def _faults(audit: Audit) -> Iterator[tuple[Cell, ...]]:
    for name, places in sorted(audit.faults.items()):
        where = ", ".join(f"{place} {count}" for place, count in sorted(places.items()))
        yield row(Cell(name, "name"), sum(places.values()), Cell(where, "dim"))
