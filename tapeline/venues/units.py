"""Public quantities in base currency, whatever the venue counts in: the nearest double to the product, or its text.

Most are whole contracts of a size that is a decimal: multiplied and divided by whole numbers they are exact.
"""

from __future__ import annotations

from decimal import Context, Decimal
from typing import Final, TypeVar

import msgspec

from tapeline.domain.book import BookDelta, BookSnapshot
from tapeline.domain.exact import DIGITS, Exact, too_long
from tapeline.domain.levels import Column
from tapeline.venues.contract import PublicTrade

E = TypeVar("E", BookDelta, BookSnapshot, PublicTrade)
_EXACT: Final = Context(prec=100)
_MOST: Final = 2**53


class Contract:
    """How much base currency one contract of an instrument is."""

    def __init__(self, size: Decimal) -> None:
        """Take its size, above 0."""
        self.size = size
        self._up, self._down = size.as_integer_ratio()

    def base(self, quantity: float) -> float:
        """Return a number of contracts in base currency."""
        if quantity.is_integer() and quantity * self._up < _MOST:
            return quantity * self._up / self._down
        # Both factors are short decimals, so their product is the one with so many digits.
        return float(f"{quantity * self._up / self._down:.{DIGITS}g}")

    def column(self, quantities: Column) -> Column:
        """Return a column of numbers of contracts in base currency."""
        return tuple([self.base(quantity) for quantity in quantities])

    def text(self, quantity: str) -> str:
        """Return a number of contracts in base currency, exactly."""
        return format(_EXACT.multiply(Decimal(quantity), self.size), "f")


def in_base(event: E, contract: Contract) -> E:
    """Return an event with its quantities in base currency."""
    exact = None if event.exact is None else _exact(event.exact, contract)
    if isinstance(event, PublicTrade):
        return msgspec.structs.replace(event, quantity=contract.base(event.quantity), exact=exact)
    return msgspec.structs.replace(
        event,
        bid_quantities=contract.column(event.bid_quantities),
        ask_quantities=contract.column(event.ask_quantities),
        exact=exact,
    )


def _exact(texts: Exact, contract: Contract) -> Exact | None:
    """Return the texts that a double still cannot hold, those of quantities in base currency."""
    found: Exact = {}
    for name, text in texts.items():
        kept = contract.text(text) if "quantit" in name else text
        if too_long(kept):
            found[name] = kept
    return found or None
