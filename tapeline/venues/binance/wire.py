"""Binance's public JSON as typed values; fields that are not named here are ignored.

Spot: https://github.com/binance/binance-spot-api-docs (web-socket-streams.md, rest-api.md).
USD-M futures: https://developers.binance.com/docs/derivatives/usds-margined-futures
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta, field

from tapeline.venues.contract import Levels, Milliseconds, Number, Price, Quantity, Sequence64


class Depth(msgspec.Struct, frozen=True):
    """`<symbol>@depth@100ms`.

    Spot: web-socket-streams.md#diff-depth-stream; futures: websocket-market-streams/Diff-Book-Depth-Streams.
    """

    native: str = field(name="s")
    first: Sequence64 = field(name="U")
    last: Sequence64 = field(name="u")
    event_ms: Milliseconds = field(name="E")
    bids: Levels = field(name="b")
    asks: Levels = field(name="a")
    # Futures only: the last id of the event before, and the time of the change itself.
    previous: Sequence64 | None = field(name="pu", default=None)
    transaction_ms: Milliseconds | None = field(name="T", default=None)


class Deal(msgspec.Struct, frozen=True):
    """`<symbol>@trade`, web-socket-streams.md#trade-streams, and `<symbol>@aggTrade`, #aggregate-trade-streams.

    Futures: websocket-market-streams/Aggregate-Trade-Streams; their `@trade` is undocumented and carries `X`.
    """

    event: str = field(name="e")
    native: str = field(name="s")
    price: Price = field(name="p")
    quantity: Annotated[float, Meta(gt=0, lt=1e18)] = field(name="q")
    trade_ms: Milliseconds = field(name="T")
    buyer_made: bool = field(name="m")
    trade_id: Sequence64 | None = field(name="t", default=None)
    aggregate_id: Sequence64 | None = field(name="a", default=None)
    kind: str = field(name="X", default="MARKET")


class MarkPrice(msgspec.Struct, frozen=True):
    """`<symbol>@markPrice@1s`, websocket-market-streams/Mark-Price-Stream (futures)."""

    native: str = field(name="s")
    event_ms: Milliseconds = field(name="E")
    mark_price: Number = field(name="p")
    index_price: Number = field(name="i")
    rate: Number = field(name="r")
    next_ms: Milliseconds = field(name="T")


class Head(msgspec.Struct, frozen=True):
    """What kind of event it is; every market event names itself in `e`."""

    event: str | None = field(name="e", default=None)


class Trouble(msgspec.Struct, frozen=True):
    """An error, at the top of an answer or under `error`; REST: rest-api.md, "HTTP Return Codes"."""

    code: int
    message: str = field(name="msg", default="")


class Envelope(msgspec.Struct, frozen=True):
    """A frame of a combined stream, or the answer to a request: web-socket-streams.md#live-subscribingunsubscribing."""

    stream: str | None = None
    data: msgspec.Raw = msgspec.Raw()
    event: str | None = field(name="e", default=None)
    request_id: int | str | None = field(name="id", default=None)
    code: int | None = None
    message: str | None = field(name="msg", default=None)
    error: Trouble | None = None


class DepthEnvelope(msgspec.Struct, frozen=True):
    """A depth event of a combined stream, decoded in one go because most frames are such."""

    data: Depth


class BookAnswer(msgspec.Struct, frozen=True):
    """`GET /api/v3/depth`, rest-api.md#order-book, and `GET /fapi/v1/depth`, market-data/rest-api/Order-Book."""

    last: Sequence64 = field(name="lastUpdateId")
    bids: Levels
    asks: Levels
    event_ms: Milliseconds | None = field(name="E", default=None)
    transaction_ms: Milliseconds | None = field(name="T", default=None)


class RecentTrade(msgspec.Struct, frozen=True):
    """`GET /api/v3/trades`, rest-api.md#recent-trades-list."""

    trade_id: Sequence64 = field(name="id")
    price: Price
    quantity: Quantity = field(name="qty")
    trade_ms: Milliseconds = field(name="time")
    buyer_made: bool = field(name="isBuyerMaker")


class RecentAggregate(msgspec.Struct, frozen=True):
    """`GET /fapi/v1/aggTrades`, market-data/rest-api/Compressed-Aggregate-Trades-List."""

    trade_id: Sequence64 = field(name="a")
    price: Price = field(name="p")
    quantity: Quantity = field(name="q")
    trade_ms: Milliseconds = field(name="T")
    buyer_made: bool = field(name="m")


class TopEnvelope(msgspec.Struct, frozen=True):
    """`<symbol>@depth5`, 10 or 20 of spot, web-socket-streams.md#partial-book-depth-streams; futures send a `Depth`."""

    stream: str
    data: BookAnswer


class PremiumIndex(msgspec.Struct, frozen=True, rename="camel"):
    """`GET /fapi/v1/premiumIndex`, market-data/rest-api/Mark-Price."""

    symbol: str
    mark_price: Number
    index_price: Number
    last_funding_rate: Number
    next_funding_time: Milliseconds
    time: Milliseconds


class Filter(msgspec.Struct, frozen=True, rename="camel"):
    """One rule of a symbol: filters.md; which fields it has depends on `filterType`."""

    filter_type: str
    tick_size: Decimal | None = None
    step_size: Decimal | None = None
    min_qty: Decimal | None = None
    max_qty: Decimal | None = None
    min_notional: Decimal | None = None
    notional: Decimal | None = None


class Listing(msgspec.Struct, frozen=True, rename="camel"):
    """One symbol of exchangeInfo, of either market."""

    symbol: str
    status: str
    base_asset: str
    quote_asset: str
    filters: tuple[Filter, ...]
    is_spot_trading_allowed: bool = True
    contract_type: str | None = None
    margin_asset: str | None = None


class ExchangeInfo(msgspec.Struct, frozen=True):
    """`GET /api/v3/exchangeInfo`, rest-api.md#exchange-information, and `GET /fapi/v1/exchangeInfo`."""

    symbols: tuple[Listing, ...]
