"""The trades of one instrument: emitted against stored, known by the trade id; side, price and quantity must be equal.

Emitted is what was traded after the first subscription was answered; what came before may be stored and is no
invention, for a venue's recent trades reach back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from simulator.audit.findings import Findings, Loss, never, say_lost
from simulator.audit.gaps import Hole, Missing, put_away
from simulator.audit.market import Told
from simulator.audit.rows import Instrument, TradeRow
from simulator.journal import Trade
from tapeline.runtime import clock

Values = tuple[str, float, float]
"""side, price, quantity."""


def compare_trades(
    of: Instrument,
    told: Told[Trade] | None,
    rows: Sequence[TradeRow],
    holes: Sequence[Hole],
    findings: Findings,
    *,
    until_us: int | None = None,
    unseen: Callable[[int], bool] = never,
) -> None:
    """Count the trades of one instrument and fill its gaps with what is missing, or was lost unseen."""
    stored = _by_id(of, rows, findings)
    lost: list[Loss] = []
    for number, trade in enumerate(told.records if told is not None else ()):
        found = stored.pop(trade.id, None)
        emitted = (trade.side, float(trade.price), float(trade.quantity))
        if found is not None and found != emitted:
            _say_value(of, trade.id, emitted, found, trade.at_us, findings)
        late = until_us is not None and trade.at_us > until_us
        if told is None or number < told.before or late:
            continue
        findings.emitted_trades += 1
        findings.stored_trades += found is not None
        if found is None and put_away(Missing(trade.number or trade.id, trade.at_us), holes):
            findings.in_gaps += 1
        elif found is None and unseen(trade.at_us):
            findings.unseen += 1
        elif found is None:
            lost.append(Loss(number, trade.id, trade.at_us, 1))
    say_lost(f"{of} trade", "trades", lost, findings)
    for row in rows:
        if row.id in stored and (until_us is None or row.at_us <= until_us):
            told_of = f"trade {row.id} at {clock.iso(row.at_us)} is stored and was never emitted"
            findings.say("invented", f"{of} trade: {told_of}")


def _by_id(of: Instrument, rows: Sequence[TradeRow], findings: Findings) -> dict[str, Values]:
    """Return the stored values of trades, and count the rows that are there more than once."""
    stored: dict[str, Values] = {}
    doubled: list[TradeRow] = []
    for row in rows:
        values = (row.side, row.price, row.quantity)
        if row.id not in stored:
            stored[row.id] = values
            continue
        doubled.append(row)
        if stored[row.id] != values:
            _say_value(of, row.id, stored[row.id], values, row.at_us, findings)
    if doubled:
        where = f"first {doubled[0].id} at {clock.iso(doubled[0].at_us)}"
        findings.duplicates += len(doubled)
        findings.say("doubled", f"{of} trade: {len(doubled)} trades are stored more than once, {where}")
    return stored


def _say_value(of: Instrument, trade_id: str, emitted: Values, stored: Values, at_us: int, findings: Findings) -> None:
    told = f"trade {trade_id} at {clock.iso(at_us)} is {_words(emitted)} and stands as {_words(stored)}"
    findings.say("value", f"{of} trade: {told}")


def _words(values: Values) -> str:
    side, price, quantity = values
    return f"{side} {quantity!r} at {price!r}"
