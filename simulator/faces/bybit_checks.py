"""What Bybit asks of a new order, with its code for each fault: spot and linear have numbers of their own.

Read from bybit-exchange.github.io/docs/v5/order/create-order and docs/v5/error. Linear quantities are cut to the step.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from simulator.faces.bybit_gate import Refusal, wrong
from simulator.instruments import Instrument
from simulator.market import Listing
from simulator.orders import Refusal as No
from simulator.orders import Ticket
from tapeline.domain.matching import Force, Side

Body = Mapping[str, Any]
MOST_TICKS = 10**6
MOST_LOTS = 10**7
_LEAST_WORTH = Decimal(5)
# How far from the market a price may be, and where the guard of a market order stands.
_BAND = Decimal("0.05")
_NUMBER = re.compile(r"\d{1,20}(\.\d{1,20})?")
_CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{1,36}")
_FORCES = {"GTC": Force.GTC, "IOC": Force.IOC, "FOK": Force.FOK, "PostOnly": Force.POST_ONLY}

REFUSALS = {
    "spot": {
        No.CLOSED: (170151, "The trading pair is not open yet."),
        No.INSUFFICIENT: (170131, "Insufficient balance."),
        No.DUPLICATE: (170141, "Duplicate clientOrderId."),
        No.UNKNOWN: (170213, "Order does not exist."),
        No.FILLED: (170139, "Order has been filled."),
        No.CANCELLED: (170142, "Order has been canceled."),
    },
    "linear": {
        No.CLOSED: (110066, "Trading is currently not allowed."),
        No.INSUFFICIENT: (110007, "ab not enough for new order"),
        No.DUPLICATE: (110072, "OrderLinkedID is duplicate"),
        No.UNKNOWN: (110001, "order not exists or too late to cancel"),
        No.FILLED: (110008, "The order has been completed or canceled."),
        No.CANCELLED: (110010, "The order has been canceled."),
        No.NOT_REDUCING: (110017, "current position is zero, cannot fix reduce-only order qty"),
    },
}


def refuse(category: str, refusal: No) -> Refusal:
    """Return the venue's words for a reason of the desk's."""
    return Refusal(*REFUSALS[category][refusal])


def ticket(category: str, body: Body, listing: Listing) -> Ticket:
    """Return the order that a request asks for, or raise the refusal."""
    side, kind = body.get("side"), body.get("orderType")
    if side not in {"Buy", "Sell"}:
        raise wrong("side invalid")
    if kind not in {"Market", "Limit"}:
        raise wrong("orderType invalid")
    client_id = body.get("orderLinkId", "")
    if client_id and (not isinstance(client_id, str) or _CLIENT_ID.fullmatch(client_id) is None):
        raise wrong("orderLinkId invalid")
    force = "IOC" if kind == "Market" else body.get("timeInForce") or "GTC"
    if force not in _FORCES:
        raise wrong("timeInForce invalid")
    reduce_only, index = body.get("reduceOnly", False), body.get("positionIdx", 0)
    if reduce_only not in {True, False} or (reduce_only and category == "spot"):
        raise wrong("reduceOnly invalid")
    if index not in {0, "0"}:
        raise Refusal(10001, "position idx not match position mode")
    ticks = _guard(category, listing, Side(side.lower())) if kind == "Market" else _ticks(category, body, listing)
    lots, budget = _size(category, body, listing, ticks)
    return Ticket(
        listing=listing,
        side=Side(side.lower()),
        client_id=client_id,
        lots=lots,
        budget=budget,
        price=ticks,
        force=_FORCES[force],
        is_market=kind == "Market",
        reduce_only=bool(reduce_only),
        words={"timeInForce": force, "marketUnit": _unit(body) if category == "spot" and kind == "Market" else ""},
    )


def _unit(body: Body) -> str:
    """Return what a spot market order counts: a buy counts money unless it says otherwise."""
    return str(body.get("marketUnit") or ("quoteCoin" if body.get("side") == "Buy" else "baseCoin"))


def _size(category: str, body: Body, listing: Listing, ticks: int | None) -> tuple[int, int | None]:
    one, amount = listing.instrument, _amount(body, "qty")
    if category == "spot":
        if body.get("orderType") == "Market" and _unit(body) == "quoteCoin":
            if amount < _LEAST_WORTH:
                raise Refusal(170140, "Order value exceeded lower limit.")
            return 0, int(amount / (one.tick.exact(1) * one.lot.exact(1)))
        return _spot_lots(one, amount, _price(listing, ticks)), None
    lots = int(one.lot.steps(amount))
    if lots < 1:
        raise Refusal(110017, "orderQty will be truncated to zero")
    if lots > MOST_LOTS:
        raise Refusal(10001, "The number of contracts exceeds maximum limit allowed")
    if one.lot.exact(lots) * _price(listing, ticks) < _LEAST_WORTH and body.get("reduceOnly") is not True:
        raise Refusal(110094, "Order does not meet minimum order value 5USDT")
    return lots, None


def _spot_lots(one: Instrument, amount: Decimal, price: Decimal) -> int:
    steps = one.lot.steps(amount)
    if steps < 1:
        raise Refusal(170136, "Order quantity exceeded lower limit.")
    if steps != int(steps):
        raise Refusal(170137, "Order volume has too many decimals.")
    if steps > MOST_LOTS:
        raise Refusal(170135, "Order quantity exceeded upper limit.")
    if amount * price < _LEAST_WORTH:
        raise Refusal(170140, "Order value exceeded lower limit.")
    return int(steps)


def _ticks(category: str, body: Body, listing: Listing) -> int:
    steps = listing.instrument.tick.steps(_amount(body, "price"))
    fits = steps == int(steps)
    if category == "linear":
        if not fits or not 1 <= steps <= MOST_TICKS:
            raise Refusal(110003, "Order price is out of permissible range.")
        return int(steps)
    if not fits:
        raise Refusal(170134, "Order price has too many decimals.")
    mark = listing.instrument.tick.steps(Decimal(listing.mark_price))
    if body.get("side") == "Buy" and steps > mark * (1 + _BAND):
        raise Refusal(170132, "Order price is too high.")
    if steps < 1 or (body.get("side") == "Sell" and steps < mark * (1 - _BAND)):
        raise Refusal(170133, "Order price is lower than the minimum.")
    return int(steps)


def _guard(category: str, listing: Listing, side: Side) -> int | None:
    """Return the limit that a linear market order gets, which is the price that the order then shows."""
    if category == "spot":
        return None
    mark = listing.instrument.tick.steps(Decimal(listing.mark_price))
    return int(mark * (1 + side.sign * _BAND))


def _price(listing: Listing, ticks: int | None) -> Decimal:
    return Decimal(listing.mark_price) if ticks is None else listing.instrument.tick.exact(ticks)


def _amount(body: Body, name: str) -> Decimal:
    text = body.get(name)
    if not isinstance(text, str) or _NUMBER.fullmatch(text) is None:
        raise wrong(f"{name} invalid")
    return Decimal(text)
