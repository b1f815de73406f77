"""Positions against cash flow, two ways to one profit; the same fills in any order make the same position."""

from __future__ import annotations

from decimal import Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tapeline.domain import pnl, positions
from tapeline.domain.money import ZERO, plus
from tapeline.domain.orders import OurFill
from tapeline.domain.positions import OurPosition

MID = Decimal("101.37")
WHERE: pnl.Instrument = ("bybit", "futures", "BTC/USDT")
FILLS = st.lists(
    st.builds(
        lambda side, price, quantity, fee: (side, price, quantity, fee),
        st.sampled_from(["buy", "sell"]),
        st.decimals(min_value="0.00000001", max_value=10**7, places=8),
        st.decimals(min_value="0.001", max_value=3, places=3),
        st.decimals(min_value=-1, max_value=1, places=8),
    ),
    min_size=1,
    max_size=12,
)
Raw = tuple[str, Decimal, Decimal, Decimal]


def made(raw: list[Raw]) -> list[OurFill]:
    """Return the fills, each at its own time."""
    return [
        msgspec.convert(
            {
                "account": "main", "venue": "bybit", "market": "futures", "symbol": "BTC/USDT", "fill_id": str(number),
                "client_order_id": None, "side": side, "price": price, "quantity": quantity, "fee": fee,
                "fee_currency": "USDT", "fee_quote": fee, "filled_us": number,
            },
            OurFill,
            builtin_types=(Decimal,),
        )
        for number, (side, price, quantity, fee) in enumerate(raw)
    ]  # fmt: skip


def lives(fills: list[OurFill]) -> list[OurPosition]:
    """Return every life, as it ended or stands."""
    found: dict[int, OurPosition] = {}
    newest: OurPosition | None = None
    for fill in fills:
        for life in positions.filled(newest, fill, strategy="grid-1", base="BTC", at_us=9):
            found[life.life] = newest = life
    return list(found.values())


def total(found: list[OurPosition]) -> Decimal:
    """Return realised and unrealised profit at the mid."""
    marked = [msgspec.structs.replace(one, mark_price=MID) for one in found]
    return plus(*(one.realized_pnl for one in marked), *(one.unrealized_pnl for one in marked))


@given(FILLS)
def test_two_ways_give_one_profit_to_the_last_digit(raw: list[Raw]) -> None:
    fills = made(raw)
    assert total(lives(fills)) == pnl.profit(fills, funding=ZERO, mids={WHERE: MID})


@given(FILLS)
def test_a_flat_position_has_earned_its_cash_flow(raw: list[Raw]) -> None:
    fills = made(raw)
    net = pnl.open_quantities(fills)[WHERE]
    if net:
        last = msgspec.structs.replace(
            fills[-1], fill_id="last", side="sell" if net > 0 else "buy", quantity=abs(net), price=MID
        )
        fills.append(last)
    found = lives(fills)
    assert plus(*(one.realized_pnl for one in found)) == pnl.profit(fills, funding=ZERO, mids={})
    assert [one.status for one in found] == ["CLOSED"] * len(found)


@given(FILLS, st.randoms(use_true_random=False))
def test_two_orders_of_the_same_fills_hold_and_earn_the_same(raw: list[Raw], chance: object) -> None:
    one = made(raw)
    other = list(one)
    chance.shuffle(other)  # type: ignore[attr-defined]  # Hypothesis's own generator
    first, second = lives(one), lives(other)
    assert first[-1].net == second[-1].net
    assert total(first) == total(second)
    assert plus(*(life.fees for life in first)) == plus(*(life.fees for life in second))


@given(FILLS, st.randoms(use_true_random=False))
def test_within_one_life_the_order_of_fills_leaves_no_trace(raw: list[Raw], chance: object) -> None:
    one = made([("buy", price, quantity, fee) for _, price, quantity, fee in raw])
    other = list(one)
    chance.shuffle(other)  # type: ignore[attr-defined]  # Hypothesis's own generator
    assert lives(one) == lives(other)


@given(FILLS)
def test_there_is_one_open_life_and_versions_rise(raw: list[Raw]) -> None:
    found = lives(made(raw))
    assert all(one.status == "CLOSED" and one.net == 0 for one in found[:-1])
    assert [one.life for one in found] == list(range(1, len(found) + 1))
    assert sorted({one.version for one in found}) == [one.version for one in found]
    assert found[-1].net == pnl.open_quantities(made(raw))[WHERE]
