"""X-07, K16: of each limit of a venue we take half, and keep a quarter of that for what must not wait."""

from __future__ import annotations

import pytest

from executor.link.asking import buckets
from executor.link.tradings import TRADINGS, trading
from tapeline.runtime.limiter import Bucket
from tapeline.venues.calls import Call, CancelRequest, OpenOrdersQuery, PositionsQuery
from tapeline.venues.orders import Keys


def test_half_of_each_limit_is_ours_and_a_quarter_of_it_reserved() -> None:
    assert buckets(trading("binance", "futures").facts) == {
        "rest_trade": Bucket(max_tokens=150, window_s=10, reserved=37),
        "rest_account": Bucket(max_tokens=240, window_s=60, reserved=60),
        "rest_position": Bucket(max_tokens=120, window_s=60, reserved=30),
    }
    assert buckets(trading("bybit", "futures").facts) == {
        "rest_trade": Bucket(max_tokens=5, window_s=1, reserved=1),
        "rest_account": Bucket(max_tokens=25, window_s=1, reserved=6),
        "rest_position": Bucket(max_tokens=5, window_s=1, reserved=1),
    }


@pytest.mark.parametrize("place", TRADINGS)
def test_every_market_has_a_bucket_that_is_large_enough_for_its_dearest_call(place: tuple[str, str]) -> None:
    found = next(one for key, one in TRADINGS.items() if key == place)
    ours = buckets(found.facts)
    calls: list[Call[object]] = [OpenOrdersQuery(), CancelRequest(native="BTCUSDT", client_id="tl1")]
    if found.facts.market == "futures":
        calls.append(PositionsQuery())
    for call in calls:
        request = found.build(call, Keys(key="k", secret="s"), at_us=1_790_000_000_000_000, expires_in_ms=1000)
        bucket = ours[request.bucket]
        assert request.cost <= bucket.max_tokens - bucket.reserved
