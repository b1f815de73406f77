"""What a venue and market asks of those who trade there: fees, leverage, ids, and the key that the seed gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from simulator import chance
from simulator.chance import Chance
from simulator.wallets import Fees
from tapeline.domain.matching import End

FUNDING_S = 8 * 3600
"""How often the venues pay funding."""
_KEY_DIGITS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """`refuses` are the ends that the venue says no to at once; any other order is taken first and ends then.

    `leverage`, `most_leverage` and `maintenance` mean something on futures; `once` tells that a client id is never free
    again.
    """

    fees: Fees
    ids: Callable[[Chance], Iterator[str]]
    refuses: frozenset[End]
    once: bool = False
    leverage: int = 1
    most_leverage: int = 1
    maintenance: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Key:
    """What a client signs with."""

    key: str
    secret: str = field(repr=False)


def key_of(seed: int, venue: str) -> Key:
    """Return the key of a venue, the same on all its markets."""
    drawn = chance.stream(seed, venue, "key")
    return Key(drawn.hex(_KEY_DIGITS), drawn.hex(_KEY_DIGITS))
