"""The store's operations as steps over one primitive, a fenced transaction: the same rules whatever the store is."""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping

import msgspec

from executor.ports import AlreadyTaken, Answered, Decide, Lease, LoggedIntent, NotTaken, Passed, Taken
from tapeline.domain import booking, funding, reconcile
from tapeline.domain.account import AccountState
from tapeline.domain.account_records import Balance, Pair
from tapeline.domain.changes import Changes, Place
from tapeline.domain.ids import opens
from tapeline.domain.intake import admit
from tapeline.domain.order_records import OrderIntent
from tapeline.domain.orders import Answer, OurFill, OurOrder
from tapeline.domain.positions import OurFunding
from tapeline.domain.reconcile import Repairs
from tapeline.domain.risk import Refused


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What of an account is read beyond that which is open."""

    orders: tuple[str, ...] = ()
    intents: tuple[str, ...] = ()
    made: tuple[str, ...] = ()
    """Which of these are about to be made: one that is there all the same stops the write."""
    strategy: str | None = None
    symbol: str | None = None
    opening: tuple[str, str, int, int] | None = None
    """Strategy, symbol, slot and round, of which at most one intent opens."""
    fills: tuple[OurFill, ...] = ()
    payment: OurFunding | None = None
    whole: bool = False
    """Whether every slot, memory and portfolio is read."""
    lives: bool = False
    """Whether the newest life of every instrument is read."""


Work = Callable[[AccountState, int | None], Changes | None]
"""From the account under its lock, and the next offset of the partition asked for, to what is written; None: nothing.

Pure, for a transaction that lost a race is asked for again.
"""


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is decided and written under the account's lock; with a place also the offset moves."""

    wanted: Wanted
    work: Work
    place: Place | None = None


class Steps(abc.ABC):
    """A store that knows one primitive and the steps that are made of it."""

    on_written: Callable[[], None] = staticmethod(lambda: None)

    @abc.abstractmethod
    async def transact(self, lease: Lease, *tasks: Task, urgent: bool = False) -> int:
        """Run one fenced transaction: lock, check the lease, read, work, write; return how many tasks it did.

        At least the first, and those after it only in their order. What is urgent stands between a decision and its
        request, and comes before all that only books.

        A lost race is tried again three times, 0.1 s apart (E-20); then Unavailable.
        """

    async def take(
        self, lease: Lease, logged: tuple[LoggedIntent, ...], decider: Callable[[OrderIntent], Decide]
    ) -> tuple[Answered, ...]:
        """Answer intents once each, in their order; an opening of another round, or too late, is refused unasked.

        Returns the answers of as many as one transaction bears, at least of the first.
        """
        answers: dict[int, Answered] = {}
        tasks = [_take_task(number, one, lease, decider, answers) for number, one in enumerate(logged)]
        done = await self.transact(lease, *tasks, urgent=True)
        return tuple(answers[number] for number in range(done))

    async def take_own(
        self, lease: Lease, intent: OrderIntent, decide: Decide, *, trace_id: str | None = None
    ) -> Taken | NotTaken | AlreadyTaken:
        """Answer an intent of the executor's own once; a refusal is not stored, for it may be asked again."""
        answers: list[Taken | NotTaken | AlreadyTaken] = []

        def work(state: AccountState, _: int | None) -> Changes | None:
            answer, changes = _taken_own(state, intent, decide, trace_id)
            answers.append(answer)
            return changes

        wanted = Wanted(intents=(intent.intent_id,), strategy=intent.strategy, symbol=intent.symbol)
        await self._one(lease, wanted, work, urgent=True)
        return answers[-1]

    async def add(self, lease: Lease, orders: tuple[OurOrder, ...]) -> None:
        """Store further orders as PENDING."""
        names = tuple(one.client_order_id for one in orders)
        wanted = Wanted(orders=names, made=names, intents=tuple({one.intent_id for one in orders}))
        await self._one(lease, wanted, lambda state, _: booking.add(state, orders), urgent=True)

    async def sent(self, lease: Lease, client_order_id: str, at_us: int) -> None:
        """Note when a request goes out."""
        wanted = Wanted(orders=(client_order_id,))
        await self._one(lease, wanted, lambda state, _: booking.sent(state, client_order_id, at_us), urgent=True)

    async def answered(self, lease: Lease, client_order_id: str, answer: Answer) -> OurOrder:
        """Book what the venue said of an order and return it as it stands."""
        found: list[OurOrder] = []

        def work(state: AccountState, _: int | None) -> Changes:
            changes = booking.answer(state, client_order_id, answer)
            order = state.order(client_order_id)
            found.extend(changes.orders or (() if order is None else (order,)))
            return changes

        await self._one(lease, Wanted(orders=(client_order_id,)), work)
        return found[-1]

    async def filled(self, lease: Lease, fill: OurFill, *, base: str) -> bool:
        """Book a fill once, by its id."""
        booked: list[bool] = []

        def work(state: AccountState, _: int | None) -> Changes:
            changes = booking.fill(state, fill, base)
            booked.append(bool(changes.fills))
            return changes

        orders = () if fill.client_order_id is None else (fill.client_order_id,)
        await self._one(lease, Wanted(orders=orders, symbol=fill.symbol, fills=(fill,)), work)
        return booked[-1]

    async def funded(self, lease: Lease, payment: OurFunding) -> bool:
        """Book a payment of funding once, by its identity, on the life that was open then."""
        lives: list[bool] = []

        def work(state: AccountState, _: int | None) -> Changes:
            changes = funding.fund(state, payment)
            known = () if state.payment is None else (state.payment,)
            lives.append(any(one.life is not None for one in (*known, *changes.payments)))
            return changes

        await self._one(lease, Wanted(symbol=payment.symbol, payment=payment), work)
        return lives[-1]

    async def settle(self, lease: Lease, intent_id: str, reason: str) -> None:
        """Release what is reserved and free the slot for its next round."""
        wanted = Wanted(intents=(intent_id,))
        await self._one(lease, wanted, lambda state, _: booking.settle(state, intent_id, reason))

    async def change_pair(self, lease: Lease, pair: Pair) -> None:
        """Store a two-leg trade in its next version."""
        wanted = Wanted(strategy=pair.strategy, symbol=pair.symbol)
        await self._one(lease, wanted, lambda state, _: booking.change_pair(state, pair))

    async def balances(self, lease: Lease, read: tuple[Balance, ...]) -> None:
        """Store what the wallets hold."""
        await self._one(lease, Wanted(), lambda state, _: booking.balances(state, read))

    async def repair(self, lease: Lease, repairs: Repairs, bases: Mapping[str, str]) -> None:
        """Carry out what a reconciliation found; fills that were booked meanwhile are left alone."""
        ids = {client_order_id for client_order_id, _ in repairs.answers}
        ids |= {one.client_order_id for one in repairs.restored_orders}
        ids |= {fill.client_order_id for fill in repairs.fills if fill.client_order_id is not None}
        wanted = Wanted(orders=tuple(sorted(ids)), fills=repairs.fills, whole=True)
        await self._one(lease, wanted, lambda state, _: reconcile.repaired(state, repairs, bases))

    async def _one(self, lease: Lease, wanted: Wanted, work: Work, *, urgent: bool = False) -> None:
        """Run a transaction of one task."""
        _ = await self.transact(lease, Task(wanted=wanted, work=work), urgent=urgent)


def _take_task(
    number: int,
    logged: LoggedIntent,
    lease: Lease,
    decider: Callable[[OrderIntent], Decide],
    answers: dict[int, Answered],
) -> Task:
    """Return the task that answers one record of the log; one that is not for this account moves the offset alone."""
    intent, place = logged.intent, logged.place
    if intent is None or intent.account != lease.account:

        def passing(_state: AccountState, expected: int | None) -> Changes | None:
            answers[number] = Passed()
            return _unless_behind(expected, place)

        return Task(wanted=Wanted(), work=passing, place=place)

    def work(state: AccountState, expected: int | None) -> Changes | None:
        answers[number], changes = _taken(state, expected, intent, place, decider(intent), logged.trace_id)
        return changes

    opening = (intent.strategy, intent.symbol, intent.slot, intent.round) if opens(intent.command) else None
    name = (intent.intent_id,)
    wanted = Wanted(intents=name, made=name, strategy=intent.strategy, symbol=intent.symbol, opening=opening)
    return Task(wanted=wanted, work=work, place=place)


def _taken(
    state: AccountState,
    expected: int | None,
    intent: OrderIntent,
    place: Place,
    decide: Decide,
    trace_id: str | None,
) -> tuple[Taken | NotTaken | AlreadyTaken, Changes | None]:
    if _unless_behind(expected, place) is None:
        return AlreadyTaken(), None
    if state.intent(intent.intent_id) is not None:
        return AlreadyTaken(), Changes()
    verdict = admit(state, intent) or decide(state)
    if isinstance(verdict, Refused):
        changes = booking.refuse(state, intent, place, verdict, trace_id)
        return NotTaken(refused=verdict, events=changes.events), changes
    changes = booking.approve(state, intent, place, verdict, trace_id)
    return _begun(intent, verdict, changes), changes


def _taken_own(
    state: AccountState, intent: OrderIntent, decide: Decide, trace_id: str | None
) -> tuple[Taken | NotTaken | AlreadyTaken, Changes | None]:
    if state.intent(intent.intent_id) is not None:
        return AlreadyTaken(), None
    verdict = admit(state, intent) or decide(state)
    if isinstance(verdict, Refused):
        return NotTaken(refused=verdict, events=()), None
    changes = booking.approve(state, intent, None, verdict, trace_id)
    return _begun(intent, verdict, changes), changes


def _begun(intent: OrderIntent, plan: booking.Plan, changes: Changes) -> Taken:
    # Only its own orders: a cancel changes rows of orders that were sent long ago.
    own = {one.client_order_id for one in plan.orders if plan.goes_out_at_once(one)}
    begun = tuple(one for one in changes.orders if one.client_order_id in own)
    return Taken(intent=intent, plan=plan, begun=begun, events=changes.events)


def _unless_behind(expected: int | None, place: Place) -> Changes | None:
    """Return changes that only move the offset, None where it stands beyond that place already."""
    return None if expected is not None and place.offset < expected else Changes()
