"""HTX's public JSON as typed values; fields that are not named here are ignored.

Spot: https://huobiapi.github.io/docs/spot/v1/en/ ; futures: https://huobiapi.github.io/docs/usdt_swap/v1/en/ .
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Generic, Literal, TypeAlias, TypeVar

import msgspec
from msgspec import Meta, field

from tapeline.venues.contract import Levels, Milliseconds, Number, Price, Sequence64

Row = TypeVar("Row")
Sides: TypeAlias = "Change | Numbered | Step | Whole"
"""What has bids and asks."""


# ---------------------------------------------------------------- every frame
class Envelope(msgspec.Struct, frozen=True):
    """What kind of frame it is: spot #introduction-12, futures #websocket-heartbeat-and-authentication-interface."""

    channel: str | None = field(name="ch", default=None)
    reply: str | None = field(name="rep", default=None)
    ping: Milliseconds | None = None
    pong: int | None = None
    op: str | None = None
    topic: str | None = None
    request_id: int | str | None = field(name="id", default=None)
    client_id: int | str | None = field(name="cid", default=None)
    # The `op` protocol wants the time of its ping back as it came, as text or as number.
    ts: Milliseconds | Annotated[str, Meta(max_length=32)] | None = None
    # A word, but a number where it is an order's.
    status: int | str | None = None
    code: int | str | None = field(name="err-code", default=None)
    message: str | None = field(name="err-msg", default=None)


# ---------------------------------------------------------------- books
class Change(msgspec.Struct, frozen=True):
    """The changes of a spot book; a side may be missing."""

    sequence: Sequence64 = field(name="seqNum")
    previous: Sequence64 = field(name="prevSeqNum")
    bids: Levels = ()
    asks: Levels = ()


class ChangeFrame(msgspec.Struct, frozen=True):
    """`market.{symbol}.mbp.{depth}`: spot #market-by-price-incremental-update."""

    ts: Milliseconds
    tick: Change


class Numbered(msgspec.Struct, frozen=True):
    """A whole spot book with the number of the increments."""

    sequence: Sequence64 = field(name="seqNum")
    bids: Levels
    asks: Levels


class NumberedFrame(msgspec.Struct, frozen=True):
    """`market.{symbol}.mbp.refresh.{depth}`: spot #market-by-price-refresh-update."""

    ts: Milliseconds
    tick: Numbered


class NumberedReply(msgspec.Struct, frozen=True):
    """The answer to a `req` of `market.{symbol}.mbp.{depth}`."""

    ts: Milliseconds
    data: Numbered


class Step(msgspec.Struct, frozen=True):
    """A futures book or its changes, which of the two is the `event`; a side may be missing."""

    event: Literal["snapshot", "update"]
    version: Sequence64
    ts: Milliseconds
    bids: Levels = ()
    asks: Levels = ()


class StepFrame(msgspec.Struct, frozen=True):
    """`market.{code}.depth.size_{depth}.high_freq`: futures #general-subscribe-incremental-market-depth-data."""

    tick: Step


class Whole(msgspec.Struct, frozen=True):
    """A whole book; `mrid` is the futures book's own number, their `version` is but the second."""

    bids: Levels
    asks: Levels
    version: Sequence64
    ts: Milliseconds
    mrid: Sequence64 | None = None


class WholeFrame(msgspec.Struct, frozen=True):
    """`market.{native}.depth.step0`, and the answers of `/market/depth` and `/linear-swap-ex/market/depth`."""

    channel: str = field(name="ch")
    tick: Whole


class RawSides(msgspec.Struct, frozen=True):
    """The levels as they are written."""

    bids: tuple[tuple[msgspec.Raw, msgspec.Raw], ...] = ()
    asks: tuple[tuple[msgspec.Raw, msgspec.Raw], ...] = ()


class RawBook(msgspec.Struct, frozen=True):
    """A book of a frame (`tick`) or of a reply (`data`) as it is written."""

    tick: RawSides | None = None
    data: RawSides | None = None


# ---------------------------------------------------------------- trades
class Deal(msgspec.Struct, frozen=True):
    """What every row of a trade has; the direction is the taker's."""

    ts: Milliseconds
    price: Price
    amount: Annotated[float, Meta(gt=0, lt=1e18)]
    direction: Literal["buy", "sell"]


class SpotDeal(Deal, frozen=True):
    """A row of spot's stream."""

    trade_id: Sequence64 = field(name="tradeId")


class SpotRestDeal(Deal, frozen=True):
    """A row of spot's REST."""

    trade_id: Sequence64 = field(name="trade-id")


class SwapDeal(Deal, frozen=True):
    """A row of futures."""

    trade_id: Sequence64 = field(name="id")


class RawDeal(msgspec.Struct, frozen=True):
    """A row as it is written."""

    price: msgspec.Raw
    amount: msgspec.Raw


class Deals(msgspec.Struct, Generic[Row], frozen=True):
    """The trades of one match."""

    data: tuple[Row, ...]


class TradeFrame(msgspec.Struct, Generic[Row], frozen=True):
    """`market.{native}.trade.detail`: spot #trade-detail, futures #general-subscribe-trade-detail-data."""

    tick: Deals[Row]


class TradesAnswer(msgspec.Struct, Generic[Row], frozen=True):
    """`GET /market/history/trade` and `GET /linear-swap-ex/market/history/trade`."""

    channel: str = field(name="ch")
    data: tuple[Deals[Row], ...]


# ---------------------------------------------------------------- funding
class Candle(msgspec.Struct, frozen=True):
    """What we read of a candle of prices."""

    close: Number


class CandleFrame(msgspec.Struct, frozen=True):
    """`market.{code}.mark_price.1min` and `.index.1min`: futures #websocket-index-and-basis-interface."""

    ts: Milliseconds
    tick: Candle


class RawCandle(msgspec.Struct, frozen=True):
    """The close as it is written."""

    close: msgspec.Raw


class RawCandleFrame(msgspec.Struct, frozen=True):
    """A frame of a candle as it is written."""

    tick: RawCandle


class PushedRate(msgspec.Struct, frozen=True):
    """A pushed rate; its `funding_time` is when it was worked out."""

    native: str = field(name="contract_code")
    rate: Number | None = field(name="funding_rate")
    settlement_ms: Milliseconds = field(name="settlement_time")


class PushedRates(msgspec.Struct, frozen=True):
    """`public.{code}.funding_rate`: futures #subscribe-funding-rate-no-authentication-sub."""

    ts: Milliseconds
    data: tuple[PushedRate, ...]


class Rate(msgspec.Struct, frozen=True):
    """A rate over REST; `next_funding_time` and `estimated_rate` are null today."""

    native: str = field(name="contract_code")
    rate: Number = field(name="funding_rate")
    settlement_ms: Milliseconds = field(name="funding_time")


class RateAnswer(msgspec.Struct, frozen=True):
    """`GET /linear-swap-api/v1/swap_funding_rate`: futures #general-query-funding-rate."""

    ts: Milliseconds
    data: Rate


class RawRate(msgspec.Struct, frozen=True):
    """A rate as it is written."""

    funding_rate: msgspec.Raw


class RawRates(msgspec.Struct, frozen=True):
    """One or several rates as they are written."""

    data: RawRate | tuple[RawRate, ...]


# ---------------------------------------------------------------- instruments
Places = Annotated[int, Meta(ge=0, le=30)]


class Pair(msgspec.Struct, frozen=True, rename="kebab"):
    """One symbol of spot."""

    symbol: str
    base_currency: str
    quote_currency: str
    state: str
    price_precision: Places | None = None
    amount_precision: Places | None = None
    api_trading: str = "enabled"
    min_order_value: Decimal | None = None
    limit_order_min_order_amt: Decimal | None = None
    limit_order_max_order_amt: Decimal | None = None
    sell_market_max_order_amt: Decimal | None = None


class PairsAnswer(msgspec.Struct, frozen=True):
    """`GET /v1/common/symbols`: spot #get-all-supported-trading-symbol."""

    data: tuple[Pair, ...]


class Swap(msgspec.Struct, frozen=True):
    """One contract of futures; its funding interval is told in hours, as text."""

    contract_code: str
    contract_status: int
    contract_type: str | None = None
    contract_size: Decimal | None = None
    price_tick: Decimal | None = None
    settlement_period: Annotated[int, Meta(ge=0, le=1000)] | None = None


class SwapsAnswer(msgspec.Struct, frozen=True):
    """`GET /linear-swap-api/v1/swap_contract_info`: futures #general-query-contract-info."""

    data: tuple[Swap, ...]


# ---------------------------------------------------------------- refusals
class Outcome(msgspec.Struct, frozen=True):
    """How a call of REST went; market data write `err-code`, the rest `err_code`."""

    status: str | None = None
    code: int | None = None
    word: int | str | None = field(name="err-code", default=None)
    number: int | str | None = field(name="err_code", default=None)
