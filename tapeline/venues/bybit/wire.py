"""Bybit's public v5 JSON as typed values; fields that are not named here are ignored.

Pages stand under https://bybit-exchange.github.io/docs/v5/.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, field

from tapeline.venues.contract import Levels, Milliseconds, Price, Sequence64


class BookData(msgspec.Struct, frozen=True):
    """The book inside a frame or an answer."""

    native: str = field(name="s")
    bids: Levels = field(name="b")
    asks: Levels = field(name="a")
    update: Sequence64 = field(name="u")


class BookFrame(msgspec.Struct, frozen=True):
    """`orderbook.{depth}.{symbol}`: websocket/public/orderbook."""

    kind: str = field(name="type")
    system_ms: Milliseconds = field(name="ts")
    data: BookData
    engine_ms: Milliseconds | None = field(name="cts", default=None)


class Deal(msgspec.Struct, frozen=True):
    """One trade of a frame."""

    trade_ms: Milliseconds = field(name="T")
    native: str = field(name="s")
    taker: str = field(name="S")
    quantity: Annotated[float, Meta(gt=0, lt=1e18)] = field(name="v")
    price: Price = field(name="p")
    trade_id: str = field(name="i")
    order: Sequence64 | None = field(name="seq", default=None)


class TradeFrame(msgspec.Struct, frozen=True):
    """`publicTrade.{symbol}`: websocket/public/trade; its `type` is always snapshot and resets nothing."""

    data: tuple[Deal, ...]


class TickerData(msgspec.Struct, frozen=True, rename="camel"):
    """What we read of a ticker; in a delta an absent field is unchanged, and "" stands for none."""

    symbol: str
    funding_rate: str | None = None
    next_funding_time: str | None = None
    mark_price: str | None = None
    index_price: str | None = None


class TickerFrame(msgspec.Struct, frozen=True):
    """`tickers.{symbol}`: websocket/public/ticker."""

    kind: str = field(name="type")
    system_ms: Milliseconds = field(name="ts")
    data: TickerData


class Envelope(msgspec.Struct, frozen=True):
    """Any frame: a topic's, or the answer to a request (ws/connect)."""

    topic: str | None = None
    op: str | None = None
    success: bool | None = None
    message: str = field(name="ret_msg", default="")
    request_id: str | None = field(name="req_id", default=None)


class Outcome(msgspec.Struct, frozen=True):
    """How every REST answer begins: guide, "Common Response Parameters"."""

    code: int = field(name="retCode")
    message: str = field(name="retMsg", default="")


class BookResult(msgspec.Struct, frozen=True):
    """The result of `GET /v5/market/orderbook`: market/orderbook."""

    native: str = field(name="s")
    bids: Levels = field(name="b")
    asks: Levels = field(name="a")
    update: Sequence64 = field(name="u")
    system_ms: Milliseconds = field(name="ts")
    engine_ms: Milliseconds | None = field(name="cts", default=None)


class BookAnswer(msgspec.Struct, frozen=True):
    """The answer to `GET /v5/market/orderbook`."""

    result: BookResult


class RecentTrade(msgspec.Struct, frozen=True, rename="camel"):
    """One trade of `GET /v5/market/recent-trade`: market/recent-trade."""

    exec_id: str
    symbol: str
    price: Price
    size: Annotated[float, Meta(gt=0, lt=1e18)]
    side: str
    time: Milliseconds
    seq: Sequence64 | None = None


class RecentTrades(msgspec.Struct, frozen=True):
    """The result of `GET /v5/market/recent-trade`."""

    trades: tuple[RecentTrade, ...] = field(name="list")


class RecentTradesAnswer(msgspec.Struct, frozen=True):
    """The answer to `GET /v5/market/recent-trade`."""

    result: RecentTrades


class Tickers(msgspec.Struct, frozen=True):
    """The result of `GET /v5/market/tickers`: market/tickers."""

    tickers: tuple[TickerData, ...] = field(name="list")


class TickersAnswer(msgspec.Struct, frozen=True):
    """The answer to `GET /v5/market/tickers`."""

    result: Tickers
    time: Milliseconds


class PriceFilter(msgspec.Struct, frozen=True, rename="camel"):
    """Rules of a price."""

    tick_size: str


class LotFilter(msgspec.Struct, frozen=True, rename="camel"):
    """Rules of a quantity: the names differ between spot and linear, and "" stands for none."""

    base_precision: str | None = None
    qty_step: str | None = None
    min_order_qty: str | None = None
    min_order_amt: str | None = None
    min_notional_value: str | None = None
    max_limit_order_qty: str | None = None
    max_market_order_qty: str | None = None
    max_order_qty: str | None = None
    max_mkt_order_qty: str | None = None


class LeverageFilter(msgspec.Struct, frozen=True, rename="camel"):
    """Rules of leverage, linear only."""

    max_leverage: str | None = None


class Listing(msgspec.Struct, frozen=True, rename="camel"):
    """One instrument of `GET /v5/market/instruments-info`: market/instrument."""

    symbol: str
    base_coin: str
    quote_coin: str
    status: str
    price_filter: PriceFilter
    lot_size_filter: LotFilter
    leverage_filter: LeverageFilter | None = None
    contract_type: str | None = None
    settle_coin: str | None = None
    funding_interval: int | None = None


class Listings(msgspec.Struct, frozen=True, rename="camel"):
    """The result of `GET /v5/market/instruments-info`."""

    instruments: tuple[Listing, ...] = field(name="list")
    next_page_cursor: str = ""


class ListingsAnswer(msgspec.Struct, frozen=True):
    """The answer to `GET /v5/market/instruments-info`."""

    result: Listings
