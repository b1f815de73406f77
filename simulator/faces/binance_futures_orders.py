"""Futures orders and fills as Binance writes them; answers to placing lost avgPrice and cumQuote in 2026-06."""

from __future__ import annotations

from decimal import Decimal

from simulator.booking import What
from simulator.faces.binance_words import EXECUTIONS, STP, Json, status
from simulator.faces.texts import Texts, fixed
from simulator.ledger import plain
from simulator.orders import Order, OwnFill, worth
from tapeline.domain.matching import Side


class FuturesOrders:
    """USD-M futures."""

    def __init__(self, texts: Texts) -> None:
        """Write as this instrument is written."""
        self._texts = texts

    def placed(self, order: Order, kind: str) -> Json:
        """Return the answer to placing an order: ACK knows of no fill yet, RESULT does."""
        found = self._shared(order)
        if kind == "ACK":
            found |= {"status": "NEW", "executedQty": self._texts.quantity(0)}
        return {**found, "updateTime": (order.at_us if kind == "ACK" else order.updated_us) // 1000}

    def cancelled(self, order: Order) -> Json:
        """Return the answer to a cancel."""
        return {**self._shared(order), **self._sums(order), "updateTime": order.updated_us // 1000}

    def asked(self, order: Order) -> Json:
        """Return the answer to a query."""
        return {
            **self._shared(order),
            **self._sums(order),
            "time": order.at_us // 1000,
            "updateTime": order.updated_us // 1000,
        }

    def trade(self, fill: OwnFill) -> Json:
        """Return one of the account's trades."""
        order = fill.order
        return {
            "symbol": order.instrument.wire,
            "id": int(fill.id),
            "orderId": int(order.id),
            "side": order.side.name,
            "price": self._texts.price(fill.price),
            "qty": self._texts.quantity(fill.lots),
            "realizedPnl": fixed(fill.realized or Decimal(0)),
            "quoteQty": plain(worth(order.instrument, fill.price * fill.lots)),
            "commission": fixed(fill.fee),
            "commissionAsset": fill.asset,
            "time": fill.at_us // 1000,
            "positionSide": "BOTH",
            "buyer": order.side is Side.BUY,
            "maker": fill.maker,
        }

    def event(self, order: Order, what: What, fill: OwnFill | None, now_us: int) -> Json:
        """Return the `ORDER_TRADE_UPDATE` of a change."""
        ticket, average = order.ticket, order.average()
        dealt: Json = {"l": self._texts.quantity(0), "L": "0", "t": 0, "m": False, "rp": "0"}
        if fill is not None:
            dealt = {
                "l": self._texts.quantity(fill.lots),
                "L": self._texts.price(fill.price),
                "n": fixed(fill.fee),
                "N": fill.asset,
                "t": int(fill.id),
                "m": fill.maker,
                "rp": plain(fill.realized or Decimal(0)),
            }
        return {
            "e": "ORDER_TRADE_UPDATE",
            "T": now_us // 1000,
            "E": now_us // 1000,
            "o": {
                "s": order.instrument.wire,
                "c": order.client_id,
                "S": order.side.name,
                "o": ticket.words["type"],
                "f": ticket.words["timeInForce"],
                "q": self._texts.quantity(order.lots),
                "p": self._texts.price(ticket.price) if ticket.price is not None else "0",
                "ap": "0" if average is None else fixed(average),
                "sp": "0",
                "x": EXECUTIONS[what],
                "X": status(order),
                "i": int(order.id),
                "z": self._texts.quantity(order.filled),
                "T": now_us // 1000,
                "b": "0",
                "a": "0",
                "R": ticket.reduce_only,
                "wt": "CONTRACT_PRICE",
                "ot": ticket.words["type"],
                "ps": "BOTH",
                "cp": False,
                "pP": False,
                "si": 0,
                "ss": 0,
                "V": STP,
                "pm": "NONE",
                "gtd": 0,
                **dealt,
            },
        }

    def lite(self, fill: OwnFill, now_us: int) -> Json:
        """Return the `TRADE_LITE` of a fill, which comes before the whole event."""
        order = fill.order
        return {
            "e": "TRADE_LITE",
            "E": now_us // 1000,
            "T": now_us // 1000,
            "s": order.instrument.wire,
            "q": self._texts.quantity(order.lots),
            "p": self._texts.price(order.ticket.price) if order.ticket.price is not None else "0",
            "m": fill.maker,
            "c": order.client_id,
            "S": order.side.name,
            "L": self._texts.price(fill.price),
            "l": self._texts.quantity(fill.lots),
            "t": int(fill.id),
            "i": int(order.id),
        }

    def _shared(self, order: Order) -> Json:
        ticket = order.ticket
        return {
            "orderId": int(order.id),
            "symbol": order.instrument.wire,
            "status": status(order),
            "clientOrderId": order.client_id,
            "price": self._texts.price(ticket.price) if ticket.price is not None else "0",
            "origQty": self._texts.quantity(order.lots),
            "executedQty": self._texts.quantity(order.filled),
            "type": ticket.words["type"],
            "origType": ticket.words["type"],
            "side": order.side.name,
            "positionSide": "BOTH",
            "reduceOnly": ticket.reduce_only,
            "closePosition": False,
            "timeInForce": ticket.words["timeInForce"],
            "stopPrice": "0",
            "workingType": "CONTRACT_PRICE",
            "priceProtect": False,
            "priceMatch": "NONE",
            "selfTradePreventionMode": STP,
            "goodTillDate": 0,
        }

    @staticmethod
    def _sums(order: Order) -> Json:
        average = order.average()
        return {"avgPrice": "0.00000" if average is None else fixed(average), "cumQuote": plain(order.worth)}
