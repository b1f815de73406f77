"""Tokens on Ethereum by the names that people use, for venues whose markets are contracts; whole amounts are exact.

WETH is called ETH, which its contract exchanges one for one; WBTC is somebody's promise of a bitcoin, so it keeps its
own name.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import msgspec

from tapeline.domain.events import Instrument
from tapeline.venues.contract import Facts

CHAIN: Final = 1
"""Ethereum's own number among the chains that are like it."""


class Token(msgspec.Struct, frozen=True):
    """One token: what we call it, its address in lower case, and how many decimals its smallest unit stands behind."""

    name: str
    address: str
    decimals: int

    def amount(self, units: int) -> Decimal:
        """Return an amount of smallest units in whole tokens, exactly."""
        return Decimal(units).scaleb(-self.decimals) if units else Decimal(0)


USDC: Final = Token("USDC", "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48", 6)
USDT: Final = Token("USDT", "0xdac17f958d2ee523a2206206994597c13d831ec7", 6)
ETH: Final = Token("ETH", "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2", 18)
WBTC: Final = Token("WBTC", "0x2260fac5e5542a773aa44fbcfedf7c193bc2c599", 8)


def pair(facts: Facts, native: str, base: Token, quote: Token, received_us: int) -> Instrument:
    """Return a pair as an instrument: a chain has no rules but the smallest units."""
    return Instrument(
        venue=facts.venue,
        market=facts.market,
        symbol=f"{base.name}/{quote.name}",
        native=native,
        base=base.name,
        quote=quote.name,
        status="trading",
        price_tick=Decimal(1).scaleb(-quote.decimals),
        quantity_step=Decimal(1).scaleb(-base.decimals),
        contract_size=Decimal(1),
        maker_fee=Decimal(facts.maker_fee),
        taker_fee=Decimal(facts.taker_fee),
        received_us=received_us,
        published_us=received_us,
    )
