"""Orders down to what an instrument's exact rules allow: never larger, never at a worse price, else a refusal of ours.

Our side counts in base currency. A venue may count in contracts of some of it: both ways are exact or they are refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Context, Decimal
from typing import Final, TypeVar

import msgspec

from tapeline.domain.events import Instrument
from tapeline.venues.account import Fill, OrderUpdate, PositionUpdate, VenueOrder, VenuePosition
from tapeline.venues.calls import Accepted, CancelAccepted, Fills, FoundOrder, OpenOrders, OrderRequest, Positions
from tapeline.venues.refusals import Reason, Refused

V = TypeVar("V", bound=msgspec.Struct)
_EXACT: Final = Context(prec=100)
_ONE: Final = Decimal(1)


def quantize(request: OrderRequest, rules: Instrument, reference: Decimal | None = None) -> OrderRequest | Refused:
    """Return the order that the instrument takes: quantity and price rounded to its steps, in our favour.

    `reference` values a market order against the least value of an order; without it that is left to the venue.
    """
    if request.native != rules.native:
        raise ValueError(f"rules of {rules.native} for an order on {request.native}")
    if rules.status in {"halted", "closed"} or (rules.status == "reducing" and not request.reduce_only):
        return _no(Reason.NOT_TRADING, rules, f"is {rules.status}")
    quantity = _stepped(request.quantity, rules.quantity_step, up=False)
    price = request.price
    if price is not None:
        # Never worse than asked: a buy not above its price, a sell not below it.
        price = _stepped(price, rules.price_tick, up=request.side == "sell")
        if price <= 0:
            return _no(Reason.PRICE_RULE, rules, f"has prices from {_text(rules.price_tick)}")
    return _too_small_or_large(request, rules, quantity, price or reference) or msgspec.structs.replace(
        request, quantity=quantity, price=price
    )


def _too_small_or_large(
    request: OrderRequest, rules: Instrument, quantity: Decimal, price: Decimal | None
) -> Refused | None:
    least = max(rules.min_quantity or rules.quantity_step, rules.quantity_step)
    if quantity < least:
        return _no(Reason.QUANTITY_RULE, rules, f"takes no less than {_text(least)}, asked {_text(request.quantity)}")
    limits = [rules.max_quantity, rules.max_market_quantity if request.kind == "market" else None]
    most = min((limit for limit in limits if limit is not None), default=None)
    if most is not None and quantity > most:
        return _no(Reason.QUANTITY_RULE, rules, f"takes no more than {_text(most)}, asked {_text(request.quantity)}")
    # What only reduces a futures position may be of any value, else a small rest could never be closed.
    exempt = rules.market == "futures" and request.reduce_only
    if rules.min_notional is not None and price is not None and not exempt:
        value = _EXACT.multiply(quantity, price)
        if value < rules.min_notional:
            told = f"takes orders worth {_text(rules.min_notional)} {rules.quote} or more, this one is {_text(value)}"
            return _no(Reason.NOTIONAL_RULE, rules, told)
    return None


def is_dust(quantity: Decimal, rules: Instrument, reference: Decimal | None, *, reduces: bool) -> bool:
    """Tell whether a rest is too small for any order: it stays where it is until more comes to it."""
    whole = _stepped(quantity, rules.quantity_step, up=False)
    if whole < max(rules.min_quantity or rules.quantity_step, rules.quantity_step):
        return True
    if rules.min_notional is None or reference is None or (rules.market == "futures" and reduces):
        return False
    return _EXACT.multiply(whole, reference) < rules.min_notional


def in_contracts(request: OrderRequest, rules: Instrument) -> OrderRequest:
    """Return a sized order in what the venue counts; ValueError where its quantity is no number of contracts' steps."""
    size = rules.contract_size
    if size == _ONE:
        return request
    contracts = _EXACT.divide(request.quantity, size)
    if _EXACT.multiply(contracts, size) != request.quantity:
        raise ValueError(f"{request.quantity} of {rules.base} is no exact number of contracts of {size}")
    return msgspec.structs.replace(request, quantity=contracts)


def in_base(value: V, contract_sizes: Mapping[str, Decimal]) -> V:
    """Return an answer or an event with its quantities in base currency; an instrument that is not named counts so.

    Prices are of base currency at every venue, so they stay.
    """
    changed: dict[str, object]
    match value:
        case VenueOrder(native=native, quantity=quantity, filled=filled):
            size = contract_sizes.get(native, _ONE)
            changed = {"quantity": _times(quantity, size), "filled": _times(filled, size)}
        case Fill(native=native, quantity=quantity) | VenuePosition(native=native, quantity=quantity):
            changed = {"quantity": _times(quantity, contract_sizes.get(native, _ONE))}
        case Accepted(order=order, fills=fills):
            changed = {"order": in_base(order, contract_sizes), "fills": _all(fills, contract_sizes)}
        case CancelAccepted(order=VenueOrder() as order) | OrderUpdate(order=order) | FoundOrder(order=order):
            changed = {"order": in_base(order, contract_sizes)}
        case OpenOrders(orders=orders):
            changed = {"orders": _all(orders, contract_sizes)}
        case Fills(fills=fills):
            changed = {"fills": _all(fills, contract_sizes)}
        case Positions(positions=positions) | PositionUpdate(positions=positions):
            changed = {"positions": _all(positions, contract_sizes)}
        case _:
            return value
    return msgspec.structs.replace(value, **changed)


def _all(values: tuple[V, ...], contract_sizes: Mapping[str, Decimal]) -> tuple[V, ...]:
    return tuple(in_base(value, contract_sizes) for value in values)


def fee_currency(fill: Fill, rules: Instrument) -> str:
    """Return what a fill's fee was taken in."""
    if fill.fee_currency is not None:
        return fill.fee_currency
    return rules.base if fill.fee_in == "base" else rules.quote


def _times(quantity: Decimal, size: Decimal) -> Decimal:
    return quantity if size == _ONE else _EXACT.multiply(quantity, size)


def _stepped(number: Decimal, step: Decimal, *, up: bool) -> Decimal:
    steps, rest = _EXACT.divmod(number, step)
    return _EXACT.multiply(_EXACT.add(steps, 1) if up and rest else steps, step)


def _no(reason: Reason, rules: Instrument, told: str) -> Refused:
    return Refused(reason=reason, text=f"{rules.venue} {rules.market} {rules.symbol} {told}")


def _text(number: Decimal) -> str:
    return format(number.normalize(_EXACT), "f")
