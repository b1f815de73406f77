"""Books funding of futures: what the venue's list says was paid since futures are held, each payment once.

The list is the truth. A private stream is only a hint to look soon, for what it tells may leave an earlier payment out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from executor.leasing import Holding
from executor.ports import Clock, Fenced, Store, VenueLink
from executor.terms import US_PER_S, Known, Terms, Where
from executor.translating import funding
from tapeline.domain.funding import LATE_US, Exposed
from tapeline.errors import TapelineError
from tapeline.runtime import logs
from tapeline.runtime.log_events import LogEvent
from tapeline.venues.calls import FundingQuery

_LOG = logs.get(__name__)
AGAIN_US: Final = 3_600 * US_PER_S
"""So far back what was read is read again, for what a venue lists late."""
MOST_US: Final = 28 * 86_400 * US_PER_S
"""So long a time is asked for at once, so that it fits into the limits of a venue."""
_SKEW_US: Final = 5 * US_PER_S


class Funding:
    """Reads the payments of every market on which futures are held."""

    def __init__(
        self, store: Store, links: Mapping[Where, VenueLink], clock: Clock, holding: Holding, known: Known, terms: Terms
    ) -> None:
        """Take the ports."""
        self._store = store
        self._links = links
        self._clock = clock
        self._holding = holding
        self._known = known
        self._terms = terms
        self._due_s = 0.0
        self._read_us: dict[Where, int] = {}
        """Up to when each market was read."""
        self._booked: dict[Where, frozenset[tuple[str, str]]] = {}
        """What of the last reading stands on a life, so that the store is not asked for it again."""

    def hint(self) -> None:
        """Look as soon as a payment of now may be booked."""
        self._due_s = min(self._due_s, self._clock.monotonic_s() + self._terms.funding_settle_s)

    async def run(self) -> None:
        """Look for ever, at once, then every so often; raise Fenced when the account is another's."""
        while True:
            self._due_s = self._clock.monotonic_s() + self._terms.funding_every_s
            await self.look()
            while self._clock.monotonic_s() < self._due_s:
                await self._clock.sleep(self._terms.pass_every_s)

    async def look(self) -> None:
        """Read every market once; what cannot be read now is read the next time, from where it stood."""
        try:
            markets = await self._store.exposed(self._holding.lease.account)
        except TapelineError as error:
            _LOG.warning(LogEvent.STEP_FAILED, step="funding", reason=str(error))
            return
        for one in markets:
            try:
                await self._look(one)
            except Fenced:
                raise
            except TapelineError as error:
                where = f"{one.venue}:{one.market}"
                _LOG.warning(LogEvent.STEP_FAILED, step="funding", of=where, reason=str(error))

    async def _look(self, market: Exposed) -> None:
        where: Where = (market.venue, market.market)
        link = self._links.get(where)
        read_us = self._read_us.get(where, market.paid_us)
        ended = read_us is not None and market.closed_us is not None and market.closed_us < read_us - AGAIN_US
        if link is None or ended:
            return
        since_us = market.opened_us - LATE_US
        if read_us is not None:
            since_us = max(since_us, read_us - AGAIN_US)
        now_us = self._clock.now_us()
        until_us = min(now_us + _SKEW_US, since_us + MOST_US)
        found = await link.funding(FundingQuery(since_us=since_us, until_us=until_us))
        # By then the fills before it are booked, so that its life is known.
        settled_us = now_us - round(self._terms.funding_settle_s * US_PER_S)
        before, booked, whole = self._booked.get(where, frozenset()), set[tuple[str, str]](), True
        for payment in found.payments:
            name = (payment.native, payment.payment_id)
            if payment.paid_us > settled_us:
                continue
            ours = funding(payment, where, self._known)
            if ours is None:
                told = f"the payment {payment.payment_id} of {payment.native} is in {payment.currency}, without a price"
                _LOG.warning(LogEvent.STEP_FAILED, step="funding", of=":".join(where), reason=told)
                whole = False
            elif name in before or await self._store.funded(self._holding.lease, ours):
                booked.add(name)
        self._booked[where] = frozenset(booked)
        # Else from the same time again.
        self._read_us[where] = min(now_us, until_us) if whole else since_us + AGAIN_US
