"""Profit as it is shown: per strategy and symbol over all venues, the total last, null where a price is missing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from tapeline.cli.render import to_json
from tapeline.cli.trading_marks import Mark, Marks
from tapeline.cli.trading_pnl import answer, standings, view
from tapeline.cli.view import Cell, Grid, line, row
from tapeline.domain.pnl import Flow
from tapeline.domain.positions import OurPosition
from tapeline.runtime.trading_rows import Dealt

D = Decimal

BOUGHT = Dealt(
    account="main", strategy="two-leg", venue="bybit", market="futures", symbol="BTC/USDT", fills=3,
    flow=Flow(bought=D(3), bought_value=D(300), sold=D(1), sold_value=D(110), fees=D("0.41")), funding=D("-0.5"),
)  # fmt: skip
SOLD = msgspec.structs.replace(
    BOUGHT, venue="okx", flow=Flow(sold=D(2), sold_value=D(202), fees=D("0.2")), funding=D(0), fills=1
)
DONE = Dealt(
    account="main", strategy="grid-1", venue="bybit", market="spot", symbol="ETH/USDT", fills=2,
    flow=Flow(bought=D(1), bought_value=D(10), sold=D(1), sold_value=D(9), fees=D(0)), funding=D(0),
)  # fmt: skip
HELD = OurPosition(
    account="main", strategy="two-leg", venue="bybit", market="futures", symbol="BTC/USDT", status="OPEN",
    updated_us=1, bought=D(3), bought_value=D(300), sold=D(1), sold_value=D(110),
)  # fmt: skip
LIVES = (
    HELD,
    msgspec.structs.replace(HELD, venue="okx", bought=D(0), bought_value=D(0), sold=D(2), sold_value=D(202)),
)
MARKS = Marks(
    mids={
        "bybit:futures:BTC/USDT": Mark(price=D(105), source="book", at_us=1),
        "okx:futures:BTC/USDT": Mark(price=D(106), source="book", at_us=1),
    }
)


def shown(marks: Marks) -> Any:  # noqa: ANN401 - JSON
    return msgspec.json.decode(to_json(answer(standings((DONE, BOUGHT, SOLD), LIVES, marks), marks)))


def test_the_json_value_for_value() -> None:
    assert shown(MARKS) == {
        "rows": [
            {
                "strategy": "grid-1", "symbol": "ETH/USDT", "fills": 2, "realized": "-1", "unrealized": "0",
                "fees": "0", "funding": "0", "net": "-1",
            },
            {
                "strategy": "two-leg", "symbol": "BTC/USDT", "fills": 4, "realized": "10", "unrealized": "0",
                "fees": "0.61", "funding": "-0.5", "net": "8.89",
            },
        ],
        "total": {
            "strategy": None, "symbol": None, "fills": 6, "realized": "9", "unrealized": "0", "fees": "0.61",
            "funding": "-0.5", "net": "7.89",
        },
        "problem": None,
    }  # fmt: skip


def test_without_a_price_there_is_no_net_of_what_is_open_nor_in_total() -> None:
    found = shown(Marks(problem="Kafka is not running"))
    assert [(one["unrealized"], one["net"]) for one in (*found["rows"], found["total"])] == [
        ("0", "-1"), (None, None), (None, None),
    ]  # fmt: skip
    assert found["problem"] == "Kafka is not running"


def test_the_table_ends_with_the_total() -> None:
    table, told = view(standings((DONE, BOUGHT, SOLD), LIVES, MARKS), Marks(problem="x"))
    none, paid = Cell("0", "dim"), Cell("-0.5", "bad")
    assert table == Grid(
        ("strategy", "symbol", "fills>", "realized>", "unrealized>", "fees>", "funding>", "net>"),
        (
            row(Cell("grid-1", "name"), "ETH/USDT", 2, Cell("-1", "bad"), none, "0", none, Cell("-1", "bad")),
            row(Cell("two-leg", "name"), "BTC/USDT", 4, Cell("+10", "good"), none, "0.61", paid, Cell("+8.89", "good")),
            row(Cell("total", "bold"), "", 6, Cell("+9", "good"), none, "0.61", paid, Cell("+7.89", "good")),
        ),
        empty="nothing was dealt yet",
    )
    assert told == line(Cell("not at the newest price: x", "warn"))


def test_nothing_dealt_has_no_total_row() -> None:
    (table,) = view((), Marks())
    assert isinstance(table, Grid)
    assert table.rows == ()
