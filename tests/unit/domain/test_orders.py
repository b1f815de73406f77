"""Orders and positions value by value: answers, fills, the end of a life, fees in another coin, profit."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from tapeline.domain import orders, pnl, positions
from tapeline.domain.orders import Answer
from tapeline.domain.positions import OurPosition
from tests.support.trader_values import fill, intent, order

PENDING = order(intent(), "a")
D = Decimal


def test_an_answer_moves_the_state_and_keeps_the_first_stamps() -> None:
    placed = orders.answered(PENDING, Answer(status="PLACED", venue_order_id="v", sent_us=11, answered_us=12), 20)
    again = orders.answered(placed, Answer(status="PLACED", venue_order_id="w", sent_us=31, answered_us=32), 40)
    assert placed == msgspec.structs.replace(
        PENDING, status="PLACED", venue_order_id="v", sent_us=11, answered_us=12, updated_us=20, version=2
    )
    assert again is placed


def test_a_refusal_keeps_its_code_and_reason() -> None:
    found = orders.answered(PENDING, Answer(status="REJECTED", code="170131", reason="no money"), 20)
    assert (found.status, found.code, found.reason, found.is_open, found.complete) == (
        "REJECTED", "170131", "no money", False, True,
    )  # fmt: skip


def test_fills_add_up_to_filled() -> None:
    one = orders.filled(PENDING, fill("f1", "a", "0.4", "100"), 20)
    two = orders.filled(one, fill("f2", "a", "0.6", "101"), 21)
    assert (one.status, one.filled, one.average_price) == ("PARTIALLY_FILLED", D("0.4"), D(100))
    assert (two.status, two.filled, two.average_price, two.commission, two.version) == (
        "FILLED", D(1), D("100.6"), D("0.1006"), 3,
    )  # fmt: skip


def test_k14_an_unknown_order_takes_fills_and_stays_unknown() -> None:
    lost = orders.answered(PENDING, Answer(status="UNKNOWN"), 20)
    found = orders.filled(lost, fill("f1", "a"), 21)
    assert (found.status, found.filled) == ("UNKNOWN", D(1))
    assert orders.answered(found, Answer(status="FILLED", looked_up=True), 22).status == "FILLED"


def test_an_order_is_complete_when_every_fill_that_the_venue_counts_is_booked() -> None:
    told = orders.answered(PENDING, Answer(status="FILLED", filled=D(1)), 20)
    assert (told.is_open, told.complete) == (False, False)
    assert orders.filled(told, fill("f1", "a"), 21).complete


def test_it_is_sent_for_the_first_time_once() -> None:
    first = orders.sent(PENDING, 15)
    assert (first.sent_us, orders.sent(first, 16) is first) == (15, True)


def lives(*fills: orders.OurFill) -> tuple[OurPosition, ...]:
    found: tuple[OurPosition, ...] = ()
    newest: OurPosition | None = None
    for one in fills:
        found = positions.filled(newest, one, strategy="grid-1", base="BTC", at_us=60, reason="why")
        newest = found[-1]
    return found


def test_a_position_is_opened_by_its_first_fill() -> None:
    assert lives(fill("f1", "a", "2", "100")) == (
        OurPosition(
            account="main", venue="bybit", market="futures", symbol="BTC/USDT", strategy="grid-1", status="OPEN",
            bought=D(2), bought_value=D(200), fees=D("0.2"), entry_reason="why", opened_us=50, updated_us=60,
        ),
    )  # fmt: skip


def test_a_fill_through_zero_ends_one_life_and_begins_the_next() -> None:
    ended, begun = lives(fill("f1", "a", "2", "100"), fill("f2", "b", "5", "110", "sell"))
    assert (ended.status, ended.net, ended.realized_pnl, ended.closed_us, ended.fees) == (
        "CLOSED", D(0), D("19.25"), 50, D("0.75"),
    )  # fmt: skip
    assert (begun.status, begun.life, begun.side, begun.quantity, begun.entry_price, begun.fees, begun.version) == (
        "OPEN", 2, "short", D(3), D(110), D(0), 3,
    )  # fmt: skip


def test_profit_is_valued_at_the_mark() -> None:
    (held,) = lives(fill("f1", "a", "2", "100"), fill("f2", "a", "1", "130", "sell"))
    marked = msgspec.structs.replace(held, mark_price=D(90))
    assert (marked.side, marked.entry_price, marked.realized_pnl, marked.unrealized_pnl, marked.value) == (
        "long", D(100), D("29.67"), D(-10), D(90),
    )  # fmt: skip


def test_a_fee_in_base_is_missing_on_the_wallet() -> None:
    bought = msgspec.structs.replace(fill("f1", "a"), fee=D("0.001"), fee_currency="BTC", fee_quote=D("0.1"))
    (held,) = lives(bought)
    assert (held.net, held.base_fees, held.fees) == (D(1), D("0.001"), D("0.1"))


@pytest.mark.parametrize(("currency", "quoted"), [("USDT", D(2)), ("BTC", D(200)), ("BNB", D(1200)), ("XYZ", None)])
def test_a_fee_is_valued_in_quote_at_its_fill(currency: str, quoted: Decimal | None) -> None:
    found = pnl.fee_in_quote(D(2), currency, price=D(100), base="BTC", quote="USDT", prices={"BNB": D(600)})
    assert found == quoted
    assert pnl.fee_in_quote(D(0), currency, price=D(100), base="BTC", quote="USDT", prices={}) == 0


def test_profit_is_cash_less_fees_and_what_is_left() -> None:
    fills = (fill("f1", "a", "2", "100"), fill("f2", "a", "1", "130", "sell"))
    mids = {("bybit", "futures", "BTC/USDT"): D(90)}
    assert pnl.profit(fills, funding=D("-0.5"), mids=mids) == D(-200) + 130 - D("0.33") - D("0.5") + 90  # type: ignore[arg-type]  # the key's market is a literal
    with pytest.raises(KeyError):
        pnl.profit(fills, funding=D(0), mids={})
