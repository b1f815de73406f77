"""The whole comparison: instrument by instrument into findings, then findings into one audit; values in, values out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from simulator.audit.books import check_books, wholes
from simulator.audit.causes import Causes
from simulator.audit.changes import compare_changes
from simulator.audit.findings import Findings
from simulator.audit.gaps import Hole, Missing, judge
from simulator.audit.market import Emitted, Played
from simulator.audit.outages import Outage
from simulator.audit.rows import Rows
from simulator.audit.signals import Latency, Signals
from simulator.audit.trades import compare_trades
from simulator.journal import Delta


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Trades, and level changes of books."""

    trades: int
    deltas: int


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """What was emitted, what of it is stored, and everything that should not be so.

    `duplicates` are rows above one per identity; `wrong_valid_books` of the `books_checked` are not what the market's
    book was; `conflated` messages have no book row of their own, which is no loss. `balanced`: nothing is lost,
    doubled, crossed or wrong, and there is no problem.
    """

    emitted: Counts
    stored: Counts
    gap_records: int
    in_gaps: int
    lost: int
    duplicates: int
    crossed_valid_books: int
    wrong_valid_books: int
    books_checked: int
    spreads: int
    spread_symbols: int
    symbols: int
    conflated: int
    tick_to_signal_ms: Latency
    faults: Mapping[str, Mapping[str, int]]
    problems: tuple[str, ...]
    balanced: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What is known of a run beside its messages: how many symbols, and how often each fault acted where."""

    symbols: int
    faults: Mapping[str, Mapping[str, int]]


def compare_instrument(
    emitted: Emitted, rows: Rows, causes: Causes, findings: Findings, *, until_us: int | None = None
) -> None:
    """Compare one instrument."""
    of = emitted.instrument
    holes = [Hole(gap) for gap in rows.gaps]
    of_book, of_trades = ([one for one in holes if one.gap.channel == kind] for kind in ("book", "trade"))
    counted = compare_changes(of, emitted.book, rows.levels, of_book, findings, until_us=until_us)
    compare_trades(of, emitted.trade, rows.trades, of_trades, findings, until_us=until_us)
    judge(holes, emitted, causes, findings, until_us=until_us)
    messages = () if emitted.book is None else emitted.book.records
    check_books(of, messages, wholes(rows.levels), rows.books, findings, until_us=until_us)
    findings.conflated += _conflated(counted, rows, of_book)


def listed(markets: Iterable[Played], outages: Iterable[Outage]) -> Listed:
    """Return what is listed and what went wrong on purpose."""
    symbols: set[str] = set()
    faults: dict[str, dict[str, int]] = {}
    for played in markets:
        symbols |= set(played.symbols)
        for name, count in played.faults.items():
            faults.setdefault(name, {})[played.place] = count
    for outage in outages:
        found = faults.setdefault(outage.action, {})
        found[outage.process] = found.get(outage.process, 0) + 1
    return Listed(
        symbols=len(symbols), faults={name: dict(sorted(found.items())) for name, found in sorted(faults.items())}
    )


def audit_of(findings: Findings, signals: Signals, run: Listed) -> Audit:
    """Return the audit; one that has compared nothing proves nothing."""
    if not findings.emitted_trades and not findings.emitted_deltas:
        findings.say("start", "no journal has a message of a book or a trade that a client had subscribed to")
    problems = findings.problems()
    return Audit(
        emitted=Counts(trades=findings.emitted_trades, deltas=findings.emitted_deltas),
        stored=Counts(trades=findings.stored_trades, deltas=findings.stored_deltas),
        gap_records=findings.gap_records,
        in_gaps=findings.in_gaps,
        lost=findings.lost,
        duplicates=findings.duplicates,
        crossed_valid_books=findings.crossed,
        wrong_valid_books=findings.wrong,
        books_checked=findings.books,
        spreads=signals.count,
        spread_symbols=len(signals.symbols),
        symbols=run.symbols,
        conflated=findings.conflated,
        tick_to_signal_ms=signals.latency(),
        faults=run.faults,
        problems=problems,
        balanced=not (findings.lost or findings.duplicates or findings.crossed or findings.wrong or problems),
    )


def _conflated(counted: Sequence[Delta], rows: Rows, holes: Sequence[Hole]) -> int:
    """Return how many messages have no valid book of their own, though they lie in no gap."""
    shown = {row.sequence for row in rows.books if row.state == "valid"}
    unshown = (message for message in counted if message.sequence not in shown)
    return sum(
        not any(hole.hides(Missing(str(message.sequence), message.at_us)) for hole in holes) for message in unshown
    )
