"""MEXC's public JSON, and what its protobuf holds, as typed values; fields that are not named here are ignored.

Spot: https://mexcdevelop.github.io/apidocs/spot_v3_en/. Futures: https://www.mexc.com/api-docs/futures/ and the older
https://mexcdevelop.github.io/apidocs/contract_v1_en/. Spot's socket speaks protobuf: `protobuf` has its numbers.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta, field

from tapeline.venues.contract import Levels, Milliseconds, Number, Price, Quantity, Sequence64

Traded = Annotated[float, Meta(gt=0, lt=1e18)]
Counted = tuple[tuple[Price, Quantity, Annotated[int, Meta(ge=0)]], ...]
"""Levels of futures: price, contracts and how many orders."""


# ---------------------------------------------------------------- spot: socket
class Reply(msgspec.Struct, frozen=True):
    """A text of the server (spot_v3_en, "Websocket Market Streams"): `msg` says what became of a request.

    Frames of the old JSON socket name their channel in `c`.
    """

    code: int = 0
    message: str | None = field(name="msg", default=None)
    old_channel: str | None = field(name="c", default=None)


class Depths(msgspec.Struct, frozen=True, rename="camel"):
    """`spot@public.aggre.depth.v3.api.pb@100ms@SYMBOL`: every change from one version to another."""

    asks: Levels
    bids: Levels
    from_version: Sequence64
    to_version: Sequence64
    at_ms: Milliseconds


class LimitDepths(msgspec.Struct, frozen=True, rename="camel"):
    """`spot@public.limit.depth.v3.api.pb@SYMBOL@20`: the whole top of the book."""

    asks: Levels
    bids: Levels
    version: Sequence64
    at_ms: Milliseconds


class Deal(msgspec.Struct, frozen=True, rename="camel"):
    """One trade of `spot@public.aggre.deals.v3.api.pb@100ms@SYMBOL`."""

    price: Price
    quantity: Traded
    trade_type: int
    time: Milliseconds
    trade_id: str = ""


class Deals(msgspec.Struct, frozen=True):
    """The trades of a frame."""

    deals: tuple[Deal, ...]


# ---------------------------------------------------------------- spot: REST
class SpotBook(msgspec.Struct, frozen=True):
    """`GET /api/v3/depth`."""

    last: Sequence64 = field(name="lastUpdateId")
    bids: Levels
    asks: Levels
    at_ms: Milliseconds | None = field(name="timestamp", default=None)


class SpotTrade(msgspec.Struct, frozen=True):
    """One trade of `GET /api/v3/trades`; its `id` is null."""

    price: Price
    quantity: Traded = field(name="qty")
    trade_ms: Milliseconds = field(name="time")
    buyer_made: bool = field(name="isBuyerMaker")
    trade_id: str | int | None = field(name="id", default=None)


class SpotListing(msgspec.Struct, frozen=True, rename="camel"):
    """One symbol of `GET /api/v3/exchangeInfo`; `...SizePrecision` and `...AmountPrecision` are no digits but least."""

    symbol: str
    status: str
    base_asset: str
    quote_asset: str
    base_asset_precision: Annotated[int, Meta(ge=0, le=30)] | None = None
    quote_precision: Annotated[int, Meta(ge=0, le=30)] | None = None
    quote_asset_precision: Annotated[int, Meta(ge=0, le=30)] | None = None
    base_size_precision: Decimal | None = None
    quote_amount_precision: Decimal | None = None
    maker_commission: Decimal | None = None
    taker_commission: Decimal | None = None
    is_spot_trading_allowed: bool = True
    trade_side_type: int = 1


class ExchangeInfo(msgspec.Struct, frozen=True):
    """`GET /api/v3/exchangeInfo`."""

    symbols: tuple[SpotListing, ...]


class Outcome(msgspec.Struct, frozen=True):
    """What an answer says about itself: futures always, spot where it refuses."""

    code: int = 0
    success: bool = True


# ---------------------------------------------------------------- futures: socket
class Envelope(msgspec.Struct, frozen=True):
    """Any frame: which channel it is of; the answer to a request has a text in `data`."""

    channel: str
    data: msgspec.Raw = msgspec.Raw()


class Changes(msgspec.Struct, frozen=True):
    """Changes of one book; merged ones span versions from `begin` to `end`. A whole book has the same form."""

    asks: Counted
    bids: Counted
    version: Sequence64
    begin: Sequence64 | None = None
    end: Sequence64 | None = None
    engine_ms: Milliseconds | None = field(name="cts", default=None)


class DepthFrame(msgspec.Struct, frozen=True):
    """`push.depth` and `push.depth.full`: websocket-api/order-book-depth."""

    channel: str
    symbol: str
    data: Changes
    sent_ms: Milliseconds = field(name="ts")


class Contract(msgspec.Struct, frozen=True):
    """One trade of a futures frame or answer: contracts, not coins."""

    price: Price = field(name="p")
    quantity: Traded = field(name="v")
    taker: int = field(name="T")
    trade_ms: Milliseconds = field(name="t")
    trade_id: str | int | None = field(name="i", default=None)


class DealFrame(msgspec.Struct, frozen=True):
    """`push.deal`: several trades, one where the stream is not merged."""

    symbol: str
    data: tuple[Contract, ...] | Contract


class Rate(msgspec.Struct, frozen=True):
    """The data of `push.funding.rate`."""

    rate: Number
    next_ms: Milliseconds | None = field(name="nextSettleTime", default=None)


class RateFrame(msgspec.Struct, frozen=True):
    """`push.funding.rate`: websocket-api/funding-rate."""

    symbol: str
    data: Rate
    sent_ms: Milliseconds = field(name="ts")


class Fair(msgspec.Struct, frozen=True):
    """The data of `push.fair.price` and `push.index.price`."""

    price: Number


class PriceFrame(msgspec.Struct, frozen=True):
    """`push.fair.price`, which is the mark price, and `push.index.price`."""

    symbol: str
    data: Fair
    sent_ms: Milliseconds = field(name="ts")


# ---------------------------------------------------------------- futures: REST
class BookData(msgspec.Struct, frozen=True):
    """The data of `GET /api/v1/contract/depth/{symbol}`."""

    asks: Counted
    bids: Counted
    version: Sequence64
    at_ms: Milliseconds | None = field(name="timestamp", default=None)


class BookAnswer(msgspec.Struct, frozen=True):
    """`GET /api/v1/contract/depth/{symbol}`: market-endpoints/get-contract-order-book-depth."""

    data: BookData


class TradesAnswer(msgspec.Struct, frozen=True):
    """`GET /api/v1/contract/deals/{symbol}`."""

    data: tuple[Contract, ...]


class FundingData(msgspec.Struct, frozen=True, rename="camel"):
    """The data of `GET /api/v1/contract/funding_rate/{symbol}`; `collectCycle` is in hours."""

    symbol: str
    funding_rate: Number
    next_settle_time: Milliseconds | None = None
    collect_cycle: Annotated[int, Meta(gt=0, le=1_000)] | None = None
    timestamp: Milliseconds | None = None
    fair_price: Number | None = None
    idx_price: Number | None = None


class FundingAnswer(msgspec.Struct, frozen=True):
    """`GET /api/v1/contract/funding_rate/{symbol}`."""

    data: FundingData


class FuturesListing(msgspec.Struct, frozen=True, rename="camel"):
    """One contract of `GET /api/v1/contract/detail`; volumes are contracts."""

    symbol: str
    base_coin: str
    quote_coin: str
    settle_coin: str
    state: int
    contract_size: Decimal | None = None
    price_unit: Decimal | None = None
    vol_unit: Decimal | None = None
    min_vol: Decimal | None = None
    max_vol: Decimal | None = None
    limit_order_max_vol: Decimal | None = None
    limit_max_vol: Decimal | None = None
    max_leverage: Decimal | None = None
    maker_fee_rate: Decimal | None = None
    taker_fee_rate: Decimal | None = None
    api_allowed: bool = True
    future_type: int = 1
    asset_type: int = field(name="type", default=1)


class Detail(msgspec.Struct, frozen=True):
    """`GET /api/v1/contract/detail`: market-endpoints/get-contract-info."""

    data: tuple[FuturesListing, ...]
