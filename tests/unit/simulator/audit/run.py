"""A run made by hand: one instrument's journal, and the rows that an honest pipeline stores of it, to be spoiled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

import msgspec

from simulator.audit.causes import causes_of
from simulator.audit.compare import Audit, Counts, Unseen, audit_of, compare_instrument, listed
from simulator.audit.findings import Findings
from simulator.audit.market import fold
from simulator.audit.orders import OrderCounts
from simulator.audit.outages import Outage
from simulator.audit.profit import Profit
from simulator.audit.rows import BookRow, GapRow, Instrument, LevelRow, Rows, SpreadRow, TradeRow
from simulator.audit.signals import Latency, Signals
from simulator.journal import (
    AnyRecord,
    Closed,
    Connected,
    Delta,
    FaultEnded,
    FaultHit,
    FaultStarted,
    Halted,
    Opened,
    Served,
    Subscribed,
    Trade,
)
from tapeline.runtime import clock

START_US = 1_795_000_000_000_000
STEP_US = 100_000
S = 1_000_000
OF = Instrument("bybit", "spot", "BTC/USDT")
BOOK, TRADES = "orderbook.50", "publicTrade"
DEPTH = 3
FIRST = 100
"""The sequence of the first book; message 1 has the next one."""


def at(step: float) -> int:
    """Return the time of a step; messages and trades of that number are made then."""
    return START_US + round(step * STEP_US)


def told(step: float) -> str:
    """Return that time in words."""
    return clock.iso(at(step))


def message(number: int) -> Delta:
    """Return the message of this number: a bid and an ask change, every fourth takes a level away."""
    sequence = FIRST + number
    bid = (str(99 - number % 3), f"{number}.5")
    ask = (str(101 + number % 4), f"{number}.25" if number % 4 else "0")
    return Delta(
        at_us=at(number), symbol=OF.symbol, channel=BOOK, sequence=sequence, first=sequence, follows=sequence - 1,
        bids=(bid,), asks=(ask,),
    )  # fmt: skip


def trade(number: int) -> Trade:
    """Return the trade of this number."""
    return Trade(
        at_us=at(number), symbol=OF.symbol, channel=TRADES, id=str(5000 + number),
        side="buy" if number % 2 else "sell", price="100.1", quantity=f"0.{abs(number)}",
    )  # fmt: skip


def subscribed(step: float, kind: Literal["book", "trade"], connection: int = 1) -> Subscribed:
    """Return an answered subscription."""
    channel = BOOK if kind == "book" else TRADES
    return Subscribed(
        at_us=at(step), connection=connection, stream=f"{channel}.BTCUSDT", symbol=OF.symbol, channel=channel, type=kind
    )


def served(step: float, sequence: int, connection: int = 1) -> Served:
    """Return a whole book that was served on the stream."""
    return Served(at_us=at(step), symbol=OF.symbol, channel=BOOK, sequence=sequence, levels=4, connection=connection)


@cache
def book_at(sequence: int) -> tuple[Mapping[float, float], Mapping[float, float]]:
    """Return the market's book, bids and asks, at a sequence."""
    if sequence == FIRST:
        return dict.fromkeys((99.0, 98.0, 97.0), 1.0), dict.fromkeys((101.0, 102.0, 103.0, 104.0), 1.0)
    before, one = book_at(sequence - 1), message(sequence - FIRST)
    bids, asks = (
        {**side, **{float(price): float(quantity) for price, quantity in levels}}
        for side, levels in zip(before, (one.bids, one.asks), strict=True)
    )
    return {price: bids[price] for price in bids if bids[price]}, {price: asks[price] for price in asks if asks[price]}


def whole_rows(sequence: int, *, received_us: int, epoch: int = START_US) -> list[LevelRow]:
    """Return the rows of a stored whole book."""
    bids, asks = book_at(sequence)
    sides = [("bid", sorted(bids.items(), reverse=True)), ("ask", sorted(asks.items()))]
    return [
        LevelRow("snapshot", epoch, sequence, side, price, quantity, received_us, received_us)
        for side, levels in sides
        for price, quantity in levels
    ]


def change_rows(one: Delta) -> list[LevelRow]:
    """Return the rows of a stored message."""
    return [
        LevelRow("change", START_US, one.sequence, side, float(price), float(quantity), one.at_us, one.at_us + 900)
        for side, levels in (("bid", one.bids), ("ask", one.asks))
        for price, quantity in levels
    ]


def book_row(sequence: int, *, depth: int = DEPTH, state: str = "valid") -> BookRow:
    """Return the row of a published book."""
    bids, asks = book_at(sequence)
    best_bids, best_asks = sorted(bids, reverse=True)[:depth], sorted(asks)[:depth]
    return BookRow(
        START_US, sequence, state, depth, at(sequence - FIRST), tuple(best_bids), tuple(bids[one] for one in best_bids),
        tuple(best_asks), tuple(asks[one] for one in best_asks),
    )  # fmt: skip


def gap(
    begin: float,
    end: float | None,
    *,
    ids: tuple[int | None, int | None] = (None, None),
    channel: str = "book",
    cause: str = "sequence",
    backfilled: bool = False,
    published: float | None = None,
) -> GapRow:
    """Return a gap between two steps."""
    shown = published if published is not None else begin if end is None else end
    from_id, to_id = (None if one is None else str(one) for one in ids)
    return GapRow(
        *OF_FIELDS, channel, START_US, from_id, to_id, at(begin), None if end is None else at(end), cause, backfilled,
        at(shown),
    )  # fmt: skip


OF_FIELDS = (OF.venue, OF.market, OF.symbol)


@dataclass(slots=True)
class Run:
    """What a market did and what is stored of it; tests change both."""

    records: list[AnyRecord]
    levels: list[LevelRow]
    books: list[BookRow]
    trades: list[TradeRow]
    gaps: list[GapRow] = field(default_factory=list)
    spreads: list[SpreadRow] = field(default_factory=list)
    outages: list[Outage] = field(default_factory=list)
    faults: int = 0

    def audit(self, *, until_us: int | None = None) -> Audit:
        """Return what the audit says of it."""
        findings, signals, played = Findings(), Signals(), fold(self.records)
        findings.gap_records = len(self.gaps)
        rows = Rows(levels=self.levels, books=self.books, trades=self.trades, gaps=self.gaps)
        causes = causes_of(played, self.outages)
        compare_instrument(played.emitted[OF.symbol], rows, causes, findings, until_us=until_us)
        signals.take(self.spreads, findings)
        return audit_of(findings, signals, listed([played], self.outages))

    def lose(self, *numbers: int) -> None:
        """Take messages out of the store, and the books that show them."""
        gone = {FIRST + number for number in numbers}
        self.levels = [row for row in self.levels if row.kind == "snapshot" or row.sequence not in gone]
        self.books = [row for row in self.books if row.sequence not in gone]

    def lose_trades(self, *numbers: int) -> None:
        """Take trades out of the store."""
        gone = {str(5000 + number) for number in numbers}
        self.trades = [row for row in self.trades if row.id not in gone]

    def repaired(self, step: float, number: int, connection: int = 1) -> None:
        """Let a whole book be served that holds all up to this message, and be stored."""
        self.records.append(served(step, FIRST + number, connection))
        self.levels += whole_rows(FIRST + number, received_us=at(step) + 900)

    def fault(
        self,
        name: str,
        begin: float,
        end: float | None,
        *,
        symbol: str | None = OF.symbol,
        kind: str | None = "book",
        connection: int | None = 1,
        hits: Sequence[tuple[float, str, str]] = (),
        channel: str = BOOK,
    ) -> None:
        """Let a fault act; each hit is (step, action, id)."""
        self.faults += 1
        began = FaultStarted(
            at_us=at(begin), fault_id=self.faults, fault=name, connection=connection, symbol=symbol, type=kind
        )
        self.records.append(began)
        for step, action, name_of in hits:
            hit = FaultHit(
                at_us=at(step), fault_id=self.faults, action=action, connection=connection or 0, symbol=OF.symbol,
                channel=channel, ids=(name_of,),
            )  # fmt: skip
            self.records.append(hit)
        if end is not None:
            self.records.append(FaultEnded(at_us=at(end), fault_id=self.faults, reason="fired"))

    def dropped(self, *numbers: int) -> None:
        """Let a fault drop these messages of the book."""
        hits = [(number, "dropped", str(FIRST + number)) for number in numbers]
        self.fault("gap", numbers[0] - 0.5, numbers[-1], hits=hits)

    def cut(self, begin: float, back: float, connection: int = 1) -> None:
        """Break a connection; both streams are subscribed again on the next one."""
        self.fault("cut", begin, begin, symbol=None, kind=None, connection=connection)
        self.records.append(Closed(at_us=at(begin) + 900, connection=connection, reason="fault cut"))
        self.records.append(Connected(at_us=at(back) - 900, connection=connection + 1, path="/"))
        self.records += [subscribed(back, "book", connection + 1), subscribed(back, "trade", connection + 1)]


def played_run(messages: int = 10, *, traded: int = 5, before: int = 0) -> Run:
    """Return an honest run: so many messages and trades, `before` more trades before the subscription."""
    opened = Opened(
        at_us=at(-20), venue=OF.venue, market=OF.market, seed=1, symbols=(OF.symbol,), channels=(BOOK, TRADES)
    )
    early: list[AnyRecord] = [msgspec.structs.replace(trade(number), at_us=at(-10)) for number in range(-before, 0)]
    emitted: list[AnyRecord] = [message(number) for number in range(1, messages + 1)]
    trades = [trade(number) for number in range(1, traded + 1)]
    begun: list[AnyRecord] = [
        Connected(at_us=at(-1), connection=1, path="/"), subscribed(0, "book"), served(0, FIRST),
        subscribed(0, "trade"),
    ]  # fmt: skip
    return Run(
        records=[opened, *early, *begun, *emitted, *trades, Halted(at_us=at(messages + 1))],
        levels=[*whole_rows(FIRST, received_us=at(0.1)), *stored(message(n) for n in range(1, messages + 1))],
        books=[book_row(FIRST + number) for number in range(messages + 1)],
        trades=[TradeRow(one.id, one.side, float(one.price), float(one.quantity), one.at_us) for one in trades],
    )


def stored(messages: Iterable[Delta]) -> list[LevelRow]:
    """Return the rows of stored messages."""
    return [row for one in messages for row in change_rows(one)]


BALANCED = Audit(
    emitted=Counts(trades=5, deltas=20),
    stored=Counts(trades=5, deltas=20),
    gap_records=0,
    in_gaps=0,
    lost=0,
    duplicates=0,
    crossed_valid_books=0,
    wrong_valid_books=0,
    books_checked=11,
    spreads=0,
    spread_symbols=0,
    symbols=1,
    conflated=0,
    unseen=Unseen(messages=0, books=0),
    funding=0,
    tick_to_signal_ms=Latency(),
    intents=0,
    orders=OrderCounts(),
    naked_s_max=0.0,
    naked_s_max_crash=0.0,
    kills=(),
    pnl=Profit(),
    tick_to_order_ms=Latency(),
    faults={},
    not_compared=(),
    problems=(),
    balanced=True,
)
"""What the audit says of `played_run()`."""


def balanced(**other: object) -> Audit:
    """Return BALANCED with other values; with a problem, or what is a fault by itself, it is not balanced."""
    found = msgspec.structs.replace(BALANCED, **other)
    clean = not (found.lost or found.duplicates or found.crossed_valid_books or found.wrong_valid_books)
    return msgspec.structs.replace(found, balanced=clean and not found.problems)
