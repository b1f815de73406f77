"""What Binance asks of a new order: parameters, filters, steps and minimums, refused in its words before any matching.

Read from developers.binance.com: spot (trading endpoints, filters, errors) and USD-M futures (new order, error codes).
"""

from __future__ import annotations

import re
from decimal import Decimal

from simulator.faces.binance_gate import Params, Refusal, missing
from simulator.instruments import Instrument, Scale
from simulator.market import Listing
from simulator.orders import Refusal as No
from simulator.orders import Ticket
from tapeline.domain.matching import Force, Side

MOST_TICKS = 10**6
MOST_LOTS = 10**7
_LEAST_WORTH = Decimal(5)
_MOST_WORTH = Decimal(9_000_000)
_AMOUNT = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
_CLIENT_IDS = {"spot": r"^[a-zA-Z0-9-_]{1,36}$", "futures": r"^[\.A-Z\:/a-z0-9_-]{1,36}$"}
_SPOT_DIGITS = 8
_FORCES = {"GTC": Force.GTC, "IOC": Force.IOC, "FOK": Force.FOK, "GTX": Force.POST_ONLY}
_SPOT_FORCES = ("GTC", "IOC", "FOK")
_CONDITIONAL = ("STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET")
_UNRECORDED = "The order will not be recorded in the order history"

REFUSALS = {
    "spot": {
        No.CLOSED: (-1013, "Market is closed."),
        No.INSUFFICIENT: (-2010, "Account has insufficient balance for requested action."),
        No.DUPLICATE: (-2010, "Duplicate order sent."),
        No.WOULD_TAKE: (-2010, "Order would immediately match and take."),
    },
    "futures": {
        No.CLOSED: (-4140, "Invalid symbol status for opening position."),
        No.INSUFFICIENT: (-2019, "Margin is insufficient."),
        No.DUPLICATE: (-4116, "ClientOrderId is duplicated."),
        No.WOULD_TAKE: (
            -5022,
            f"Due to the order could not be executed as maker, the Post Only order will be rejected. {_UNRECORDED}",
        ),
        No.NOT_WHOLE: (
            -5021,
            f"Due to the order could not be filled immediately, the FOK order has been rejected. {_UNRECORDED}",
        ),
        No.NOT_REDUCING: (-2022, "ReduceOnly Order is rejected."),
    },
}


def ticket(market: str, params: Params, listing: Listing, made_id: str) -> Ticket:
    """Return the order that a request asks for, or raise the refusal; `made_id` names one that the client does not."""
    client_id = params.get("newClientOrderId") or made_id
    if re.fullmatch(_CLIENT_IDS[market], client_id) is None:
        if market == "futures":
            raise Refusal(-4015, "Client order id is not valid.")
        raise _illegal("newClientOrderId", _CLIENT_IDS[market])
    if params.get("side", "") not in {"BUY", "SELL"}:
        raise Refusal(-1117, "Invalid side.") if params.get("side") else missing("side")
    if not params.get("type"):
        raise missing("type")
    return (_spot if market == "spot" else _futures)(params, listing, client_id)


def _spot(params: Params, listing: Listing, client_id: str) -> Ticket:
    kind, one = params["type"], listing.instrument
    if kind not in {"LIMIT", "LIMIT_MAKER", "MARKET"}:
        raise Refusal(-1116, "Invalid orderType.")
    side = Side(params["side"].lower())
    if kind == "MARKET":
        for name in ("price", "timeInForce"):
            if params.get(name):
                raise Refusal(-1106, f"Parameter '{name}' sent when not required.")
        words = {"type": kind, "timeInForce": "GTC"}
        if params.get("quoteOrderQty") and not params.get("quantity"):
            quote = _amount(params, "quoteOrderQty", _SPOT_DIGITS)
            _notional(quote)
            budget = int(quote / (one.tick.exact(1) * one.lot.exact(1)))
            return Ticket(
                listing=listing, side=side, client_id=client_id, budget=budget, is_market=True, words=words,
                force=Force.IOC,
            )  # fmt: skip
        lots = _spot_lots(params, one)
        _notional(Decimal(listing.mark_price) * one.lot.exact(lots))
        return Ticket(
            listing=listing, side=side, client_id=client_id, lots=lots, is_market=True, words=words, force=Force.IOC
        )
    force = params.get("timeInForce", "")
    if kind == "LIMIT_MAKER" and force:
        raise Refusal(-1106, "Parameter 'timeInForce' sent when not required.")
    if kind == "LIMIT" and force not in _SPOT_FORCES:
        raise Refusal(-1115, "Invalid timeInForce.") if force else missing("timeInForce")
    lots, ticks = _spot_lots(params, one), _filtered(params, "price", one.tick, MOST_TICKS, "PRICE_FILTER")
    worth = one.tick.exact(ticks) * one.lot.exact(lots)
    _notional(worth)
    if worth > _MOST_WORTH:
        raise Refusal(-1013, "Filter failure: NOTIONAL")
    return Ticket(
        listing=listing,
        side=side,
        client_id=client_id,
        lots=lots,
        price=ticks,
        force=Force.POST_ONLY if kind == "LIMIT_MAKER" else _FORCES[force],
        words={"type": kind, "timeInForce": force or "GTC"},
    )


def _futures(params: Params, listing: Listing, client_id: str) -> Ticket:
    kind, force, one = params["type"], params.get("timeInForce", ""), listing.instrument
    if kind in _CONDITIONAL:
        told = "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead."
        raise Refusal(-4120, told)
    if kind not in {"LIMIT", "MARKET"}:
        raise Refusal(-1116, "Invalid orderType.")
    if params.get("positionSide", "BOTH") != "BOTH":
        raise Refusal(-4061, "Order's position side does not match user's setting.")
    reduce_only = params.get("reduceOnly", "false").lower()
    if reduce_only not in {"true", "false"}:
        raise _illegal("reduceOnly", "true|false")
    lots, ticks = _futures_lots(params, one), None
    if kind == "LIMIT":
        if force not in _FORCES:
            raise Refusal(-1115, "Invalid timeInForce.") if force else missing("timeInForce")
        ticks = _futures_ticks(params, one)
    elif params.get("price"):
        raise Refusal(-1106, "Parameter 'price' sent when not required.")
    price = Decimal(listing.mark_price) if ticks is None else one.tick.exact(ticks)
    if price * one.lot.exact(lots) < _LEAST_WORTH and reduce_only == "false":
        raise Refusal(-4164, "Order's notional must be no smaller than 5 (unless you choose reduce only).")
    return Ticket(
        listing=listing,
        side=Side(params["side"].lower()),
        client_id=client_id,
        lots=lots,
        price=ticks,
        force=Force.IOC if kind == "MARKET" else _FORCES[force],
        is_market=kind == "MARKET",
        reduce_only=reduce_only == "true",
        words={"type": kind, "timeInForce": force or "GTC"},
    )


def _spot_lots(params: Params, one: Instrument) -> int:
    return _filtered(params, "quantity", one.lot, MOST_LOTS, "LOT_SIZE")


def _filtered(params: Params, name: str, scale: Scale, most: int, filter_name: str) -> int:
    """Return an amount in steps, or raise the failure of its filter."""
    steps = scale.steps(_amount(params, name, _SPOT_DIGITS))
    if steps != int(steps) or not 1 <= steps <= most:
        raise Refusal(-1013, f"Filter failure: {filter_name}")
    return int(steps)


def _notional(worth: Decimal) -> None:
    if worth < _LEAST_WORTH:
        raise Refusal(-1013, "Filter failure: NOTIONAL")


def _futures_lots(params: Params, one: Instrument) -> int:
    steps = one.lot.steps(_amount(params, "quantity", max(3, one.lot.digits)))
    if steps <= 0:
        raise Refusal(-4003, "Quantity less than or equal to zero.")
    if steps > MOST_LOTS:
        raise Refusal(-4005, "Quantity greater than max quantity.")
    if steps != int(steps):
        raise Refusal(-4023, "Qty not increased by step size.")
    return int(steps)


def _futures_ticks(params: Params, one: Instrument) -> int:
    steps = one.tick.steps(_amount(params, "price", max(_SPOT_DIGITS, one.tick.digits)))
    if steps <= 0:
        raise Refusal(-4001, "Price less than 0.")
    if steps > MOST_TICKS:
        raise Refusal(-4002, "Price greater than max price.")
    if steps != int(steps):
        raise Refusal(-4014, "Price not increased by tick size.")
    return int(steps)


def _amount(params: Params, name: str, digits: int) -> Decimal:
    text = params.get(name, "")
    if not text:
        raise missing(name)
    if re.fullmatch(_AMOUNT, text) is None:
        raise _illegal(name, _AMOUNT)
    if len(text.partition(".")[2].rstrip("0")) > digits:
        raise Refusal(-1111, f"Parameter '{name}' has too much precision.")
    return Decimal(text)


def _illegal(name: str, legal: str) -> Refusal:
    return Refusal(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal}'.")
