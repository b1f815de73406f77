"""The audit's own arithmetic of money: sums and products that would lose a digit are an error, never rounded."""

from __future__ import annotations

from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow
from typing import Final

ZERO: Final = Decimal(0)
_EXACT: Final = Context(prec=400, traps=[Inexact, InvalidOperation, Overflow])


def plus(*amounts: Decimal) -> Decimal:
    """Return the sum."""
    total = ZERO
    for amount in amounts:
        total = _EXACT.add(total, amount)
    return total


def minus(one: Decimal, other: Decimal) -> Decimal:
    """Return the difference."""
    return _EXACT.subtract(one, other)


def times(one: Decimal, other: Decimal) -> Decimal:
    """Return the product."""
    return _EXACT.multiply(one, other)


def signed(side: str, quantity: Decimal) -> Decimal:
    """Return a quantity above zero where it was bought, below where it was sold."""
    return quantity if side == "buy" else minus(ZERO, quantity)


def text(amount: Decimal) -> str:
    """Return an amount, the same for equal amounts: no zeros behind it, no exponent, no sign before nothing."""
    return format(amount.normalize(_EXACT), "f") if amount else "0"
