"""Instances are made of settings, with checked parameters; what is wrong is told with the fix."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tapeline.errors import Misconfigured
from tapeline.strategies.contract import Instance
from tapeline.strategies.registry import Order, instances, ordered
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


def test_a_table_of_settings_is_an_instance_on_all_symbols_unless_it_names_some() -> None:
    some, all_ = instances(
        ordered(
            [
                {"name": "a", "strategy": "two-leg", "symbols": ["BTC/USDT"]},
                {"name": "b", "strategy": "two-leg", "parameters": {"parts": "2"}},
            ]
        )
    )

    assert (some.trades("BTC/USDT"), some.trades("ANY/USDT")) == (True, False)
    assert (all_.trades("ANY/USDT"), all_.parameters) == (True, TwoLegParameters(parts=2))


def test_a_wrong_table_is_told_with_its_number_and_key() -> None:
    with pytest.raises(Misconfigured, match=r"strategies.run, instance 2: .*strategie"):
        _ = ordered([{"name": "a", "strategy": "two-leg"}, {"name": "b", "strategie": "two-leg"}])


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
