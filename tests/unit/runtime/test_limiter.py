"""X-07, K16: no more than the bucket in any window, in the callers' order, with tokens kept for cancels."""

from __future__ import annotations

import asyncio

import pytest

from tapeline.errors import Misconfigured, Unavailable
from tapeline.runtime import clock, metrics
from tapeline.runtime.limiter import Bucket, BucketStatus, Limiter, measured, rate_limited, share
from tests.support.eventually import eventually

MINUTE = Bucket(max_tokens=100, window_s=60)


class Time:
    """A clock that moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def now(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self.now_s += seconds


def limiter(time: Time, **buckets: Bucket) -> Limiter:
    return Limiter(buckets, now_s=time.now, sleep=time.sleep)


async def test_x_07_of_150_calls_without_patience_100_pass_and_all_again_after_a_minute() -> None:
    time = Time()
    limits = limiter(time, rest_trade=MINUTE)
    assert sum([await limits.acquire("rest_trade", max_wait=0) for _ in range(150)]) == 100
    assert limits.get_wait_time("rest_trade") == 60
    time.now_s += 59.9
    assert not await limits.acquire("rest_trade", max_wait=0)
    time.now_s += 0.2
    assert sum([await limits.acquire("rest_trade", max_wait=0) for _ in range(150)]) == 100


async def test_a_refused_call_takes_nothing() -> None:
    limits = limiter(Time(), rest=Bucket(max_tokens=10, window_s=60))
    assert await limits.acquire("rest", 8, 0)
    assert not await limits.acquire("rest", 3, 0)
    assert limits.get_all_status() == {"rest": BucketStatus(tokens=2, max_tokens=10, utilization=0.8)}
    assert await limits.acquire("rest", 2, 0)


async def test_a_call_waits_until_its_tokens_are_back() -> None:
    time = Time()
    limits = limiter(time, rest=Bucket(max_tokens=10, window_s=60))
    assert await limits.acquire("rest", 6)
    time.now_s += 20
    assert await limits.acquire("rest", 4)
    assert await limits.acquire("rest", 5, 41)
    assert time.now_s == 1_060.0


async def test_who_came_first_is_served_first() -> None:
    time = Time()
    limits = limiter(time, rest=Bucket(max_tokens=10, window_s=60))
    assert await limits.acquire("rest", 9)
    assert limits.get_wait_time("rest", 1) == 0
    assert await limits.acquire("rest", 5)
    assert time.now_s == 1_060.0
    assert limits.get_wait_time("rest", 6) == 60


async def test_k16_reserved_tokens_are_for_urgent_calls_alone() -> None:
    limits = limiter(Time(), rest_trade=Bucket(max_tokens=10, window_s=60, reserved=2))
    assert [await limits.acquire("rest_trade", max_wait=0) for _ in range(10)] == [True] * 8 + [False] * 2
    assert [await limits.acquire("rest_trade", max_wait=0, urgent=True) for _ in range(3)] == [True, True, False]


async def test_k16_an_urgent_call_overtakes_those_who_wait() -> None:
    limits = limiter(Time(), rest_trade=Bucket(max_tokens=3, window_s=60, reserved=1))
    assert await limits.acquire("rest_trade", 2)
    assert limits.get_wait_time("rest_trade") == 60
    assert limits.get_wait_time("rest_trade", urgent=True) == 0


async def test_a_hold_stops_urgent_calls_too() -> None:
    limits = limiter(Time(), rest=Bucket(max_tokens=10, window_s=60, reserved=2))
    limits.hold("rest", 7)
    assert (limits.get_wait_time("rest"), limits.get_wait_time("rest", urgent=True)) == (7, 7)


async def test_what_another_process_spent_is_counted() -> None:
    limits = limiter(Time(), rest=Bucket(max_tokens=10, window_s=60))
    assert await limits.acquire("rest", 2)
    limits.told("rest", 2)
    assert limits.get_all_status()["rest"].tokens == 8
    limits.told("rest", 9)
    assert limits.get_all_status()["rest"].tokens == 1
    limits.told("rest", 500)
    assert limits.get_all_status()["rest"] == BucketStatus(tokens=0, max_tokens=10, utilization=1.0)


@pytest.mark.parametrize("tokens", [0, -1, 9])
async def test_a_call_that_can_never_pass_is_told(tokens: int) -> None:
    limits = limiter(Time(), rest=Bucket(max_tokens=10, window_s=60, reserved=2))
    with pytest.raises(Misconfigured, match=r"its bucket gives 8 at once"):
        await limits.acquire("rest", tokens)


async def test_an_unknown_bucket_is_told() -> None:
    with pytest.raises(Misconfigured, match="use one of rest"):
        await limiter(Time(), rest=MINUTE).acquire("rets")


@pytest.mark.parametrize(
    ("limit", "reserved", "bucket"),
    [
        (6_000, 0, Bucket(max_tokens=3_000, window_s=60)),
        (5, 1, Bucket(max_tokens=2, window_s=60, reserved=1)),
        (1, 5, Bucket(max_tokens=1, window_s=60)),
    ],
)
def test_x_07_half_of_the_venues_limit_is_ours(limit: int, reserved: int, bucket: Bucket) -> None:
    assert share(limit, 60, reserved=reserved) == bucket


async def test_who_gives_up_waiting_leaves_the_tokens_to_the_next() -> None:
    limits = Limiter({"rest": Bucket(max_tokens=1, window_s=60)})
    assert await limits.acquire("rest")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await limits.acquire("rest")
    assert 59 < limits.get_wait_time("rest") <= 60


async def test_each_call_tells_how_long_it_waits() -> None:
    time, told = Time(), list[tuple[str, float]]()
    limits = Limiter(
        {"rest": Bucket(max_tokens=1, window_s=60)},
        now_s=time.now,
        sleep=time.sleep,
        waited=lambda bucket, wait_s: told.append((bucket, wait_s)),
    )
    assert [await limits.acquire("rest", max_wait=wait) for wait in (None, 0, None)] == [True, False, True]
    assert told == [("rest", 0.0), ("rest", 60.0)]


def test_a_wait_is_measured_by_its_place_and_bucket() -> None:
    measured("okx", "spot")("rest", 2.0)
    labels = {"venue": "okx", "market": "spot", "bucket": "rest"}
    assert metrics.registry().get_sample_value("tapeline_limiter_wait_seconds_sum", labels) == 2.0


async def test_real_time_passes_too() -> None:
    limits = Limiter({"rest": Bucket(max_tokens=1, window_s=0.05)})
    began_s = clock.monotonic_s()
    assert [await limits.acquire("rest") for _ in range(3)] == [True] * 3
    assert clock.monotonic_s() - began_s >= 0.1
    await eventually(lambda: limits.get_all_status()["rest"].tokens == 1)


async def test_x_07_a_thousand_checks_take_less_than_a_second() -> None:
    limits = Limiter({"rest": Bucket(max_tokens=500, window_s=60)})
    began_s = clock.monotonic_s()
    assert sum([await limits.acquire("rest", max_wait=0) for _ in range(1_000)]) == 500
    assert clock.monotonic_s() - began_s < 1


class Client:
    """Something with a limiter."""

    def __init__(self, limits: Limiter) -> None:
        self.limiter = limits

    @rate_limited("rest", tokens=2, max_wait=0)
    async def book(self, native: str, *, depth: int) -> tuple[str, int]:
        """Answer."""
        return native, depth


async def test_x_07_a_decorated_method_takes_its_tokens_or_says_when() -> None:
    client = Client(limiter(Time(), rest=Bucket(max_tokens=3, window_s=60)))
    assert await client.book("BTCUSDT", depth=5) == ("BTCUSDT", 5)
    with pytest.raises(Unavailable) as refused:
        await client.book("BTCUSDT", depth=5)
    assert refused.value.retry_after_s == 60
