"""Orders and executions as Bybit writes them, over REST and in the private streams; null numbers are empty texts.

Read from bybit-exchange.github.io/docs/v5/order/open-order, execution, and websocket/private.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from simulator.faces.texts import Texts, fixed
from simulator.journal import Funded
from simulator.ledger import plain
from simulator.orders import Order, OwnFill, Status, worth
from tapeline.domain.matching import End, Side

Json = dict[str, Any]
SIDES = {Side.BUY: "Buy", Side.SELL: "Sell"}
_REASONS = {
    End.UNFILLED: "EC_NoImmediateQtyToFill",
    End.NOT_WHOLE: "EC_NoEnoughQtyToFill",
    End.WOULD_TAKE: "EC_PostOnlyWillTakeLiquidity",
    End.OWN_ORDER: "EC_BySelfMatch",
}
_CANCELS = {End.NOT_REDUCING: "CancelByReduceOnly", End.OWN_ORDER: "CancelBySmp"}


def status(order: Order, category: str) -> str:
    """Return how far an order is; only spot says of a cancelled one that it was filled in part."""
    if order.status in {Status.CANCELLED, Status.EXPIRED}:
        return "PartiallyFilledCanceled" if category == "spot" and order.filled else "Cancelled"
    return {Status.NEW: "New", Status.PARTLY: "PartiallyFilled"}.get(order.status, "Filled")


def as_order(order: Order, texts: Texts, category: str) -> Json:
    """Return an order as REST has it."""
    ticket, average = order.ticket, order.average()
    by_user = order.status is Status.CANCELLED
    end = None if order.end is None else _REASONS.get(order.end)
    linear: Json = {"createType": "CreateByUser", "tpslMode": ""} if category == "linear" else {}
    return {
        "symbol": order.instrument.wire,
        "orderType": "Market" if ticket.is_market else "Limit",
        "orderLinkId": order.client_id,
        "orderId": order.id,
        "cancelType": "CancelByUser" if by_user else _CANCELS.get(order.end or End.FILLED, "UNKNOWN"),
        "avgPrice": "" if average is None else plain(Decimal(fixed(average))),
        "stopOrderType": "",
        "lastPriceOnCreated": "",
        "orderStatus": status(order, category),
        "takeProfit": "",
        "cumExecValue": plain(order.worth),
        "triggerDirection": 0,
        "blockTradeId": "",
        "cumFeeDetail": {coin: plain(fee) for coin, fee in order.fees.items()},
        "rejectReason": "EC_PerCancelRequest" if by_user else end or "EC_NoError",
        "isLeverage": "0" if category == "spot" else "",
        "price": "0" if ticket.price is None else texts.price(ticket.price),
        "orderIv": "",
        "createdTime": str(order.at_us // 1000),
        "tpTriggerBy": "",
        "positionIdx": 0,
        "timeInForce": ticket.words["timeInForce"],
        "marketUnit": ticket.words["marketUnit"],
        "leavesValue": plain(worth(order.instrument, (ticket.price or 0) * order.left)) if order.is_open else "0",
        "updatedTime": str(order.updated_us // 1000),
        "side": SIDES[order.side],
        "smpGroup": 0,
        "smpType": "None",
        "smpOrderId": "",
        "triggerPrice": "",
        "cumExecFee": plain(sum(order.fees.values(), Decimal(0))),
        "slTriggerBy": "",
        "leavesQty": texts.quantity(order.left) if order.is_open else "0",
        "closeOnTrigger": False,
        "placeType": "",
        "cumExecQty": texts.quantity(order.filled),
        "reduceOnly": ticket.reduce_only,
        "qty": _asked(order, texts),
        "stopLoss": "",
        "triggerBy": "",
        **linear,
    }


def as_event(order: Order, texts: Texts, category: str) -> Json:
    """Return an order as its stream has it: with the category, and nothing where nothing is left."""
    found = as_order(order, texts, category)
    return {**found, "category": category, "leavesQty": found["leavesQty"] if order.is_open else ""}


def as_execution(fill: OwnFill, texts: Texts, category: str, rate: Decimal) -> Json:
    """Return a fill."""
    order = fill.order
    linear: Json = {"createType": "CreateByUser"} if category == "linear" else {}
    return {
        "symbol": order.instrument.wire,
        "orderType": "Market" if order.ticket.is_market else "Limit",
        "underlyingPrice": "",
        "orderLinkId": order.client_id,
        "orderId": order.id,
        "stopOrderType": "",
        "execTime": str(fill.at_us // 1000),
        "feeCurrency": fill.asset,
        "feeRate": plain(rate),
        "tradeIv": "",
        "blockTradeId": "",
        "markPrice": order.ticket.listing.mark_price,
        "execPrice": texts.price(fill.price),
        "markIv": "",
        "orderQty": _asked(order, texts),
        "orderPrice": "0" if order.ticket.price is None else texts.price(order.ticket.price),
        "execValue": plain(worth(order.instrument, fill.price * fill.lots)),
        "execType": "Trade",
        "seq": fill.number,
        "side": SIDES[order.side],
        "indexPrice": "",
        "leavesQty": texts.quantity(fill.left),
        "isMaker": fill.maker,
        "execFee": plain(fill.fee),
        "execId": fill.id,
        "execQty": texts.quantity(fill.lots),
        "closedSize": texts.quantity(fill.closed) if fill.realized is not None else "",
        "extraFees": "",
        **linear,
    }


def as_funding(paid: Funded, wire: str, numbers: tuple[str, str, int]) -> Json:
    """Return a payment as the execution that Bybit makes of it: a fee above zero was paid; ids come from outside."""
    exec_id, order_id, seq = numbers
    size = Decimal(paid.position)
    return {
        "symbol": wire,
        "orderType": "UNKNOWN",
        "underlyingPrice": "",
        "orderLinkId": "",
        "orderId": order_id,
        "stopOrderType": "UNKNOWN",
        "execTime": str(paid.at_us // 1000),
        "feeCurrency": paid.asset,
        "feeRate": paid.rate,
        "tradeIv": "",
        "blockTradeId": "",
        "markPrice": paid.mark,
        "execPrice": paid.mark,
        "markIv": "",
        "orderQty": "0",
        "orderPrice": "0",
        "execValue": plain(abs(size) * Decimal(paid.mark)),
        "execType": "Funding",
        "seq": seq,
        "side": "Buy" if size > 0 else "Sell",
        "indexPrice": "",
        "leavesQty": "0",
        "isMaker": False,
        "execFee": plain(-Decimal(paid.amount)),
        "execId": exec_id,
        "execQty": plain(abs(size)),
        "closedSize": "0",
        "extraFees": "",
        "createType": "UNKNOWN",
    }


def _asked(order: Order, texts: Texts) -> str:
    """Return the quantity of an order as it was asked for, in money where that was said."""
    budget = order.ticket.budget
    return texts.quantity(order.ticket.lots) if budget is None else plain(worth(order.instrument, budget))
