"""The lease as its holder sees it: by its own clock it ends earlier than in the database, never later."""

from __future__ import annotations

import asyncio

from executor.ports import Clock, Lease, LeaseHeld, Store
from executor.terms import US_PER_S, Terms
from tapeline.errors import Unavailable
from tapeline.runtime import logs, metrics
from tapeline.runtime.log_events import LogEvent

_LOG = logs.get(__name__)


class Holding:
    """The right to act, and how long it still lasts."""

    def __init__(self, store: Store, clock: Clock, terms: Terms) -> None:
        """Hold nothing yet."""
        self._store = store
        self._clock = clock
        self._terms = terms
        self._lease: Lease | None = None
        self._end_s = 0.0

    @property
    def lease(self) -> Lease:
        """Return the lease; it is opened before anything else is done."""
        if self._lease is None:
            raise RuntimeError("there is no lease yet")
        return self._lease

    def until_us(self) -> int:
        """Return until when a request may be alive, in our wall time: the lease less its margin."""
        left_s = self._end_s - self._clock.monotonic_s()
        return self._clock.now_us() + int(left_s * US_PER_S) - self._terms.margin_us

    async def open(self, account: str, holder: str) -> Lease:
        """Wait until the account is free or its holder is gone, and take it."""
        while True:
            began_s = self._clock.monotonic_s()
            try:
                found = await self._store.open_lease(account, holder, for_us=self._terms.lease_us)
            except Unavailable as error:
                _LOG.warning(LogEvent.DEPENDENCY_WAITING, dependency="store", reason=str(error))
                await self._clock.sleep(self._terms.retry_s)
                continue
            if isinstance(found, LeaseHeld):
                await self._clock.sleep(self._terms.retry_s)
                continue
            self._take(found, began_s)
            _LOG.info(LogEvent.LEASE_TAKEN, account=account, epoch=found.epoch)
            return found

    async def wait_out(self) -> None:
        """Wait until the last request of the holder before us is surely dead, where no venue would refuse it."""
        before_us = self.lease.before_until_us
        if self._terms.wait_out and before_us is not None:
            left_us = before_us + self._terms.margin_us - self._clock.now_us()
            await self._clock.sleep(max(0, left_us) / US_PER_S)

    async def keep(self) -> None:
        """Renew for ever; raise Fenced when another has the account."""
        while True:
            await self._clock.sleep(self._terms.renew_every_s)
            began_s = self._clock.monotonic_s()
            try:
                renewed = await self._store.renew(self.lease, for_us=self._terms.lease_us)
            except Unavailable as error:
                # Sending ends by itself when the time is over.
                _LOG.warning(LogEvent.DEPENDENCY_LOST, dependency="store", reason=str(error))
                continue
            self._take(renewed, began_s)

    async def give_up(self) -> None:
        """End the lease, so that the next holder need not wait."""
        try:
            async with asyncio.timeout(self._terms.renew_every_s):
                await self._store.give_up(self.lease)
            metrics.LEASE_UNTIL_S.set(0, account=self.lease.account)
        except (Unavailable, TimeoutError) as error:
            _LOG.warning(LogEvent.DEPENDENCY_LOST, dependency="store", reason=str(error))

    def _take(self, lease: Lease, began_s: float) -> None:
        # Counted from before the question: the database began to count after it.
        self._lease = lease
        self._end_s = began_s + self._terms.lease_us / US_PER_S
        until_s = self._clock.now_us() / US_PER_S + self._end_s - self._clock.monotonic_s()
        metrics.LEASE_UNTIL_S.set(until_s, account=lease.account)
