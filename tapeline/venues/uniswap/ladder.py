"""A pool's liquidity as an order book: one level for each step between two ticks, its price with the fee in it.

Inside a step liquidity is constant, so its average price is the product of the roots at its two ends whatever the
liquidity: exact, and always in order. Its quantity is what a taker gives (bids) or gets (asks) to walk through it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Final

import msgspec

from tapeline.domain.levels import Column
from tapeline.venues.uniswap.pools import Pool
from tapeline.venues.uniswap.ticks import HIGHEST, LOWEST, Q96, WHOLE_FEE, amount0, amount1, root_at, with_fee

STEPS: Final = 200
"""Levels of a side, fewer than the 256 that one word of a pool's map of ticks is sure to reach."""


class State(msgspec.Struct, frozen=True, kw_only=True):
    """A pool at the end of one block: root of the price, tick, liquidity there, and how it changes at which ticks."""

    root: int
    tick: int
    liquidity: int
    nets: Mapping[int, int]


class Step(msgspec.Struct, frozen=True):
    """The way between two roots of the price, at constant liquidity."""

    low: int
    high: int
    liquidity: int


class Level(msgspec.Struct, frozen=True):
    """One level: the price in quote per base, and smallest units of base."""

    price: Fraction
    units: int


def upwards(state: State, spacing: int, most: int) -> Iterator[Step]:
    """Yield the steps that a rising price walks through, at most so many."""
    at, liquidity = state.root, state.liquidity
    tick = (state.tick // spacing + 1) * spacing
    while most and tick <= HIGHEST:
        end = root_at(tick)
        if end > at:
            yield Step(at, end, liquidity)
            most -= 1
        at, liquidity, tick = end, liquidity + state.nets.get(tick, 0), tick + spacing


def downwards(state: State, spacing: int, most: int) -> Iterator[Step]:
    """Yield the steps that a falling price walks through, at most so many."""
    at, liquidity = state.root, state.liquidity
    tick = state.tick // spacing * spacing
    while most and tick >= LOWEST:
        end = root_at(tick)
        if end < at:
            yield Step(end, at, liquidity)
            most -= 1
        at, liquidity, tick = end, liquidity - state.nets.get(tick, 0), tick - spacing


def sides(pool: Pool, state: State, most: int = STEPS) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
    """Return bids and asks, best first; steps without liquidity, or with less than a unit of it, are no levels."""
    up, down = upwards(state, pool.spacing, most), downwards(state, pool.spacing, most)
    rising, falling = (up, down) if pool.base_is_token0 else (down, up)
    bids = tuple(one for one in (bid(pool, step) for step in falling) if one.units > 0)
    return bids, tuple(one for one in (ask(pool, step) for step in rising) if one.units > 0)


def bid(pool: Pool, step: Step) -> Level:
    """Return what the pool pays for base on this step: the taker gives base, and the fee is of what he gives."""
    units = with_fee(_base(pool, step, up=True), pool.fee) if step.liquidity > 0 else 0
    return Level(_price(pool, step) * Fraction(WHOLE_FEE - pool.fee, WHOLE_FEE), units)


def ask(pool: Pool, step: Step) -> Level:
    """Return what the pool asks for base on this step: the taker gives quote, and the fee is of what he gives."""
    units = _base(pool, step, up=False) if step.liquidity > 0 else 0
    return Level(_price(pool, step) * Fraction(WHOLE_FEE, WHOLE_FEE - pool.fee), units)


def columns(pool: Pool, levels: tuple[Level, ...]) -> tuple[Column, Column]:
    """Return the doubles that are nearest to prices and quantities."""
    size = 10**pool.base.decimals
    prices = tuple(one.price.numerator / one.price.denominator for one in levels)
    return prices, tuple(one.units / size for one in levels)


def _base(pool: Pool, step: Step, *, up: bool) -> int:
    between = amount0 if pool.base_is_token0 else amount1
    return between(step.liquidity, step.low, step.high, up=up)


def _price(pool: Pool, step: Step) -> Fraction:
    """Return the average price of a step before fees."""
    raw = Fraction(step.low * step.high, Q96 * Q96)
    return (raw if pool.base_is_token0 else 1 / raw) * pool.unit
