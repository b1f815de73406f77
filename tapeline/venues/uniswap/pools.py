"""The pools that are read, as data: addresses on Ethereum, their tokens, their fee; what the chain says is compared.

A symbol means one pool, the one of its fee tiers that trades most. WETH is called ETH, which its contract exchanges one
for one; WBTC is somebody's promise of a bitcoin, so it keeps its own name.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Final

import msgspec

CHAIN: Final = 1
TICK_LENS: Final = "0xbfd8137f7d1516d3ea5ca83523914859ec47f573"


class Token(msgspec.Struct, frozen=True):
    """One token: what we call it, its address in lower case, and how many decimals its smallest unit stands behind."""

    name: str
    address: str
    decimals: int

    def amount(self, units: int) -> Decimal:
        """Return an amount of smallest units in whole tokens, exactly."""
        return Decimal(units).scaleb(-self.decimals) if units else Decimal(0)


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


USDC: Final = Token("USDC", "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48", 6)
USDT: Final = Token("USDT", "0xdac17f958d2ee523a2206206994597c13d831ec7", 6)
ETH: Final = Token("ETH", "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2", 18)
WBTC: Final = Token("WBTC", "0x2260fac5e5542a773aa44fbcfedf7c193bc2c599", 8)

_ALL: Final = (
    Pool("0x88e6a0c2ddd26feeb64f039a2c41296fcb3f5640", ETH, USDC, 500, 10),
    Pool("0x11b815efb8f581194ae79006d24e0d814b7697f6", ETH, USDT, 500, 10),
    Pool("0xcbcdf9626bc03e24f779434178a73a0b4bad62ed", WBTC, ETH, 3000, 60),
    Pool("0x99ac8ca7087fa4a2a1fb6357269965a2014abc35", WBTC, USDC, 3000, 60),
    Pool("0x3416cf6c708da44db2624d63ea0aaef7113527c6", USDC, USDT, 100, 1),
)
POOLS: Final[Mapping[str, Pool]] = {one.address: one for one in _ALL}
SYMBOLS: Final[Mapping[str, Pool]] = {one.symbol: one for one in _ALL}
