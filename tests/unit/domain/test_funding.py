"""Which life bears a payment of funding, and what booking it changes."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapeline.domain.account import AccountState, PortfolioRow
from tapeline.domain.changes import Changes
from tapeline.domain.funding import LATE_US, apart_us, fund, life_of
from tapeline.domain.positions import OurFunding, OurPosition
from tests.support.trader_values import intent, order

S = 1_000_000
Span = tuple[int, int | None]


def life(number: int, opened_s: int, closed_s: int | None = None) -> OurPosition:
    """Return a life of the one instrument; its short of 2 at 100 has paid 0.2 of fees."""
    return OurPosition(
        account="main", venue="bybit", market="futures", symbol="BTC/USDT", life=number, strategy="grid-1",
        status="OPEN" if closed_s is None else "CLOSED", sold=Decimal(2), sold_value=Decimal(200),
        bought=Decimal(0 if closed_s is None else 2), bought_value=Decimal(0 if closed_s is None else 190),
        fees=Decimal("0.2"), opened_us=opened_s * S, closed_us=None if closed_s is None else closed_s * S,
        updated_us=7, version=3 + number,
    )  # fmt: skip


def paid(at_s: int, amount: str = "0.5") -> OurFunding:
    """Return a payment."""
    return OurFunding(
        account="main", venue="bybit", market="futures", symbol="BTC/USDT", payment_id="p1",
        amount=Decimal(amount), currency="USDT", paid_us=at_s * S,
    )  # fmt: skip


def state(*lives: OurPosition, payment: OurFunding | None = None) -> AccountState:
    """Return an account with these lives."""
    row = PortfolioRow(account="main", strategy="grid-1", symbol="BTC/USDT", closed_pnl=Decimal(1), version=4)
    return AccountState(
        account="main", epoch=1, now_us=99, positions=lives[-1:], lives=lives, payment=payment, portfolios=(row,)
    )


@pytest.mark.parametrize(
    ("spans", "at_s", "wanted"),
    [
        ([], 100, None),
        ([(50, None)], 100, 1),
        ([(50, None)], 50, 1),
        ([(50, 100)], 100, 1),
        ([(50, 80), (90, None)], 70, 1),
        ([(50, 100), (100, None)], 100, 2),
        ([(50, 98), (103, None)], 100, 1),
        ([(50, 98), (101, None)], 100, 2),
        ([(101, 102), (103, None)], 100, 1),
        ([(50, 85)], 100, 1),
        ([(50, 84)], 100, None),
        ([(115, None)], 100, 1),
        ([(116, None)], 100, None),
    ],
)
def test_the_life_that_was_open_bears_a_payment_else_the_nearest(
    spans: list[Span], at_s: int, wanted: int | None
) -> None:
    lives = [life(number, *span) for number, span in enumerate(spans, 1)]
    found = life_of(lives, paid(at_s))
    assert (None if found is None else found.life) == wanted


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=5), st.integers(0, 400))
def test_no_life_is_nearer_than_the_one_that_bears(steps: list[tuple[int, int]], at_s: int) -> None:
    lives: list[OurPosition] = []
    now_s = 0
    for gap_s, long_s in steps:
        lives.append(life(len(lives) + 1, now_s + gap_s, now_s + gap_s + long_s))
        now_s += gap_s + long_s
    nearest = min((apart_us(one, at_s * S) for one in lives), default=LATE_US + 1)
    found = life_of(lives, paid(at_s))
    assert (found is None) == (nearest > LATE_US)
    assert found is None or apart_us(found, at_s * S) == nearest


def test_the_open_life_has_the_payment_in_its_profit_and_is_told() -> None:
    held = life(2, 50)
    changes = fund(state(life(1, 10, 20), held), paid(100))
    after = msgspec.structs.replace(held, funding=Decimal("0.5"), updated_us=99, version=6)
    assert changes.positions == (after,)
    assert changes.payments == (msgspec.structs.replace(paid(100), life=2),)
    assert after.realized_pnl == held.realized_pnl + Decimal("0.5")
    assert [one.topic for one in changes.outgoing] == ["position", "portfolio"]
    assert [row.closed_pnl for row in changes.portfolios] == [Decimal(1)]
    [entry] = changes.audits
    assert (entry.action, entry.entity_id, entry.reason, entry.actor, entry.at_us) == (
        "POSITION_UPDATE", "main:bybit:futures:BTC/USDT", "funding p1", "executor", 99,
    )  # fmt: skip
    assert entry.new_value == msgspec.json.encode(after).decode()
    assert entry.old_value == msgspec.json.encode(held).decode()


def test_an_ended_life_gives_the_payment_to_its_strategy_s_profit() -> None:
    ended, held = life(1, 10, 20), life(2, 50)
    changes = fund(state(ended, held), paid(15, "-0.25"))
    assert changes.positions == (
        msgspec.structs.replace(ended, funding=Decimal("-0.25"), updated_us=99, version=ended.version + 1),
    )
    assert [row.closed_pnl for row in changes.portfolios] == [Decimal("0.75")]
    # The topic of positions holds the newest life alone.
    assert [one.topic for one in changes.outgoing] == ["portfolio"]


def test_without_a_life_it_is_noted_and_nothing_else() -> None:
    noted = fund(state(), paid(100))
    assert noted == Changes(payments=(paid(100),))
    assert fund(state(payment=paid(100)), paid(100)) == Changes()
    late = fund(state(life(1, 50), payment=paid(100)), paid(100))
    assert [(one.life, one.funding) for one in late.positions] == [(1, Decimal("0.5"))]
    booked = msgspec.structs.replace(paid(100), life=1)
    assert fund(state(life(1, 50), payment=booked), paid(100)) == Changes()


@pytest.mark.parametrize(
    ("changes", "waits"),
    [
        ({"sent_us": 100 * S, "status": "UNKNOWN"}, True),
        ({"sent_us": 100 * S, "status": "PENDING"}, True),
        ({"sent_us": 100 * S, "status": "PLACED", "time_in_force": "IOC"}, True),
        ({"sent_us": 100 * S, "status": "PLACED", "order_type": "market"}, True),
        ({"sent_us": 100 * S, "status": "PARTIALLY_FILLED", "told_filled": Decimal(1)}, True),
        ({"sent_us": 100 * S, "status": "FILLED", "told_filled": Decimal(1)}, True),
        ({"sent_us": 115 * S, "status": "UNKNOWN"}, True),
        ({"sent_us": 116 * S, "status": "UNKNOWN"}, False),
        ({"sent_us": None, "status": "PENDING"}, False),
        ({"sent_us": 100 * S, "status": "PLACED"}, False),
        ({"sent_us": 100 * S, "status": "FILLED", "told_filled": Decimal(1), "filled": Decimal(1)}, False),
        ({"sent_us": 100 * S, "status": "UNKNOWN", "symbol": "ETH/USDT"}, False),
    ],
)
def test_it_waits_for_orders_that_may_have_fills_of_before(changes: dict[str, object], waits: bool) -> None:  # noqa: FBT001 - a column of the table
    one = msgspec.structs.replace(order(intent(), "a"), **changes)
    found = fund(msgspec.structs.replace(state(life(1, 50)), orders=(one,)), paid(100))
    assert (found == Changes()) == waits
