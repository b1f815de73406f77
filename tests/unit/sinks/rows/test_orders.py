"""Every step of an order becomes exactly this row: money as the record has it, null where there is no order or fill."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.known import Key
from sinks.rows import columns
from sinks.rows.orders import ORDERS
from tapeline.domain.order_records import Fill, Order, OrderEvent
from tapeline.errors import InvalidMessage
from tests.support.order_records import BEGAN_US, account_of, fill, order_event

S = "BTC/USDT"
MONEY = st.decimals(min_value=-(10**20) + 1, max_value=10**20 - 1, places=18)


def at(us: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=BEGAN_US + us)


AN_ORDER = {
    "client_order_id": "ours-1",
    "venue_order_id": "theirs-1",
    "exchange_id": "bybit",
    "market_type": "futures",
    "leg": "buy",
    "part": 1,
    "attempt": 2,
    "side": "buy",
    "order_type": "limit",
    "time_in_force": "IOC",
    "price": Decimal("64000.1"),
    "amount": Decimal("0.3"),
    "filled": Decimal("0.1"),
    "average_price": Decimal("64000.000000000000000001"),
    "commission": Decimal("-0.5"),
    "reduce_only": False,
    "status": "PARTIALLY_FILLED",
    "tag": "entry",
    "order_version": 3,
}
A_FILL = {
    "fill_id": f"{S}-1",
    "fill_price": Decimal("64000.000000000000000001"),
    "fill_amount": Decimal("0.1"),
    "fee": Decimal("-0.000000000000000001"),
    "fee_currency": "USDT",
    "liquidity": "maker",
    "filled_ts": at(9_500),
}


def test_a_fill() -> None:
    value = order_event(S, 1, code="c", reason="r", sent_us=BEGAN_US + 1, answered_us=BEGAN_US + 2)
    ORDERS.check(value)
    assert ORDERS.columns([value]).to_pylist() == [
        {
            "ts": at(10_000),
            "account": account_of(S),
            "pair": S,
            "sequence_num": 1,
            "event_id": f"{S}-1",
            "strategy": "grid-1",
            "slot": 1,
            "round": 7,
            "intent_id": "intent-1",
            "kind": "order_filled",
            "code": "c",
            "reason": "r",
            "trace_id": "trace",
            "venue_ts": at(9_500),
            "sent_ts": at(1),
            "answered_ts": at(2),
            "first_received_ts": at(9_100),
            **AN_ORDER,
            **A_FILL,
        }
    ]
    assert ORDERS.key(value) == Key((account_of(S), S), 1, BEGAN_US + 10_000)


def test_what_is_about_an_intent_alone_has_neither_order_nor_fill() -> None:
    [row] = ORDERS.columns([order_event(S, 2, trace_id=None, first_received_us=None)]).to_pylist()
    assert row == {
        "ts": at(20_000),
        "account": account_of(S),
        "pair": S,
        "sequence_num": 2,
        "event_id": f"{S}-2",
        "strategy": "grid-1",
        "slot": 1,
        "round": 7,
        "intent_id": "intent-2",
        "kind": "intent_approved",
        **dict.fromkeys(["code", "reason", "trace_id", "venue_ts", "sent_ts", "answered_ts", "first_received_ts"]),
        **dict.fromkeys(AN_ORDER),
        **dict.fromkeys(A_FILL),
    }


def test_every_field_of_an_event_its_order_and_its_fill_has_a_column() -> None:
    """A field that the record gains is not left out in silence."""
    fields = sum(len(struct.__struct_fields__) for struct in (OrderEvent, Order, Fill))
    assert len(ORDERS.columns([order_event(S, 1)]).column_names) == fields - len(["order", "fill"])


@given(values=st.lists(MONEY | st.none(), max_size=5))
def test_money_is_exact(values: list[Decimal | None]) -> None:
    """X-11: a column of money gives back every amount that a record can carry."""
    built = columns.moneys(values)
    assert built.type == pa.decimal128(38, 18)
    assert built.to_pylist() == values


def test_the_account_and_the_pair_hold_their_own_numbers() -> None:
    sent = ORDERS.key(order_event(S, 1))
    assert ORDERS.key(order_event(S, 1, kind="order_repaired", reason="sent again")) == sent
    assert ORDERS.key(order_event(S, 1, sequence=2)) != sent
    assert ORDERS.key(order_event(S, 1, account="other")) != sent


@pytest.mark.parametrize(
    ("value", "field"),
    [
        (order_event(S, 2, at_us=-1), "at_us"),
        (order_event(S, 2, venue_us=2**62), "venue_us"),
        (order_event(S, 2, sent_us=-1), "sent_us"),
        (order_event(S, 2, answered_us=-1), "answered_us"),
        (order_event(S, 2, first_received_us=-1), "first_received_us"),
        (order_event(S, 1, fill=fill(S, 1, filled_us=-1)), "filled_us"),
    ],
)
def test_a_time_that_is_none_is_refused_by_its_field(value: msgspec.Struct, field: str) -> None:
    with pytest.raises(InvalidMessage) as refused:
        ORDERS.check(value)
    assert refused.value.field == field
