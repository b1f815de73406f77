"""The whole comparison: instrument by instrument into findings, then findings into one audit; values in, values out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import msgspec

from simulator.audit.books import check_books, wholes
from simulator.audit.causes import Causes
from simulator.audit.changes import compare_changes
from simulator.audit.findings import Findings
from simulator.audit.gaps import Hole, Missing, judge
from simulator.audit.market import KINDS, Emitted, Kind, Played
from simulator.audit.order_path import OrderPath
from simulator.audit.orders import OrderCounts
from simulator.audit.outages import Outage
from simulator.audit.profit import Profit
from simulator.audit.rows import Rows
from simulator.audit.signals import Latency, Signals
from simulator.audit.trades import compare_trades
from simulator.journal import Delta

_US_PER_S: Final = 1_000_000
_DIGITS: Final = 3
UNSEEN_US: Final = 10 * _US_PER_S
"""A book without numbers that lost something stands wrong at most so long: then the cross-check has looked twice."""


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Trades, and level changes of books."""

    trades: int
    deltas: int


class Unseen(msgspec.Struct, frozen=True, kw_only=True):
    """What faults took of messages that bear no number, and books that stood wrong until that showed."""

    messages: int
    books: int


class Kill(msgspec.Struct, frozen=True, kw_only=True):
    """A process that was killed, and how long it took to be back; null where that is not known."""

    process: str
    at_us: int
    back_s: float | None


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """What was emitted, what of it is stored, and everything that should not be so.

    `duplicates` are rows above one per identity; `wrong_valid_books` of the `books_checked` are not what the market's
    book was; `conflated` messages have no book row of their own, which is no loss. `unseen` is what no client of the
    venue could know, `funding` how many records of it are stored. `naked_s_max` is the longest time for which what was
    dealt of a symbol stood on one side apart from outages, `naked_s_max_crash` the longest beside one. `not_compared`
    are the markets that keep no journal, so that nobody can say what they did. `balanced`: nothing is lost, doubled,
    crossed or wrong, and there is no problem.
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
    unseen: Unseen
    funding: int
    tick_to_signal_ms: Latency
    intents: int
    orders: OrderCounts
    naked_s_max: float
    naked_s_max_crash: float
    kills: tuple[Kill, ...]
    pnl: Profit
    tick_to_order_ms: Latency
    faults: Mapping[str, Mapping[str, int]]
    not_compared: tuple[str, ...]
    problems: tuple[str, ...]
    balanced: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What is known of a run beside its messages: symbols, how often each fault acted where, who was killed.

    `apart` are the markets that are stored and keep no journal.
    """

    symbols: int
    faults: Mapping[str, Mapping[str, int]]
    kills: tuple[Kill, ...] = ()
    apart: tuple[str, ...] = ()


def compare_instrument(
    emitted: Emitted, rows: Rows, causes: Causes, findings: Findings, *, until_us: int | None = None
) -> None:
    """Compare one instrument."""
    of = emitted.instrument
    holes = [Hole(gap) for gap in rows.gaps]
    of_book, of_trades = ([one for one in holes if one.gap.channel == kind] for kind in ("book", "trade"))
    unseen: dict[Kind, Callable[[int], bool]] = {kind: partial(causes.excuse, of.symbol, kind) for kind in KINDS}
    counted = compare_changes(
        of, emitted.book, rows.levels, of_book, findings, until_us=until_us, unseen=unseen["book"]
    )
    compare_trades(of, emitted.trade, rows.trades, of_trades, findings, until_us=until_us, unseen=unseen["trade"])
    judge(holes, emitted, causes, findings, until_us=until_us)
    messages = () if emitted.book is None else emitted.book.records
    late = partial(causes.excuse, of.symbol, "book", before_us=UNSEEN_US)
    check_books(of, messages, wholes(rows.levels), rows.books, findings, until_us=until_us, unseen=late)
    findings.conflated += _conflated(counted, rows, of_book)


def unheard(played: Played, findings: Findings) -> None:
    """Say that a market that ran has no reader: all that it emitted was lost, though nothing counts it."""
    if not any(one.book or one.trade for one in played.emitted.values()):
        findings.say("market", f"{played.place}: nobody has ever subscribed to a book or a trade there")


def listed(markets: Iterable[Played], outages: Iterable[Outage]) -> Listed:
    """Return what is listed and what went wrong on purpose."""
    symbols: set[str] = set()
    faults: dict[str, dict[str, int]] = {}
    for played in markets:
        symbols |= set(played.symbols)
        for name, count in played.faults.items():
            faults.setdefault(name, {})[played.place] = count
    away = tuple(outages)
    for outage in away:
        found = faults.setdefault(outage.action, {})
        found[outage.process] = found.get(outage.process, 0) + 1
    return Listed(
        symbols=len(symbols),
        faults={name: dict(sorted(found.items())) for name, found in sorted(faults.items())},
        kills=tuple(
            Kill(process=outage.process, at_us=outage.at_us, back_s=_lasted_s(outage))
            for outage in away
            if outage.action == "kill"
        ),
    )


def audit_of(findings: Findings, signals: Signals, run: Listed, path: OrderPath | None = None) -> Audit:
    """Return the audit; one that has compared nothing proves nothing. Without a path the orders were left out."""
    path = path or OrderPath()
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
        unseen=Unseen(messages=findings.unseen, books=findings.unseen_books),
        funding=findings.funding,
        tick_to_signal_ms=signals.latency(),
        intents=path.intents,
        orders=path.orders,
        naked_s_max=path.naked.longest_s,
        naked_s_max_crash=path.naked.in_outage_s,
        kills=run.kills,
        pnl=path.pnl,
        tick_to_order_ms=path.tick_to_order,
        faults=run.faults,
        not_compared=run.apart,
        problems=problems,
        balanced=not (findings.lost or findings.duplicates or findings.crossed or findings.wrong or problems),
    )


def _lasted_s(outage: Outage) -> float | None:
    return None if outage.back_us is None else round((outage.back_us - outage.at_us) / _US_PER_S, _DIGITS)


def _conflated(counted: Sequence[Delta], rows: Rows, holes: Sequence[Hole]) -> int:
    """Return how many messages have no valid book of their own, though they lie in no gap."""
    shown = {row.sequence for row in rows.books if row.state == "valid"}
    unshown = (message for message in counted if message.sequence not in shown)
    return sum(
        not any(hole.hides(Missing(str(message.sequence), message.at_us)) for hole in holes) for message in unshown
    )
