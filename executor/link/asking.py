"""How one market of a venue is asked: within half of its limits, in its own time, each request sent once.

What changes something has an outcome and never raises for what the venue does: what was not sent is refused by us,
what was sent and not answered is unknown. A question raises the error of who must act. Where the venue says how long
to wait nothing at all goes out before that.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final, TypeVar

from executor.link.venue_clock import VenueClock
from tapeline.errors import OutcomeUnknown, TapelineError, Unavailable
from tapeline.runtime import clock, logs, metrics
from tapeline.runtime.http import retry_after_s
from tapeline.runtime.limiter import Bucket, Limiter, measured, share
from tapeline.runtime.log_events import LogEvent
from tapeline.runtime.signed_http import Reply, SignedClient
from tapeline.venues.calls import Call, CancelOutcome, CancelRequest, OrderRequest, PlaceOutcome, TimeQuery
from tapeline.venues.orders import Keys, SignedRequest, Trading, TradingFacts
from tapeline.venues.refusals import Reason, Refused, Unknown

A = TypeVar("A")
C = TypeVar("C", PlaceOutcome, CancelOutcome)

RESERVED_SHARE: Final = 0.25
"""Of our half of each limit, kept for cancels and what only reduces (K16)."""
QUESTION_MS: Final = 5_000
"""So long a question may be on its way."""
PATIENCE_S: Final = 5.0
"""A question that our own limit or the venue holds back for longer is not asked now."""
_REFUSED: Final = 400
_US_PER_MS: Final = 1_000
_US_PER_S: Final = 1_000_000


def buckets(facts: TradingFacts) -> dict[str, Bucket]:
    """Return our half of each of a market's limits, the reserve within it (X-07)."""
    halves = {name: share(limit.tokens, limit.window_s) for name, limit in facts.limits.items()}
    return {
        name: share(
            facts.limits[name].tokens, half.window_s, reserved=max(1, int(half.max_tokens * RESERVED_SHARE))
        )
        for name, half in halves.items()
    }  # fmt: skip


class Asking:
    """Asks and orders at one market of a venue."""

    def __init__(self, trading: Trading, keys: Keys, client: SignedClient) -> None:
        """Begin with full buckets and without the venue's time."""
        self._trading, self._keys, self._client = trading, keys, client
        self._facts = trading.facts
        waited = measured(trading.facts.venue, trading.facts.market)
        self._limiter = Limiter(buckets(trading.facts), waited=waited)
        self._clock = VenueClock()
        self._held_until_s = 0.0
        self._doubted = True
        self._measuring = asyncio.Lock()
        self._labels = {"venue": trading.facts.venue, "market": trading.facts.market}
        self._holds = metrics.VENUE_HOLDS.bind(**self._labels)

    def now_us(self) -> int:
        """Return the venue's time, the earliest that it may be."""
        return self._clock.now_us(clock.now_us())

    def doubt(self) -> None:
        """Let the venue's clock be measured before the next request."""
        self._doubted = True

    # what changes something

    async def place(self, call: OrderRequest, *, until_us: int, within_s: float) -> PlaceOutcome:
        """Send an order that the venue refuses after this time of ours; limit and answer may take `within_s` each."""
        return await self._change(call, until_us, within_s)

    async def cancel(self, call: CancelRequest, *, until_us: int) -> CancelOutcome:
        """Send a cancel that the venue refuses after this time of ours."""
        return await self._change(call, until_us)

    async def _change(self, call: Call[C], until_us: int, within_s: float | None = None) -> C | Refused | Unknown:
        with contextlib.suppress(TimeoutError):
            # A clock that cannot be measured in time is the one that it was.
            async with asyncio.timeout(within_s):
                await self._settle_doubt()
        request = self._timed(call, until_us)
        if request is None:
            return _expired()
        left_s = (until_us - clock.now_us()) / _US_PER_S
        wait_s = await self._admitted(request, within_s=left_s if within_s is None else min(left_s, within_s))
        if wait_s is not None:
            told = f"the limit of {self._facts.where} is free in {wait_s:.3f} s, which is too late for the request"
            return Refused(reason=Reason.RATE_LIMITED, text=told, retry_after_s=wait_s)
        # Signed after the wait: it names the time and what is left of it.
        request = self._timed(call, until_us)
        if request is None:
            return _expired()
        reply = await self._answered(request, within_s)
        if not isinstance(reply, Reply):
            return reply
        outcome = self._trading.decode(call, reply.status, reply.headers, reply.body)
        self._heed(reply, outcome.retry_after_s if isinstance(outcome, Refused) else None)
        if isinstance(outcome, Refused) and outcome.reason is Reason.EXPIRED:
            self.doubt()
        return outcome

    async def _answered(self, request: SignedRequest, within_s: float | None) -> Reply | Refused | Unknown:
        try:
            async with asyncio.timeout(within_s):
                return await self._send(request)
        except TimeoutError:
            return Unknown(why="no answer in time")
        except Unavailable as error:
            return Refused(reason=Reason.OVERLOADED, text=error.reason)
        except OutcomeUnknown as error:
            return Unknown(why=str(error))

    def _timed(self, call: Call[object], until_us: int) -> SignedRequest | None:
        """Return the request with what is left of its time; None when nothing is."""
        now_us = clock.now_us()
        left_ms = (until_us - now_us) // _US_PER_MS
        if left_ms < 1:
            return None
        most_ms = min(left_ms, self._facts.expiry.most_ms)
        return self._trading.build(call, self._keys, at_us=self._clock.now_us(now_us), expires_in_ms=most_ms)

    # questions

    async def ask(self, call: Call[A]) -> A:
        """Return the answer; one that a clock which has jumped spoiled is asked for once more."""
        await self._settle_doubt()
        reply = await self._asked(call)
        try:
            return self._read(call, reply)
        except Unavailable as error:
            if error.retry_after_s is not None or not await self._has_jumped():
                raise
        return self._read(call, await self._asked(call))

    async def _asked(self, call: Call[object]) -> Reply:
        request = self._question(call)
        await self._patient(request)
        try:
            return await self._send(self._question(call))
        except OutcomeUnknown as error:
            raise Unavailable(str(error)) from error

    def _question(self, call: Call[object]) -> SignedRequest:
        most_ms = min(QUESTION_MS, self._facts.expiry.most_ms)
        return self._trading.build(call, self._keys, at_us=self.now_us(), expires_in_ms=most_ms)

    def _read(self, call: Call[A], reply: Reply) -> A:
        try:
            answer = self._trading.decode(call, reply.status, reply.headers, reply.body)
        except Unavailable as error:
            self._heed(reply, error.retry_after_s)
            raise
        self._heed(reply, None)
        return answer

    # the venue's clock

    async def measure(self) -> bool:
        """Ask the venue for its time; return whether its clock has jumped against ours since the last time."""
        async with self._measuring:
            return await self._measure()

    async def _measure(self) -> bool:
        call = TimeQuery()
        request = self._question(call)
        await self._patient(request)
        sent_us = clock.now_us()
        try:
            reply = await self._send(request)
        except OutcomeUnknown as error:
            raise Unavailable(str(error)) from error
        received_us = clock.now_us()
        answer = self._read(call, reply)
        jumped = self._clock.measured(sent_us=sent_us, received_us=received_us, venue_us=answer.at_us)
        self._doubted = False
        ahead_s = self._clock.ahead_us / _US_PER_S
        metrics.VENUE_CLOCK_AHEAD_S.set(ahead_s, **self._labels)
        if jumped:
            logs.get(__name__).warning(LogEvent.VENUE_CLOCK_MOVED, **self._labels, ahead_s=ahead_s)
        return jumped

    async def _settle_doubt(self) -> None:
        if not self._doubted:
            return
        async with self._measuring:
            if self._doubted:
                await self._try_to_measure()

    async def _has_jumped(self) -> bool:
        async with self._measuring:
            return await self._try_to_measure()

    async def _try_to_measure(self) -> bool:
        try:
            return await self._measure()
        except TapelineError as error:
            # What stands is as good as it was; a request with a wrong time is refused and does no harm.
            logs.get(__name__).warning(LogEvent.VENUE_CLOCK_UNKNOWN, **self._labels, reason=str(error))
            return False

    # both

    async def _patient(self, request: SignedRequest) -> None:
        """Wait for a question's turn; Unavailable when that takes too long."""
        wait_s = await self._admitted(request, within_s=PATIENCE_S)
        if wait_s is not None:
            raise Unavailable(f"{self._facts.where} is not asked before its limit is free", retry_after_s=wait_s)

    async def _admitted(self, request: SignedRequest, *, within_s: float) -> float | None:
        """Wait for a request's turn and return None; where that is too far away, return in how many seconds it is."""
        give_up_s = clock.monotonic_s() + within_s
        wait_s = await self._held_back(give_up_s)
        if wait_s is not None:
            return wait_s
        bucket, cost, urgent = request.bucket, request.cost, request.urgent
        if not await self._limiter.acquire(bucket, cost, give_up_s - clock.monotonic_s(), urgent=urgent):
            return self._limiter.get_wait_time(bucket, cost, urgent=urgent)
        # What the venue has asked for meanwhile holds for those who had a turn already.
        return await self._held_back(give_up_s)

    async def _held_back(self, give_up_s: float) -> float | None:
        while (now_s := clock.monotonic_s()) < self._held_until_s:
            if self._held_until_s > give_up_s:
                return self._held_until_s - now_s
            await asyncio.sleep(self._held_until_s - now_s)
        return None

    async def _send(self, request: SignedRequest) -> Reply:
        outcome = "unanswered"
        try:
            reply = await self._client.send(request)
            outcome = "answered"
        except Unavailable:
            outcome = "unsent"
            raise
        finally:
            metrics.VENUE_REQUESTS.bind(**self._labels, outcome=outcome).inc()
        limit = self._facts.limits.get(request.bucket)
        used = "" if limit is None or limit.used_header is None else reply.headers.get(limit.used_header, "")
        if used.isascii() and used.isdigit():
            self._limiter.told(request.bucket, int(used))
        return reply

    def _heed(self, reply: Reply, wait_s: float | None) -> None:
        """Hold everything back for as long as the venue asks, whichever way it said it."""
        told_s = retry_after_s(reply.headers) if reply.status >= _REFUSED else None
        longest_s = max(wait_s or 0.0, told_s or 0.0)
        if longest_s > 0:
            self._holds.inc()
            self._held_until_s = max(self._held_until_s, clock.monotonic_s() + longest_s)
            metrics.VENUE_HELD_UNTIL_S.set(clock.now_us() / _US_PER_S + longest_s, **self._labels)


def _expired() -> Refused:
    return Refused(reason=Reason.EXPIRED, text="its time was over before it was sent")
