"""Sizes that both legs of a two-leg trade take, part by part: multiples of a common step, within all limits (K22).

A size that one of the two instruments would refuse is not asked for: the answer says why instead.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import Final

import msgspec

from tapeline.domain.events import Instrument

_EXACT: Final = Context(prec=60)
_FLOOR: Final = Context(prec=60, rounding=ROUND_FLOOR)
_CEILING: Final = Context(prec=60, rounding=ROUND_CEILING)


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """A whole size in base currency that splits into equal parts, each of which both instruments take."""

    quantity: Decimal
    parts: int


class Unfit(msgspec.Struct, frozen=True):
    """There is no such size, and why."""

    reason: str


def common_step(*steps: Decimal) -> Decimal:
    """Return the smallest quantity that is a multiple of every step."""
    ratios = [step.as_integer_ratio() for step in steps]
    scale = math.lcm(*(below for _, below in ratios))
    whole = math.lcm(*(above * (scale // below) for above, below in ratios))
    return _EXACT.divide(Decimal(whole), Decimal(scale))


def size(notional: Decimal, price: Decimal, parts: int, rules: Iterable[Instrument]) -> Size | Unfit:
    """Return the largest size worth at most `notional` at `price`, in as many of `parts` parts as the minimums permit.

    `price` is the lower of the two legs' prices, at which the least value of an order is met last.
    """
    both = tuple(rules)
    for one in both:
        if one.status != "trading":
            return Unfit(f"{one.key} is {one.status}")
    step = common_step(*(one.quantity_step for one in both))
    least = _least(step, price, both)
    wanted = _down(_FLOOR.divide(notional, price), step)
    if wanted < least:
        return Unfit(f"{_text(notional)} buys {_text(wanted)}, and the least that both take is {_text(least)}")
    split = min(parts, int(_FLOOR.divide_int(wanted, least)))
    each = _down(_FLOOR.divide(wanted, Decimal(split)), step)
    most = _most(step, both)
    each = each if most is None else min(each, most)
    if each < least:
        return Unfit(f"the most that both take at once is {_text(each)}, and the least is {_text(least)}")
    return Size(quantity=_EXACT.multiply(each, Decimal(split)), parts=split)


def priced(price: Decimal, rules: Instrument, *, up: bool) -> Decimal:
    """Return a price on the instrument's tick, not below it or not above it."""
    return _up(price, rules.price_tick) if up else _down(price, rules.price_tick)


def _least(step: Decimal, price: Decimal, rules: Iterable[Instrument]) -> Decimal:
    """Return the smallest multiple of the step that reaches every minimum, of quantity and of value."""
    found = step
    for one in rules:
        found = max(found, _up(one.min_quantity or step, step))
        if one.min_notional is not None:
            found = max(found, _up(_CEILING.divide(one.min_notional, price), step))
    return found


def _most(step: Decimal, rules: Iterable[Instrument]) -> Decimal | None:
    limits = [limit for one in rules for limit in (one.max_quantity, one.max_market_quantity) if limit is not None]
    return _down(min(limits), step) if limits else None


def _down(number: Decimal, step: Decimal) -> Decimal:
    return _EXACT.multiply(_FLOOR.divide_int(number, step), step)


def _up(number: Decimal, step: Decimal) -> Decimal:
    whole, rest = _EXACT.divmod(number, step)
    return _EXACT.multiply(whole + 1 if rest else whole, step)


def _text(number: Decimal) -> str:
    return format(number.normalize(_EXACT), "f")
