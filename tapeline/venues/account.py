"""What a venue knows of an account, as values; None where it does not tell, nothing is made up.

Money is `Decimal`. A quantity counts what the venue counts (base currency, or contracts of some of it).
"""

from __future__ import annotations

from decimal import Context, Decimal
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from tapeline.domain.events import Side
from tapeline.errors import InvalidMessage
from tapeline.venues.contract import Pong, Unexpected
from tapeline.venues.refusals import Reason, Refused

OrderKind = Literal["limit", "market", "post_only"]
TimeInForce = Literal["GTC", "IOC", "FOK"]
OrderStatus = Literal[
    "PENDING", "PLACED", "PARTIALLY_FILLED", "FILLED", "CANCELLED", "REJECTED", "EXPIRED", "UNKNOWN"
]  # fmt: skip
Liquidity = Literal["unknown", "maker", "taker"]
FillCause = Literal["order", "liquidation", "deleveraging", "settlement"]
US_PER_MS: Final = 1_000
_EXACT: Final = Context(prec=60)
_SCALE: Final = Decimal("1e-18")
_MOST_DIGITS: Final = 19


class VenueOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order as the venue tells it; kind and time in force are None where they are none of ours."""

    native: str
    client_id: str | None
    venue_id: str
    status: OrderStatus
    side: Side
    kind: OrderKind | None
    time_in_force: TimeInForce | None
    price: Decimal | None
    quantity: Decimal
    filled: Decimal
    average_price: Decimal | None = None
    reduce_only: bool = False
    reason: Reason | None = None
    """Why it was refused or ended, where the venue says."""
    updated_us: int | None = None


class Fill(msgspec.Struct, frozen=True, kw_only=True):
    """One execution; `fill_id` is unique for an instrument (E-16) and the same in stream, answer and query."""

    native: str
    fill_id: str
    venue_order_id: str
    client_id: str | None
    """None where the venue does not repeat it (Binance's queries): the order's venue id tells."""
    side: Side
    price: Decimal
    quantity: Decimal
    fee: Decimal
    """Paid where above zero, a rebate below."""
    fee_currency: str | None
    """None where the venue leaves it to its rule: `fee_in` then says which side of the instrument it is."""
    fee_in: Literal["base", "quote"] | None = None
    liquidity: Liquidity
    cause: FillCause = "order"
    filled_us: int


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """One currency in the wallet."""

    currency: str
    total: Decimal
    available: Decimal | None = None
    locked: Decimal | None = None
    equity: Decimal | None = None
    unrealized: Decimal | None = None


class VenuePosition(msgspec.Struct, frozen=True, kw_only=True):
    """What is held at one perpetual: above zero long, below short."""

    native: str
    quantity: Decimal
    mode: Literal["net", "long", "short"]
    """Anything but `net` is an account in hedge mode, which we do not trade."""
    entry_price: Decimal | None = None
    mark_price: Decimal | None = None
    liquidation_price: Decimal | None = None
    unrealized: Decimal | None = None
    leverage: Decimal | None = None
    updated_us: int | None = None


class FundingPayment(msgspec.Struct, frozen=True, kw_only=True):
    """Funding of one position; `payment_id` is unique for an instrument of an account, the same in stream and query."""

    payment_id: str
    native: str
    amount: Decimal
    """Received where above zero, paid below."""
    currency: str | None
    """None where the venue leaves it to its rule: what the instrument settles in, its quote currency."""
    paid_us: int


# ---------------------------------------------------------------- what a private stream says
class OrderUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """An order as it stands now; the same state may be told twice."""

    order: VenueOrder


class BalanceUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """The balances that changed, as they stand now."""

    balances: tuple[Balance, ...]
    available_usd: Decimal | None = None
    venue_us: int


class PositionUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """The positions that changed, as they stand now; a quantity of 0 is flat."""

    positions: tuple[VenuePosition, ...]
    venue_us: int


class FundingPaid(msgspec.Struct, frozen=True, kw_only=True):
    """Funding was received or paid; the same payment may be told twice, or by a query alone."""

    payment: FundingPayment


class StreamAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The venue's answer to our login or subscription."""

    step: Literal["login", "subscribe"]
    request_id: int | None
    refused: Refused | None = None


class StreamEnding(msgspec.Struct, frozen=True, kw_only=True):
    """This stream says nothing more: open another one, then reconcile what was missed."""

    reason: str


PrivateEvent = (
    OrderUpdate | Fill | BalanceUpdate | PositionUpdate | FundingPaid | StreamAnswer | StreamEnding | Pong | Unexpected
)  # fmt: skip


# ---------------------------------------------------------------- what every venue's reading is made of
_NUMBER: Final = r"([0-9]{1,20}(\.[0-9]{1,30})?|0(\.0+)?[eE]-?[0-9]{1,2})"
Amount = Annotated[str, Meta(pattern=rf"\A{_NUMBER}\Z")]
"""A number of zero or more as venues write it: as a text, never NaN, never so long that a sum of two is not exact."""
Signed = Annotated[str, Meta(pattern=rf"\A-?{_NUMBER}\Z")]
MaybeAmount = Annotated[str, Meta(pattern=rf"\A({_NUMBER})?\Z")]
"""The same, where "" stands for none."""
MaybeSigned = Annotated[str, Meta(pattern=rf"\A(-?{_NUMBER})?\Z")]
Id = Annotated[str, Meta(min_length=1, max_length=64)]
NumberId = Annotated[int, Meta(ge=0, lt=2**62)]


def fill_id(trade_id: str | int, venue_order_id: str | int) -> str:
    """Return the id of one side of a trade: where both sides are ours, they share the venue's trade id."""
    return f"{trade_id}:{venue_order_id}"


def average_price(value: Decimal, quantity: Decimal) -> Decimal | None:
    """Return value per quantity to 18 decimals, None where nothing was dealt or the value is not known."""
    if value <= 0 or quantity <= 0:
        return None
    price = _EXACT.divide(value, quantity)
    if price.adjusted() > _MOST_DIGITS:
        raise InvalidMessage("no such price", field="average_price", value=str(price))
    return _EXACT.quantize(price, _SCALE)


def summed(*amounts: Decimal) -> Decimal:
    """Return the exact sum."""
    total = Decimal(0)
    for amount in amounts:
        total = _EXACT.add(total, amount)
    return total


def maybe(text: str | None) -> Decimal | None:
    """Return a number that the venue may leave out."""
    return Decimal(text) if text else None


def above_zero(number: Decimal | None) -> Decimal | None:
    """Return a number, None where the venue writes 0 for none."""
    return number if number is not None and number > 0 else None


def not_flat(positions: tuple[VenuePosition, ...]) -> tuple[VenuePosition, ...]:
    """Return the positions that hold something."""
    return tuple(one for one in positions if one.quantity)
