"""The page docs/write-a-strategy.md: its strategy runs, its tests pass, also in the agent with its memory (C-23)."""

from __future__ import annotations

import dataclasses
import re
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tapeline.domain.account_records import Slot
from tapeline.domain.events import Book
from tapeline.domain.order_records import Memory, PlaceOrder, Remember
from tapeline.strategies.contract import Instance
from tapeline.strategies.holdings import empty
from tests.unit.processors.strategy_desk import StrategyDesk
from tests.unit.strategies.views import DEAR, book, portfolio

PAGE = Path(__file__).parents[3] / "docs" / "write-a-strategy.md"


@pytest.fixture
def page() -> Iterator[dict[str, Any]]:
    """Run the page's blocks as one module and return its names."""
    module = types.ModuleType("dip")
    vars(module).update(Book=Book, dataclasses=dataclasses, empty=empty)
    # msgspec looks a struct's annotations up in its module.
    sys.modules["dip"] = module
    try:
        for block in re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL):
            exec(compile(block, PAGE.name, "exec", dont_inherit=True), vars(module))  # noqa: S102 - the page itself is what is tested
        yield vars(module)
    finally:
        del sys.modules["dip"]


def test_the_tests_of_the_page_pass(page: dict[str, Any]) -> None:
    tests = [name for name in page if name.startswith("test_")]
    for name in tests:
        page[name]()

    assert len(tests) == 3


def test_the_strategy_of_the_page_runs_in_the_agent_and_remembers(page: dict[str, Any]) -> None:
    one = Instance(name="dip-1", strategy=page["DIP"], parameters=page["DipParameters"](), account="main")
    desk = StrategyDesk((one,))

    def at(price: float, sequence: int) -> Book:
        return book("bybit", "futures", price, price + 1, sequence=sequence)

    [first] = desk.hand(at(100.0, 1))
    assert (first.command, first.memory) == (
        Remember(replaces=0),
        Memory(version=1, kind="DipMemory", body='{"peak":100.0}'),
    )
    # Until it is stored and comes back, the memory is the old one.
    assert desk.hand(at(101.0, 2)) == []
    stored = portfolio(strategy="dip-1", version=1, memory=first.memory, slots=(Slot(slot=0, round=3),))
    event = {"strategy": "dip-1", "symbol": "BTC/USDT", "intent_id": first.intent_id, "kind": "intent_settled"}
    desk.hand(event | {"at_us": 0}, stored)
    [second] = desk.hand(at(98.0, 3))

    assert isinstance(second.command, PlaceOrder)
    assert (second.round, second.memory, second.evidence) == (3, None, {"price": 98.0})
    assert DEAR in desk.board.books["BTC/USDT"]
