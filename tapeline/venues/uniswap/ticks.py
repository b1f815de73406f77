"""Prices and amounts of a pool as whole numbers, to the last unit what its contract computes; nothing here is a float.

A pool's price is the root of token1 per token0 in smallest units, times 2^96. Between two ticks with liquidity the pool
is a curve of constant product, so amounts have a closed form: what a trader pays is rounded up, what he gets down.
"""

from __future__ import annotations

from typing import Final

Q96: Final = 1 << 96
LOWEST: Final = -887_272
HIGHEST: Final = 887_272
LEAST_ROOT: Final = 4_295_128_739
MOST_ROOT: Final = 1_461_446_703_485_210_103_287_273_052_203_988_822_378_723_970_342
WHOLE_FEE: Final = 1_000_000
"""Fees are counted in millionths of what is paid in."""
_UNIT: Final = 1 << 128
# 2^128 / 1.0001^(2^n / 2) for each bit n of a tick.
_FACTORS: Final = (
    0xFFFCB933BD6FAD37AA2D162D1A594001,
    0xFFF97272373D413259A46990580E213A,
    0xFFF2E50F5F656932EF12357CF3C7FDCC,
    0xFFE5CACA7E10E4E61C3624EAA0941CD0,
    0xFFCB9843D60F6159C9DB58835C926644,
    0xFF973B41FA98C081472E6896DFB254C0,
    0xFF2EA16466C96A3843EC78B326B52861,
    0xFE5DEE046A99A2A811C461F1969C3053,
    0xFCBE86C7900A88AEDCFFC83B479AA3A4,
    0xF987A7253AC413176F2B074CF7815E54,
    0xF3392B0822B70005940C7A398E4B70F3,
    0xE7159475A2C29B7443B29C7FA6E889D9,
    0xD097F3BDFD2022B8845AD8F792AA5825,
    0xA9F746462D870FDF8A65DC1F90E061E5,
    0x70D869A156D2A1B890BB3DF62BAF32F7,
    0x31BE135F97D08FD981231505542FCFA6,
    0x9AA508B5B7A84E1C677DE54F3E99BC9,
    0x5D6AF8DEDB81196699C329225EE604,
    0x2216E584F5FA1EA926041BEDFE98,
    0x48A170391F7DC42444E8FA2,
)


def root_at(tick: int) -> int:
    """Return the root of the price at a tick, rounded up."""
    if not LOWEST <= tick <= HIGHEST:
        message = f"a tick is between {LOWEST} and {HIGHEST}, not {tick}"
        raise ValueError(message)
    ratio = _UNIT
    for bit, factor in enumerate(_FACTORS):
        if abs(tick) >> bit & 1:
            ratio = factor if ratio == _UNIT else ratio * factor >> 128
    if tick > 0:
        ratio = ((1 << 256) - 1) // ratio
    return -(-ratio >> 32)


def tick_at(root: int) -> int:
    """Return the highest tick whose root of the price is not above this one."""
    if not LEAST_ROOT <= root <= MOST_ROOT:
        message = f"a root is between {LEAST_ROOT} and {MOST_ROOT}, not {root}"
        raise ValueError(message)
    low, high = LOWEST, HIGHEST
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if root_at(middle) <= root else (low, middle - 1)
    return low


def amount0(liquidity: int, low: int, high: int, *, up: bool) -> int:
    """Return how much token0 lies between two roots of the price, at this liquidity."""
    # Rounded twice, as the contract does it.
    top, first = liquidity * Q96 * (high - low), high
    return ceil_div(ceil_div(top, first), low) if up else top // first // low


def amount1(liquidity: int, low: int, high: int, *, up: bool) -> int:
    """Return how much token1 lies between two roots of the price, at this liquidity."""
    top = liquidity * (high - low)
    return ceil_div(top, Q96) if up else top // Q96


def with_fee(amount: int, fee: int) -> int:
    """Return what is paid in so that this much of it goes into the curve."""
    return amount + ceil_div(amount * fee, WHOLE_FEE - fee)


def ceil_div(top: int, bottom: int) -> int:
    """Return a quotient of whole numbers, rounded up."""
    return -(-top // bottom)
