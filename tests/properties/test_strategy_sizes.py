"""A size of two legs is legal for both, part by part, and never worth more than was allowed."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tapeline.strategies.sizing import Size, Unfit, common_step, size
from tests.unit.strategies.views import rules

steps = st.builds(lambda digits, places: Decimal(digits).scaleb(-places), st.integers(1, 999), st.integers(0, 8))
amounts = st.builds(lambda digits, places: Decimal(digits).scaleb(-places), st.integers(1, 10**7), st.integers(0, 6))
maybe = st.none() | amounts


@given(steps, steps)
def test_the_common_step_is_a_multiple_of_both_and_no_smaller_one_is(one: Decimal, other: Decimal) -> None:
    found = common_step(one, other)

    assert found % one == found % other == 0
    for smaller in range(1, min(50, int(found / max(one, other)))):
        assert smaller * max(one, other) % min(one, other) != 0


@given(
    st.tuples(steps, maybe, maybe, maybe), st.tuples(steps, maybe, maybe, maybe), amounts, amounts, st.integers(1, 10)
)
def test_every_part_is_legal_for_both(
    one: tuple[Decimal, Decimal | None, Decimal | None, Decimal | None],
    other: tuple[Decimal, Decimal | None, Decimal | None, Decimal | None],
    notional: Decimal,
    price: Decimal,
    parts: int,
) -> None:
    both = [
        rules(venue, "futures", str(step), min_quantity=least, max_quantity=most, min_notional=worth)
        for venue, (step, least, most, worth) in (("binance", one), ("bybit", other))
    ]
    found = size(notional, price, parts, both)
    if isinstance(found, Unfit):
        assert found.reason
        return
    assert isinstance(found, Size)
    each = found.quantity / found.parts
    assert each > 0
    assert each * found.parts == found.quantity
    assert found.quantity * price <= notional
    assert 1 <= found.parts <= parts
    for leg in both:
        assert each % leg.quantity_step == 0
        assert leg.min_quantity is None or each >= leg.min_quantity
        assert leg.max_quantity is None or each <= leg.max_quantity
        assert leg.min_notional is None or each * price >= leg.min_notional
