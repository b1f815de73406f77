"""The four ports by which the executor meets the world: Store, Log, VenueLink, Clock; all it does goes through them.

Each operation of the store is one whole transaction, fenced by (account, epoch), with its audit entries and its records
in the outbox: it has happened entirely or not at all. `Unavailable` means that it did not happen or, where the
connection broke at the end, that it may have: every operation bears being asked for again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Protocol

import msgspec

from tapeline.domain.account import AccountState
from tapeline.domain.account_records import Balance, Control, Pair
from tapeline.domain.booking import Plan
from tapeline.domain.changes import Outgoing, Place
from tapeline.domain.funding import Exposed
from tapeline.domain.instruments import Market
from tapeline.domain.order_records import OrderEvent, OrderIntent
from tapeline.domain.orders import Answer, OurFill, OurOrder
from tapeline.domain.positions import OurFunding
from tapeline.domain.reconcile import Booked, Repairs
from tapeline.domain.risk import Refused
from tapeline.errors import TapelineError
from tapeline.runtime.desired_state import Wish
from tapeline.venues.account import PrivateEvent
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


class Fenced(TapelineError):
    """The lease is not ours any more: another executor has the account, so nothing was written; stop at once."""


# ---------------------------------------------------------------- values
class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """The right to act for an account until a time in the database; a higher epoch ends it."""

    account: str
    epoch: int
    holder: str
    until_us: int
    before_until_us: int | None = None
    """Until when the holder before us could still send, where its session ended without giving up."""


class LeaseHeld(msgspec.Struct, frozen=True, kw_only=True):
    """Another executor has the account and lives."""

    holder: str
    until_us: int


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """The intent is approved and stored, its orders PENDING: now they may be sent, and `begun` must be."""

    intent: OrderIntent
    plan: Plan
    begun: tuple[OurOrder, ...] = ()
    """What is noted as sent already, so that its request goes out next."""
    events: tuple[OrderEvent, ...]


class NotTaken(msgspec.Struct, frozen=True, kw_only=True):
    """The intent is refused and stored as refused."""

    refused: Refused
    events: tuple[OrderEvent, ...]


class AlreadyTaken(msgspec.Struct, frozen=True, kw_only=True):
    """The intent, or its place in the log, was answered before: nothing is done again."""


class Passed(msgspec.Struct, frozen=True, kw_only=True):
    """The record is for another account, or nobody can read it: only its place was noted."""


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A record of the outbox with its number."""

    stream: str
    number: int
    record: Outgoing


class Superseded(msgspec.Struct, frozen=True, kw_only=True):
    """The desired state was changed by another since the asker looked; this is how it stands."""

    current: Control


class Cached(msgspec.Struct, frozen=True, kw_only=True):
    """The stored result of an operation (E-12), as JSON."""

    operation: str
    result: str


class LoggedIntent(msgspec.Struct, frozen=True, kw_only=True):
    """An intent with its place; None where the record could not be read and lies with the dead letters."""

    place: Place
    intent: OrderIntent | None
    trace_id: str | None = None


Answered = Taken | NotTaken | AlreadyTaken | Passed
Decide = Callable[[AccountState], Plan | Refused]
"""Pure: from the account under its lock to a plan or a refusal; it may be asked more than once."""


# ---------------------------------------------------------------- ports
class Store(Protocol):
    """What must survive: rows, events, audit and outbox, changed together."""

    on_written: Callable[[], None]
    """Called after each transaction that was written, for the outbox may have news."""

    async def open_lease(self, account: str, holder: str, *, for_us: int) -> Lease | LeaseHeld:
        """Take the account when it is free, its holder's session is gone, or its time is over; raises the epoch."""

    async def renew(self, lease: Lease, *, for_us: int) -> Lease:
        """Return the lease with a later end; raise Fenced when it is not ours any more."""

    async def give_up(self, lease: Lease) -> None:
        """End the lease now, so that the next holder need not wait."""

    async def offsets(self, account: str) -> Mapping[int, int]:
        """Return the next offset of `order.intent` by partition."""

    async def take(
        self, lease: Lease, logged: tuple[LoggedIntent, ...], decider: Callable[[OrderIntent], Decide]
    ) -> tuple[Answered, ...]:
        """Answer records of the log once each: with orders PENDING, a reservation and the next offset, or refused.

        Answers as many in their order as one transaction bears, at least the first.
        """

    async def take_own(
        self, lease: Lease, intent: OrderIntent, decide: Decide, *, trace_id: str | None = None
    ) -> Taken | NotTaken | AlreadyTaken:
        """Answer an intent of the executor's own, which stands in no log; a refusal of it is not stored."""

    async def add(self, lease: Lease, orders: tuple[OurOrder, ...]) -> None:
        """Store further orders of taken intents as PENDING, before they are sent; known ones are left alone."""

    async def sent(self, lease: Lease, client_order_id: str, at_us: int) -> None:
        """Note when a request goes out."""

    async def answered(self, lease: Lease, client_order_id: str, answer: Answer) -> OurOrder:
        """Book what the venue said of an order; out of UNKNOWN leads only an answer that was looked up."""

    async def filled(self, lease: Lease, fill: OurFill, *, base: str) -> bool:
        """Book a fill once, by its id; False when it was booked before."""

    async def funded(self, lease: Lease, payment: OurFunding) -> bool:
        """Book a payment of funding once, on the life that was open then; False where there is none, or none yet."""

    async def settle(self, lease: Lease, intent_id: str, reason: str) -> None:
        """Release what is reserved and free the slot for its next round; again changes nothing."""

    async def change_pair(self, lease: Lease, pair: Pair) -> None:
        """Store a two-leg trade in its next version."""

    async def balances(self, lease: Lease, read: tuple[Balance, ...]) -> None:
        """Store what the wallets hold and tell it where it has changed."""

    async def state(self, account: str, *, orders: tuple[str, ...] = ()) -> AccountState:
        """Return the account as it stands, with these orders also where they are final."""

    async def booked(self, account: str) -> Booked:
        """Return the fills of the orders and lives that `state` returns, oldest first."""

    async def exposed(self, account: str) -> tuple[Exposed, ...]:
        """Return the markets on which futures are held, or were until lately."""

    async def repair(self, lease: Lease, repairs: Repairs, bases: Mapping[str, str]) -> None:
        """Carry out what a reconciliation found."""

    async def desire(self, change: Wish) -> Control | Superseded:
        """Change desired state with its audit entry; needs no lease, the row's version decides."""

    async def desired(self) -> tuple[Control, ...]:
        """Return all desired state."""

    async def outbox(self, stream: str, *, most: int) -> tuple[Waiting, ...]:
        """Return the oldest records that the broker does not have yet; a stream is an account, or `control`."""

    async def published(self, stream: str, up_to: int) -> None:
        """Note that the broker has all records up to this number."""

    async def cached(self, key: str) -> Cached | None:
        """Return the result of an operation that was done within its time to live (E-12)."""

    async def cache(self, key: str, result: Cached, *, ttl_us: int) -> Cached:
        """Keep a result, unless there is one already; return the one that stands."""


class Log(Protocol):
    """Kafka as the executor sees it: intents in, records out."""

    async def intents(self, offsets: Mapping[int, int]) -> None:
        """Read every partition of `order.intent` from these offsets on, one that is not named from its begin."""

    async def next_batch(self) -> tuple[LoggedIntent, ...]:
        """Return what has come, in the order of each partition; wait for the first."""

    async def publish(self, records: tuple[Waiting, ...]) -> None:
        """Publish each partition in order; returns when the broker has all, raises Unavailable otherwise."""


class VenueLink(Protocol):
    """One market of one venue with the account's keys; quantities in base currency.

    Placing and cancelling never raise for what the venue does: what is not surely done or refused is `Unknown`.
    """

    @property
    def where(self) -> tuple[str, Market]:
        """Return which one it is."""

    async def place(self, request: OrderRequest, *, until_us: int, within_s: float) -> PlaceOutcome:
        """Send an order that the venue refuses after `until_us`.

        An answer that takes longer than `within_s` is `Unknown`; a limit that is not free by then is a refusal, for
        nothing was sent.
        """

    async def cancel(self, request: CancelRequest, *, until_us: int) -> CancelOutcome:
        """Cancel by client id, with reserved tokens."""

    async def query(self, query: OrderQuery) -> FoundOrder | NotFound:
        """Look an order up in every place where the venue keeps some."""

    async def open_orders(self, query: OpenOrdersQuery) -> OpenOrders:
        """Return all open orders, also such that are not ours."""

    async def fills(self, query: FillsQuery) -> Fills:
        """Return all fills of an instrument since a time."""

    async def positions(self, query: PositionsQuery) -> Positions:
        """Return what is held."""

    async def funding(self, query: FundingQuery) -> FundingPayments:
        """Return all funding since a time, the oldest first; Misconfigured on spot."""

    async def balances(self) -> Balances:
        """Return the wallet."""

    async def set_leverage(self, request: LeverageRequest) -> LeverageSet:
        """Set the leverage of an instrument."""

    def events(self) -> AsyncIterator[PrivateEvent]:
        """Yield what the private stream says; it ends when the stream does: reconcile and ask again."""


class Clock(Protocol):
    """Time: real, or that of a simulation."""

    def now_us(self) -> int:
        """Return the wall time in microseconds UTC."""

    def monotonic_s(self) -> float:
        """Return seconds that never jump; only differences mean something."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""
