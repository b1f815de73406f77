"""Exact arithmetic of money: sums and products lose nothing; a quotient is rounded to 18 decimals and only shown."""

from __future__ import annotations

from decimal import Context, Decimal
from typing import Final

ZERO: Final = Decimal(0)
_EXACT: Final = Context(prec=200)
_SCALE: Final = Decimal("1e-18")


def plus(*amounts: Decimal) -> Decimal:
    """Return the exact sum."""
    total = ZERO
    for amount in amounts:
        total = _EXACT.add(total, amount)
    return total


def minus(one: Decimal, other: Decimal) -> Decimal:
    """Return the exact difference."""
    return _EXACT.subtract(one, other)


def times(one: Decimal, other: Decimal) -> Decimal:
    """Return the exact product."""
    return _EXACT.multiply(one, other)


def per(value: Decimal, quantity: Decimal) -> Decimal | None:
    """Return value per quantity to 18 decimals; None of nothing."""
    return None if quantity == 0 else rounded(_EXACT.divide(value, quantity))


def rounded(amount: Decimal) -> Decimal:
    """Return an amount to 18 decimals, as records and columns hold it."""
    return _EXACT.quantize(amount, _SCALE).normalize(_EXACT)


def text(amount: Decimal) -> str:
    """Return an amount for people, the same for equal amounts: no zeros behind it, no exponent."""
    return format(amount.normalize(_EXACT), "f")


def exact(number: float) -> Decimal:
    """Return the decimal that a float was read from: its shortest text."""
    return Decimal(repr(number))
