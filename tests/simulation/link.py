"""One executor's link to a fake market: a request that is under way arrives also when its sender is dead."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from tapeline.domain.instruments import Market
from tapeline.errors import TapelineError, Unavailable
from tapeline.venues.account import PrivateEvent, VenuePosition
from tapeline.venues.calls import (
    Balances,
    CancelOutcome,
    CancelRequest,
    Fills,
    FillsQuery,
    FoundOrder,
    FundingPayments,
    FundingQuery,
    LeverageRequest,
    LeverageSet,
    NotFound,
    OpenOrders,
    OpenOrdersQuery,
    OrderQuery,
    OrderRequest,
    PlaceOutcome,
    Positions,
    PositionsQuery,
)
from tapeline.venues.refusals import Unknown
from tests.simulation.venue import Attempt, FakeMarket

PATIENCE_S = 2.0
Gate = Callable[[], Awaitable[None]]


class FakeLink:
    """The link port over a fake market; `gate` is passed before and after each request."""

    def __init__(self, market: FakeMarket, sender: str, gate: Gate) -> None:
        self._market = market
        self._sender = sender
        self._gate = gate

    @property
    def where(self) -> tuple[str, Market]:
        """Return which one it is."""
        return self._market.where

    async def place(self, request: OrderRequest, *, until_us: int, within_s: float) -> PlaceOutcome:
        """Send an order; request or answer may be lost or slow."""
        await self._gate()
        market = self._market
        attempt = Attempt(request=request, sender=self._sender, sent_us=market.clock.now_us(), until_us=until_us)
        market.attempts.append(attempt)
        found: asyncio.Future[PlaceOutcome] = asyncio.get_running_loop().create_future()
        if not market.happens(market.chance.lost_request):
            _at(market.latency_s(), lambda: _tell(found, market.arrive(attempt), market))
        try:
            async with asyncio.timeout(within_s):
                answer = await found
        except TimeoutError:
            answer = Unknown(why="no answer in time")
        await self._gate()
        return answer

    async def cancel(self, request: CancelRequest, *, until_us: int) -> CancelOutcome:
        """Send a cancel."""
        await self._gate()
        market = self._market
        found: asyncio.Future[CancelOutcome] = asyncio.get_running_loop().create_future()
        if not market.happens(market.chance.lost_request):
            _at(market.latency_s(), lambda: _tell(found, market.arrive_cancel(request), market))
        try:
            async with asyncio.timeout(PATIENCE_S):
                answer = await found
        except TimeoutError:
            answer = Unknown(why=f"no answer in time, it was good until {until_us}")
        await self._gate()
        return answer

    async def query(self, query: OrderQuery) -> FoundOrder | NotFound:
        """Look an order up; a fresh one may not show up yet."""
        answered = False
        try:
            await self._ask()
            answered = True
        finally:
            if not answered:
                self._market.silent.append((self._market.clock.now_us(), query.native))
        held = self._market.orders.get(query.client_id)
        if held is None or self._market.clock.monotonic_s() < held.visible_s:
            return NotFound()
        return FoundOrder(order=held.order)

    async def open_orders(self, query: OpenOrdersQuery) -> OpenOrders:
        """Return what is open."""
        del query
        await self._ask()
        open_ = ("PLACED", "PARTIALLY_FILLED")
        return OpenOrders(orders=tuple(one.order for one in self._market.orders.values() if one.order.status in open_))

    async def fills(self, query: FillsQuery) -> Fills:
        """Return the fills that show up by now."""
        self._market.fills_asked += 1
        await self._ask()
        now_s = self._market.clock.monotonic_s()
        found = [
            fill
            for held in self._market.orders.values()
            for shown_s, fill in held.fills
            if shown_s <= now_s and fill.native == query.native and query.since_us <= fill.filled_us <= query.until_us
        ]
        return Fills(fills=tuple(sorted(found, key=lambda fill: fill.filled_us)))

    async def positions(self, query: PositionsQuery) -> Positions:
        """Return what is held."""
        del query
        await self._ask()
        held = self._market.positions.items()
        return Positions(
            positions=tuple(
                VenuePosition(native=native, quantity=quantity, mode="net") for native, quantity in held if quantity
            )
        )

    async def funding(self, query: FundingQuery) -> FundingPayments:
        """Return the payments that are listed by now; its chances are beside those of the rest of the story."""
        market = self._market
        await self._gate()
        await market.clock.sleep(market.payday.uniform(0.001, 0.03))
        await self._gate()
        if market.payday.random() < market.chance.unavailable:
            raise Unavailable("503 by chance", retry_after_s=0.2)
        now_s = market.clock.monotonic_s()
        found = [
            paid
            for shown_s, paid in market.payments
            if shown_s <= now_s and query.since_us <= paid.paid_us <= query.until_us
        ]
        return FundingPayments(payments=tuple(found))

    async def balances(self) -> Balances:
        """Return the wallet."""
        await self._ask()
        return self._market.wallet()

    async def set_leverage(self, request: LeverageRequest) -> LeverageSet:
        """Set it, as soon and as surely as the market does."""
        await self._ask()
        if isinstance(self._market.leverage, TapelineError):
            raise self._market.leverage
        if self._market.leverage:
            await self._market.clock.sleep(self._market.leverage)
        return LeverageSet(native=request.native, leverage=request.leverage)

    async def events(self) -> AsyncIterator[PrivateEvent]:
        """Yield what the stream says until it is cut."""
        queue: asyncio.Queue[PrivateEvent | None] = asyncio.Queue()
        self._market.listeners.append(queue)
        try:
            while (event := await queue.get()) is not None:
                await self._gate()
                yield event
        finally:
            self._market.listeners.remove(queue)

    async def _ask(self) -> None:
        await self._gate()
        market = self._market
        await market.clock.sleep(market.latency_s())
        await self._gate()
        if market.happens(market.chance.unavailable):
            raise Unavailable("503 by chance", retry_after_s=0.2)


def _at(seconds: float, work: Callable[[], None]) -> None:
    _ = asyncio.get_running_loop().call_later(seconds, work)


def _tell(
    found: asyncio.Future[PlaceOutcome] | asyncio.Future[CancelOutcome], answer: object, market: FakeMarket
) -> None:
    """Let the answer travel back, unless it is lost or nobody waits any more."""
    if market.happens(market.chance.lost_answer):
        return

    def arrive() -> None:
        if not found.done():
            found.set_result(answer)  # type: ignore[arg-type]  # the answer is of the kind that was asked for

    _at(market.random.uniform(0.001, 0.02), arrive)
