"""The pools that are read, as data: addresses on Ethereum, their tokens, their fee; what the chain says is compared.

A symbol means one pool, the one of its fee tiers that trades most.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Final

import msgspec

from tapeline.venues.tokens import ETH, USDC, USDT, WBTC, Token

TICK_LENS: Final = "0xbfd8137f7d1516d3ea5ca83523914859ec47f573"


class Pool(msgspec.Struct, frozen=True):
    """One pool: the pair as people trade it, and how the contract has it."""

    address: str
    base: Token
    quote: Token
    fee: int
    spacing: int

    @property
    def symbol(self) -> str:
        """Return the pair."""
        return f"{self.base.name}/{self.quote.name}"

    @property
    def base_is_token0(self) -> bool:
        """Whether the contract, which sorts by address, has the base first: then its price goes up with the tick."""
        return self.base.address < self.quote.address

    @property
    def tokens(self) -> tuple[Token, Token]:
        """Return token0 and token1."""
        return (self.base, self.quote) if self.base_is_token0 else (self.quote, self.base)

    @property
    def unit(self) -> Fraction:
        """Return what one smallest unit of quote for one of base is as a price."""
        return Fraction(10) ** (self.base.decimals - self.quote.decimals)


_ALL: Final = (
    Pool("0x88e6a0c2ddd26feeb64f039a2c41296fcb3f5640", ETH, USDC, 500, 10),
    Pool("0x11b815efb8f581194ae79006d24e0d814b7697f6", ETH, USDT, 500, 10),
    Pool("0xcbcdf9626bc03e24f779434178a73a0b4bad62ed", WBTC, ETH, 3000, 60),
    Pool("0x99ac8ca7087fa4a2a1fb6357269965a2014abc35", WBTC, USDC, 3000, 60),
    Pool("0x3416cf6c708da44db2624d63ea0aaef7113527c6", USDC, USDT, 100, 1),
)
POOLS: Final[Mapping[str, Pool]] = {one.address: one for one in _ALL}
SYMBOLS: Final[Mapping[str, Pool]] = {one.symbol: one for one in _ALL}
