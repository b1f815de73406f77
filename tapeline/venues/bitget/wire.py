"""Bitget's public JSON of both generations as typed values; fields that are not named here are ignored.

Unified (v3): pages under https://www.bitget.com/api-doc/uta/. Classic (v2): pages under
https://www.bitget.com/api-doc/spot/ and https://www.bitget.com/api-doc/contract/.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, field

from tapeline.venues.contract import Levels, Milliseconds, Price, Sequence64

Size = Annotated[float, Meta(gt=0, lt=1e18)]
Text = str | int | float | None
"""A number that stands as text, as a number or, where there is none, as ""."""


class Arg(msgspec.Struct, frozen=True, rename="camel"):
    """Which stream a frame speaks of: `topic` and `symbol` in v3, `channel` and `instId` in v2, each as it likes."""

    inst_type: str
    topic: str | None = None
    channel: str | None = None
    symbol: str | None = None
    inst_id: str | None = None

    @property
    def name(self) -> str:
        """Return the channel's name in its generation."""
        return self.topic or self.channel or ""

    @property
    def native(self) -> str:
        """Return the instrument's name, "" where the stream is of none."""
        return self.symbol or self.inst_id or ""


class Envelope(msgspec.Struct, frozen=True):
    """Any frame: a stream's, or the answer to a request (websocket/Intro)."""

    arg: Arg | None = None
    event: str | None = None
    code: int | str | None = None
    message: str | None = field(name="msg", default=None)


class _Book(msgspec.Struct, frozen=True, kw_only=True):
    """What a book has in both generations: `seq` and `pseq` are absent on old or shallow channels of v2."""

    book_ms: Milliseconds = field(name="ts")
    sequence: Sequence64 | None = field(name="seq", default=None)
    previous: Sequence64 | None = field(name="pseq", default=None)
    checksum: int | None = None
    depth: int | None = field(name="maxdepth", default=None)


class UnifiedBook(_Book, frozen=True, kw_only=True):
    """A book of v3: websocket/public/Order-Book-Channel, public/Get-OrderBook."""

    asks: Levels = field(name="a")
    bids: Levels = field(name="b")


class ClassicBook(_Book, frozen=True, kw_only=True):
    """A book of v2: spot/websocket/public/Depth-Channel, contract/websocket/public/Order-Book-Channel."""

    asks: Levels
    bids: Levels


Book = UnifiedBook | ClassicBook


class UnifiedBooks(msgspec.Struct, frozen=True):
    """A frame of books of v3."""

    arg: Arg
    action: str
    data: tuple[UnifiedBook, ...]


class ClassicBooks(msgspec.Struct, frozen=True):
    """A frame of books of v2."""

    arg: Arg
    action: str
    data: tuple[ClassicBook, ...]


Books = UnifiedBooks | ClassicBooks


class UnifiedBookAnswer(msgspec.Struct, frozen=True):
    """The answer to `GET /api/v3/market/orderbook`: public/Get-OrderBook."""

    data: UnifiedBook


class ClassicBookAnswer(msgspec.Struct, frozen=True):
    """The answer to `GET /api/v2/spot/market/orderbook` and `GET /api/v2/mix/market/merge-depth`."""

    data: ClassicBook


class UnifiedDeal(msgspec.Struct, frozen=True):
    """One trade of v3: websocket/public/New-Trades-Channel."""

    trade_id: str = field(name="i")
    price: Price = field(name="p")
    quantity: Size = field(name="v")
    taker: str = field(name="S")
    trade_ms: Milliseconds = field(name="T")


class ClassicDeal(msgspec.Struct, frozen=True):
    """One trade of v2: spot/websocket/public/Trades-Channel, contract/websocket/public/New-Trades-Channel."""

    trade_id: str = field(name="tradeId")
    price: Price
    quantity: Size = field(name="size")
    taker: str = field(name="side")
    trade_ms: Milliseconds = field(name="ts")


class UnifiedDeals(msgspec.Struct, frozen=True):
    """A frame of trades of v3; its first `action` is snapshot and resets nothing."""

    data: tuple[UnifiedDeal, ...]


class ClassicDeals(msgspec.Struct, frozen=True):
    """A frame of trades of v2, or the answer to `GET /api/v2/spot/market/fills` and `/api/v2/mix/market/fills`."""

    data: tuple[ClassicDeal, ...]


class Fill(msgspec.Struct, frozen=True):
    """One trade of `GET /api/v3/market/fills`: public/Fills."""

    trade_id: str = field(name="execId")
    price: Price
    quantity: Size = field(name="size")
    taker: str = field(name="side")
    trade_ms: Milliseconds = field(name="ts")


Deal = UnifiedDeal | ClassicDeal | Fill


class FillsAnswer(msgspec.Struct, frozen=True):
    """The answer to `GET /api/v3/market/fills`."""

    data: tuple[Fill, ...]


class Ticker(msgspec.Struct, frozen=True, rename="camel"):
    """What we read of a ticker: websocket/public/Tickers-Channel; the names are those of v2 too."""

    funding_rate: Text = None
    next_funding_time: Text = None
    mark_price: Text = None
    index_price: Text = None


class Tickers(msgspec.Struct, frozen=True):
    """A frame of tickers, one each."""

    sent_ms: Milliseconds = field(name="ts")
    data: tuple[Ticker, ...]


class FundRate(msgspec.Struct, frozen=True, rename="camel"):
    """The funding of one perpetual; the interval is in hours."""

    symbol: str
    funding_rate: Text = None
    funding_rate_interval: Text = None
    next_update: Text = None


class FundRateAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """The answer to `GET /api/v3/market/current-fund-rate`: public/Get-Current-Fund-Rate."""

    request_time: Milliseconds
    data: tuple[FundRate, ...]


class Outcome(msgspec.Struct, frozen=True):
    """How every REST answer begins; `00000` is good."""

    code: str | int


class Listing(msgspec.Struct, frozen=True, rename="camel"):
    """One instrument of either generation; which fields it has depends on generation and market.

    v3: `GET /api/v3/market/instruments`, public/Instruments. v2: `GET /api/v2/spot/public/symbols`,
    `GET /api/v2/mix/market/contracts`.
    """

    symbol: str
    base_coin: str
    quote_coin: str
    # v2 spot and v3; v2 futures.
    status: str | None = None
    symbol_status: str | None = None
    # `type` where `symbolType` says something else; v2 has the latter alone.
    contract_type: str | None = field(name="type", default=None)
    symbol_type: str | int | None = None
    is_reality: str | None = None
    price_precision: Text = None
    quantity_precision: Text = None
    maker_fee_rate: Text = None
    taker_fee_rate: Text = None
    fund_interval: Text = None
    max_order_qty: Text = None
    max_market_order_qty: Text = None
    # v3.
    price_multiplier: Text = None
    quantity_multiplier: Text = None
    min_order_qty: Text = None
    min_order_amount: Text = None
    max_leverage: Text = None
    # v2.
    price_place: Text = None
    price_end_step: Text = None
    size_multiplier: Text = None
    min_trade_num: Text = None
    min_trade_amount: Text = None
    max_trade_amount: Text = None
    min_trade_usdt: Text = field(name="minTradeUSDT", default=None)
    max_lever: Text = None


class ListingsAnswer(msgspec.Struct, frozen=True):
    """The answer to a request for instruments."""

    data: tuple[Listing, ...]
