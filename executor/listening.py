"""What a private stream says, as hints: booked where it is about an order of ours, and never taken for the truth."""

from __future__ import annotations

from collections.abc import Callable

from executor.desk import Desk
from executor.leasing import Holding
from executor.ports import Clock, Fenced, Store, VenueLink
from executor.reconciling import Reconciler
from executor.submitting import Submitter
from executor.terms import Known, Terms, Where
from executor.translating import told
from tapeline.domain.orders import OurOrder
from tapeline.errors import TapelineError
from tapeline.runtime import logs
from tapeline.runtime.log_events import LogEvent
from tapeline.venues.account import Fill, FundingPaid, OrderUpdate, PrivateEvent
from tapeline.venues.orders import is_ours

_LOG = logs.get(__name__)


class Listener:
    """Listens to one market, and compares it with our rows every few seconds and after each end of its stream."""

    def __init__(
        self, link: VenueLink, store: Store, clock: Clock, holding: Holding, known: Known, terms: Terms
    ) -> None:
        """Take the market and the ports."""
        self._link = link
        self._store = store
        self._clock = clock
        self._holding = holding
        self._known = known
        self._terms = terms
        self._deaf = False
        """Whether the stream has ended since the last poll."""
        self.on_funding: Callable[[], None] = lambda: None
        """Called when funding was paid."""

    async def listen(self, submitter: Submitter, reconciler: Reconciler, desk: Desk) -> None:
        """Book what the stream says for ever; when it ends, reconcile what was missed."""
        while True:
            try:
                async for event in self._link.events():
                    if await self._heard(event, submitter):
                        desk.wake()
            except Fenced:
                raise
            except TapelineError as error:
                _LOG.warning(LogEvent.PRIVATE_STREAM_ENDED, where=":".join(self._link.where), reason=str(error))
            self._deaf = True
            await self._compare(submitter, reconciler, desk)
            await self._clock.sleep(self._terms.retry_s)

    async def poll(self, submitter: Submitter, reconciler: Reconciler, desk: Desk) -> None:
        """Compare for ever: what REST says of open orders is the truth."""
        while True:
            await self._clock.sleep(self._terms.poll_every_s)
            if self._deaf:
                await self._ask_what_was_missed(submitter, desk)
            await self._compare(submitter, reconciler, desk)

    async def _ask_what_was_missed(self, submitter: Submitter, desk: Desk) -> None:
        """Read the fills of orders that had ended: what is dealt after an end is told by the stream alone (K14)."""
        self._deaf = False
        names = submitter.ended_short(self._link.where)
        try:
            state = await self._store.state(self._holding.lease.account, orders=names)
            for order in (state.order(name) for name in names):
                if order is not None and order.complete and order.filled < order.quantity:
                    await submitter.read_fills(order)
        except Fenced:
            raise
        except TapelineError as error:
            self._deaf = True
            where = ":".join(self._link.where)
            _LOG.warning(LogEvent.STEP_FAILED, step="missed fills", of=where, reason=str(error))
        else:
            desk.wake()

    async def _compare(self, submitter: Submitter, reconciler: Reconciler, desk: Desk) -> None:
        where: Where = self._link.where
        try:
            if await reconciler.run((where,), submitter):
                desk.wake()
        except Fenced:
            raise
        except TapelineError as error:
            _LOG.warning(LogEvent.STEP_FAILED, step="reconcile", of=":".join(where), reason=str(error))

    async def _heard(self, event: PrivateEvent, submitter: Submitter) -> bool:
        """Book what an event says of an order that we know; tell whether there was anything."""
        if isinstance(event, OrderUpdate):
            order = await self._order(event.order.client_id, submitter)
            if order is not None:
                await submitter.told(order, told(event.order))
            return order is not None
        if isinstance(event, Fill):
            order = await self._order(event.client_id, submitter)
            if order is not None:
                await submitter.executed(event, order)
            return order is not None
        if isinstance(event, FundingPaid):
            self.on_funding()
        return False

    async def _order(self, client_id: str | None, submitter: Submitter) -> OurOrder | None:
        """Return the order that is told of: of its row only what never changes is looked at."""
        if client_id is None or not is_ours(self._known.client_ids[self._link.where], client_id):
            return None
        recent = submitter.recent(client_id)
        if recent is not None:
            return recent
        state = await self._store.state(self._holding.lease.account, orders=(client_id,))
        return state.order(client_id)
