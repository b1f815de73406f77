"""The pairs that are quoted, as data: their tokens, and the sizes that are asked about on each side, least first.

A size of the asks is what is paid, in quote: the venue answers only what an amount that is given buys. Sizes are round
numbers of about the same worth on both sides; they are no limits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from tapeline.venues.tokens import ETH, USDC, USDT, WBTC, Token

SIZES: Final = 3
"""Levels of a side, at most."""


class Pair(msgspec.Struct, frozen=True):
    """One pair, and how much of each token is offered, in smallest units."""

    base: Token
    quote: Token
    sells: tuple[int, ...]
    spends: tuple[int, ...]

    @property
    def symbol(self) -> str:
        """Return the pair as people trade it."""
        return f"{self.base.name}/{self.quote.name}"

    @property
    def native(self) -> str:
        """Return the addresses of both tokens: the venue has no other name for a pair."""
        return f"{self.base.address}-{self.quote.address}"


_MILLI_ETH: Final = 10**15
_MILLI_BTC: Final = 10**5
_DOLLAR: Final = 10**6
_ETHERS: Final = (100 * _MILLI_ETH, 1_000 * _MILLI_ETH, 5_000 * _MILLI_ETH)
_BITCOINS: Final = (10 * _MILLI_BTC, 100 * _MILLI_BTC, 500 * _MILLI_BTC)
_DOLLARS: Final = (1_000 * _DOLLAR, 10_000 * _DOLLAR, 50_000 * _DOLLAR)
_FOR_ETHERS: Final = (300 * _DOLLAR, 3_000 * _DOLLAR, 15_000 * _DOLLAR)

_ALL: Final = (
    Pair(ETH, USDC, _ETHERS, _FOR_ETHERS),
    Pair(ETH, USDT, _ETHERS, _FOR_ETHERS),
    Pair(WBTC, ETH, _BITCOINS, (300 * _MILLI_ETH, 3_000 * _MILLI_ETH, 15_000 * _MILLI_ETH)),
    Pair(WBTC, USDC, _BITCOINS, _DOLLARS),
    Pair(USDC, USDT, _DOLLARS, _DOLLARS),
)
PAIRS: Final[Mapping[str, Pair]] = {one.native: one for one in _ALL}
SYMBOLS: Final[Mapping[str, Pair]] = {one.symbol: one for one in _ALL}
