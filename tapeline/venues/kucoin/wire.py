"""KuCoin's public JSON as typed values: unified sockets and REST; fields that are not named here are ignored.

Pages stand under https://www.kucoin.com/docs-new/. What only classic sockets send stands in `classic`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta, field

from tapeline.venues.contract import Levels, Milliseconds, Number, Price, Sequence64

Nanoseconds = Annotated[int, Meta(ge=0, lt=2**62)]
Traded = Annotated[float, Meta(gt=0, lt=1e18)]


class BookData(msgspec.Struct, frozen=True):
    """The book inside a frame of `obu`: O and C are the numbers of its first and last change."""

    native: str = field(name="s")
    first: Sequence64 = field(name="O")
    last: Sequence64 = field(name="C")
    bids: Levels = field(name="b")
    asks: Levels = field(name="a")
    engine_ns: Nanoseconds | None = field(name="M", default=None)


class BookFrame(msgspec.Struct, frozen=True):
    """`obu.SPOT` and `obu.FUTURES`: 3470354w0; P and M are numbers or texts."""

    kind: str = field(name="t")
    pushed_ns: Nanoseconds = field(name="P")
    data: BookData = field(name="d")
    depth: str = field(name="dp", default="")


class Deal(msgspec.Struct, frozen=True):
    """One trade of a frame."""

    native: str = field(name="s")
    price: Price = field(name="p")
    quantity: Traded = field(name="q")
    taker: str = field(name="S")
    trade_id: str = field(name="ti")
    order: Sequence64 = field(name="E")
    trade_ns: Nanoseconds = field(name="M")


class DealFrame(msgspec.Struct, frozen=True):
    """`trade.SPOT` and `trade.FUTURES`: 3470359w0."""

    data: Deal = field(name="d")


class Mark(msgspec.Struct, frozen=True):
    """Mark and index price, once a second."""

    native: str = field(name="s")
    mark_price: Number = field(name="mp")
    index_price: Number = field(name="ip")
    at_ms: Milliseconds = field(name="ts")


class MarkFrame(msgspec.Struct, frozen=True):
    """`mark-price`: 3470358w0; its P is in milliseconds on the page and in nanoseconds on the wire."""

    data: Mark = field(name="d")


class Rate(msgspec.Struct, frozen=True):
    """The rate of the running interval, once a minute."""

    native: str = field(name="s")
    rate: Number = field(name="fr")
    next_ms: Milliseconds = field(name="nt")
    interval_ms: Milliseconds = field(name="gl")


class RateFrame(msgspec.Struct, frozen=True):
    """`funding-fee`: 3470357w0."""

    pushed_ns: Nanoseconds = field(name="P")
    data: Rate = field(name="d")


class Envelope(msgspec.Struct, frozen=True):
    """Any frame: `T` of a unified stream, `topic` of a classic one, or the answer to a request of either form."""

    channel: str | None = field(name="T", default=None)
    topic: str | None = None
    kind: str | None = field(name="type", default=None)
    request_id: int | str | None = field(name="id", default=None)
    result: bool | None = None
    message: str | None = None
    reason: str | None = None
    code: int | str | None = None
    data: msgspec.Raw = msgspec.Raw()


class Outcome(msgspec.Struct, frozen=True):
    """How every REST answer begins, whatever its HTTP status says."""

    code: int | str


class Book(msgspec.Struct, frozen=True):
    """A book of REST; spot tells its time in milliseconds (`time`), futures in nanoseconds (`ts`)."""

    sequence: Sequence64
    bids: Levels
    asks: Levels
    symbol: str | None = None
    time: Milliseconds | None = None
    ts: Nanoseconds | None = None


class BookAnswer(msgspec.Struct, frozen=True):
    """`GET /api/v1/market/orderbook/level2_20`, `/api/v3/market/orderbook/level2` and `/api/v1/level2/snapshot`."""

    data: Book


class Match(msgspec.Struct, frozen=True, rename="camel"):
    """A trade of REST and of classic sockets; its time is `time` or `ts`, in nanoseconds."""

    price: Price
    size: Traded
    side: str
    trade_id: str | None = None
    sequence: Sequence64 | None = None
    symbol: str | None = None
    time: Nanoseconds | None = None
    ts: Nanoseconds | None = None


class Matches(msgspec.Struct, frozen=True):
    """The trades of the unified REST."""

    matches: tuple[Match, ...] = field(name="list")


class MatchesAnswer(msgspec.Struct, frozen=True):
    """`GET /api/ua/v1/market/trade`, and the classic `/api/v1/market/histories` and `/api/v1/trade/history`."""

    data: tuple[Match, ...] | Matches


class Pair(msgspec.Struct, frozen=True, rename="camel"):
    """One spot pair; older lists lack the last fields."""

    symbol: str
    base_currency: str
    quote_currency: str
    base_increment: Decimal | None = None
    price_increment: Decimal | None = None
    base_min_size: Decimal | None = None
    base_max_size: Decimal | None = None
    enable_trading: bool = False
    min_funds: Decimal | None = None
    fee_category: int = 1
    maker_fee_coefficient: Decimal | None = None
    taker_fee_coefficient: Decimal | None = None


class PairsAnswer(msgspec.Struct, frozen=True):
    """`GET /api/v2/symbols`: 3470154e0."""

    data: tuple[Pair, ...]


class Contract(msgspec.Struct, frozen=True, rename="camel"):
    """One contract with its rules and its funding; numbers are JSON numbers, `nextFundingRateTime` a countdown."""

    symbol: str
    base_currency: str
    quote_currency: str
    settle_currency: str
    contract_type: str = field(name="type")
    is_inverse: bool
    status: str
    multiplier: Decimal | None = None
    lot_size: Decimal | None = None
    tick_size: Decimal | None = None
    max_order_qty: Decimal | None = None
    market_max_order_qty: Decimal | None = None
    max_leverage: Decimal | None = None
    maker_fee_rate: Decimal | None = None
    taker_fee_rate: Decimal | None = None
    funding_rate_granularity: Milliseconds | None = None
    funding_fee_rate: Number | None = None
    mark_price: Number | None = None
    index_price: Number | None = None
    next_funding_rate_date_time: Milliseconds | None = None


class ContractsAnswer(msgspec.Struct, frozen=True):
    """`GET /api/v1/contracts/active`: 3470220e0."""

    data: tuple[Contract, ...]


class ContractAnswer(msgspec.Struct, frozen=True):
    """`GET /api/v1/contracts/{symbol}`: 3470221e0."""

    data: Contract
