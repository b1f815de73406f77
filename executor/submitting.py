"""Requests to a venue, at most once per client id: noted before they go out, looked up where their fate is unknown."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from typing import TypeVar

from executor.drafting import request
from executor.leasing import Holding
from executor.leveraging import Leverages, Together
from executor.ports import Clock, Store, VenueLink
from executor.terms import US_PER_S, Known, Terms, Where, request_end_us
from executor.translating import DUPLICATE, fill, never_arrived, outcome, told
from tapeline.domain.instruments import Market
from tapeline.domain.money import ZERO
from tapeline.domain.order_records import OrderStatus
from tapeline.domain.orders import Answer, OurOrder
from tapeline.errors import TapelineError, Unavailable
from tapeline.runtime.lifecycle import background
from tapeline.venues.account import Fill
from tapeline.venues.calls import (
    Accepted,
    CancelRequest,
    FillsQuery,
    FoundOrder,
    OrderQuery,
)

_TWICE = 2
_QUESTIONS = 2
"""Of one look; each has the time of an answer before the next."""
_REMEMBERED = 1_000
K = TypeVar("K")
Q = TypeVar("Q")
V = TypeVar("V")
_LATELY_US = 60 * US_PER_S
"""So long after its end an order may still be told of a fill: longer than two polls."""
_SKEW_US = 5 * US_PER_S
"""Fills are asked for from a little before the order was made: the venue's clock may be behind ours."""


class Submitter:
    """Sends, cancels and looks up for one executor's life."""

    def __init__(
        self,
        store: Store,
        links: Mapping[Where, VenueLink],
        clock: Clock,
        holding: Holding,
        known: Known,
        terms: Terms,
    ) -> None:
        """Take the ports."""
        self._store = store
        self._links = links
        self._clock = clock
        self._holding = holding
        self._known = known
        self._terms = terms
        self._sent: set[str] = set()
        self._recent: dict[str, OurOrder] = {}
        self._said: dict[str, tuple[OrderStatus, Decimal | None]] = {}
        self._filled: dict[tuple[str, Market, str, str], None] = {}
        """What is booked already: most is told twice, by an answer and by the stream."""
        self.unbooked: set[str] = set()
        """Orders of which the venue has said what became of them, and the rows do not know it yet."""
        self._short: dict[str, tuple[Where, int]] = {}
        """Orders that ended without being dealt in whole: where, and when that was booked."""
        self._missing: dict[str, int] = {}
        self._leverages = Leverages(links, known)
        self.halted = False
        """The kill switch that stands in memory alone."""

    async def send(self, order: OurOrder, group: Together | None = None) -> None:
        """Send an order that was never sent, if there is still time, and book what comes of it.

        It is noted as sent before its request goes out: here, or with its intent already. `group` goes out with it.
        """
        name = order.client_order_id
        if name in self._sent or order.status != "PENDING":
            return
        noted = order.sent_us is not None
        if not noted and self.halted and not order.closing:
            return
        if not await self._leverage(order, group or Together((order,))):
            return
        sent_us = order.sent_us or self._clock.now_us()
        if not noted:
            if self._until_us(order, sent_us) <= sent_us:
                return
            await self._store.sent(self._holding.lease, name, sent_us)
        until_us = self._until_us(order, sent_us)
        if until_us <= self._clock.now_us() or (self.halted and not order.closing):
            await self._not_sent(order, "it is halted" if self.halted else "there was no time left")
            return
        self._sent.add(name)
        _keep(self._recent, name, order)
        link, native = self._place(order)
        sent_us = self._clock.now_us()
        # Not a time-out around it: what waits for a limit was not sent, and of that nothing is unknown.
        found = await link.place(request(order, native), until_us=until_us, within_s=self._terms.answer_s)
        if not isinstance(found, Accepted):
            await self._book(order, outcome(found, sent_us=sent_us, answered_us=self._clock.now_us()))
            return
        self.unbooked.add(name)
        try:
            await self._book(order, outcome(found, sent_us=sent_us, answered_us=self._clock.now_us()))
            for one in found.fills:
                await self._fill(one, order)
        finally:
            self.unbooked.discard(name)

    async def drop(self, order: OurOrder, code: str, reason: str) -> None:
        """End an order that was never sent."""
        if order.client_order_id not in self._sent:
            await self._book(order, Answer(status="REJECTED", code=code, reason=reason))

    async def cancel(self, order: OurOrder) -> None:
        """Cancel by client id, then look what has become of it: a fill may have won the race."""
        link, native = self._place(order)
        now_us = self._clock.now_us()
        until_us = min(now_us + self._terms.window_us, self._holding.until_us())
        if until_us > now_us:
            call = CancelRequest(native=native, client_id=order.client_order_id)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._terms.answer_s):
                    _ = await link.cancel(call, until_us=until_us)
        await self.look_up(order)

    async def look_up(self, order: OurOrder) -> None:
        """Ask by client id; not found counts only beyond the time in which it could still show up, and only twice."""
        link, native = self._place(order)
        asked_us = self._clock.now_us()
        found = await self._first_answer(link.query, OrderQuery(native=native, client_id=order.client_order_id))
        if isinstance(found, FoundOrder):
            self._missing.pop(order.client_order_id, None)
            await self._book(order, told(found.order, looked_up=True))
            return
        if order.status not in ("PENDING", "UNKNOWN"):
            return
        # Who says that an id is there has it in sight: there is nothing to wait for, and our request made no order.
        shown_us = request_end_us(order, self._terms) + self._known.visibility_us[order.venue, order.market]
        if order.code != DUPLICATE and asked_us <= shown_us + self._terms.margin_us:
            return
        times = self._missing[order.client_order_id] = self._missing.get(order.client_order_id, 0) + 1
        if times >= _TWICE:
            waited_us = max(0, asked_us - shown_us)
            await self._book(order, never_arrived(waited_us))

    async def _first_answer(self, ask: Callable[[Q], Awaitable[V]], question: Q) -> V:
        """Ask, and once more when no answer comes in time; a slow one to the first question is as good."""

        async def answer() -> V | TapelineError:
            try:
                return await ask(question)
            except TapelineError as error:
                return error

        found: V | TapelineError = Unavailable("no answer in time")
        asked: list[asyncio.Task[V | TapelineError]] = []
        async with contextlib.AsyncExitStack() as stack:
            while len(asked) < _QUESTIONS:
                asked.append(await stack.enter_async_context(background("question", answer())))
                done, _ = await asyncio.wait(asked, timeout=self._terms.answer_s, return_when=asyncio.FIRST_COMPLETED)
                if done:
                    found = done.pop().result()
                    break
        if isinstance(found, TapelineError):
            raise found
        return found

    async def read_fills(self, order: OurOrder) -> None:
        """Read the fills of an order's instrument since it was made and book those that are its own."""
        link, native = self._place(order)
        since_us = order.created_us - _SKEW_US
        read = await link.fills(FillsQuery(native=native, since_us=since_us, until_us=self._clock.now_us() + _SKEW_US))
        for one in read.fills:
            by_venue_id = one.client_id is None and one.venue_order_id == order.venue_order_id
            if by_venue_id or one.client_id == order.client_order_id:
                await self._fill(one, order)

    def ended_short(self, where: Where) -> tuple[str, ...]:
        """Return the orders of a market that ended lately without being dealt in whole."""
        since_us = self._clock.now_us() - _LATELY_US
        return tuple(name for name, (at, ended_us) in self._short.items() if at == where and ended_us >= since_us)

    def recent(self, client_order_id: str) -> OurOrder | None:
        """Return an order that was sent a while ago, as it was then: what never changes of it is what a hint needs."""
        return self._recent.get(client_order_id)

    async def told(self, order: OurOrder, answer: Answer) -> None:
        """Book what the private stream said of an order, unless the venue has said so before."""
        if self._said.get(order.client_order_id) != (answer.status, answer.filled):
            await self._book(order, answer)

    async def executed(self, found: Fill, order: OurOrder) -> None:
        """Book what the private stream said of a fill."""
        await self._fill(found, order)

    def _until_us(self, order: OurOrder, sent_us: int) -> int:
        return min(order.expires_us, sent_us + self._terms.window_us, self._holding.until_us())

    def _place(self, order: OurOrder) -> tuple[VenueLink, str]:
        where = (order.venue, order.market, order.symbol)
        return self._links[order.venue, order.market], self._known.rules[where].native

    async def _leverage(self, order: OurOrder, group: Together) -> bool:
        """Set the leverage that the orders of a group need; without it none of them is sent (D-13)."""
        error = await self._leverages.settle(group)
        if error is None:
            return True
        if not isinstance(error, Unavailable):
            await self.drop(order, "leverage", str(error))
        elif order.sent_us is not None:
            await self._not_sent(order, str(error))
        return False

    async def _not_sent(self, order: OurOrder, reason: str) -> None:
        """Book that an order which is noted as sent was not: that is a definitive no of ours."""
        await self._book(order, Answer(status="REJECTED", code="not_sent", reason=reason))

    async def _fill(self, one: Fill, order: OurOrder) -> None:
        where = (order.venue, order.market, order.symbol)
        name = (*where, one.fill_id)
        if name in self._filled:
            return
        booked = fill(one, order, self._known)
        await self._again(lambda: self._store.filled(self._holding.lease, booked, base=self._known.base(where)))
        _keep(self._filled, name, None)

    async def _book(self, order: OurOrder, answer: Answer) -> None:
        await self._again(lambda: self._store.answered(self._holding.lease, order.client_order_id, answer))
        _keep(self._said, order.client_order_id, (answer.status, answer.filled))
        if answer.status in ("CANCELLED", "EXPIRED") and (answer.filled or ZERO) < order.quantity:
            _keep(self._short, order.client_order_id, ((order.venue, order.market), self._clock.now_us()))

    async def _again(self, work: Callable[[], Awaitable[object]]) -> None:
        """Book until it is booked: every operation of the store bears being asked for again."""
        while True:
            try:
                _ = await work()
            except Unavailable:
                await self._clock.sleep(self._terms.retry_s)
            else:
                return


def _keep(known: dict[K, V], key: K, value: V) -> None:
    """Remember the newest of all."""
    _ = known.pop(key, None)
    known[key] = value
    if len(known) > _REMEMBERED:
        del known[next(iter(known))]
