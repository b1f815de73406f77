"""Binance's private answers as values, of either market; the status table is the only way into our eight states."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, Literal

import msgspec

from tapeline.domain.events import Side
from tapeline.errors import InvalidMessage
from tapeline.venues.account import (
    US_PER_MS,
    Balance,
    Fill,
    OrderKind,
    OrderStatus,
    TimeInForce,
    VenueOrder,
    VenuePosition,
    above_zero,
    average_price,
    fill_id,
    not_flat,
    summed,
)
from tapeline.venues.binance import trading_wire as wire
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
    OpenOrders,
    OpenOrdersQuery,
    OrderQuery,
    OrderRequest,
    Positions,
    PositionsQuery,
    ServerTime,
    StreamKey,
    StreamKeyRenewal,
    StreamKeyRequest,
    TimeQuery,
)
from tapeline.venues.refusals import Reason, read_answer, said

FILLS_PAGE: Final = 1000
SPOT_WINDOW_US: Final = 86_400_000_000
FUTURES_WINDOW_US: Final = 7 * SPOT_WINDOW_US
"""The longest time that one question for fills may span."""
Reader = Callable[[Any, bytes], object]
SIDES: Final[Mapping[str, Side]] = {"BUY": "buy", "SELL": "sell"}
MODES: Final[Mapping[str, Literal["net", "long", "short"]]] = {"BOTH": "net", "LONG": "long", "SHORT": "short"}
STATUSES: Final[Mapping[str, OrderStatus]] = {
    "NEW": "PLACED",
    "PENDING_NEW": "PLACED",
    "PARTIALLY_FILLED": "PARTIALLY_FILLED",
    "FILLED": "FILLED",
    "CANCELED": "CANCELLED",
    "REJECTED": "REJECTED",
    # An IOC order that was filled in part ends so too, with what it got in `executedQty`.
    "EXPIRED": "EXPIRED",
    "EXPIRED_IN_MATCH": "EXPIRED",
}
"""Others (PENDING_CANCEL, NEW_ADL ..) are UNKNOWN until a query tells."""
KINDS: Final[Mapping[str, OrderKind]] = {"LIMIT": "limit", "MARKET": "market", "LIMIT_MAKER": "post_only"}
POST_ONLY: Final = "GTX"
TIMES: Final[Mapping[str, TimeInForce]] = {"GTC": "GTC", "IOC": "IOC", "FOK": "FOK", POST_ONLY: "GTC"}
SELF_MATCHED: Final = "EXPIRED_IN_MATCH"


def order(found: wire.Order) -> VenueOrder:
    """Return an order of any answer."""
    filled = Decimal(found.filled)
    times = (found.transact_time, found.update_time, found.time)
    at_ms = next((one for one in times if one is not None), None)
    average = above_zero(None if found.average is None else Decimal(found.average))
    if found.value is not None:
        average = average_price(Decimal(found.value), filled)
    return VenueOrder(
        native=found.symbol,
        client_id=(found.original_client_id or found.client_order_id) or None,
        venue_id=str(found.order_id),
        status=STATUSES.get(found.status, "UNKNOWN"),
        side=side(found.side),
        kind=kind(found.order_type, found.time_in_force),
        time_in_force=TIMES.get(found.time_in_force),
        price=above_zero(Decimal(found.price)),
        quantity=Decimal(found.quantity),
        filled=filled,
        average_price=average,
        reduce_only=found.reduce_only,
        reason=Reason.SELF_TRADE if found.status == SELF_MATCHED else None,
        updated_us=None if at_ms is None else at_ms * US_PER_MS,
    )


def side(text: str) -> Side:
    """Return a side in our word."""
    found = SIDES.get(text)
    if found is None:
        raise InvalidMessage("a side is BUY or SELL", field="side", value=said(text))
    return found


def kind(order_type: str, time_in_force: str) -> OrderKind | None:
    """Return the kind of an order, None where it is none of ours (stops)."""
    if order_type == "LIMIT" and time_in_force == POST_ONLY:
        return "post_only"
    return KINDS.get(order_type)


def accepted(call: OrderRequest, body: bytes) -> Accepted:
    """Return the order that Binance took; parts that were dealt at once took from the book."""
    found = read_answer(_ORDER, body)
    placed = order(found)
    if (placed.native, placed.client_id) != (call.native, call.client_id):
        raise InvalidMessage(
            "the answer is about another order", field="clientOrderId", value=said(str(placed.client_id))
        )
    fills = tuple(
        Fill(
            native=placed.native,
            fill_id=fill_id(part.trade_id, found.order_id),
            venue_order_id=placed.venue_id,
            client_id=placed.client_id,
            side=placed.side,
            price=Decimal(part.price),
            quantity=Decimal(part.quantity),
            fee=Decimal(part.commission),
            fee_currency=part.commission_asset,
            liquidity="taker",
            filled_us=placed.updated_us or 0,
        )
        for part in found.fills
    )
    return Accepted(order=placed, fills=fills)


def cancelled(call: CancelRequest, body: bytes) -> CancelAccepted:
    """Return the order as it ended."""
    ended = order(read_answer(_ORDER, body))
    if ended.client_id != call.client_id:
        raise InvalidMessage(
            "the answer is about another order", field="origClientOrderId", value=said(str(ended.client_id))
        )
    return CancelAccepted(client_id=call.client_id, order=ended)


def cancelled_all(body: bytes) -> CancelledAll:
    """Return what was cancelled on spot; futures answer with words alone."""
    return CancelledAll(
        venue_ids=tuple(str(one.order_id) for one in read_answer(_CANCELLED, body) if one.order_id is not None)
    )


def found_order(call: OrderQuery, body: bytes) -> FoundOrder:
    """Return the order that was looked up, under the id that found it: a cancel may have given it another one."""
    found = order(read_answer(_ORDER, body))
    if found.native != call.native:
        raise InvalidMessage("the answer is about another instrument", field="symbol", value=said(found.native))
    return FoundOrder(order=msgspec.structs.replace(found, client_id=call.client_id))


def open_orders(body: bytes) -> OpenOrders:
    """Return all open orders: Binance has one page."""
    return OpenOrders(orders=tuple(order(one) for one in read_answer(_ORDERS, body)))


def spot_fills(call: FillsQuery, body: bytes) -> Fills:
    """Return a page of fills on spot."""
    trades = read_answer(_SPOT_TRADES, body)
    return _fills(call, trades, SPOT_WINDOW_US)


def futures_fills(call: FillsQuery, body: bytes) -> Fills:
    """Return a page of fills on futures."""
    trades = read_answer(_FUTURES_TRADES, body)
    return _fills(call, trades, FUTURES_WINDOW_US)


def _fills(call: FillsQuery, trades: Sequence[wire.SpotTrade | wire.FuturesTrade], window_us: int) -> Fills:
    # Goes on by trade id behind a full page, else by the next window of time.
    page = sorted(trades, key=lambda trade: trade.trade_id)
    found = tuple(
        Fill(
            native=trade.symbol,
            fill_id=fill_id(trade.trade_id, trade.order_id),
            venue_order_id=str(trade.order_id),
            client_id=None,
            side="buy" if trade.buyer else "sell",
            price=Decimal(trade.price),
            quantity=Decimal(trade.quantity),
            fee=Decimal(trade.commission),
            fee_currency=trade.commission_asset,
            liquidity="maker" if trade.maker else "taker",
            filled_us=trade.time * US_PER_MS,
        )
        for trade in page
    )
    then: FillsQuery | None = None
    if len(page) >= FILLS_PAGE:
        if page[-1].time * US_PER_MS <= call.until_us:
            then = msgspec.structs.replace(call, cursor=str(page[-1].trade_id + 1))
    elif call.cursor is None and call.since_us + window_us < call.until_us:
        then = msgspec.structs.replace(call, since_us=call.since_us + window_us)
    return Fills(fills=found, then=then)


def spot_balances(body: bytes) -> Balances:
    """Return what the spot wallet holds."""
    return Balances(
        balances=tuple(
            spot_balance(one.asset, one.free, one.locked)
            for one in read_answer(_SPOT_ACCOUNT, body).balances
            if Decimal(one.free) or Decimal(one.locked)
        )
    )


def spot_balance(asset: str, free: str, locked: str) -> Balance:
    """Return one currency of the spot wallet."""
    available, bound = Decimal(free), Decimal(locked)
    return Balance(currency=asset, total=summed(available, bound), available=available, locked=bound)


def futures_balances(body: bytes) -> Balances:
    """Return what the futures wallet holds."""
    return Balances(
        balances=tuple(
            Balance(
                currency=one.asset,
                total=Decimal(one.balance),
                available=Decimal(one.available_balance),
                equity=summed(Decimal(one.balance), Decimal(one.cross_un_pnl)),
                unrealized=Decimal(one.cross_un_pnl),
            )
            for one in read_answer(_FUTURES_BALANCES, body)
            if Decimal(one.balance) or Decimal(one.cross_un_pnl)
        )
    )


def positions(body: bytes) -> Positions:
    """Return the positions; Binance names those with orders too, and no leverage since its third version."""
    found = tuple(
        VenuePosition(
            native=one.symbol,
            quantity=Decimal(one.amount),
            mode=mode(one.position_side),
            entry_price=above_zero(Decimal(one.entry_price)),
            mark_price=above_zero(Decimal(one.mark_price)),
            liquidation_price=above_zero(Decimal(one.liquidation_price)),
            unrealized=Decimal(one.unrealized),
            updated_us=one.update_time * US_PER_MS,
        )
        for one in read_answer(_POSITIONS, body)
    )
    return Positions(positions=not_flat(found))


def mode(position_side: str) -> Literal["net", "long", "short"]:
    """Return which of the positions of an instrument it is."""
    found = MODES.get(position_side)
    if found is None:
        raise InvalidMessage("a position side is BOTH, LONG or SHORT", field="positionSide", value=said(position_side))
    return found


def leverage_set(body: bytes) -> LeverageSet:
    """Return the leverage that is set now."""
    found = read_answer(_LEVERAGE, body)
    return LeverageSet(native=found.symbol, leverage=Decimal(found.leverage))


def dead_man_set(body: bytes) -> DeadManSet:
    """Return the countdown that runs now."""
    return DeadManSet(within_ms=read_answer(_COUNTDOWN, body).countdown_time)


def server_time(body: bytes) -> ServerTime:
    """Return Binance's clock."""
    return ServerTime(at_us=read_answer(_TIME, body).server_time * US_PER_MS)


def stream_key(body: bytes) -> StreamKey:
    """Return the listen key."""
    return StreamKey(key=read_answer(_LISTEN_KEY, body).listen_key)


_ORDER: Final = msgspec.json.Decoder(wire.Order)
_ORDERS: Final = msgspec.json.Decoder(tuple[wire.Order, ...])
_CANCELLED: Final = msgspec.json.Decoder(tuple[wire.CancelledOrder, ...])
_SPOT_TRADES: Final = msgspec.json.Decoder(tuple[wire.SpotTrade, ...])
_FUTURES_TRADES: Final = msgspec.json.Decoder(tuple[wire.FuturesTrade, ...])
_SPOT_ACCOUNT: Final = msgspec.json.Decoder(wire.SpotAccount)
_FUTURES_BALANCES: Final = msgspec.json.Decoder(tuple[wire.FuturesBalance, ...])
_POSITIONS: Final = msgspec.json.Decoder(tuple[wire.Position, ...])
_LEVERAGE: Final = msgspec.json.Decoder(wire.Leverage, strict=False)
_COUNTDOWN: Final = msgspec.json.Decoder(wire.Countdown, strict=False)
_TIME: Final = msgspec.json.Decoder(wire.Time)
_LISTEN_KEY: Final = msgspec.json.Decoder(wire.ListenKey)

_BOTH: Final[Mapping[type, Reader]] = {
    OrderRequest: accepted,
    CancelRequest: cancelled,
    OrderQuery: found_order,
    OpenOrdersQuery: lambda _, body: open_orders(body),
    TimeQuery: lambda _, body: server_time(body),
}
SPOT: Final[Mapping[type, Reader]] = {
    **_BOTH,
    CancelAllRequest: lambda _, body: cancelled_all(body),
    FillsQuery: spot_fills,
    BalancesQuery: lambda _, body: spot_balances(body),
}
FUTURES: Final[Mapping[type, Reader]] = {
    **_BOTH,
    CancelAllRequest: lambda _, __: CancelledAll(),
    FillsQuery: futures_fills,
    BalancesQuery: lambda _, body: futures_balances(body),
    PositionsQuery: lambda _, body: positions(body),
    LeverageRequest: lambda _, body: leverage_set(body),
    DeadManRequest: lambda _, body: dead_man_set(body),
    StreamKeyRequest: lambda _, body: stream_key(body),
    StreamKeyRenewal: lambda call, _: call.key,
}
"""How the answer to each call is read."""
