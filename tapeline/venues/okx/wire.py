"""OKX's public v5 JSON as typed values; fields that are not named here are ignored.

Pages stand under https://www.okx.com/docs-v5/en/; numbers come as texts, and "" stands for none.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, field

from tapeline.venues.contract import Milliseconds, Number, Price, Quantity, Sequence64


class Level(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Price and size; what follows is left out: a dead "0" and the number of orders, or in a full book that alone."""

    price: Price
    quantity: Quantity


class Arg(msgspec.Struct, frozen=True):
    """The stream that a frame speaks of; some name a type of instruments instead."""

    channel: str
    native: str | None = field(name="instId", default=None)


class Envelope(msgspec.Struct, frozen=True):
    """Any frame: a stream's, the answer to a request, or a notice (#overview-websocket-subscribe)."""

    arg: Arg | None = None
    event: str | None = None
    request_id: str | None = field(name="id", default=None)
    code: str | None = None
    message: str = field(name="msg", default="")


class Book(msgspec.Struct, frozen=True):
    """A book in a frame: #order-book-trading-market-data-ws-order-book-channel; `checksum` is 0 since 2026-06-23."""

    asks: tuple[Level, ...]
    bids: tuple[Level, ...]
    book_ms: Milliseconds = field(name="ts")
    sequence: Sequence64 | None = field(name="seqId", default=None)
    previous: Sequence64 | None = field(name="prevSeqId", default=None)
    checksum: int = 0


class BookFrame(msgspec.Struct, frozen=True):
    """A frame of a book's channel."""

    arg: Arg
    data: Annotated[tuple[Book, ...], Meta(min_length=1)]
    action: str | None = None


class Deal(msgspec.Struct, frozen=True):
    """One trade, of `trades-all` (#order-book-trading-market-data-ws-all-trades-channel) and of `GET market/trades`.

    Those of `trades` may be several matches at one price, of which `tradeId` is the last.
    """

    native: str = field(name="instId")
    trade_id: Annotated[int, Meta(ge=0, lt=2**62)] = field(name="tradeId")
    price: Price = field(name="px")
    quantity: Annotated[float, Meta(gt=0, lt=1e18)] = field(name="sz")
    taker: str = field(name="side")
    trade_ms: Milliseconds = field(name="ts")


class TradeFrame(msgspec.Struct, frozen=True):
    """A frame of trades."""

    data: Annotated[tuple[Deal, ...], Meta(min_length=1)]


class FundingRate(msgspec.Struct, frozen=True, rename="camel"):
    """`funding-rate`: #public-data-websocket-funding-rate-channel; the next settlement, and the one behind it."""

    native: str = field(name="instId")
    funding_rate: str
    funding_time: str
    next_funding_time: str = ""
    ts: str = ""


class MarkPrice(msgspec.Struct, frozen=True):
    """`mark-price`: #public-data-websocket-mark-price-channel."""

    native: str = field(name="instId")
    mark_price: Number = field(name="markPx")
    mark_ms: Milliseconds = field(name="ts")


class IndexTicker(msgspec.Struct, frozen=True):
    """`index-tickers`: #public-data-websocket-index-tickers-channel; `instId` is the index, as BTC-USDT."""

    index: str = field(name="instId")
    index_price: Number = field(name="idxPx")
    index_ms: Milliseconds = field(name="ts")


class FundingFrame(msgspec.Struct, frozen=True):
    """A frame of `funding-rate`, and the answer to `GET public/funding-rate`."""

    data: Annotated[tuple[FundingRate, ...], Meta(min_length=1)]


class MarkFrame(msgspec.Struct, frozen=True):
    """A frame of `mark-price`."""

    data: Annotated[tuple[MarkPrice, ...], Meta(min_length=1)]


class IndexFrame(msgspec.Struct, frozen=True):
    """A frame of `index-tickers`."""

    data: Annotated[tuple[IndexTicker, ...], Meta(min_length=1)]


class Outcome(msgspec.Struct, frozen=True):
    """How every REST answer begins: code "0" is good, whatever HTTP says (#error-code)."""

    code: str
    message: str = field(name="msg", default="")


class BookAnswer(msgspec.Struct, frozen=True):
    """`GET market/books` and `market/books-full`: #order-book-trading-market-data-get-order-book."""

    data: Annotated[tuple[Book, ...], Meta(min_length=1, max_length=1)]


class TradesAnswer(msgspec.Struct, frozen=True):
    """`GET market/trades`: #order-book-trading-market-data-get-trades."""

    data: tuple[Deal, ...]


class Change(msgspec.Struct, frozen=True, rename="camel"):
    """One announced change of a rule."""

    eff_time: str = ""


class Listing(msgspec.Struct, frozen=True, rename="camel"):
    """One instrument of `GET public/instruments`: #public-data-rest-api-get-instruments."""

    native: str = field(name="instId")
    state: str
    tick_sz: str
    lot_sz: str
    min_sz: str = ""
    max_lmt_sz: str = ""
    max_mkt_sz: str = ""
    base_ccy: str = ""
    quote_ccy: str = ""
    uly: str = ""
    settle_ccy: str = ""
    ct_type: str = ""
    ct_val: str = ""
    ct_mult: str = ""
    ct_val_ccy: str = ""
    lever: str = ""
    upc_chg: tuple[Change, ...] = ()


class ListingsAnswer(msgspec.Struct, frozen=True):
    """The answer to `GET public/instruments`."""

    data: tuple[Listing, ...]
