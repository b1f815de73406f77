"""Binance's private JSON as typed values; fields that are not named here are ignored.

Spot: https://github.com/binance/binance-spot-api-docs (rest-api.md, user-data-stream.md, web-socket-api.md).
USD-M futures: https://developers.binance.com/docs/derivatives/usds-margined-futures (trade, account, streams).
"""

from __future__ import annotations

import msgspec
from msgspec import field

from tapeline.venues.account import Amount, Id, NumberId, Signed
from tapeline.venues.contract import Milliseconds


class Complaint(msgspec.Struct, frozen=True):
    """An error: errors.md; the code is below zero, texts vary."""

    code: int
    message: str = field(name="msg", default="")


class Part(msgspec.Struct, frozen=True, rename="camel"):
    """One execution in the FULL answer to a new spot order: rest-api.md#new-order-trade."""

    price: Amount
    quantity: Amount = field(name="qty")
    commission: Signed
    commission_asset: Id
    trade_id: NumberId


class Order(msgspec.Struct, frozen=True, rename="camel"):
    """An order in any answer: place, cancel, query, open orders, of either market.

    Spot tells the dealt value in `cummulativeQuoteQty` (below zero: not known), futures the price in `avgPrice`, but
    not in the answers to place and modify since 2026-06-30.
    """

    symbol: Id
    order_id: NumberId
    client_order_id: str
    status: str
    side: str
    order_type: str = field(name="type")
    time_in_force: str
    price: Amount
    quantity: Amount = field(name="origQty")
    filled: Amount = field(name="executedQty")
    # The answer to a cancel names the order by this, and the cancel itself by `clientOrderId` (spot).
    original_client_id: str | None = field(name="origClientOrderId", default=None)
    value: Signed | None = field(name="cummulativeQuoteQty", default=None)
    average: Amount | None = field(name="avgPrice", default=None)
    reduce_only: bool = False
    transact_time: Milliseconds | None = None
    update_time: Milliseconds | None = None
    time: Milliseconds | None = None
    fills: tuple[Part, ...] = ()


class CancelledOrder(msgspec.Struct, frozen=True, rename="camel"):
    """One entry of the answer to `DELETE /api/v3/openOrders`; an order list has none of its own."""

    order_id: NumberId | None = None


class SpotTrade(msgspec.Struct, frozen=True, rename="camel"):
    """One of `GET /api/v3/myTrades`: rest-api.md#account-trade-list-user_data."""

    symbol: Id
    trade_id: NumberId = field(name="id")
    order_id: NumberId
    price: Amount
    quantity: Amount = field(name="qty")
    commission: Signed
    commission_asset: Id
    time: Milliseconds
    buyer: bool = field(name="isBuyer")
    maker: bool = field(name="isMaker")


class FuturesTrade(msgspec.Struct, frozen=True, rename="camel"):
    """One of `GET /fapi/v1/userTrades`: trade/rest-api/Account-Trade-List."""

    symbol: Id
    trade_id: NumberId = field(name="id")
    order_id: NumberId
    price: Amount
    quantity: Amount = field(name="qty")
    commission: Signed
    commission_asset: Id
    time: Milliseconds
    buyer: bool
    maker: bool


class Income(msgspec.Struct, frozen=True, rename="camel"):
    """One of `GET /fapi/v1/income`: account/rest-api/Get-Income-History; no symbol where it is about none."""

    symbol: str
    income_type: str
    income: Signed
    asset: Id
    time: Milliseconds
    # A number here, a text in the same answer of coin-margined futures.
    tran_id: NumberId | Id


class SpotBalance(msgspec.Struct, frozen=True):
    """One currency of `GET /api/v3/account`: rest-api.md#account-information-user_data."""

    asset: Id
    free: Amount
    locked: Amount


class SpotAccount(msgspec.Struct, frozen=True):
    """The answer to `GET /api/v3/account`."""

    balances: tuple[SpotBalance, ...]


class FuturesBalance(msgspec.Struct, frozen=True, rename="camel"):
    """One currency of `GET /fapi/v3/balance`: account/rest-api/Futures-Account-Balance-V3."""

    asset: Id
    balance: Signed
    cross_un_pnl: Signed = field(name="crossUnPnl")
    available_balance: Signed


class Position(msgspec.Struct, frozen=True, rename="camel"):
    """One of `GET /fapi/v3/positionRisk`: trade/rest-api/Position-Information-V3."""

    symbol: Id
    position_side: str
    amount: Signed = field(name="positionAmt")
    entry_price: Amount
    mark_price: Amount
    liquidation_price: Signed
    unrealized: Signed = field(name="unRealizedProfit")
    update_time: Milliseconds


class Leverage(msgspec.Struct, frozen=True):
    """The answer to `POST /fapi/v1/leverage`: trade/rest-api/Change-Initial-Leverage."""

    symbol: Id
    leverage: NumberId


class Countdown(msgspec.Struct, frozen=True, rename="camel"):
    """The answer to `POST /fapi/v1/countdownCancelAll`: trade/rest-api/Auto-Cancel-All-Open-Orders."""

    countdown_time: Milliseconds


class Time(msgspec.Struct, frozen=True, rename="camel"):
    """The answer to `GET /api/v3/time` and `GET /fapi/v1/time`."""

    server_time: Milliseconds


class ListenKey(msgspec.Struct, frozen=True, rename="camel"):
    """The answer to `POST /fapi/v1/listenKey`: user-data-streams/Start-User-Data-Stream."""

    listen_key: Id = field(name="listenKey")


# ---------------------------------------------------------------- private streams
class Head(msgspec.Struct, frozen=True):
    """Any frame: an event of its own, one inside `event` (spot) or `data` (combined), or the answer to a request."""

    name: str | None = field(name="e", default=None)
    event: msgspec.Raw = msgspec.Raw()
    data: msgspec.Raw = msgspec.Raw()
    request_id: int | str | None = field(name="id", default=None)
    status: int | None = None
    error: Complaint | None = None


class Report(msgspec.Struct, frozen=True):
    """`executionReport`, user-data-stream.md#order-update, and `o` of `ORDER_TRADE_UPDATE`, Event-Order-Update."""

    symbol: Id = field(name="s")
    client_id: str = field(name="c")
    side: str = field(name="S")
    order_type: str = field(name="o")
    time_in_force: str = field(name="f")
    quantity: Amount = field(name="q")
    price: Amount = field(name="p")
    execution: str = field(name="x")
    status: str = field(name="X")
    order_id: NumberId = field(name="i")
    last_quantity: Amount = field(name="l")
    filled: Amount = field(name="z")
    last_price: Amount = field(name="L")
    time: Milliseconds = field(name="T")
    trade_id: int = field(name="t")
    maker: bool = field(name="m")
    fee: Signed | None = field(name="n", default=None)
    fee_asset: str | None = field(name="N", default=None)
    # Spot only: the id of the order that a cancel names, the value dealt so far, why it was rejected.
    original_client_id: str = field(name="C", default="")
    value: Signed | None = field(name="Z", default=None)
    rejected: str = field(name="r", default="NONE")
    # Futures only.
    average: Amount | None = field(name="ap", default=None)
    reduce_only: bool = field(name="R", default=False)


class OrderEvent(msgspec.Struct, frozen=True):
    """`ORDER_TRADE_UPDATE` of futures."""

    order: Report = field(name="o")


class Wallet(msgspec.Struct, frozen=True):
    """One currency of `outboundAccountPosition`."""

    asset: Id = field(name="a")
    free: Amount = field(name="f")
    locked: Amount = field(name="l")


class AccountPosition(msgspec.Struct, frozen=True):
    """`outboundAccountPosition`, user-data-stream.md#account-update."""

    update_ms: Milliseconds = field(name="u")
    balances: tuple[Wallet, ...] = field(name="B")


class Margin(msgspec.Struct, frozen=True):
    """One currency of `ACCOUNT_UPDATE`."""

    asset: Id = field(name="a")
    wallet: Signed = field(name="wb")


class Held(msgspec.Struct, frozen=True):
    """One position of `ACCOUNT_UPDATE`."""

    symbol: Id = field(name="s")
    amount: Signed = field(name="pa")
    entry_price: Amount = field(name="ep")
    unrealized: Signed = field(name="up")
    side: str = field(name="ps")


class AccountChange(msgspec.Struct, frozen=True):
    """What changed in the account."""

    balances: tuple[Margin, ...] = field(name="B", default=())
    positions: tuple[Held, ...] = field(name="P", default=())


class AccountEvent(msgspec.Struct, frozen=True):
    """`ACCOUNT_UPDATE`, user-data-streams/Event-Balance-and-Position-Update."""

    transaction_ms: Milliseconds = field(name="T")
    change: AccountChange = field(name="a")
