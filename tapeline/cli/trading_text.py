"""Money, times and states of trading as they are read: JSON has every digit as text, a table eight decimals."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Final

from tapeline.cli.view import Cell, Style
from tapeline.domain import money
from tapeline.domain.order_records import OrderStatus
from tapeline.runtime import clock

STATUSES: Final[dict[OrderStatus, Style]] = {
    "PENDING": "warn",
    "PLACED": "",
    "PARTIALLY_FILLED": "",
    "FILLED": "good",
    "CANCELLED": "dim",
    "REJECTED": "bad",
    "EXPIRED": "dim",
    "UNKNOWN": "bad",
}
_SHOWN: Final = Decimal("1e-8")
_ROUND: Final = Context(prec=200, rounding=ROUND_HALF_EVEN)


def exact(amount: Decimal | None) -> str | None:
    """Return an amount whole, as JSON has it; None stays None."""
    return None if amount is None else money.text(amount)


def shown(amount: Decimal | None) -> str | None:
    """Return an amount for a table, to eight decimals."""
    return None if amount is None else money.text(_rounded(amount))


def gained(amount: Decimal | None) -> Cell | None:
    """Return a profit with its sign: good above zero, bad below."""
    if amount is None:
        return None
    rounded = _rounded(amount)
    if rounded > 0:
        return Cell(f"+{money.text(rounded)}", "good")
    return Cell(money.text(rounded), "bad" if rounded < 0 else "dim")


def _rounded(amount: Decimal) -> Decimal:
    found = _ROUND.quantize(amount, _SHOWN)
    return found or abs(found)  # no sign where nothing is left


def moment(at_us: int) -> str:
    """Return a time to the millisecond, for a table."""
    return clock.iso(at_us)[:23].replace("T", " ")


def place(venue: str, market: str) -> str:
    """Return where something is dealt, in two words."""
    return f"{venue} {market}"
