"""Binance's terms of trade: default fees, leverage, order ids that count, and what is refused at once."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from simulator.chance import Chance
from simulator.terms import Terms
from simulator.wallets import Fees
from tapeline.domain.matching import End

_FIRST_ID = 1_000_000_000
_LONGEST_JUMP = 1000


def order_ids(drawn: Chance) -> Iterator[str]:
    """Yield order ids, which grow: other people's orders lie between."""
    number = _FIRST_ID + drawn.below(_FIRST_ID)
    while True:
        number += 1 + drawn.below(_LONGEST_JUMP)
        yield str(number)


TERMS = {
    "spot": Terms(
        fees=Fees(maker=Decimal("0.001"), taker=Decimal("0.001")),
        ids=order_ids,
        refuses=frozenset({End.WOULD_TAKE}),
    ),
    "futures": Terms(
        fees=Fees(maker=Decimal("0.0002"), taker=Decimal("0.0005")),
        ids=order_ids,
        refuses=frozenset({End.WOULD_TAKE, End.NOT_WHOLE, End.NOT_REDUCING}),
        leverage=20,
        most_leverage=125,
        maintenance=Decimal("0.004"),
    ),
}
