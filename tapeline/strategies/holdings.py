"""What a portfolio means for a strategy: slots that were never used, and the strictest of several desired states."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from tapeline.domain.account_records import Portfolio, Slot
from tapeline.domain.order_records import DesiredState

FIRST_ROUND: Final = 0
"""The round of a slot that was never used."""
_STRICTNESS: Final[tuple[DesiredState, ...]] = ("RUNNING", "REDUCING", "HALTED")


def empty(strategy: str, symbol: str, account: str) -> Portfolio:
    """Return the portfolio of a strategy that the executor has said nothing about yet."""
    return Portfolio(
        strategy=strategy,
        symbol=symbol,
        account=account,
        version=0,
        desired="RUNNING",
        slots=(),
        orders=(),
        positions=(),
        realized_pnl=Decimal(0),
        at_us=0,
    )


def slot_of(portfolio: Portfolio, number: int) -> Slot:
    """Return a slot; one that was never used is free and in its first round."""
    for one in portfolio.slots:
        if one.slot == number:
            return one
    return Slot(slot=number, round=FIRST_ROUND)


def strictest(*wanted: DesiredState) -> DesiredState:
    """Return the one of several desired states that permits least; of none, RUNNING."""
    return max(wanted, key=_STRICTNESS.index, default="RUNNING")
