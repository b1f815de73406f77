"""A fake market of a venue with faults by seed; what it has accepted is the truth that the executor must agree with."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

import msgspec

from tapeline.domain.instruments import Market
from tapeline.errors import TapelineError
from tapeline.venues.account import Balance, Fill, FundingPaid, FundingPayment, OrderUpdate, PrivateEvent, VenueOrder
from tapeline.venues.calls import (
    Accepted,
    AlreadyThere,
    Balances,
    CancelAccepted,
    CancelOutcome,
    CancelRequest,
    OrderRequest,
    PlaceOutcome,
)
from tapeline.venues.refusals import Reason, Refused, Unknown
from tests.simulation.virtual import VirtualClock

VISIBLE_S = 0.8
"""Longest time until a query knows a new order; what links promise as visibility is a little more."""
BEHIND_S = 0.95
BEHIND_MARKET_S = 0.45
"""Longest time by which the venue's books lie behind its matching; what ends a leg's time alone has less of it left."""
HALF = 0.5
STEP = Decimal("0.001")
REFUSALS = (Reason.INSUFFICIENT_FUNDS, Reason.OVERLOADED, Reason.REJECTED, Reason.PRICE_RULE, Reason.RATE_LIMITED)


@dataclass(slots=True)
class Chance:
    """How often which fault happens, each from 0 to 1."""

    refuse: float = 0.0
    limited: float = 0.0
    lost_request: float = 0.0
    lost_answer: float = 0.0
    slow: float = 0.0
    partial: float = 0.0
    nothing: float = 0.0
    unavailable: float = 0.0
    ban: float = 0.0
    late: float = 0.0
    silent: float = 0.0
    behind: float = 0.0
    """Takers that the venue's books tell of late."""


@dataclass(slots=True, kw_only=True)
class Held:
    """An order as the venue has it."""

    order: VenueOrder
    accepted_us: int
    until_us: int
    sender: str
    visible_s: float
    fills: list[tuple[float, Fill]] = field(default_factory=list)
    behind: bool = False
    """Whether it is dealt, and no book of the venue knows it yet."""


@dataclass(slots=True, kw_only=True)
class Attempt:
    """A request to place that an executor has sent."""

    request: OrderRequest
    sender: str
    sent_us: int
    until_us: int
    accepted: bool = False


class FakeMarket:
    """One market of one venue."""

    def __init__(self, venue: str, market: Market, clock: VirtualClock, seed: str, prices: dict[str, Decimal]) -> None:
        self.where = (venue, market)
        self.clock = clock
        self.chance = Chance()
        self.orders: dict[str, Held] = {}
        self.attempts: list[Attempt] = []
        self.positions: dict[str, Decimal] = {}
        self.moves: list[tuple[int, str, Decimal]] = []
        self.silent: list[tuple[int, str]] = []
        """When a look-up of an order of this instrument had no answer in time."""
        self.fills_asked = 0
        """How often fills were asked for."""
        self.payday = random.Random(f"funding {seed}")  # noqa: S311 - beside the other, whose story stays as it was
        self.delays = random.Random(f"behind {seed}")  # noqa: S311 - the same
        self.payments: list[tuple[float, FundingPayment]] = []
        self.listeners: list[asyncio.Queue[PrivateEvent | None]] = []
        self.random = random.Random(seed)  # noqa: S311 - a story is told again by its seed
        self.leverage: float | TapelineError = 0.0
        """How long it takes to set a leverage, or why it cannot be set."""
        self.rests = False
        """Whether an order that rests is never dealt."""
        self._prices = prices
        self._banned_until_s = 0.0
        self._numbers = 0
        self.late_by_s = self.late_until_s = 0.0
        """So long is under way what is asked before that time."""

    # ------------------------------------------------------------ requests
    def happens(self, share: float) -> bool:
        """Tell whether something happens this time."""
        return self.random.random() < share

    def latency_s(self) -> float:
        """Return how long a request is under way."""
        if self.clock.monotonic_s() < self.late_until_s:
            return self.late_by_s
        if self.happens(self.chance.slow):
            return self.random.uniform(0.2, 6.0)
        return self.random.uniform(0.001, 0.03)

    def arrive(self, attempt: Attempt) -> PlaceOutcome:
        """Judge a request to place at the time it arrives."""
        request, now_us = attempt.request, self.clock.now_us()
        if now_us > attempt.until_us:
            return Refused(reason=Reason.EXPIRED, text="too late")
        if request.client_id in self.orders:
            return AlreadyThere(client_id=request.client_id)
        no = self._refusal(request)
        if no is not None:
            return no
        return self._accept(attempt)

    def _refusal(self, request: OrderRequest) -> Refused | None:
        now_s = self.clock.monotonic_s()
        if self.happens(self.chance.ban):
            self._banned_until_s = now_s + self.random.uniform(0.5, 3.0)
        if now_s < self._banned_until_s:
            return Refused(reason=Reason.BANNED, text="banned", retry_after_s=self._banned_until_s - now_s)
        if self.happens(self.chance.limited):
            return Refused(reason=Reason.RATE_LIMITED, text="429", retry_after_s=0.2)
        if self.happens(self.chance.refuse):
            return Refused(reason=self.random.choice(REFUSALS), text="by chance")
        held = self.positions.get(request.native, Decimal(0))
        if request.reduce_only and (held == 0 or (held > 0) == (request.side == "buy")):
            return Refused(reason=Reason.REDUCE_ONLY, text="nothing to reduce")
        return None

    def _accept(self, attempt: Attempt) -> Accepted:
        request, now_us = attempt.request, self.clock.now_us()
        self._numbers += 1
        attempt.accepted = True
        order = VenueOrder(
            native=request.native,
            client_id=request.client_id,
            venue_id=f"v{self._numbers}",
            status="PLACED",
            side=request.side,
            kind=request.kind,
            time_in_force=request.time_in_force,
            price=request.price,
            quantity=request.quantity,
            filled=Decimal(0),
            reduce_only=request.reduce_only,
            updated_us=now_us,
        )
        held = Held(
            order=order,
            accepted_us=now_us,
            until_us=attempt.until_us,
            sender=attempt.sender,
            visible_s=self.clock.monotonic_s() + self.random.uniform(0, VISIBLE_S),
        )
        self.orders[request.client_id] = held
        if request.time_in_force == "GTC" and request.kind != "market":
            self._later(held)
        elif self.delays.random() < self.chance.behind and not request.reduce_only:
            self._deal_behind(held)
        else:
            self._deal_at_once(held)
        told = tuple(fill for _, fill in held.fills) if self.happens(0.5) else ()
        return Accepted(order=held.order, fills=told)

    def _deal_behind(self, held: Held) -> None:
        """Say nothing of a taker for a while, or of a part of it alone; to cancel it is too late."""
        held.behind = True
        if self.delays.random() < HALF:
            self._fill(held, STEP * self.delays.randint(1, max(1, int(held.order.quantity / STEP) - 1)))
        most_s = BEHIND_MARKET_S if held.order.kind == "market" else BEHIND_S

        def told() -> None:
            held.behind = False
            if held.order.filled < held.order.quantity:
                self._deal_at_once(held)

        _ = asyncio.get_running_loop().call_later(self.delays.uniform(0.15, most_s), told)

    def _deal_at_once(self, held: Held) -> None:
        quantity = held.order.quantity - held.order.filled
        market = held.order.kind == "market"
        if not market and self.happens(self.chance.nothing):
            quantity = Decimal(0)
        elif self.happens(self.chance.partial / (3 if market else 1)):
            quantity = STEP * self.random.randint(1, max(1, int(quantity / STEP) - 1))
        if held.order.reduce_only:
            quantity = min(quantity, abs(self.positions.get(held.order.native, Decimal(0))))
        if quantity:
            self._fill(held, min(quantity, held.order.quantity - held.order.filled))
        if held.order.filled < held.order.quantity:
            self._end(held, "CANCELLED" if self.happens(0.5) else "EXPIRED")

    def _later(self, held: Held) -> None:
        """Deal a resting order some time later, or never."""
        loop = asyncio.get_running_loop()
        for _ in range(0 if self.rests else self.random.randint(0, 3)):
            loop.call_later(self.random.uniform(0.02, 8.0), self._deal_some, held)

    def _deal_some(self, held: Held) -> None:
        if held.order.status not in ("PLACED", "PARTIALLY_FILLED"):
            return
        left = held.order.quantity - held.order.filled
        self._fill(held, STEP * self.random.randint(1, int(left / STEP)))

    def _fill(self, held: Held, quantity: Decimal) -> None:
        self._numbers += 1
        now_us = self.clock.now_us()
        price = held.order.price or self._prices[held.order.native]
        fill = Fill(
            native=held.order.native,
            fill_id=f"f{self._numbers}:{held.order.venue_id}",
            venue_order_id=held.order.venue_id,
            client_id=held.order.client_id if self.happens(0.7) else None,
            side=held.order.side,
            price=price,
            quantity=quantity,
            fee=quantity * price * Decimal("0.0005"),
            fee_currency="USDT",
            liquidity="taker",
            filled_us=now_us,
        )
        shown_s = self.clock.monotonic_s() + (self.random.uniform(0, 2.0) if self.happens(self.chance.late) else 0.0)
        held.fills.append((shown_s, fill))
        filled = held.order.filled + quantity
        status = "FILLED" if filled == held.order.quantity else "PARTIALLY_FILLED"
        held.order = msgspec.structs.replace(held.order, filled=filled, status=status, updated_us=now_us)
        signed = quantity if held.order.side == "buy" else -quantity
        self.positions[held.order.native] = self.positions.get(held.order.native, Decimal(0)) + signed
        self.moves.append((now_us, held.order.native, self.positions[held.order.native]))
        self._say(fill)
        self._say(OrderUpdate(order=held.order))

    def _end(self, held: Held, status: Literal["CANCELLED", "EXPIRED"]) -> None:
        held.order = msgspec.structs.replace(held.order, status=status, updated_us=self.clock.now_us())
        self._say(OrderUpdate(order=held.order))

    def arrive_cancel(self, request: CancelRequest) -> CancelOutcome:
        """Judge a cancel; a fill may win the race."""
        held = self.orders.get(request.client_id)
        if held is None:
            return Refused(reason=Reason.ORDER_NOT_FOUND, text="no such order")
        if held.behind:
            return Refused(reason=Reason.ORDER_DONE, text="it is dealt")
        if held.order.status in ("PLACED", "PARTIALLY_FILLED") and self.happens(self.chance.partial):
            self._deal_some(held)
        if held.order.status not in ("PLACED", "PARTIALLY_FILLED"):
            return Refused(reason=Reason.ORDER_DONE, text="it has ended")
        self._end(held, "CANCELLED")
        return CancelAccepted(client_id=request.client_id, order=held.order if self.happens(0.5) else None)

    def _say(self, event: PrivateEvent) -> None:
        """Tell the streams, late, twice or not at all."""
        loop = asyncio.get_running_loop()
        for queue in self.listeners:
            if self.happens(self.chance.silent):
                continue
            for _ in range(2 if self.happens(0.1) else 1):
                loop.call_later(self.random.uniform(0.001, 0.05), queue.put_nowait, event)

    def deal_after_the_end(self, client_id: str) -> None:
        """Deal what is left of an order whose cancel was answered."""
        held = self.orders[client_id]
        self._fill(held, held.order.quantity - held.order.filled)

    def cut(self) -> None:
        """End all streams."""
        for queue in self.listeners:
            queue.put_nowait(None)

    def pay_funding(self) -> None:
        """Let all that is held pay or receive a ten-thousandth of its value; some of it is listed late."""
        for native, quantity in self.positions.items():
            if not quantity:
                continue
            paid = FundingPayment(
                payment_id=f"p{len(self.payments)}",
                native=native,
                amount=-quantity * self._prices[native] / 10_000,
                currency=self.payday.choice(("USDT", None)),
                paid_us=self.clock.now_us(),
            )
            self.payments.append((self.clock.monotonic_s() + self.payday.uniform(0, 4.0), paid))
            for queue in self.listeners:
                for _ in range(self.payday.randint(0, 2)):
                    queue.put_nowait(FundingPaid(payment=paid))

    def wallet(self) -> Balances:
        """Return more money than is ever needed."""
        return Balances(balances=(Balance(currency="USDT", total=Decimal(10**6), available=Decimal(10**6)),))


def lost(why: str) -> Unknown:
    """Return an answer that never came."""
    return Unknown(why=why)
