"""Sizes of two legs: multiples of both steps, in parts that both take, or a reason."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tapeline.domain.money import exact
from tapeline.strategies.sizing import Size, Unfit, common_step, priced, size
from tests.unit.strategies.views import rules


@pytest.mark.parametrize(
    ("one", "other", "common"),
    [("0.002", "0.003", "0.006"), ("0.001", "0.01", "0.01"), ("1", "0.4", "2"), ("10", "10", "10")],
)
def test_the_common_step_is_the_least_multiple_of_both(one: str, other: str, common: str) -> None:
    assert common_step(Decimal(one), Decimal(other)) == Decimal(common)


def sized(notional: str, parts: int, **changed: Any) -> Size | Unfit:  # noqa: ANN401 - any rule of the second leg
    both = (rules("binance", "futures", "0.01"), rules("bybit", "futures", "0.01", **changed))
    return size(Decimal(notional), Decimal(100), parts, both)


def test_the_size_is_split_in_equal_parts() -> None:
    assert sized("100", 3) == Size(quantity=Decimal("0.99"), parts=3)


def test_there_are_fewer_parts_where_one_would_be_below_a_minimum() -> None:
    assert sized("100", 5, min_quantity=Decimal("0.3")) == Size(quantity=Decimal("0.99"), parts=3)
    assert sized("100", 5, min_notional=Decimal("50.5")) == Size(quantity=Decimal(1), parts=1)


def test_a_part_is_never_more_than_an_order_may_be() -> None:
    assert sized("100", 2, max_quantity=Decimal("0.255")) == Size(quantity=Decimal("0.5"), parts=2)
    assert sized("100", 2, max_market_quantity=Decimal("0.1")) == Size(quantity=Decimal("0.2"), parts=2)


def test_what_no_size_can_meet_is_told() -> None:
    assert sized("4", 1) == Unfit("4 buys 0.04, and the least that both take is 0.05")
    assert sized("100", 1, max_quantity=Decimal("0.02")) == Unfit(
        "the most that both take at once is 0.02, and the least is 0.05"
    )
    assert sized("100", 1, status="reducing") == Unfit("bybit:futures:BTC/USDT is reducing")


def test_prices_stand_on_the_tick_on_the_side_asked_for() -> None:
    one = rules("bybit", "futures", "0.01", price_tick=Decimal("0.5"))

    assert priced(Decimal("10.3"), one, up=True) == Decimal("10.5")
    assert priced(Decimal("10.3"), one, up=False) == Decimal("10.0")
    assert priced(Decimal("10.5"), one, up=True) == Decimal("10.5")


def test_a_float_is_the_decimal_that_it_was_read_from() -> None:
    assert exact(0.1) == Decimal("0.1")
