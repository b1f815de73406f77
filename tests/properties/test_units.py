"""DESIGN 3, numbers: contracts become base currency as the venue's decimals do, digit for digit."""

from __future__ import annotations

from decimal import Decimal

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from tapeline.domain.book import BookDelta
from tapeline.venues.contract import PublicTrade
from tapeline.venues.units import Contract, in_base

SIZES = st.sampled_from(
    [Decimal(text) for text in ("0.0001", "0.001", "0.01", "0.1", "0.5", "1", "10", "100000", "0.025")]
)
QUANTITIES = st.decimals(min_value=0, max_value=10**8, places=3, allow_nan=False)


@given(quantity=QUANTITIES, size=SIZES)
@example(quantity=Decimal(7), size=Decimal("0.0001"))
@example(quantity=Decimal("0.07"), size=Decimal("0.01"))
@example(quantity=Decimal("2.675"), size=Decimal(100))
def test_base_is_the_double_of_the_exact_product(quantity: Decimal, size: Decimal) -> None:
    assert Contract(size).base(float(quantity)) == float(quantity * size)


DELTA = BookDelta(
    native="X",
    follows=1,
    first=2,
    sequence=2,
    bid_prices=(9.0, 8.0),
    bid_quantities=(3.0, 0.0),
    ask_prices=(10.0,),
    ask_quantities=(7.0,),
    received_us=5,
)


def test_a_change_is_told_in_base() -> None:
    kept = {"bid_prices[0]": "9.0000000000000001", "ask_quantities[0]": "7.0000000000000001"}
    told = in_base(msgspec.structs.replace(DELTA, exact=kept), Contract(Decimal("0.01")))
    assert told == msgspec.structs.replace(
        DELTA,
        bid_quantities=(0.03, 0.0),
        ask_quantities=(0.07,),
        exact={"bid_prices[0]": "9.0000000000000001", "ask_quantities[0]": "0.070000000000000001"},
    )


def test_a_trade_is_told_in_base_and_keeps_no_text_that_a_double_holds() -> None:
    trade = PublicTrade(
        native="X",
        trade_id="1",
        price=2.0,
        quantity=12.0,
        side="buy",
        venue_us=1,
        received_us=1,
        exact={"quantity": "12.000000000000000"},
    )
    told = in_base(trade, Contract(Decimal("0.001")))
    assert (told.quantity, told.exact, told.price) == (0.012, None, 2.0)
