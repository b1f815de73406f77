"""The audit knows which markets it cannot compare: those of a chain, and no others."""

from __future__ import annotations

from simulator.audit.rows import Instrument
from simulator.audit.running import without_journal

POOL, QUOTES = Instrument("uniswap", "spot", "ETH/USDC"), Instrument("1inch", "spot", "ETH/USDC")


def test_x_12_the_venues_of_a_chain_keep_no_journal() -> None:
    assert without_journal((POOL, Instrument("bybit", "spot", "ETH/USDC"), QUOTES)) == {POOL, QUOTES}
