"""Gate's public JSON as typed values; fields that are not named here are ignored, and numbers may come as text.

Spot sockets: https://www.gate.com/docs/developers/apiv4/ws/en/, futures sockets:
https://www.gate.com/docs/developers/futures/ws/en/, REST of both: https://www.gate.com/docs/developers/apiv4/en/.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Generic, Literal, TypeVar

import msgspec
from msgspec import Meta, field

from tapeline.venues import contract
from tapeline.venues.contract import Milliseconds, Number, Price, Quantity, Sequence64

R = TypeVar("R")
Seconds = Annotated[int, Meta(ge=0, lt=10**9)]
Digits = Annotated[int, Meta(ge=0, le=30)]
Rule = Decimal | None
"""A number of the rules; None or 0 where there is no such rule."""


# ---------------------------------------------------------------- what every frame is made of
class Trouble(msgspec.Struct, frozen=True):
    """Why a request was refused: "Error" of both pages."""

    code: int | str | None = None
    message: str = ""


class Envelope(msgspec.Struct, frozen=True):
    """Any frame: "Server Response" of both pages."""

    channel: str = ""
    event: str | None = None
    request_id: int | str | None = field(name="id", default=None)
    error: Trouble | None = None
    result: msgspec.Raw = msgspec.Raw()


class Frame(msgspec.Struct, Generic[R], frozen=True):
    """A frame whose result is known by its channel."""

    result: R
    at_ms: Milliseconds | None = field(name="time_ms", default=None)


class Status(msgspec.Struct, frozen=True):
    """The result of an answer (`status`) or of a notice of the system (`type`)."""

    status: str | None = None
    type: str | None = None


# ---------------------------------------------------------------- books
class Level(msgspec.Struct, frozen=True, gc=False):
    """A level as an object, as futures write it everywhere but in `futures.obu`."""

    price: Price = field(name="p")
    quantity: Quantity = field(name="s")


Levels = tuple[tuple[Price, Quantity] | Level, ...]


class BookUpdate(msgspec.Struct, frozen=True):
    """`spot.obu` and `futures.obu`: "Order book V2"; without `full` it is a change, which may name no level."""

    stream: str = field(name="s")
    last: Sequence64 = field(name="u")
    at_ms: Milliseconds = field(name="t")
    first: Sequence64 | None = field(name="U", default=None)
    full: bool = False
    bids: contract.Levels | None = field(name="b", default=None)
    asks: contract.Levels | None = field(name="a", default=None)


class Increment(msgspec.Struct, frozen=True):
    """`order_book_update`: "Changed order book levels" of spot, "Order book update" of futures."""

    native: str = field(name="s")
    last: Sequence64 = field(name="u")
    at_ms: Milliseconds = field(name="t")
    first: Sequence64 | None = field(name="U", default=None)
    full: bool = False
    bids: Levels | None = field(name="b", default=None)
    asks: Levels | None = field(name="a", default=None)


class SpotTop(msgspec.Struct, frozen=True):
    """`spot.order_book`: "Limited-Level Full Order Book Snapshot"."""

    native: str = field(name="s")
    last: Sequence64 = field(name="lastUpdateId")
    at_ms: Milliseconds = field(name="t")
    bids: Levels
    asks: Levels


class FuturesTop(msgspec.Struct, frozen=True):
    """`futures.order_book`, event `all`: "Legacy order book notification"."""

    native: str = field(name="contract")
    last: Sequence64 = field(name="id")
    at_ms: Milliseconds = field(name="t")
    bids: Levels
    asks: Levels


class BookAnswer(msgspec.Struct, frozen=True):
    """`GET /spot/order_book` and `GET /futures/{settle}/order_book`, asked with `with_id=true`."""

    last: Sequence64 = field(name="id")
    bids: Levels
    asks: Levels
    update: Decimal | None = None


# ---------------------------------------------------------------- trades and funding
class SpotTrade(msgspec.Struct, frozen=True):
    """`spot.trades`, "Public Trades Channel", and `GET /spot/trades`, which calls the market's number `sequence_id`."""

    trade_id: Sequence64 = field(name="id")
    native: str = field(name="currency_pair")
    side: Literal["buy", "sell"]
    amount: Annotated[float, Meta(gt=0, lt=1e18)]
    price: Price
    create_time_ms: Decimal
    id_market: Sequence64 | None = None
    sequence_id: Sequence64 | None = None


class FuturesTrade(msgspec.Struct, frozen=True):
    """`futures.trades`, "Trades Notification", and `GET /futures/{settle}/trades`: a size below zero sold."""

    trade_id: Sequence64 = field(name="id")
    native: str = field(name="contract")
    size: Number
    price: Price
    create_time: Decimal | None = None
    create_time_ms: Decimal | None = None
    is_internal: bool = False


class Ticker(msgspec.Struct, frozen=True):
    """`futures.tickers`, "Tickers Notification"; "" stands for none."""

    native: str = field(name="contract")
    funding_rate: str | None = None
    mark_price: str | None = None
    index_price: str | None = None
    funding_interval: Seconds | None = None
    funding_next_apply: Decimal | None = None
    at_ms: Milliseconds | None = field(name="t", default=None)


# ---------------------------------------------------------------- instruments and refusals
class Pair(msgspec.Struct, frozen=True):
    """One pair of `GET /spot/currency_pairs`."""

    id: str
    base: str
    quote: str
    amount_precision: Digits | None = None
    precision: Digits | None = None
    trade_status: str = ""
    type: str | None = None
    min_base_amount: Rule = None
    max_base_amount: Rule = None
    min_quote_amount: Rule = None


class Contract(msgspec.Struct, frozen=True):
    """One contract of `GET /futures/{settle}/contracts`; sizes are in contracts of `quanto_multiplier` base coins."""

    name: str
    type: str = ""
    quanto_multiplier: Rule = None
    order_price_round: Rule = None
    order_size_min: Rule = None
    order_size_max: Rule = None
    market_order_size_max: Rule = None
    leverage_max: Rule = None
    status: str | None = None
    in_delisting: bool = False
    funding_rate: str | None = None
    mark_price: str | None = None
    index_price: str | None = None
    funding_interval: Seconds | None = None
    funding_next_apply: Decimal | None = None


class Refusal(msgspec.Struct, frozen=True):
    """What stands in the body of an error: "Error Handling"."""

    label: str = ""
    message: str | None = None
