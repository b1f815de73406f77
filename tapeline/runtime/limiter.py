"""How much we may ask of a venue: in no window more than half of what it allows, cancels never behind the rest (X-07).

A taken token comes back one window later, so the bound holds for every window and not only on average (a bucket that
refills evenly lets twice its size through after a pause). Callers are served in their order; `reserved` tokens of a
bucket are for urgent calls alone (cancels, reduce-only orders, keepalives). The core takes the time as an argument.
"""

from __future__ import annotations

import asyncio
import functools
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Concatenate, Final, ParamSpec, Protocol, TypeVar

import msgspec

from tapeline.errors import Misconfigured, Unavailable
from tapeline.runtime import clock, metrics

P = ParamSpec("P")
R = TypeVar("R")

SHARE: Final = 0.5
"""Of a venue's limit: others may share our address, and its window is not ours."""


class Bucket(msgspec.Struct, frozen=True, kw_only=True):
    """At most `max_tokens` in any `window_s`; the last `reserved` of them only for urgent calls."""

    max_tokens: int
    window_s: float
    reserved: int = 0


class BucketStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What is left of a bucket now; `utilization` is the taken share of 0 to 1."""

    tokens: int
    max_tokens: int
    utilization: float


def measured(venue: str, market: str) -> Callable[[str, float], None]:
    """Return what brings the waits for a market's limits into the metrics."""

    def waited(bucket: str, wait_s: float) -> None:
        metrics.LIMITER_WAIT_S.observe(wait_s, venue=venue, market=market, bucket=bucket)

    return waited


def share(limit: float, window_s: float, *, reserved: int = 0) -> Bucket:
    """Return the bucket of a venue's limit: half of it, at least one token that is not reserved.

    `reserved` is what is kept for urgent calls, as far as it leaves one for the others.
    """
    most = max(1, int(limit * SHARE))
    return Bucket(max_tokens=most, window_s=window_s, reserved=max(0, min(reserved, most - 1)))


class Window:
    """Tokens taken at known times, each back after the window; bookings stand in the order of their times."""

    def __init__(self, capacity: int, window_s: float) -> None:
        """Begin with all tokens there."""
        self.capacity = capacity
        self._window_s = window_s
        self._taken: deque[tuple[float, int]] = deque()
        self._sum = 0

    def earliest(self, tokens: int, now_s: float) -> float:
        """Return when so many tokens can be taken, behind those who were before; ValueError when never."""
        if not 0 < tokens <= self.capacity:
            message = f"{tokens} tokens of a window that holds {self.capacity}"
            raise ValueError(message)
        self._expire(now_s)
        at_s = max(now_s, self._taken[-1][0]) if self._taken else now_s
        free = self.capacity - self._sum
        for taken_s, count in self._taken:
            if free >= tokens:
                break
            at_s = max(at_s, taken_s + self._window_s)
            free += count
        return at_s

    def take(self, tokens: int, at_s: float) -> None:
        """Take tokens at the time that `earliest` said."""
        self._taken.append((at_s, tokens))
        self._sum += tokens

    def give_back(self, tokens: int, at_s: float) -> None:
        """Undo a `take` whose time has not come."""
        self._taken.remove((at_s, tokens))
        self._sum -= tokens

    def used(self, now_s: float) -> int:
        """Return how many tokens are taken or booked."""
        self._expire(now_s)
        return self._sum

    def _expire(self, now_s: float) -> None:
        while self._taken and self._taken[0][0] + self._window_s <= now_s:
            self._sum -= self._taken.popleft()[1]


class Booking(msgspec.Struct, frozen=True):
    """Tokens that are ours from this time on."""

    at_s: float
    tokens: int
    window: Window


class TokenBucket:
    """The rule of one bucket without a clock: two windows whose sum never exceeds the bucket."""

    def __init__(self, bucket: Bucket) -> None:
        """Begin full."""
        self.bucket = bucket
        self._open = Window(bucket.max_tokens - bucket.reserved, bucket.window_s)
        self._reserve = Window(bucket.reserved, bucket.window_s)
        self._held_until_s = 0.0

    def book(self, tokens: int, now_s: float, *, max_wait_s: float | None, urgent: bool = False) -> Booking | None:
        """Take tokens as early as possible; None, and nothing is taken, when that is later than `max_wait_s`."""
        at_s, window = self._place(tokens, now_s, urgent=urgent)
        if max_wait_s is not None and at_s - now_s > max_wait_s:
            return None
        window.take(tokens, at_s)
        return Booking(at_s, tokens, window)

    def wait_s(self, tokens: int, now_s: float, *, urgent: bool = False) -> float:
        """Return how long a call would wait now."""
        return self._place(tokens, now_s, urgent=urgent)[0] - now_s

    def hold(self, until_s: float) -> None:
        """Let nothing through before this time: the venue has said so."""
        self._held_until_s = max(self._held_until_s, until_s)

    def told(self, used: int, now_s: float) -> None:
        """Hear what the venue has counted in its window: what is not ours was spent by another at our address."""
        foreign = min(used - self._used(now_s), self._open.capacity - self._open.used(now_s))
        if foreign > 0:
            self._open.take(foreign, max(now_s, self._open.earliest(foreign, now_s)))

    def status(self, now_s: float) -> BucketStatus:
        """Return what is left."""
        used, most = self._used(now_s), self.bucket.max_tokens
        return BucketStatus(tokens=max(0, most - used), max_tokens=most, utilization=min(1.0, used / most))

    def _used(self, now_s: float) -> int:
        return self._open.used(now_s) + self._reserve.used(now_s)

    def _place(self, tokens: int, now_s: float, *, urgent: bool) -> tuple[float, Window]:
        from_s = max(now_s, self._held_until_s)
        windows = [one for one in (self._open, self._reserve if urgent else None) if one and tokens <= one.capacity]
        if not windows or tokens <= 0:
            raise Misconfigured(
                f"a call takes {tokens} tokens and its bucket gives {self._open.capacity} at once",
                fix="ask for less in one call, or raise the bucket's limit",
            )
        return min(((one.earliest(tokens, from_s), one) for one in windows), key=lambda found: found[0])


class Limiter:
    """The buckets of one venue and address, and the waiting for them."""

    def __init__(
        self,
        buckets: Mapping[str, Bucket],
        *,
        now_s: Callable[[], float] = clock.monotonic_s,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        waited: Callable[[str, float], object] | None = None,
    ) -> None:
        """Begin with full buckets; time comes from the arguments; `waited` is told of each call's bucket and wait."""
        self._buckets = {name: TokenBucket(bucket) for name, bucket in buckets.items()}
        self._now_s = now_s
        self._sleep = sleep
        self._waited = waited

    async def acquire(
        self, bucket: str, tokens: int = 1, max_wait: float | None = None, *, urgent: bool = False
    ) -> bool:
        """Wait for tokens and take them; False at once, and none are taken, when it would last beyond `max_wait` s.

        None waits as long as it takes. `urgent` calls may use the reserved tokens too.
        """
        now_s = self._now_s()
        booked = self._bucket(bucket).book(tokens, now_s, max_wait_s=max_wait, urgent=urgent)
        if booked is None:
            return False
        if self._waited is not None:
            self._waited(bucket, max(0.0, booked.at_s - now_s))
        try:
            while (left_s := booked.at_s - self._now_s()) > 0:
                await self._sleep(left_s)
        except asyncio.CancelledError:
            booked.window.give_back(booked.tokens, booked.at_s)
            raise
        return True

    def get_wait_time(self, bucket: str, tokens: int = 1, *, urgent: bool = False) -> float:
        """Return the seconds that `acquire` would wait now."""
        return self._bucket(bucket).wait_s(tokens, self._now_s(), urgent=urgent)

    def get_all_status(self) -> dict[str, BucketStatus]:
        """Return what is left of each bucket."""
        now_s = self._now_s()
        return {name: bucket.status(now_s) for name, bucket in self._buckets.items()}

    def hold(self, bucket: str, for_s: float) -> None:
        """Let nothing through for so long, urgent or not: the venue refuses all."""
        self._bucket(bucket).hold(self._now_s() + for_s)

    def told(self, bucket: str, used: int) -> None:
        """Hear the venue's own count of what our address has used in its window."""
        self._bucket(bucket).told(used, self._now_s())

    def _bucket(self, name: str) -> TokenBucket:
        found = self._buckets.get(name)
        if found is None:
            raise Misconfigured(f"there is no bucket {name!r}", fix=f"use one of {', '.join(self._buckets)}")
        return found


class Limited(Protocol):
    """What `rate_limited` decorates: methods of something that has a limiter."""

    @property
    def limiter(self) -> Limiter:
        """Return the limiter of its venue."""


Owner = TypeVar("Owner", bound=Limited)
Method = Callable[Concatenate[Owner, P], Awaitable[R]]


def rate_limited(
    bucket: str, *, tokens: int = 1, max_wait: float | None = None, urgent: bool = False
) -> Callable[[Method[Owner, P, R]], Method[Owner, P, R]]:
    """Make each call of a method take tokens of its owner's `limiter`, or raise Unavailable with the time to wait."""

    def decorate(method: Method[Owner, P, R]) -> Method[Owner, P, R]:
        @functools.wraps(method)
        async def limited(owner: Owner, /, *args: P.args, **kwargs: P.kwargs) -> R:
            if not await owner.limiter.acquire(bucket, tokens, max_wait, urgent=urgent):
                wait_s = owner.limiter.get_wait_time(bucket, tokens, urgent=urgent)
                raise Unavailable(f"the limit of {bucket} is reached", retry_after_s=wait_s)
            return await method(owner, *args, **kwargs)

        return limited

    return decorate
