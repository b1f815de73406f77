"""The real VenueLink: one market of one venue over REST and its private stream; quantities in base currency outside."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, aclosing
from decimal import Decimal
from types import TracebackType
from typing import Final, NoReturn, Self, TypeVar

import msgspec

from executor.link.asking import Asking
from executor.link.stream import PrivateStream
from tapeline.domain.events import Instrument, Market
from tapeline.errors import TapelineError, Unavailable
from tapeline.runtime import logs
from tapeline.runtime.lifecycle import background
from tapeline.runtime.log_events import LogEvent
from tapeline.runtime.signed_http import SignedClient
from tapeline.venues.account import PrivateEvent
from tapeline.venues.calls import (
    Balances,
    BalancesQuery,
    Call,
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
from tapeline.venues.contract import Hosts
from tapeline.venues.orders import Keys, Trading
from tapeline.venues.refusals import Reason, Refused
from tapeline.venues.sizing import in_base, in_contracts, quantize

MEASURE_EVERY_S: Final = 30.0
ANSWER_WITHIN_S: Final = 5.0
"""So long an answer may take before its outcome is unknown."""
MOST_PAGES: Final = 500
P = TypeVar("P", OpenOrders, Fills, FundingPayments, Positions)
V = TypeVar("V", bound=msgspec.Struct)


class HttpLink:
    """One market of a venue with the account's keys; `async with` it."""

    def __init__(
        self,
        trading: Trading,
        keys: Keys,
        hosts: Hosts,
        instruments: Mapping[str, Instrument],
        *,
        dead_man: bool = False,
        answer_within_s: float = ANSWER_WITHIN_S,
    ) -> None:
        """Prepare; `instruments` are the rules by symbol, those of other markets are passed over."""
        self._trading = trading
        self._facts = trading.facts
        self._client = SignedClient(hosts.rest, answer_within_s=answer_within_s)
        self._asking = Asking(trading, keys, self._client)
        self._stream = PrivateStream(trading, keys, hosts, self._asking, dead_man=dead_man)
        self._stack = AsyncExitStack()
        self._rules: dict[str, Instrument] = {}
        self._sizes: dict[str, Decimal] = {}
        self.learn(instruments)

    async def __aenter__(self) -> Self:
        """Open, measure the venue's clock and go on measuring; Unavailable when the venue does not answer."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._client)
            await self._asking.measure()
            _ = await stack.enter_async_context(background("venue-clock", self._measuring()))
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close all connections."""
        await self._stack.aclose()

    @property
    def where(self) -> tuple[str, Market]:
        """Return which one it is."""
        return self._facts.venue, self._facts.market

    def learn(self, instruments: Mapping[str, Instrument]) -> None:
        """Take the rules of instruments, by symbol; what is known of others stands."""
        for one in instruments.values():
            if (one.venue, one.market) == self.where:
                self._rules[one.native] = one
                self._sizes[one.native] = one.contract_size

    async def place(self, request: OrderRequest, *, until_us: int, within_s: float = ANSWER_WITHIN_S) -> PlaceOutcome:
        """Send an order that the venue refuses after `until_us`; wait for limit and answer `within_s` each."""
        rules = self._rules.get(request.native)
        if rules is None:
            told = f"the rules of {request.native} at {self._facts.where} are not known"
            return Refused(reason=Reason.UNKNOWN_INSTRUMENT, text=told)
        sized = quantize(request, rules)
        if isinstance(sized, Refused):
            return sized
        return self._base(await self._asking.place(in_contracts(sized, rules), until_us=until_us, within_s=within_s))

    async def cancel(self, request: CancelRequest, *, until_us: int) -> CancelOutcome:
        """Cancel by client id, with reserved tokens."""
        return self._base(await self._asking.cancel(request, until_us=until_us))

    async def query(self, query: OrderQuery) -> FoundOrder | NotFound:
        """Look an order up in every place where the venue keeps some."""
        asked: OrderQuery | None = query
        while asked is not None:
            answer = await self._asking.ask(asked)
            if isinstance(answer, FoundOrder):
                return self._base(answer)
            asked = answer.then
        return NotFound()

    async def open_orders(self, query: OpenOrdersQuery) -> OpenOrders:
        """Return all open orders, also such that are not ours."""
        # What moves while pages are turned may stand on two of them.
        found = {order.venue_id: order async for page in self._pages(query) for order in page.orders}
        return self._base(OpenOrders(orders=tuple(found.values())))

    async def fills(self, query: FillsQuery) -> Fills:
        """Return all fills of an instrument since a time, each once, the oldest first."""
        found = {fill.fill_id: fill async for page in self._pages(query) for fill in page.fills}
        # Where a venue begins with the newest, its pages do too.
        return self._base(Fills(fills=tuple(sorted(found.values(), key=lambda one: one.filled_us))))

    async def positions(self, query: PositionsQuery) -> Positions:
        """Return what is held; on spot that are balances, so there is no position."""
        if self._facts.market == "spot":
            return Positions(positions=())
        found = {(one.native, one.mode): one async for page in self._pages(query) for one in page.positions}
        return self._base(Positions(positions=tuple(found.values())))

    async def funding(self, query: FundingQuery) -> FundingPayments:
        """Return all funding since a time, each payment once, the oldest first."""
        found = {(one.native, one.payment_id): one async for page in self._pages(query) for one in page.payments}
        return FundingPayments(payments=tuple(sorted(found.values(), key=lambda one: one.paid_us)))

    async def balances(self) -> Balances:
        """Return the wallet."""
        return await self._asking.ask(BalancesQuery())

    async def set_leverage(self, request: LeverageRequest) -> LeverageSet:
        """Set the leverage of an instrument."""
        return await self._asking.ask(request)

    async def events(self) -> AsyncGenerator[PrivateEvent, None]:
        """Yield what the private stream says; it ends when the stream does: reconcile and ask again."""
        async with aclosing(self._stream.events()) as events:
            async for event in events:
                yield self._base(event)

    async def _measuring(self) -> NoReturn:
        while True:
            await asyncio.sleep(MEASURE_EVERY_S)
            try:
                await self._asking.measure()
            except TapelineError as error:
                venue, market = self.where
                logs.get(__name__).warning(LogEvent.VENUE_CLOCK_UNKNOWN, venue=venue, market=market, reason=str(error))

    def _base(self, value: V) -> V:
        return in_base(value, self._sizes)

    async def _pages(self, call: Call[P]) -> AsyncGenerator[P, None]:
        for _ in range(MOST_PAGES):
            page = await self._asking.ask(call)
            yield page
            if page.then is None:
                return
            call = page.then
        raise Unavailable(f"{self._facts.where} has answered {MOST_PAGES} pages and has more to come")
