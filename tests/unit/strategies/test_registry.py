"""Instances are made of settings, with checked parameters; what is wrong is told with the fix."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tapeline.errors import Misconfigured
from tapeline.strategies.contract import Instance
from tapeline.strategies.registry import DEFAULT, STRATEGIES, Order, instances
from tapeline.strategies.two_leg import TWO_LEG, TwoLegParameters


def test_an_instance_has_its_strategy_parameters_account_and_symbols() -> None:
    order = Order(
        name="arb-1", strategy="two-leg", account="a", symbols=("BTC/USDT",), parameters={"notional": "250", "parts": 2}
    )

    assert instances((order,)) == (
        Instance(
            name="arb-1",
            strategy=TWO_LEG,
            parameters=TwoLegParameters(notional=Decimal(250), parts=2),
            account="a",
            symbols=frozenset({"BTC/USDT"}),
        ),
    )


def test_by_default_two_leg_trades_every_symbol() -> None:
    [found] = instances(DEFAULT)

    assert (found.strategy, found.trades("ANY/USDT"), STRATEGIES["two-leg"]) == (TWO_LEG, True, TWO_LEG)


@pytest.mark.parametrize(
    ("orders", "told"),
    [
        ((Order(name="a", strategy="two-lag"),), "there is no strategy 'two-lag'.*did you mean 'two-leg'"),
        ((Order(name="a:b", strategy="two-leg"),), "'a:b' is no name"),
        ((Order(name="a", strategy="two-leg", parameters={"size": 1}),), "a: .*size"),
        ((Order(name="a", strategy="two-leg", parameters={"notional": 0}),), "a: notional 0"),
        ((Order(name="a", strategy="two-leg"), Order(name="a", strategy="two-leg")), "have the name 'a'"),
    ],
)
def test_a_wrong_instance_is_told(orders: tuple[Order, ...], told: str) -> None:
    with pytest.raises(Misconfigured, match=told):
        instances(orders)
