"""Orders as they are listed: every column, every digit in JSON, the status in its colour."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from tapeline.cli import trading_orders
from tapeline.cli.render import to_json
from tapeline.cli.trading_orders import order_row, view, wanted
from tapeline.cli.view import Cell, Grid, line, row
from tapeline.domain.orders import OurOrder
from tapeline.errors import Misconfigured
from tapeline.runtime.trading_rows import OrdersWanted
from tests.support.trader_values import intent, order

CREATED_US = 1_790_000_000_123_456
FILLED: OurOrder = msgspec.structs.replace(
    order(intent(), "abc", quantity="1.500000000000000000"),
    status="PARTIALLY_FILLED",
    filled=Decimal("0.3"),
    filled_value=Decimal("30.000000010000000001"),
    told_filled=Decimal("0.3"),
    commission=Decimal("0.03"),
    venue_order_id="v1",
    code="late",
    reason="the venue was slow",
    trace_id="t1",
    created_us=CREATED_US,
    updated_us=CREATED_US + 5,
)


def test_the_json_of_an_order_value_for_value() -> None:
    assert msgspec.json.decode(to_json(order_row(FILLED))) == {
        "time": "2026-09-21T14:13:20.123456Z",
        "created_us": CREATED_US,
        "client_order_id": "abc",
        "venue_order_id": "v1",
        "account": "main",
        "strategy": "grid-1",
        "venue": "bybit",
        "market": "futures",
        "symbol": "BTC/USDT",
        "side": "buy",
        "type": "limit",
        "time_in_force": "GTC",
        "quantity": "1.5",
        "price": "100",
        "filled": "0.3",
        "average_price": "100.000000033333333337",
        "commission": "0.03",
        "status": "PARTIALLY_FILLED",
        "code": "late",
        "reason": "the venue was slow",
        "intent_id": intent().intent_id,
        "leg": None,
        "part": 1,
        "attempt": 1,
        "closing": False,
        "tag": "t",
        "trace_id": "t1",
        "updated_us": CREATED_US + 5,
    }


def test_the_table_has_a_row_per_order_in_the_order_given() -> None:
    lost = msgspec.structs.replace(order(intent(), "lost"), status="UNKNOWN", price=None, created_us=CREATED_US)
    table, _, hint = view((FILLED, lost))
    name = intent().intent_id
    assert table == Grid(
        (
            "time", "order", "venue", "symbol", "side", "type", "quantity>", "price>", "filled>", "average>",
            "status", "reason", "intent",
        ),
        (
            row(
                "2026-09-21 14:13:20.123", Cell("abc", "name"), "bybit futures", "BTC/USDT", "buy", "limit GTC",
                "1.5", "100", "0.3", "100.00000003", "PARTIALLY_FILLED", "late: the venue was slow", Cell(name, "dim"),
            ),
            row(
                "2026-09-21 14:13:20.123", Cell("lost", "name"), "bybit futures", "BTC/USDT", "buy", "limit GTC",
                "1", None, "0", None, Cell("UNKNOWN", "bad"), "", Cell(name, "dim"),
            ),
        ),
        empty="no order meets this",
    )  # fmt: skip
    assert hint == line(Cell("why one was sent: `tapeline explain ORDER`", "dim"))


def test_an_empty_list_says_so() -> None:
    (table,) = view(())
    assert isinstance(table, Grid)
    assert (table.rows, table.empty) == ((), "no order meets this")


def test_the_options_become_what_is_asked_for() -> None:
    assert wanted(open_only=True, symbol="btcusdt", strategy="grid-1", count=3) == OrdersWanted(
        open_only=True, symbol="BTC/USDT", strategy="grid-1", count=3
    )
    assert wanted(open_only=False, symbol=None, strategy=None, count=None) == OrdersWanted(count=trading_orders.COUNT)
    with pytest.raises(Misconfigured, match="'nothing' is no symbol"):
        wanted(open_only=False, symbol="nothing", strategy=None, count=None)
