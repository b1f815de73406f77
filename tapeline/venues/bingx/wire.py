"""BingX's public JSON as typed values, after inflating; fields that are not named here are ignored.

Pages stand under https://bingx-api.github.io/docs-v3/#/en/ (Spot and Swap: Market Data, Websocket Market Data).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, field

from tapeline.venues.contract import Levels, Milliseconds, Number, Price, Quantity, Sequence64

Side = Levels | dict[Price, Quantity] | None
"""One side of a book: levels as arrays in any order, on spot also an object of quantities by price; null: none."""
Precision = Annotated[int, Meta(ge=-18, le=18)]
"""Digits behind the point."""


class Envelope(msgspec.Struct, frozen=True, rename="camel"):
    """Any frame: data of a topic, the answer to a request, a ping of spot, an event of an account."""

    code: int = 0
    msg: str | None = None
    id: str | int | None = None
    data_type: str | None = None
    data: msgspec.Raw = msgspec.Raw()
    ping: str | None = None
    time: str | int | None = None
    event: str | None = field(name="e", default=None)


class Book(msgspec.Struct, frozen=True, rename="camel"):
    """The levels inside a frame, with their time where they stand beside it."""

    bids: Side
    asks: Side
    time: Milliseconds | None = None
    timestamp: Milliseconds | None = None


class WholeBook(msgspec.Struct, frozen=True):
    """`{symbol}@depth{n}`, on swaps `{symbol}@depth{n}@{ms}ms`: the best n levels, again and again."""

    data: Book
    ts: Milliseconds | None = None
    timestamp: Milliseconds | None = None


class Increment(msgspec.Struct, frozen=True, rename="camel"):
    """What changed of a book since the frame before, or all of it."""

    action: Literal["all", "update"]
    last_update_id: Sequence64
    bids: Side
    asks: Side
    time: Milliseconds | None = None
    timestamp: Milliseconds | None = None


class IncrementalBook(msgspec.Struct, frozen=True):
    """`{symbol}@incrDepth`: Incremental Depth Information."""

    data: Increment
    ts: Milliseconds | None = None
    timestamp: Milliseconds | None = None


class Deal(msgspec.Struct, frozen=True):
    """One trade of a frame; only spot gives an id."""

    price: Price = field(name="p")
    quantity: Annotated[float, Meta(gt=0, lt=1e18)] = field(name="q")
    trade_ms: Milliseconds = field(name="T")
    buyer_made: bool = field(name="m")
    trade_id: str | int | None = field(name="t", default=None)


class Deals(msgspec.Struct, frozen=True):
    """`{symbol}@trade`: one trade, or several as an array."""

    data: Deal | tuple[Deal, ...]


class Mark(msgspec.Struct, frozen=True):
    """The price inside a frame."""

    mark_price: Number = field(name="p")
    event_ms: Milliseconds = field(name="E")


class MarkPrice(msgspec.Struct, frozen=True):
    """`{symbol}@markPrice` (swaps)."""

    data: Mark


class Outcome(msgspec.Struct, frozen=True):
    """How every REST answer begins, also a refused one with HTTP 200."""

    code: int
    msg: str | None = None


class RestBook(msgspec.Struct, frozen=True):
    """The book of `GET /openApi/spot/v1/market/depth` and `GET /openApi/swap/v2/quote/depth`."""

    bids: Levels
    asks: Levels
    system_ms: Milliseconds | None = field(name="T", default=None)
    ts: Milliseconds | None = None


class RestBookAnswer(msgspec.Struct, frozen=True):
    """The answer with a book."""

    data: RestBook


class RecentTrade(msgspec.Struct, frozen=True, rename="camel"):
    """One trade of `GET /openApi/spot/v1/market/trades` or `GET /openApi/swap/v2/quote/trades`: names differ."""

    price: Price
    qty: Annotated[float, Meta(gt=0, lt=1e18)]
    time: Milliseconds
    id: str | int | None = None
    buyer_maker: bool | None = None
    is_buyer_maker: bool | None = None


class RecentTradesAnswer(msgspec.Struct, frozen=True):
    """The answer with recent trades."""

    data: tuple[RecentTrade, ...]


class Premium(msgspec.Struct, frozen=True, rename="camel"):
    """The funding of one swap; `nextFundingTime` is a time, though its page calls it what is left."""

    symbol: str
    mark_price: Number
    index_price: Number
    last_funding_rate: Number
    next_funding_time: Milliseconds
    funding_interval_hours: Annotated[int, Meta(ge=0, le=1_000)] | None = None


class PremiumAnswer(msgspec.Struct, frozen=True):
    """The answer to `GET /openApi/swap/v2/quote/premiumIndex`: one swap's, or a list."""

    data: Premium | tuple[Premium, ...]


class SpotListing(msgspec.Struct, frozen=True, rename="camel"):
    """One pair of `GET /openApi/spot/v1/common/symbols`; its `minQty` and `maxQty` are deprecated and mean nothing."""

    symbol: str
    status: int
    tick_size: Decimal | None = None
    step_size: Decimal | None = None
    min_notional: Decimal | None = None
    api_state_buy: bool = True
    api_state_sell: bool = True


class SpotListings(msgspec.Struct, frozen=True):
    """The list inside the answer."""

    symbols: tuple[SpotListing, ...]


class SpotListingsAnswer(msgspec.Struct, frozen=True):
    """The answer to `GET /openApi/spot/v1/common/symbols`."""

    data: SpotListings


class SwapListing(msgspec.Struct, frozen=True, rename="camel"):
    """One contract of `GET /openApi/swap/v2/quote/contracts`; quantities are in the base coin, `size` is not used."""

    symbol: str
    currency: str
    status: int
    quantity_precision: Precision | None = None
    price_precision: Precision | None = None
    trade_min_quantity: Decimal | None = None
    least_value: Decimal | None = field(name="tradeMinUSDT", default=None)
    maker_fee_rate: Decimal | None = None
    taker_fee_rate: Decimal | None = None
    max_long_leverage: Decimal | None = None
    max_short_leverage: Decimal | None = None
    api_state_open: bool = True
    api_state_close: bool = True


class SwapListingsAnswer(msgspec.Struct, frozen=True):
    """The answer to `GET /openApi/swap/v2/quote/contracts`."""

    data: tuple[SwapListing, ...]
