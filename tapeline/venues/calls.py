"""What is asked of a venue and what it answers; each call names by its type the answer that `Trading.decode` gives.

Placing and cancelling answer with an outcome and never raise. The other calls raise the error of who must act. Where an
answer has `then`, the rest of it is asked by that call.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Generic, TypeVar

import msgspec

from tapeline.domain.events import Side
from tapeline.venues.account import (
    Balance,
    Fill,
    FundingPayment,
    OrderKind,
    TimeInForce,
    VenueOrder,
    VenuePosition,
)
from tapeline.venues.refusals import Refused, Unknown

A_co = TypeVar("A_co", covariant=True)


# ---------------------------------------------------------------- answers
class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """The venue took the order; `fills` are those it told at once."""

    order: VenueOrder
    fills: tuple[Fill, ...] = ()


class AlreadyThere(msgspec.Struct, frozen=True, kw_only=True):
    """An order of this client id is there: look it up, never send another for it."""

    client_id: str


class CancelAccepted(msgspec.Struct, frozen=True, kw_only=True):
    """The venue took the cancel; without `order` the end comes by the stream, and a fill may still win the race."""

    client_id: str
    order: VenueOrder | None = None


class CancelledAll(msgspec.Struct, frozen=True, kw_only=True):
    """All orders on the instrument are being cancelled; the venue ids of those that it named."""

    venue_ids: tuple[str, ...] = ()


class FoundOrder(msgspec.Struct, frozen=True, kw_only=True):
    """The order of the client id."""

    order: VenueOrder


class NotFound(msgspec.Struct, frozen=True, kw_only=True):
    """Not in this place; `then` asks the next one. None left: the venue does not know it, or not yet."""

    then: OrderQuery | None = None


class OpenOrders(msgspec.Struct, frozen=True, kw_only=True):
    """Open orders, also such that are not ours."""

    orders: tuple[VenueOrder, ...]
    then: OpenOrdersQuery | None = None


class Fills(msgspec.Struct, frozen=True, kw_only=True):
    """Fills, oldest first."""

    fills: tuple[Fill, ...]
    then: FillsQuery | None = None


class FundingPayments(msgspec.Struct, frozen=True, kw_only=True):
    """Funding that was received or paid, oldest first."""

    payments: tuple[FundingPayment, ...]
    then: FundingQuery | None = None


class Balances(msgspec.Struct, frozen=True, kw_only=True):
    """Every currency that is not zero; `available_usd` is what a unified account can still bind."""

    balances: tuple[Balance, ...]
    available_usd: Decimal | None = None


class Positions(msgspec.Struct, frozen=True, kw_only=True):
    """Every position that is not flat."""

    positions: tuple[VenuePosition, ...]
    then: PositionsQuery | None = None


class LeverageSet(msgspec.Struct, frozen=True, kw_only=True):
    """The leverage is this now, also where it was so before."""

    native: str
    leverage: Decimal


class DeadManSet(msgspec.Struct, frozen=True, kw_only=True):
    """The venue's own switch cancels after so long without us; 0: it is off."""

    within_ms: int


class ServerTime(msgspec.Struct, frozen=True, kw_only=True):
    """The venue's clock when it answered."""

    at_us: int


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class StreamKey:
    """The key that names a private stream; whoever has it reads the stream, so it is not shown."""

    key: str

    def __repr__(self) -> str:
        return "StreamKey(***)"


class StreamKeyGone(msgspec.Struct, frozen=True, kw_only=True):
    """The key to renew is no more: create another and open the stream again."""


PlaceOutcome = Accepted | AlreadyThere | Refused | Unknown
CancelOutcome = CancelAccepted | Refused | Unknown
CancelAllOutcome = CancelledAll | Refused | Unknown


# ---------------------------------------------------------------- calls
class Call(msgspec.Struct, Generic[A_co], frozen=True, kw_only=True):
    """Something asked of a venue; its answer is an `A_co`."""


class OrderRequest(Call[PlaceOutcome], frozen=True, kw_only=True):
    """Place an order under our id; a price belongs to all but market orders."""

    client_id: str
    native: str
    side: Side
    kind: OrderKind
    quantity: Decimal
    price: Decimal | None = None
    time_in_force: TimeInForce = "GTC"
    reduce_only: bool = False
    """Also of a spot order, which has no word for it: what reduces overtakes what opens."""

    def __post_init__(self) -> None:
        """Refuse what no venue could mean: it is an error of ours, not of the market."""
        amounts = (self.quantity,) if self.price is None else (self.quantity, self.price)
        if not all(amount.is_finite() and amount > 0 for amount in amounts):
            raise ValueError("quantity and price of an order are above zero")
        if (self.price is None) != (self.kind == "market"):
            raise ValueError("a price belongs to all orders but market orders")
        if self.kind == "post_only" and self.time_in_force != "GTC":
            raise ValueError("a post-only order rests until it is cancelled")


class CancelRequest(Call[CancelOutcome], frozen=True, kw_only=True):
    """Cancel the order of our id."""

    native: str
    client_id: str


class CancelAllRequest(Call[CancelAllOutcome], frozen=True, kw_only=True):
    """Cancel every order on an instrument, also those that are not ours."""

    native: str


class OrderQuery(Call[FoundOrder | NotFound], frozen=True, kw_only=True):
    """Look the order of a client id up; `place` counts the places where the venue keeps orders."""

    native: str
    client_id: str
    place: int = 0


class OpenOrdersQuery(Call[OpenOrders], frozen=True, kw_only=True):
    """Ask for the open orders of an instrument, or of the market; `cursor` comes from the answer before."""

    native: str | None = None
    cursor: str | None = None


class FillsQuery(Call[Fills], frozen=True, kw_only=True):
    """Ask for the fills of an instrument since a time, in the windows that the venue allows."""

    native: str
    since_us: int
    until_us: int
    cursor: str | None = None


class FundingQuery(Call[FundingPayments], frozen=True, kw_only=True):
    """Ask for the funding of an instrument, or of the market, since a time, in the windows that the venue allows."""

    native: str | None = None
    since_us: int
    until_us: int
    cursor: str | None = None


class BalancesQuery(Call[Balances], frozen=True, kw_only=True):
    """Ask for the balances of the wallet."""


class PositionsQuery(Call[Positions], frozen=True, kw_only=True):
    """Ask for the positions of the market, or of one instrument."""

    native: str | None = None
    cursor: str | None = None


class LeverageRequest(Call[LeverageSet], frozen=True, kw_only=True):
    """Set the leverage of an instrument (D-13)."""

    native: str
    leverage: Decimal


class DeadManRequest(Call[DeadManSet], frozen=True, kw_only=True):
    """Arm or renew the venue's switch: it cancels when it has not heard of us for so long; 0 turns it off."""

    native: str
    within_ms: int


class TimeQuery(Call[ServerTime], frozen=True, kw_only=True):
    """Ask for the venue's clock; needs no keys."""


class StreamKeyRequest(Call[StreamKey], frozen=True, kw_only=True):
    """Create the key of the private stream, or get the one that lives."""


class StreamKeyRenewal(Call[StreamKey | StreamKeyGone], frozen=True, kw_only=True):
    """Let the key of the private stream live on."""

    key: StreamKey
