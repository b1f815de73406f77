"""Bybit's terms of trade: default fees, leverage, order ids by product, client ids that are never free again."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from simulator.chance import Chance
from simulator.faces.texts import as_uuid
from simulator.terms import Terms
from simulator.wallets import Fees
from tapeline.domain.matching import End

_FIRST_ID = 1_900_000_000_000_000_000
_LONGEST_JUMP = 1_000_000
_UUID_DIGITS = 32


def numbers(drawn: Chance) -> Iterator[str]:
    """Yield order ids of spot: long numbers."""
    number = _FIRST_ID + drawn.below(_LONGEST_JUMP)
    while True:
        number += 1 + drawn.below(_LONGEST_JUMP)
        yield str(number)


def uuids(drawn: Chance) -> Iterator[str]:
    """Yield order ids of linear: UUIDs."""
    while True:
        yield as_uuid(drawn.hex(_UUID_DIGITS))


TERMS = {
    "spot": Terms(
        fees=Fees(maker=Decimal("0.001"), taker=Decimal("0.001")),
        ids=numbers,
        # Anything else is taken first: the answer only says that the order was received.
        refuses=frozenset(),
        once=True,
    ),
    "futures": Terms(
        fees=Fees(maker=Decimal("0.0002"), taker=Decimal("0.00055")),
        ids=uuids,
        refuses=frozenset({End.NOT_REDUCING}),
        once=True,
        leverage=10,
        most_leverage=100,
        maintenance=Decimal("0.005"),
    ),
}
