"""Records of orders and accounts for the sinks' tests: an intent's approval or a fill, and an account's version."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from tapeline.domain.account_records import Account, Balance
from tapeline.domain.order_records import Fill, Order, OrderEvent
from tapeline.runtime import clock

_US_PER_S = 1_000_000
_STEP_US = 10_000
BEGAN_US = clock.now_us() // _US_PER_S * _US_PER_S - 600 * _US_PER_S


def account_of(symbol: str) -> str:
    """Return the account that trades this symbol in a flow."""
    return f"of {symbol}"


def order(number: int, **other: Any) -> Order:  # noqa: ANN401 - any field
    """Return the order of this number, filled in part."""
    plain = Order(
        client_order_id=f"ours-{number}",
        venue_order_id=f"theirs-{number}",
        venue="bybit",
        market="futures",
        leg="buy",
        part=1,
        attempt=2,
        side="buy",
        order_type="limit",
        time_in_force="IOC",
        price=Decimal("64000.1"),
        quantity=Decimal("0.3"),
        filled=Decimal("0.1"),
        average_price=Decimal("64000.000000000000000001"),
        commission=Decimal("-0.5"),
        reduce_only=False,
        status="PARTIALLY_FILLED",
        tag="entry",
        version=3,
    )
    return msgspec.structs.replace(plain, **other)


def fill(symbol: str, number: int, **other: Any) -> Fill:  # noqa: ANN401 - any field
    """Return the fill of this number."""
    plain = Fill(
        fill_id=f"{symbol}-{number}",
        price=Decimal("64000.000000000000000001"),
        quantity=Decimal("0.1"),
        fee=Decimal("-0.000000000000000001"),
        fee_currency="USDT",
        liquidity="maker",
        filled_us=BEGAN_US + number * _STEP_US - 500,
    )
    return msgspec.structs.replace(plain, **other)


def order_event(symbol: str, number: int, **other: Any) -> OrderEvent:  # noqa: ANN401 - any field
    """Return the event of this number: an odd one is a fill, an even one the approval of an intent."""
    at_us = BEGAN_US + number * _STEP_US
    plain = OrderEvent(
        event_id=f"{symbol}-{number}",
        sequence=number,
        account=account_of(symbol),
        strategy="grid-1",
        symbol=symbol,
        slot=1,
        round=7,
        intent_id=f"intent-{number}",
        kind="order_filled" if number % 2 else "intent_approved",
        order=order(number) if number % 2 else None,
        fill=fill(symbol, number) if number % 2 else None,
        trace_id="trace",
        venue_us=at_us - 500 if number % 2 else None,
        first_received_us=at_us - 900,
        at_us=at_us,
    )
    return msgspec.structs.replace(plain, **other)


def account(symbol: str, number: int, **other: Any) -> Account:  # noqa: ANN401 - any field
    """Return the account that trades this symbol in the version of this number."""
    plain = Account(
        account=account_of(symbol),
        version=number,
        usdt=Decimal("1000.000000000000000001"),
        equity=Decimal("1001.5"),
        unrealized_pnl=Decimal("1.499999999999999999"),
        exposure=Decimal(50),
        margin=Decimal(10),
        reserved=Decimal(0),
        open_orders=2,
        open_positions=1,
        balances=(
            Balance(
                venue="bybit",
                wallet="unified",
                asset="USDT",
                total=Decimal("1000.000000000000000001"),
                available=Decimal(990),
            ),
        ),
        source="executor",
        at_us=BEGAN_US + number * _STEP_US,
    )
    return msgspec.structs.replace(plain, **other)
