"""What one market did, from its journal: messages of the channels that clients read, orders, all that disturbed them.

A channel counts from the place in the file where its first subscription was answered; what the market produced there
before is kept too, so that a row of it is no invention. Nothing happens in a market that was halted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, Literal, TypeVar, get_args

from simulator import journal
from simulator.audit.rows import Instrument
from simulator.journal import (
    AnyRecord,
    Balances,
    Closed,
    Delta,
    FaultEnded,
    FaultHit,
    FaultStarted,
    Filled,
    Funded,
    Halted,
    Mid,
    Opened,
    OrderChanged,
    OrderRefused,
    Served,
    Subscribed,
    Trade,
    Unsubscribed,
)
from tapeline.errors import Misconfigured

Kind = Literal["book", "trade"]
KINDS: tuple[Kind, ...] = get_args(Kind)
R = TypeVar("R", Delta, Trade)
_EVENTS = (Subscribed, Unsubscribed, Closed, FaultStarted, FaultHit, FaultEnded)
_OWN = (OrderChanged, OrderRefused, Filled, Funded, Balances, Mid)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told(Generic[R]):
    """One channel of an instrument: all its records, the first `before` of them older than its first subscription."""

    channel: str
    since_us: int
    before: int
    records: Sequence[R]


@dataclass(frozen=True, slots=True, kw_only=True)
class Emitted:
    """What the market produced of one instrument, by kind of channel; None where nobody subscribed."""

    instrument: Instrument
    book: Told[Delta] | None = None
    trade: Told[Trade] | None = None
    served: Sequence[Served] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What one market did; `events` are its subscriptions, connections and faults in the order of the file.

    `own` is what it wrote of clients' orders and accounts.
    """

    venue: str
    market: str
    symbols: tuple[str, ...]
    blind: tuple[str, ...] = ()
    away_s: float = 0.0
    emitted: Mapping[str, Emitted]
    events: Sequence[AnyRecord]
    faults: Mapping[str, int]
    own: Sequence[AnyRecord] = ()
    halted_us: int | None = None
    trouble: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """Return `venue:market`."""
        return f"{self.venue}:{self.market}"


@dataclass(slots=True)
class _Pages:
    """What was read so far."""

    opened: Opened | None = None
    deltas: dict[tuple[str, str], list[Delta]] = field(default_factory=dict)
    trades: dict[tuple[str, str], list[Trade]] = field(default_factory=dict)
    served: dict[str, list[Served]] = field(default_factory=dict)
    first: dict[tuple[str, str], tuple[Subscribed, int]] = field(default_factory=dict)
    events: list[AnyRecord] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    own: list[AnyRecord] = field(default_factory=list)
    trouble: dict[str, None] = field(default_factory=dict)
    halted_us: int | None = None

    def take(self, record: AnyRecord) -> None:
        """Take the next record of the file."""
        if isinstance(record, Delta | Trade):
            self._emitted(record)
        elif isinstance(record, Served):
            self.served.setdefault(record.symbol, []).append(record)
        elif isinstance(record, _OWN):
            self.own.append(record)
        elif isinstance(record, Opened):
            if self.opened is not None:
                told = f"the journal of {record.venue}:{record.market} holds more than one run"
                raise Misconfigured(told, fix="give each run a folder of its own for its journals")
            self.opened = record
        elif isinstance(record, Halted):
            self.halted_us = record.at_us
        elif isinstance(record, _EVENTS):
            self._event(record)

    def _emitted(self, record: Delta | Trade) -> None:
        if self.halted_us is not None:
            return
        where = (record.symbol, record.channel)
        if isinstance(record, Delta):
            self.deltas.setdefault(where, []).append(record)
        else:
            self.trades.setdefault(where, []).append(record)

    def _event(self, record: AnyRecord) -> None:
        self.events.append(record)
        if isinstance(record, FaultStarted):
            self.faults[record.fault] += 1
        elif isinstance(record, Subscribed) and record.channel and record.type in KINDS:
            held = self.deltas if record.type == "book" else self.trades
            before = len(held.get((record.symbol, record.channel), ()))
            first, _ = self.first.setdefault((record.symbol, record.type), (record, before))
            if first.channel != record.channel:
                self.trouble[
                    f"{record.symbol} {record.type}: clients read both {first.channel} and {record.channel}; "
                    f"only {first.channel} is compared"
                ] = None


def fold(records: Iterable[AnyRecord]) -> Played:
    """Return what a market did; Misconfigured when the records are not those of exactly one run."""
    pages = _Pages()
    for record in records:
        pages.take(record)
    opened = pages.opened
    if opened is None:
        raise Misconfigured("a journal does not begin with the opening of its market", fix="name a folder of journals")
    place = f"{opened.venue}:{opened.market}"
    return Played(
        blind=opened.blind,
        away_s=opened.away_s,
        venue=opened.venue,
        market=opened.market,
        symbols=opened.symbols,
        emitted={
            symbol: Emitted(
                instrument=Instrument(opened.venue, opened.market, symbol),
                book=_told(pages, symbol, "book", pages.deltas),
                trade=_told(pages, symbol, "trade", pages.trades),
                served=pages.served.get(symbol, ()),
            )
            for symbol in opened.symbols
        },
        events=pages.events,
        faults=pages.faults,
        own=tuple(pages.own),
        halted_us=pages.halted_us,
        trouble=tuple(f"{place}:{told}" for told in pages.trouble),
    )


def read(path: Path) -> Played:
    """Return what the market of this journal did."""
    return fold(journal.read(path))


def _told(pages: _Pages, symbol: str, kind: Kind, held: Mapping[tuple[str, str], Sequence[R]]) -> Told[R] | None:
    found = pages.first.get((symbol, kind))
    if found is None:
        return None
    first, before = found
    records = held.get((symbol, first.channel), ())
    return Told(channel=first.channel, since_us=first.at_us, before=before, records=records)
