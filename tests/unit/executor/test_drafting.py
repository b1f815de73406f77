"""An order as the venue is asked for it: what reduces says so, also where the market has no word for it."""

from __future__ import annotations

import pytest

from executor.drafting import request
from tapeline.domain.orders import OurOrder
from tests.unit.executor.scene import order


@pytest.mark.parametrize(
    ("made", "wanted"),
    [
        (order("a", "buy", market="futures", closing=True, reduce_only=True), True),
        (order("a", "buy", market="futures", closing=False, reduce_only=False), False),
        # A position mode in which an order cannot say so: then it must not.
        (order("a", "buy", market="futures", closing=True, reduce_only=False), False),
        (order("a", "buy", market="spot", closing=True, reduce_only=False), True),
        (order("a", "buy", market="spot", closing=False, reduce_only=False), False),
    ],
)
def test_d_08_a_close_overtakes_what_opens_on_spot_too(made: OurOrder, *, wanted: bool) -> None:
    assert request(made, "BTCUSDT").reduce_only is wanted
