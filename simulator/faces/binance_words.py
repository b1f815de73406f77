"""The words for orders that Binance's two markets share."""

from __future__ import annotations

from typing import Any

from simulator.orders import Order, Status
from tapeline.domain.matching import End

Json = dict[str, Any]
STP = "EXPIRE_MAKER"
"""What happens to an account's own order in the way of another: the one that rests goes."""
EXECUTIONS = {"new": "NEW", "trade": "TRADE", "cancelled": "CANCELED", "expired": "EXPIRED"}
_STATUS = {
    Status.NEW: "NEW",
    Status.PARTLY: "PARTIALLY_FILLED",
    Status.FILLED: "FILLED",
    Status.CANCELLED: "CANCELED",
    Status.EXPIRED: "EXPIRED",
}


def status(order: Order) -> str:
    """Return how far an order is."""
    return "EXPIRED_IN_MATCH" if order.end is End.OWN_ORDER else _STATUS[order.status]
