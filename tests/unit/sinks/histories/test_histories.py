"""Every fill and every version of an account becomes exactly this row (C-12); what Postgres cannot hold is refused."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import topics
from sinks.histories.accounts import ACCOUNTS
from sinks.histories.catalogue import HISTORIES
from sinks.histories.fills import FILLS
from sinks.histories.history import History
from tapeline.errors import InvalidMessage
from tests.support.accepted import accepted
from tests.support.order_records import BEGAN_US, account, account_of, fill, order, order_event

S = "BTC/USDT"


def rows(history: History, *values: Any) -> list[dict[str, object]]:  # noqa: ANN401 - any record
    """Return the arrays as rows under the names that the statement gives them."""
    for value in values:
        history.check(value)
    names = re.search(r" AS one\((.*?)\)", history.insert)
    assert names is not None
    kept = [value for value in values if history.rows(value)]
    columns = names[1].split(", ")
    return [dict(zip(columns, row, strict=True)) for row in zip(*history.arrays(kept), strict=True)]


def test_c_12_a_fill() -> None:
    assert rows(FILLS, order_event(S, 1), order_event(S, 3, order=order(3, side="sell", status="FILLED"))) == [
        {
            "daemon_id": account_of(S),
            "exchange_id": "bybit",
            "market_type": "futures",
            "trade_pair": S,
            "order_id": "ours-1",
            "fill_id": f"{S}-1",
            "side": "buy",
            "price": Decimal("64000.000000000000000001"),
            "amount": Decimal("0.1"),
            "commission": Decimal("-0.000000000000000001"),
            "commission_currency": "USDT",
            "status": "PARTIALLY_FILLED",
            "executed_at": BEGAN_US + 9_500,
        },
        {
            "daemon_id": account_of(S),
            "exchange_id": "bybit",
            "market_type": "futures",
            "trade_pair": S,
            "order_id": "ours-3",
            "fill_id": f"{S}-3",
            "side": "sell",
            "price": Decimal("64000.000000000000000001"),
            "amount": Decimal("0.1"),
            "commission": Decimal("-0.000000000000000001"),
            "commission_currency": "USDT",
            "status": "FILLED",
            "executed_at": BEGAN_US + 29_500,
        },
    ]


def test_an_account() -> None:
    assert rows(ACCOUNTS, account(S, 4)) == [
        {
            "account": account_of(S),
            "version": 4,
            "usdt": Decimal("1000.000000000000000001"),
            "equity": Decimal("1001.5"),
            "unrealized_pnl": Decimal("1.499999999999999999"),
            "exposure": Decimal(50),
            "margin": Decimal(10),
            "reserved": Decimal(0),
            "open_orders": 2,
            "open_positions": 1,
            "balances": (
                '[{"venue":"bybit","wallet":"unified","asset":"USDT","total":"1000.000000000000000001",'
                '"available":"990"}]'
            ),
            "source": "executor",
            "at_us": BEGAN_US + 40_000,
        }
    ]


@given(numbers=st.lists(st.integers(min_value=0, max_value=50), max_size=20))
def test_each_fill_is_one_row_in_its_place_and_nothing_else_is(numbers: list[int]) -> None:
    values = [order_event(S, number) for number in numbers]
    assert [row["fill_id"] for row in rows(FILLS, *values)] == [f"{S}-{number}" for number in numbers if number % 2]
    assert [FILLS.rows(value) for value in values] == [number % 2 for number in numbers]


def test_an_order_without_a_fill_is_never_refused() -> None:
    """It has no row: what its texts hold does not matter here."""
    with accepted():
        FILLS.check(order_event("x" * 500, 2, order=order(2, client_order_id="\0"), account="a" * 500, at_us=-1))


@pytest.mark.parametrize(
    ("history", "value", "field"),
    [
        (FILLS, order_event(S, 1, order=None), "order"),
        (FILLS, order_event(S, 1, account="a" * 101), "account"),
        (FILLS, order_event("x" * 51, 1, account="a"), "symbol"),
        (FILLS, order_event(S, 1, order=order(1, venue="v" * 51)), "venue"),
        (FILLS, order_event(S, 1, order=order(1, client_order_id="c" * 101)), "client_order_id"),
        (FILLS, order_event(S, 1, fill=fill(S, 1, fill_id="f" * 501)), "fill_id"),
        (FILLS, order_event(S, 1, fill=fill(S, 1, fill_id="f\0")), "fill_id"),
        (FILLS, order_event(S, 1, fill=fill(S, 1, fee_currency="c" * 51)), "fee_currency"),
        (FILLS, order_event(S, 1, fill=fill(S, 1, filled_us=-1)), "filled_us"),
        (ACCOUNTS, account(S, 1, account="a" * 101), "account"),
        (ACCOUNTS, account(S, 1, source="\0"), "source"),
        (ACCOUNTS, account(S, 1, at_us=2**62), "at_us"),
        (
            ACCOUNTS,
            account(S, 1, balances=(msgspec.structs.replace(account(S, 1).balances[0], asset="\0"),)),
            "asset",
        ),
    ],
)
def test_what_postgres_cannot_hold_is_refused_by_its_field(history: History, value: object, field: str) -> None:
    with pytest.raises(InvalidMessage) as refused:
        history.check(value)
    assert refused.value.field == field


def test_every_table_has_a_topic_of_its_own_that_sinks_read() -> None:
    assert [(history.topic, history.name) for history in HISTORIES] == [
        ("order.event", "trade_history"),
        ("account", "account_history"),
    ]
    assert all("sinks" in topics.by_name(history.topic).readers for history in HISTORIES)
