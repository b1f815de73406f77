"""The profit in its parts is the cash flow of the fills to the last digit, whatever the entry price is said to be."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tapeline.domain import pnl
from tapeline.domain.money import plus, times
from tapeline.domain.orders import OurFill
from tapeline.domain.pnl import Flow
from tests.support.trader_values import fill

AMOUNTS = st.decimals(min_value="0.00000001", max_value=10**6, places=8)
FILLS = st.lists(
    st.builds(
        lambda side, price, quantity: fill("f", None, str(quantity), str(price), side),
        st.sampled_from(["buy", "sell"]),
        AMOUNTS,
        AMOUNTS,
    ),
    max_size=10,
)
WHERE: pnl.Instrument = ("bybit", "futures", "BTC/USDT")


def flow(fills: list[OurFill]) -> Flow:
    """Return the sums as the database makes them."""
    bought = [one for one in fills if one.side == "buy"]
    sold = [one for one in fills if one.side == "sell"]
    return Flow(
        bought=plus(*(one.quantity for one in bought)),
        bought_value=plus(*(times(one.price, one.quantity) for one in bought)),
        sold=plus(*(one.quantity for one in sold)),
        sold_value=plus(*(times(one.price, one.quantity) for one in sold)),
        fees=plus(*(one.fee_quote for one in fills)),
    )


@given(FILLS, AMOUNTS, AMOUNTS | st.none(), st.decimals(min_value=-9, max_value=9, places=8))
def test_the_parts_add_up_to_the_cash_flow(
    fills: list[OurFill], mid: Decimal, entry: Decimal | None, funding: Decimal
) -> None:
    found = pnl.result(flow(fills), funding=funding, mid=mid, entry=entry)
    assert found.net == pnl.profit(fills, funding=funding, mids={WHERE: mid})


@given(st.lists(st.tuples(FILLS, AMOUNTS), max_size=4))
def test_a_total_is_the_sum_of_its_nets(parts: list[tuple[list[OurFill], Decimal]]) -> None:
    results = [pnl.result(flow(fills), funding=Decimal(1), mid=mid, entry=None) for fills, mid in parts]
    assert pnl.total(results).net == plus(*(one.net for one in results if one.net is not None))
