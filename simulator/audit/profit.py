"""Profit as exact cash flow, once from the rows of Postgres and once from the journals alone; no averages.

Quote coin that fills brought in less what they cost, less fees (one in base coin at the price of its fill), plus
funding, plus what is open at the market's last middle price. What accounts began with counts on neither side.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec

from simulator.audit.dealings import Dealings
from simulator.audit.exact import ZERO, minus, plus, signed, text, times
from simulator.audit.findings import Findings
from simulator.audit.order_rows import Kept
from simulator.audit.positions import Amounts, open_here, open_there


class Profit(msgspec.Struct, frozen=True, kw_only=True):
    """Exact amounts of quote coin as text; `error` is ours less the simulator's and must be 0."""

    ours: str = "0"
    simulator: str = "0"
    error: str = "0"


def profit(dealings: Iterable[Dealings], kept: Kept, findings: Findings) -> Profit:
    """Return the profit of all fills, both ways."""
    every = tuple(dealings)
    mids = {(dealt.place, symbol): price for dealt in every for symbol, price in dealt.mids.items()}
    dealt = [one for found in every for one in found.fills]
    here, there = open_here(kept.positions), open_there(every)
    for where in sorted(where for where in {*here, *there} if where not in mids):
        if here.get(where) or there.get(where):
            findings.say(
                "profit", f"position {':'.join(where)}: no price of it stands in the journal, it counts nothing"
            )
    ours = plus(
        *(times(minus(ZERO, signed(row.side, row.quantity)), row.price) for row in kept.fills),
        *(minus(ZERO, row.fee_quote) for row in kept.fills),
        *(row.funding for row in kept.positions),
        _left(here, mids),
    )
    simulator = plus(
        *(times(minus(ZERO, signed(one.side, one.quantity)), one.price) for one in dealt),
        *(minus(ZERO, one.fee_quote) for one in dealt),
        *(paid.amount for found in every for paid in found.payments),
        _left(there, mids),
    )
    error = minus(ours, simulator)
    if error:
        findings.say("profit", f"profit: it is {text(ours)} by Postgres and {text(simulator)} by the journals")
    return Profit(ours=text(ours), simulator=text(simulator), error=text(error))


def _left(amounts: Amounts, mids: Mapping[tuple[str, str], Decimal]) -> Decimal:
    return plus(*(times(quantity, mids.get(where, ZERO)) for where, quantity in amounts.items()))
