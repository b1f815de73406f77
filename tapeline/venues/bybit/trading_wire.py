"""Bybit's private v5 JSON as typed values; numbers and times are texts, "" stands for none, other fields are ignored.

Pages stand under https://bybit-exchange.github.io/docs/v5/.
"""

from __future__ import annotations

import msgspec
from msgspec import field

from tapeline.venues.account import Amount, Id, MaybeAmount, MaybeSigned, Signed
from tapeline.venues.contract import Milliseconds


class Envelope(msgspec.Struct, frozen=True):
    """How every REST answer begins: guide, "Common Response Parameters"."""

    code: int = field(name="retCode")
    message: str = field(name="retMsg", default="")
    result: msgspec.Raw = msgspec.Raw()
    time: Milliseconds | None = None


class Named(msgspec.Struct, frozen=True, rename="camel"):
    """An order that was taken, or whose cancel was: order/create-order, order/cancel-order."""

    order_id: Id
    order_link_id: str


class NamedOrders(msgspec.Struct, frozen=True):
    """The result of `POST /v5/order/cancel-all`: order/cancel-all."""

    orders: tuple[Named, ...] = field(name="list", default=())


class Order(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An order of order/open-order, order/order-list or the topic order."""

    symbol: Id
    order_id: Id
    order_link_id: str
    side: str
    order_type: str
    price: MaybeAmount
    qty: Amount
    time_in_force: str
    order_status: str
    cum_exec_qty: MaybeAmount
    avg_price: MaybeAmount = ""
    cum_exec_value: MaybeSigned = ""
    reject_reason: str = ""
    cancel_type: str = ""
    reduce_only: bool = False
    updated_time: Milliseconds
    category: str | None = None


class Orders(msgspec.Struct, frozen=True, rename="camel"):
    """A page of orders."""

    orders: tuple[Order, ...] = field(name="list")
    next_page_cursor: str = ""


class Execution(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An execution of order/execution or of the topic execution."""

    symbol: Id
    order_id: Id
    order_link_id: str = ""
    exec_id: Id
    exec_type: str
    exec_price: Amount
    exec_qty: Amount
    exec_fee: MaybeSigned
    exec_time: Milliseconds
    side: str
    is_maker: bool
    fee_currency: str = ""
    category: str | None = None


class Executions(msgspec.Struct, frozen=True, rename="camel"):
    """A page of executions."""

    executions: tuple[Execution, ...] = field(name="list")
    next_page_cursor: str = ""


class Coin(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One currency of account/wallet-balance or of the topic wallet."""

    coin: Id
    wallet_balance: Signed
    equity: MaybeSigned = ""
    unrealised_pnl: MaybeSigned = ""
    locked: MaybeAmount = ""
    order_margin: MaybeAmount = field(name="totalOrderIM", default="")
    position_margin: MaybeAmount = field(name="totalPositionIM", default="")


class Wallet(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A unified account."""

    coin: tuple[Coin, ...]
    total_available_balance: MaybeSigned = ""


class Wallets(msgspec.Struct, frozen=True):
    """The result of `GET /v5/account/wallet-balance`."""

    wallets: tuple[Wallet, ...] = field(name="list")


class Position(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A position of position/list (`avgPrice`) or of the topic position (`entryPrice`)."""

    symbol: Id
    side: str
    size: Amount
    position_idx: int
    avg_price: MaybeAmount = ""
    entry_price: MaybeAmount = ""
    mark_price: MaybeAmount = ""
    liq_price: MaybeAmount = ""
    unrealised_pnl: MaybeSigned = ""
    leverage: MaybeAmount = ""
    updated_time: Milliseconds | None = None
    category: str | None = None


class Positions(msgspec.Struct, frozen=True, rename="camel"):
    """A page of positions."""

    positions: tuple[Position, ...] = field(name="list")
    next_page_cursor: str = ""


class Time(msgspec.Struct, frozen=True, rename="camel"):
    """The result of `GET /v5/market/time`: nanoseconds as a text."""

    time_nano: int


# ---------------------------------------------------------------- private stream
class Head(msgspec.Struct, frozen=True, rename="camel"):
    """Any frame: a topic's, or the answer to a request (ws/connect)."""

    topic: str | None = None
    creation_time: Milliseconds | None = None
    op: str | None = None
    success: bool | None = None
    message: str = field(name="ret_msg", default="")
    request_id: str | None = field(name="req_id", default=None)


class OrderFrame(msgspec.Struct, frozen=True):
    """Topic order: websocket/private/order."""

    data: tuple[Order, ...]


class ExecutionFrame(msgspec.Struct, frozen=True):
    """Topic execution: websocket/private/execution."""

    data: tuple[Execution, ...]


class PositionFrame(msgspec.Struct, frozen=True):
    """Topic position: websocket/private/position."""

    data: tuple[Position, ...]


class WalletFrame(msgspec.Struct, frozen=True):
    """Topic wallet: websocket/private/wallet."""

    data: tuple[Wallet, ...]
