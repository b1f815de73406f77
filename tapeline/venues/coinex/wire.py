"""CoinEx's public v2 JSON as typed values; fields that are not named here are ignored.

Pages stand under https://docs.coinex.com/api/v2/.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, field

from tapeline.domain.checksum import TextLevels
from tapeline.venues.contract import Levels, Milliseconds, Number, Price, Sequence64

Checksum = Annotated[int, Meta(ge=-(2**31), lt=2**32)]
"""Signed in the docs, unsigned in their examples."""
Places = Annotated[int, Meta(ge=0, le=40)]


class Depth(msgspec.Struct, frozen=True):
    """The levels of a push or of an answer."""

    updated_at: Milliseconds
    checksum: Checksum
    bids: Levels = ()
    asks: Levels = ()


class MarketDepth(msgspec.Struct, frozen=True):
    """A market's book, or with `is_full` false its changes."""

    market: str
    is_full: bool
    depth: Depth


class DepthMessage(msgspec.Struct, frozen=True):
    """`depth.update`, spot/market/ws/market-depth, and `GET depth`, spot/market/http/list-market-depth."""

    data: MarketDepth


class DepthText(msgspec.Struct, frozen=True):
    """The same levels as they were written."""

    bids: TextLevels = ()
    asks: TextLevels = ()


class MarketDepthText(msgspec.Struct, frozen=True):
    """As MarketDepth."""

    depth: DepthText


class DepthTextMessage(msgspec.Struct, frozen=True):
    """As DepthMessage: a checksum is made of texts."""

    data: MarketDepthText


class Deal(msgspec.Struct, frozen=True):
    """One trade."""

    deal_id: Sequence64
    created_at: Milliseconds
    side: str
    price: Price
    amount: Annotated[float, Meta(gt=0, lt=1e18)]


class MarketDeals(msgspec.Struct, frozen=True):
    """Trades of a market, the newest first."""

    market: str
    deal_list: tuple[Deal, ...]


class DealsFrame(msgspec.Struct, frozen=True):
    """`deals.update`: spot/market/ws/market-deals."""

    data: MarketDeals


class DealsAnswer(msgspec.Struct, frozen=True):
    """`GET deals`: spot/market/http/list-market-deals."""

    data: tuple[Deal, ...]


class State(msgspec.Struct, frozen=True):
    """What we read of a perpetual's state, and of its funding rate, which has no index price."""

    market: str
    next_funding_rate: Number | None = None
    latest_funding_time: Milliseconds | None = None
    next_funding_time: Milliseconds | None = None
    mark_price: Number | None = None
    index_price: Number | None = None


class States(msgspec.Struct, frozen=True):
    """The states of a push."""

    state_list: tuple[State, ...]


class StateFrame(msgspec.Struct, frozen=True):
    """`state.update`: futures/market/ws/market-state."""

    data: States


class FundingAnswer(msgspec.Struct, frozen=True):
    """`GET funding-rate`: futures/market/http/list-market-funding-rate."""

    data: tuple[State, ...]


class Envelope(msgspec.Struct, frozen=True):
    """Any frame: a push names its method, an answer has a code."""

    method: str | None = None
    request_id: int | None = field(name="id", default=None)
    code: int | None = None
    message: str = ""
    data: msgspec.Raw = msgspec.Raw()


class Result(msgspec.Struct, frozen=True):
    """What the answer to `server.ping` holds."""

    result: str | None = None


class Outcome(msgspec.Struct, frozen=True):
    """How every REST answer begins."""

    code: int
    message: str = ""
    data: msgspec.Raw = msgspec.Raw()


class Listing(msgspec.Struct, frozen=True):
    """One market of `GET market`: spot/market/http/list-market, futures/market/http/list-market."""

    market: str
    base_ccy: str = ""
    quote_ccy: str = ""
    base_ccy_precision: Places | None = None
    quote_ccy_precision: Places | None = None
    min_amount: str = ""
    maker_fee_rate: str = ""
    taker_fee_rate: str = ""
    is_api_trading_available: bool = True
    # Futures only.
    contract_type: str | None = None
    tick_size: str = ""
    leverage: tuple[str | int, ...] = ()
    status: str = "online"
    is_market_available: bool = True
    delisted_at: int | str | None = None


class ListingsAnswer(msgspec.Struct, frozen=True):
    """The answer to `GET market`."""

    data: tuple[Listing, ...]
