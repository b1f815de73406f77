"""Pools as they might be on Ethereum today, with liquidity around the price, and traders who move them."""

from __future__ import annotations

from simulator.chance import Chance
from simulator.dex.chain import Chain, Coin, PoolContract
from simulator.dex.curve import Curve, sqrt_at

USDC = Coin("0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48", 6)
USDT = Coin("0xdac17f958d2ee523a2206206994597c13d831ec7", 6)
WETH = Coin("0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2", 18)
WBTC = Coin("0x2260fac5e5542a773aa44fbcfedf7c193bc2c599", 8)
ETH_USDC = "0x88e6a0c2ddd26feeb64f039a2c41296fcb3f5640"
ETH_USDT = "0x11b815efb8f581194ae79006d24e0d814b7697f6"
# Address, token0, token1, fee, spacing, tick, liquidity; the order of tokens is that of their addresses.
_POOLS = (
    (ETH_USDC, USDC, WETH, 500, 10, 196_256, 20 * 10**18),
    (ETH_USDT, WETH, USDT, 500, 10, -196_256, 15 * 10**18),
    ("0xcbcdf9626bc03e24f779434178a73a0b4bad62ed", WBTC, WETH, 3000, 60, 264_300, 10**17),
    ("0x99ac8ca7087fa4a2a1fb6357269965a2014abc35", WBTC, USDC, 3000, 60, 68_000, 10**12),
    ("0x3416cf6c708da44db2624d63ea0aaef7113527c6", USDC, USDT, 100, 1, 2, 10**16),
)
_SPANS = (2, 7, 40, 150)
"""So many steps away liquidity begins and ends, each span with its share of it."""


def genesis(time_s: int) -> Chain:
    """Return a chain whose first block has all pools with liquidity."""
    chain = Chain({})
    for address, token0, token1, fee, spacing, tick, liquidity in _POOLS:
        curve = Curve(fee=fee, spacing=spacing, root=sqrt_at(tick), tick=tick)
        middle = tick // spacing * spacing
        for steps in _SPANS:
            curve.provide(middle - steps * spacing, middle + (steps + 1) * spacing, liquidity // len(_SPANS))
        chain.pools[address] = PoolContract(address, token0, token1, curve)
    _ = chain.seal(time_s)
    return chain


def trade(chain: Chain, chance: Chance) -> None:
    """Let a few traders into the next block, and now and then somebody who brings liquidity or takes it."""
    for address, pool in chain.pools.items():
        for _ in range(chance.below(3)):
            zero_for_one = chance.random() < 1 / 2
            # A small part of what is in range: prices stay where they began, and move by less than fees in some blocks.
            root, liquidity = pool.curve.root, pool.curve.liquidity
            held = (liquidity << 96) // root if zero_for_one else liquidity * root >> 96
            chain.swap(address, 1 + held * (1 + chance.below(100)) // 1_000_000, zero_for_one=zero_for_one)
        if chance.random() < 1 / 10:
            middle = pool.curve.tick // pool.curve.spacing * pool.curve.spacing
            steps = (1 + chance.below(20)) * pool.curve.spacing
            chain.provide(address, middle - steps, middle + steps, max(1, pool.curve.liquidity // 50))
