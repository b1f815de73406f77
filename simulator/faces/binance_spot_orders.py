"""Spot orders and fills as Binance writes them: answers to place, cancel and query, trades, `executionReport`."""

from __future__ import annotations

from decimal import Decimal

from simulator.booking import What
from simulator.faces.binance_words import EXECUTIONS, STP, Json, status
from simulator.faces.texts import Texts, fixed
from simulator.orders import Order, OwnFill, worth
from tapeline.domain.matching import Side


class SpotOrders:
    """Spot."""

    def __init__(self, texts: Texts) -> None:
        """Write as this instrument is written."""
        self._texts = texts

    def placed(self, order: Order, kind: str) -> Json:
        """Return the answer to placing an order: ACK, RESULT or FULL."""
        ack: Json = {
            "symbol": order.instrument.wire,
            "orderId": int(order.id),
            "orderListId": -1,
            "clientOrderId": order.client_id,
            "transactTime": order.updated_us // 1000,
        }
        if kind == "ACK":
            return ack
        result = {
            **ack,
            **self._state(order),
            "workingTime": order.at_us // 1000,
            "selfTradePreventionMode": STP,
        }
        if kind == "RESULT":
            return result
        return {**result, "fills": [self._part(fill) for fill in order.fills]}

    def cancelled(self, order: Order) -> Json:
        """Return the answer to a cancel."""
        return {
            "symbol": order.instrument.wire,
            "origClientOrderId": order.client_id,
            "orderId": int(order.id),
            "orderListId": -1,
            "clientOrderId": order.cancel_id,
            "transactTime": order.updated_us // 1000,
            **self._state(order),
            "selfTradePreventionMode": STP,
        }

    def asked(self, order: Order) -> Json:
        """Return the answer to a query."""
        return {
            "symbol": order.instrument.wire,
            "orderId": int(order.id),
            "orderListId": -1,
            "clientOrderId": order.client_id,
            **self._state(order),
            "stopPrice": fixed(Decimal(0)),
            "icebergQty": fixed(Decimal(0)),
            "time": order.at_us // 1000,
            "updateTime": order.updated_us // 1000,
            "isWorking": True,
            "workingTime": order.at_us // 1000,
            "selfTradePreventionMode": STP,
        }

    def trade(self, fill: OwnFill) -> Json:
        """Return one of the account's trades."""
        order = fill.order
        return {
            "symbol": order.instrument.wire,
            "id": int(fill.id),
            "orderId": int(order.id),
            "orderListId": -1,
            "price": self._texts.price(fill.price),
            "qty": self._texts.quantity(fill.lots),
            "quoteQty": fixed(worth(order.instrument, fill.price * fill.lots)),
            "commission": fixed(fill.fee),
            "commissionAsset": fill.asset,
            "time": fill.at_us // 1000,
            "isBuyer": order.side is Side.BUY,
            "isMaker": fill.maker,
            "isBestMatch": True,
        }

    def event(self, order: Order, what: What, fill: OwnFill | None, now_us: int) -> Json:
        """Return the `executionReport` of a change."""
        ticket, zero = order.ticket, fixed(Decimal(0))
        cancel_id = order.cancel_id if what == "cancelled" else ""
        dealt = {"l": zero, "L": zero, "Y": zero, "n": "0", "N": None, "t": -1, "m": False}
        if fill is not None:
            dealt = {
                "l": self._texts.quantity(fill.lots),
                "L": self._texts.price(fill.price),
                "Y": fixed(worth(order.instrument, fill.price * fill.lots)),
                "n": fixed(fill.fee),
                "N": fill.asset,
                "t": int(fill.id),
                "m": fill.maker,
            }
        return {
            "e": "executionReport",
            "E": now_us // 1000,
            "s": order.instrument.wire,
            "c": cancel_id or order.client_id,
            "S": order.side.name,
            "o": ticket.words["type"],
            "f": ticket.words["timeInForce"],
            "q": self._texts.quantity(order.lots),
            "p": self._texts.price(ticket.price or 0),
            "P": zero,
            "F": zero,
            "g": -1,
            "C": order.client_id if cancel_id else "",
            "x": EXECUTIONS[what],
            "X": status(order),
            "r": "NONE",
            "i": int(order.id),
            "z": self._texts.quantity(order.filled),
            "T": now_us // 1000,
            "I": int(order.id) + len(order.fills),
            "w": order.is_open,
            "M": fill is not None,
            "O": order.at_us // 1000,
            "Z": fixed(order.worth),
            "Q": fixed(worth(order.instrument, ticket.budget or 0)),
            "W": order.at_us // 1000,
            "V": STP,
            **dealt,
        }

    def _state(self, order: Order) -> Json:
        ticket = order.ticket
        return {
            "price": self._texts.price(ticket.price or 0),
            "origQty": self._texts.quantity(order.lots),
            "executedQty": self._texts.quantity(order.filled),
            "origQuoteOrderQty": fixed(worth(order.instrument, ticket.budget or 0)),
            "cummulativeQuoteQty": fixed(order.worth),
            "status": status(order),
            "timeInForce": ticket.words["timeInForce"],
            "type": ticket.words["type"],
            "side": order.side.name,
        }

    def _part(self, fill: OwnFill) -> Json:
        return {
            "price": self._texts.price(fill.price),
            "qty": self._texts.quantity(fill.lots),
            "commission": fixed(fill.fee),
            "commissionAsset": fill.asset,
            "tradeId": int(fill.id),
        }
