"""Reads what the venues say of the account and makes our rows agree: the one way to start, and the truth afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal

import msgspec

from executor.leasing import Holding
from executor.ports import Clock, Store, VenueLink
from executor.submitting import Submitter
from executor.terms import US_PER_S, Instrument, Known, Terms, Where
from executor.translating import balances, fill, told
from tapeline.domain import reconcile
from tapeline.domain.account import AccountState
from tapeline.domain.orders import OurFill
from tapeline.domain.reconcile import Repairs, TheirOrder, Theirs
from tapeline.errors import Unavailable
from tapeline.runtime import logs
from tapeline.runtime.log_events import LogEvent
from tapeline.venues.account import Fill, VenueOrder
from tapeline.venues.calls import Balances, CancelRequest, FillsQuery, OpenOrdersQuery, PositionsQuery
from tapeline.venues.orders import is_ours

_LOG = logs.get(__name__)
_SKEW_US = 5 * US_PER_S
_STEADY = 5
"""So often positions and fills are read again until both are of one moment."""


class Reading:
    """What one market said."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.orders: tuple[VenueOrder, ...] = ()
        self.fills: list[tuple[str, Fill]] = []
        self.positions: dict[Instrument, Decimal] = {}


class Reconciler:
    """Compares and repairs one market, or all of them."""

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
        self.alarm: Callable[[str, str], object] = lambda *_: None
        """Tells a person of what is not ours (K1)."""

    async def start(self, submitter: Submitter) -> None:
        """Reconcile all markets until each was read, before the first intent (X-15); raise what a person must mend."""
        left = set(self._links)
        while left:
            for where in sorted(left):
                try:
                    await self.run((where,), submitter)
                except Unavailable as error:
                    _LOG.warning(LogEvent.DEPENDENCY_WAITING, dependency=":".join(where), reason=str(error))
                    await self._clock.sleep(self._terms.retry_s)
                else:
                    left.discard(where)

    async def run(self, markets: Iterable[Where], submitter: Submitter) -> int:
        """Read these markets, look up what must be looked up, repair; return how many repairs there were."""
        wanted = tuple(markets)
        account = self._holding.lease.account
        before = await self._store.state(account)
        read = {where: await self._read(where, before) for where in wanted}
        names = {one.client_id for reading in read.values() for one in reading.orders if one.client_id is not None}
        # Read again after the venues: an order that was sent meanwhile is known now.
        state = await self._store.state(account, orders=tuple(sorted(names)))
        theirs = self._theirs(read, state, before.now_us)
        booked = await self._store.booked(account)
        repairs = _judged(reconcile.check(state, booked, theirs, self._known.bases()), state, before.now_us)
        await self._store.repair(self._holding.lease, repairs, self._known.bases())
        for block in repairs.blocks:
            told = f"{block.venue}:{block.market}:{block.symbol} has {block.reason}: it is not touched"
            self.alarm("not_ours", f"{told}, and nothing is opened on {block.symbol} until it is gone")
        for name in repairs.look_ups:
            order = state.order(name)
            if order is not None and order.sent_us is not None:
                await submitter.look_up(order)
        for lost in repairs.cancels:
            await self._cancel(lost)
        count = len(repairs.answers) + len(repairs.fills) + len(repairs.restored_orders)
        count += len(repairs.restored_positions) + len(repairs.blocks)
        if count:
            _LOG.info(LogEvent.RECONCILED, markets=[":".join(where) for where in wanted], repairs=count)
        return count

    async def read_balances(self) -> None:
        """Read every wallet and store what it holds."""
        read: dict[Where, Balances] = {where: await link.balances() for where, link in self._links.items()}
        await self._store.balances(self._holding.lease, balances(read, self._known))

    async def _read(self, where: Where, state: AccountState) -> Reading:
        link = self._links[where]
        found = Reading()
        found.orders = (await link.open_orders(OpenOrdersQuery())).orders
        before = await self._positions(where)
        for _ in range(_STEADY):
            found.fills = await self._fills(where, state)
            found.positions = await self._positions(where)
            if found.positions == before:
                break
            before = found.positions
        return found

    async def _positions(self, where: Where) -> dict[Instrument, Decimal]:
        if where[1] != "futures":
            return {}
        read = await self._links[where].positions(PositionsQuery())
        found: dict[Instrument, Decimal] = {}
        for one in read.positions:
            found[(*where, self._symbol(where, one.native))] = one.quantity
        return found

    async def _fills(self, where: Where, state: AccountState) -> list[tuple[str, Fill]]:
        since: dict[str, int] = {}
        for order in state.orders:
            if (order.venue, order.market) == where and order.sent_us is not None and not order.complete:
                since[order.symbol] = min(since.get(order.symbol, order.created_us), order.created_us)
        found: list[tuple[str, Fill]] = []
        for symbol, since_us in sorted(since.items()):
            rules = self._known.rules[(*where, symbol)]
            until_us = self._clock.now_us() + _SKEW_US
            query = FillsQuery(native=rules.native, since_us=since_us - _SKEW_US, until_us=until_us)
            found += [(symbol, one) for one in (await self._links[where].fills(query)).fills]
        return found

    def _theirs(self, read: Mapping[Where, Reading], state: AccountState, read_us: int) -> Theirs:
        by_venue_id = {(one.venue, one.market, one.venue_order_id): one for one in state.orders}
        fills: list[OurFill] = []
        orders: list[TheirOrder] = []
        for where, reading in read.items():
            orders += [self._their_order(where, one) for one in reading.orders]
            for _, execution in reading.fills:
                owner = None if execution.client_id is None else state.order(execution.client_id)
                owner = owner or by_venue_id.get((*where, execution.venue_order_id))
                if owner is not None:
                    fills.append(fill(execution, owner, self._known))
        return Theirs(
            markets=frozenset(read),
            open_orders=tuple(orders),
            looked_up={},
            fills=tuple(fills),
            positions={at: quantity for reading in read.values() for at, quantity in reading.positions.items()},
            read_us=read_us,
        )

    def _their_order(self, where: Where, one: VenueOrder) -> TheirOrder:
        return TheirOrder(
            venue=where[0],
            market=where[1],
            symbol=self._symbol(where, one.native),
            client_order_id=one.client_id,
            ours=is_ours(self._known.client_ids[where], one.client_id),
            answer=told(one),
        )

    def _symbol(self, where: Where, native: str) -> str:
        # An instrument that we do not trade is told by the venue's own name.
        return self._known.symbols(where).get(native, native)

    async def _cancel(self, lost: TheirOrder) -> None:
        """Cancel an open order of our shape that no row knows: nobody would manage it."""
        where = (lost.venue, lost.market)
        rules = self._known.rules.get((*where, lost.symbol))
        now_us = self._clock.now_us()
        until_us = min(now_us + self._terms.window_us, self._holding.until_us())
        if lost.client_order_id is None or until_us <= now_us:
            return
        native = lost.symbol if rules is None else rules.native
        call = CancelRequest(native=native, client_id=lost.client_order_id)
        _ = await self._links[where].cancel(call, until_us=until_us)


def _judged(repairs: Repairs, state: AccountState, read_us: int) -> Repairs:
    """Return repairs without blocks where something of ours is under way: what is apart there may be our own."""
    moving = {
        (one.venue, one.market, one.symbol)
        for one in state.orders
        if one.sent_us is not None
        and (one.status in ("PENDING", "UNKNOWN") or not (one.is_open or one.complete) or one.updated_us >= read_us)
    }
    blocks = tuple(one for one in repairs.blocks if (one.venue, one.market, one.symbol) not in moving)
    return msgspec.structs.replace(repairs, blocks=blocks)
