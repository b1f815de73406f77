"""Bybit's private answers as values, of either market; the status table is the only way into our eight states."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final, Literal

import msgspec

from tapeline.domain.events import Market, Side
from tapeline.errors import InvalidMessage
from tapeline.venues.account import (
    US_PER_MS,
    Balance,
    Fill,
    FillCause,
    OrderKind,
    OrderStatus,
    TimeInForce,
    VenueOrder,
    VenuePosition,
    above_zero,
    average_price,
    fill_id,
    maybe,
    not_flat,
    summed,
)
from tapeline.venues.bybit import trading_wire as wire
from tapeline.venues.bybit.trading_errors import CANCELS, REJECTIONS
from tapeline.venues.calls import (
    Accepted,
    Balances,
    BalancesQuery,
    CancelAccepted,
    CancelAllRequest,
    CancelledAll,
    CancelRequest,
    DeadManRequest,
    DeadManSet,
    Fills,
    FillsQuery,
    FoundOrder,
    LeverageRequest,
    LeverageSet,
    NotFound,
    OpenOrders,
    OpenOrdersQuery,
    OrderQuery,
    OrderRequest,
    Positions,
    PositionsQuery,
    ServerTime,
    TimeQuery,
)
from tapeline.venues.outcomes import not_found
from tapeline.venues.refusals import Reason, read_answer, said

ORDER_PLACES: Final = 2
"""How many places keep orders: what is recent, then the history."""
NS_PER_US: Final = 1_000
MS_PER_S: Final = 1_000
WEEK_US: Final = 7 * 86_400_000_000
"""The longest time that one question for fills may span."""
Reader = Callable[[Any, bytes], object]
SIDES: Final[Mapping[str, Side]] = {"Buy": "buy", "Sell": "sell"}
MODES: Final[Mapping[int, Literal["net", "long", "short"]]] = {0: "net", 1: "long", 2: "short"}
STATUSES: Final[Mapping[str, OrderStatus]] = {
    "New": "PLACED",
    "PartiallyFilled": "PARTIALLY_FILLED",
    "Untriggered": "PLACED",
    "Triggered": "PLACED",
    "Rejected": "REJECTED",
    "Filled": "FILLED",
    # The rest of an IOC order and a post-only order that would take end so too; `reason` tells.
    "Cancelled": "CANCELLED",
    "PartiallyFilledCanceled": "CANCELLED",
    "Deactivated": "CANCELLED",
}
"""Others are UNKNOWN until a query tells."""
POST_ONLY: Final = "PostOnly"
TIMES: Final[Mapping[str, TimeInForce]] = {"GTC": "GTC", "IOC": "IOC", "FOK": "FOK", POST_ONLY: "GTC"}
CAUSES: Final[Mapping[str, FillCause]] = {
    "Trade": "order",
    "BustTrade": "liquidation",
    "AdlTrade": "deleveraging",
    "Settle": "settlement",
    "Delivery": "settlement",
}
"""Executions that change what is held; funding changes the wallet alone, others we never trade."""
SETTLES: Final = ("USDT", "USDC")
"""What linear perpetuals settle in: lists of the whole market are asked for one after the other."""


def order(found: wire.Order) -> VenueOrder:
    """Return an order of any answer or frame."""
    filled = maybe(found.cum_exec_qty) or Decimal(0)
    value = maybe(found.cum_exec_value)
    average = above_zero(maybe(found.avg_price))
    if average is None and value is not None:
        average = average_price(value, filled)
    status = STATUSES.get(found.order_status, "UNKNOWN")
    reason = REJECTIONS.get(found.reject_reason) or CANCELS.get(found.cancel_type)
    if reason is None and status == "REJECTED":
        reason = Reason.REJECTED
    return VenueOrder(
        native=found.symbol,
        client_id=found.order_link_id or None,
        venue_id=found.order_id,
        status=status,
        side=side(found.side),
        kind=kind(found.order_type, found.time_in_force),
        time_in_force=TIMES.get(found.time_in_force),
        price=above_zero(maybe(found.price)),
        quantity=Decimal(found.qty),
        filled=filled,
        average_price=average,
        reduce_only=found.reduce_only,
        reason=reason,
        updated_us=found.updated_time * US_PER_MS,
    )


def side(text: str) -> Side:
    """Return a side in our word."""
    found = SIDES.get(text)
    if found is None:
        raise InvalidMessage("a side is Buy or Sell", field="side", value=said(text))
    return found


def kind(order_type: str, time_in_force: str) -> OrderKind | None:
    """Return the kind of an order."""
    if order_type == "Limit":
        return "post_only" if time_in_force == POST_ONLY else "limit"
    return "market" if order_type == "Market" else None


def fill(found: wire.Execution, market: Market) -> Fill | None:
    """Return an execution, None where nothing was dealt (funding)."""
    cause = CAUSES.get(found.exec_type)
    if cause is None:
        return None
    fee = maybe(found.exec_fee) or Decimal(0)
    bought = found.side == "Buy"
    # Spot takes its fee from what is received, and gives a rebate in the other currency.
    received: Literal["base", "quote"] = "base" if bought == (fee >= 0) else "quote"
    return Fill(
        native=found.symbol,
        fill_id=fill_id(found.exec_id, found.order_id),
        venue_order_id=found.order_id,
        client_id=found.order_link_id or None,
        side=side(found.side),
        price=Decimal(found.exec_price),
        quantity=Decimal(found.exec_qty),
        fee=fee,
        fee_currency=found.fee_currency or None,
        fee_in=None if found.fee_currency else received if market == "spot" else "quote",
        liquidity="maker" if found.is_maker else "taker",
        cause=cause,
        filled_us=found.exec_time * US_PER_MS,
    )


def balance(coin: wire.Coin) -> Balance:
    """Return one currency; what is available is what stands in the wallet less all that is bound, at the least."""
    total, unrealized = Decimal(coin.wallet_balance), maybe(coin.unrealised_pnl)
    bound = [maybe(text) for text in (coin.locked, coin.order_margin, coin.position_margin)]
    # In portfolio margin Bybit leaves them empty: nothing is known then.
    available = None if None in bound else summed(total, *(one.copy_negate() for one in bound if one is not None))
    if available is not None and unrealized is not None and unrealized < 0:
        available = summed(available, unrealized)
    return Balance(
        currency=coin.coin,
        total=total,
        available=available,
        locked=bound[0],
        equity=maybe(coin.equity),
        unrealized=unrealized,
    )


def position(found: wire.Position) -> VenuePosition:
    """Return a position; a flat one has no side."""
    size, mode = Decimal(found.size), MODES.get(found.position_idx)
    if mode is None:
        raise InvalidMessage("a position is 0, 1 or 2", field="positionIdx", value=found.position_idx)
    if size:
        size = size if side(found.side) == "buy" else size.copy_negate()
    return VenuePosition(
        native=found.symbol,
        quantity=size,
        mode=mode,
        entry_price=above_zero(maybe(found.avg_price or found.entry_price)),
        mark_price=above_zero(maybe(found.mark_price)),
        liquidation_price=above_zero(maybe(found.liq_price)),
        unrealized=maybe(found.unrealised_pnl),
        leverage=above_zero(maybe(found.leverage)),
        updated_us=None if found.updated_time is None else found.updated_time * US_PER_MS,
    )


# ---------------------------------------------------------------- REST
def accepted(call: OrderRequest, body: bytes) -> Accepted:
    """Return the order that Bybit took; what becomes of it comes by the stream, even that it was refused after all."""
    envelope = read_answer(_ENVELOPE, body)
    named = _named(envelope, call.client_id)
    taken = VenueOrder(
        native=call.native,
        client_id=call.client_id,
        venue_id=named.order_id,
        status="PLACED",
        side=call.side,
        kind=call.kind,
        time_in_force=call.time_in_force,
        price=call.price,
        quantity=call.quantity,
        filled=Decimal(0),
        reduce_only=call.reduce_only,
        updated_us=None if envelope.time is None else envelope.time * US_PER_MS,
    )
    return Accepted(order=taken)


def cancelled(call: CancelRequest, body: bytes) -> CancelAccepted:
    """Return that the cancel was taken."""
    _named(read_answer(_ENVELOPE, body), call.client_id)
    return CancelAccepted(client_id=call.client_id)


def cancelled_all(body: bytes) -> CancelledAll:
    """Return which orders are being cancelled."""
    orders = read_answer(_NAMED_ORDERS, _result(body)).orders
    return CancelledAll(venue_ids=tuple(one.order_id for one in orders))


def found_order(call: OrderQuery, body: bytes) -> FoundOrder | NotFound:
    """Return the order that was looked up, or where else to look."""
    for found in read_answer(_ORDERS, _result(body)).orders:
        if (found.symbol, found.order_link_id) == (call.native, call.client_id):
            return FoundOrder(order=order(found))
    return not_found(call, ORDER_PLACES)


def open_orders(call: OpenOrdersQuery, body: bytes, market: Market) -> OpenOrders:
    """Return a page of open orders."""
    page = read_answer(_ORDERS, _result(body))
    more = _more(call.native, call.cursor, page.next_page_cursor if page.orders else "", market)
    then = None if more is None else msgspec.structs.replace(call, cursor=more)
    return OpenOrders(orders=tuple(order(one) for one in page.orders), then=then)


def fills(call: FillsQuery, body: bytes, market: Market) -> Fills:
    """Return a page of fills; Bybit sends the newest of a window first."""
    page = read_answer(_EXECUTIONS, _result(body))
    found = [one for one in (fill(execution, market) for execution in page.executions) if one is not None]
    found.sort(key=lambda one: one.filled_us)
    then: FillsQuery | None = None
    if page.executions and page.next_page_cursor:
        then = msgspec.structs.replace(call, cursor=page.next_page_cursor)
    elif call.since_us + WEEK_US < call.until_us:
        then = msgspec.structs.replace(call, since_us=call.since_us + WEEK_US, cursor=None)
    return Fills(fills=tuple(found), then=then)


def balances(body: bytes) -> Balances:
    """Return what the unified account holds."""
    wallets = read_answer(_WALLETS, _result(body)).wallets
    if len(wallets) != 1:
        raise InvalidMessage("there is one unified account", field="result.list", value=len(wallets))
    held = tuple(balance(coin) for coin in wallets[0].coin)
    return Balances(
        balances=tuple(one for one in held if one.total or one.equity),
        available_usd=maybe(wallets[0].total_available_balance),
    )


def positions(call: PositionsQuery, body: bytes) -> Positions:
    """Return a page of positions."""
    page = read_answer(_POSITIONS, _result(body))
    more = _more(call.native, call.cursor, page.next_page_cursor if page.positions else "", "futures")
    then = None if more is None else msgspec.structs.replace(call, cursor=more)
    return Positions(positions=not_flat(tuple(position(one) for one in page.positions)), then=then)


def server_time(body: bytes) -> ServerTime:
    """Return Bybit's clock."""
    return ServerTime(at_us=read_answer(_TIME, _result(body)).time_nano // NS_PER_US)


def leverage_set(call: LeverageRequest, body: bytes) -> LeverageSet:
    """Return the leverage that is set now; Bybit does not repeat it."""
    read_answer(_ENVELOPE, body)
    return LeverageSet(native=call.native, leverage=call.leverage)


def dead_man_set(call: DeadManRequest, body: bytes) -> DeadManSet:
    """Return the time that is set now; Bybit does not repeat it."""
    read_answer(_ENVELOPE, body)
    return DeadManSet(within_ms=switch_s(call) * MS_PER_S)


def switch_s(call: DeadManRequest) -> int:
    """Return the time of the switch as Bybit counts it: whole seconds, never less than asked."""
    return -(-call.within_ms // MS_PER_S)


def settle_and_cursor(cursor: str | None) -> tuple[str, str]:
    """Return what a cursor of ours stands for: the settlement currency and Bybit's own cursor."""
    settle, _, theirs = (cursor or SETTLES[0]).partition("|")
    return settle, theirs


def _more(native: str | None, cursor: str | None, theirs: str, market: Market) -> str | None:
    settle, _ = settle_and_cursor(cursor)
    if theirs:
        return f"{settle}|{theirs}"
    if native is not None or market == "spot":
        return None
    after = SETTLES.index(settle) + 1
    return SETTLES[after] if after < len(SETTLES) else None


def _named(envelope: wire.Envelope, client_id: str) -> wire.Named:
    named = read_answer(_NAMED, bytes(envelope.result))
    if named.order_link_id != client_id:
        raise InvalidMessage("the answer is about another order", field="orderLinkId", value=said(named.order_link_id))
    return named


def _result(body: bytes) -> bytes:
    return bytes(read_answer(_ENVELOPE, body).result)


_ENVELOPE: Final = msgspec.json.Decoder(wire.Envelope)
_NAMED: Final = msgspec.json.Decoder(wire.Named)
_NAMED_ORDERS: Final = msgspec.json.Decoder(wire.NamedOrders)
_ORDERS: Final = msgspec.json.Decoder(wire.Orders, strict=False)
_EXECUTIONS: Final = msgspec.json.Decoder(wire.Executions, strict=False)
_WALLETS: Final = msgspec.json.Decoder(wire.Wallets)
_POSITIONS: Final = msgspec.json.Decoder(wire.Positions, strict=False)
_TIME: Final = msgspec.json.Decoder(wire.Time, strict=False)

_BOTH: Final[Mapping[type, Reader]] = {
    OrderRequest: accepted,
    CancelRequest: cancelled,
    CancelAllRequest: lambda _, body: cancelled_all(body),
    OrderQuery: found_order,
    BalancesQuery: lambda _, body: balances(body),
    DeadManRequest: dead_man_set,
    TimeQuery: lambda _, body: server_time(body),
}
SPOT: Final[Mapping[type, Reader]] = {
    **_BOTH,
    OpenOrdersQuery: lambda call, body: open_orders(call, body, "spot"),
    FillsQuery: lambda call, body: fills(call, body, "spot"),
}
FUTURES: Final[Mapping[type, Reader]] = {
    **_BOTH,
    OpenOrdersQuery: lambda call, body: open_orders(call, body, "futures"),
    FillsQuery: lambda call, body: fills(call, body, "futures"),
    PositionsQuery: positions,
    LeverageRequest: leverage_set,
}
"""How the answer to each call is read."""
