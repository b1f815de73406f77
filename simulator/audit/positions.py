"""Positions: what Postgres holds open against the signed sum of the venues' fills.

A fee that was taken in base coin makes no position smaller in Postgres: what was bought counts whole, and the fees of
all lives stand beside it. So the open quantity is bought less sold, and the base fees are compared by themselves.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from simulator.audit.dealings import Dealings, base_of
from simulator.audit.exact import ZERO, minus, plus, signed, text
from simulator.audit.findings import Findings
from simulator.audit.order_rows import PositionRow

Amounts = dict[tuple[str, str], Decimal]
"""By venue:market and symbol."""


def open_there(dealings: Iterable[Dealings]) -> Amounts:
    """Return what the fills of the venues left open: above zero long, below short."""
    found: Amounts = {}
    for one in (one for dealt in dealings for one in dealt.fills):
        _add(found, (one.place, one.symbol), signed(one.side, one.quantity))
    return found


def open_here(rows: Iterable[PositionRow]) -> Amounts:
    """Return what Postgres has open; a life that is over is flat."""
    found: Amounts = {}
    for row in rows:
        _add(found, (row.place, row.symbol), minus(ZERO, row.quantity) if row.side == "short" else row.quantity)
    return found


def compare_positions(dealings: Iterable[Dealings], rows: Iterable[PositionRow], findings: Findings) -> None:
    """Compare open quantities and base fees of all instruments."""
    every, stored = tuple(dealings), tuple(rows)
    _compare("open quantity", open_here(stored), open_there(every), findings)
    ours: Amounts = {}
    theirs: Amounts = {}
    for row in stored:
        _add(ours, (row.place, row.symbol), row.base_fees)
    for one in (one for dealt in every for one in dealt.fills):
        _add(theirs, (one.place, one.symbol), one.fee if one.fee_coin == base_of(one.symbol) else ZERO)
    _compare("fees in base coin", ours, theirs, findings)


def _add(amounts: Amounts, where: tuple[str, str], amount: Decimal) -> None:
    amounts[where] = plus(amounts.get(where, ZERO), amount)


def _compare(what: str, ours: Amounts, theirs: Amounts, findings: Findings) -> None:
    for where in sorted({*ours, *theirs}):
        here, there = ours.get(where, ZERO), theirs.get(where, ZERO)
        if here != there:
            told = f"{what} is {text(here)} in Postgres and {text(there)} by the venue's fills"
            findings.say("position", f"position {':'.join(where)}: its {told}")
