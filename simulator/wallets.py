"""The money of one account, exact: what is free and locked on spot, margin and positions on futures.

A fee is rounded once, to eight digits, and what is booked is what is told, so that balances are sums of fills.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Protocol

from simulator.instruments import QUOTE, Instrument
from simulator.market import Listing
from simulator.orders import NOTHING, Order, worth
from tapeline.domain.matching import Plan, Side

START_QUOTE = Decimal(100_000)
START_BASE = Decimal(1)
_SMALLEST = Decimal("0.00000001")


@dataclass(frozen=True, slots=True)
class Fees:
    """What part of a deal's value each side pays."""

    maker: Decimal
    taker: Decimal

    def rate(self, *, maker: bool) -> Decimal:
        """Return the part for one side."""
        return self.maker if maker else self.taker


@dataclass(frozen=True, slots=True)
class Settled:
    """What a fill did to an account."""

    fee: Decimal
    asset: str
    realized: Decimal | None = None
    closed: int = 0


class Account(Protocol):
    """Where orders get their money from."""

    def affords(self, order: Order, plan: Plan) -> bool:
        """Tell whether there is enough for an order that would do this."""

    def reserve(self, order: Order, plan: Plan) -> None:
        """Set aside what an order needs."""

    def settle(self, order: Order, price: int, lots: int, *, maker: bool) -> Settled:
        """Book a fill; the order's own sums are brought up to date afterwards."""

    def release(self, order: Order) -> None:
        """Return what an order that ended had set aside."""


def rounded(amount: Decimal) -> Decimal:
    """Round to the digits in which money is booked."""
    return amount.quantize(_SMALLEST, ROUND_HALF_UP)


@dataclass(slots=True)
class Balance:
    """One coin."""

    free: Decimal = NOTHING
    locked: Decimal = NOTHING


class SpotAccount:
    """Coins; what is not there cannot be sold."""

    def __init__(self, instruments: Iterable[Instrument], fees: Fees) -> None:
        """Start with money and one of each coin."""
        self.fees = fees
        self.balances = {QUOTE: Balance(START_QUOTE)}
        self.balances |= {one.base: Balance(START_BASE) for one in instruments}

    def affords(self, order: Order, plan: Plan) -> bool:
        """Tell whether what the order gives away is free."""
        return self._needed(order, plan) <= self._given(order).free

    def reserve(self, order: Order, plan: Plan) -> None:
        """Lock what the order gives away, to the last lot."""
        amount, balance = self._needed(order, plan), self._given(order)
        balance.free -= amount
        balance.locked += amount
        order.locked = amount

    def settle(self, order: Order, price: int, lots: int, *, maker: bool) -> Settled:
        """Exchange coins; the fee is taken from what is received."""
        instrument = order.instrument
        quantity, value = instrument.lot.exact(lots), worth(instrument, price * lots)
        given, base, quote = self._given(order), self.balances[instrument.base], self.balances[instrument.quote]
        if order.side is Side.BUY:
            # A limit has locked its own price: what the deal was cheaper comes back.
            limit = price if order.ticket.price is None else order.ticket.price
            part = worth(instrument, limit * lots)
            given.free += part - value
            received, to, asset = quantity, base, instrument.base
        else:
            part, received, to, asset = quantity, value, quote, instrument.quote
        given.locked -= part
        order.locked -= part
        fee = rounded(received * self.fees.rate(maker=maker))
        to.free += received - fee
        return Settled(fee, asset)

    def release(self, order: Order) -> None:
        """Unlock what was not needed."""
        balance = self._given(order)
        balance.locked -= order.locked
        balance.free += order.locked
        order.locked = NOTHING

    def _given(self, order: Order) -> Balance:
        return self.balances[order.instrument.quote if order.side is Side.BUY else order.instrument.base]

    @staticmethod
    def _needed(order: Order, plan: Plan) -> Decimal:
        ticket, instrument = order.ticket, order.instrument
        if ticket.side is Side.BUY and ticket.price is not None:
            return worth(instrument, ticket.price * ticket.lots)
        if ticket.side is Side.BUY:
            return worth(instrument, sum(fill.price * fill.lots for fill in plan.fills))
        return instrument.lot.exact(ticket.lots or sum(fill.lots for fill in plan.fills))


@dataclass(slots=True)
class Position:
    """What is held of one perpetual: `lots` below zero is short; `cost` is what its lots were opened for."""

    listing: Listing
    lots: int = 0
    cost: Decimal = NOTHING
    realized: Decimal = NOTHING
    opened_us: int = 0
    updated_us: int = 0

    @property
    def quantity(self) -> Decimal:
        """Return the size, below zero when short."""
        return self.listing.instrument.lot.exact(self.lots)

    @property
    def entry_price(self) -> Decimal:
        """Return the average price of what is held."""
        return rounded(self.cost / abs(self.quantity)) if self.lots else NOTHING

    @property
    def notional(self) -> Decimal:
        """Return its value at the mark price, below zero when short."""
        return self.quantity * Decimal(self.listing.mark_price)

    @property
    def unrealized(self) -> Decimal:
        """Return what closing at the mark price would earn."""
        return rounded(self.notional - (self.cost if self.lots > 0 else -self.cost)) if self.lots else NOTHING

    def deal(self, side: Side, price: int, lots: int) -> tuple[Decimal, int]:
        """Change the position; return what that earned and how many lots it closed."""
        instrument = self.listing.instrument
        closed = min(lots, abs(self.lots)) if self.lots * side.sign < 0 else 0
        earned = NOTHING
        if closed:
            # The last lot takes what rounding has left, so that the sum is exact.
            whole = closed == abs(self.lots)
            released = self.cost if whole else rounded(self.cost * closed / abs(self.lots))
            earned = (worth(instrument, price * closed) - released) * -side.sign
            self.cost -= released
            self.lots += side.sign * closed
        self.cost += worth(instrument, price * (lots - closed))
        self.lots += side.sign * (lots - closed)
        self.realized += earned
        return earned, closed


@dataclass(slots=True)
class Interest:
    """The orders that may enlarge a position of one perpetual, by number."""

    buys: dict[int, Order] = field(default_factory=dict)
    sells: dict[int, Order] = field(default_factory=dict)

    def of(self, side: Side) -> dict[int, Order]:
        """Return those of one side."""
        return self.buys if side is Side.BUY else self.sells


class MarginAccount:
    """USDT as margin for all positions together, one position a perpetual."""

    def __init__(self, listings: Iterable[Listing], fees: Fees, leverage: int, maintenance: Decimal) -> None:
        """Start with money and no position; `maintenance` is the part of a position that must remain as margin."""
        self.fees = fees
        self._rate = maintenance
        self.wallet = START_QUOTE
        self.positions = {one.instrument.symbol: Position(one) for one in listings}
        self.leverage = dict.fromkeys(self.positions, leverage)
        self._interest = {symbol: Interest() for symbol in self.positions}

    @property
    def unrealized(self) -> Decimal:
        """Return what closing all positions at the mark price would earn."""
        return sum((one.unrealized for one in self.held()), NOTHING)

    @property
    def available(self) -> Decimal:
        """Return what is free for further orders."""
        used = sum((self.margin(symbol) for symbol in self.positions), NOTHING)
        return self.wallet + self.unrealized - used

    def held(self) -> list[Position]:
        """Return the positions that are not flat."""
        return [one for one in self.positions.values() if one.lots]

    def margin(self, symbol: str) -> Decimal:
        """Return the initial margin of a position and of the orders that may enlarge it."""
        return self._margin(symbol, NOTHING, NOTHING)

    def position_margin(self, symbol: str) -> Decimal:
        """Return the initial margin of a position alone."""
        return rounded(abs(self.positions[symbol].notional) / self.leverage[symbol])

    def order_margin(self, symbol: str) -> Decimal:
        """Return what the orders of one perpetual add to the margin of its position."""
        return max(NOTHING, self.margin(symbol) - self.position_margin(symbol))

    def maintenance(self, position: Position) -> Decimal:
        """Return the margin that a position must keep."""
        return rounded(abs(position.notional) * self._rate)

    def liquidation_price(self, position: Position) -> Decimal:
        """Return the mark price at which the account's margin is used up by this position, 0 where there is none."""
        if not position.lots:
            return NOTHING
        others = [one for one in self.held() if one is not position]
        rest = self.wallet + sum((one.unrealized - self.maintenance(one) for one in others), NOTHING)
        size, sign = abs(position.quantity), 1 if position.lots > 0 else -1
        return max(NOTHING, rounded((position.cost - sign * rest) / (size * (1 - sign * self._rate))))

    def has_orders(self, symbol: str) -> bool:
        """Tell whether orders may enlarge a position."""
        interest = self._interest[symbol]
        return bool(interest.buys or interest.sells)

    def affords(self, order: Order, plan: Plan) -> bool:
        """Tell whether the order makes nothing larger, or margin and fee for it are free."""
        ticket, symbol = order.ticket, order.instrument.symbol
        if ticket.reduce_only:
            return True
        prices = [fill.price for fill in plan.fills]
        price = ticket.price if ticket.price is not None else max(prices, default=0)
        size = worth(order.instrument, price * ticket.lots)
        more = (size, NOTHING) if ticket.side is Side.BUY else (NOTHING, size)
        needed = self._margin(symbol, *more) - self.margin(symbol)
        return needed <= 0 or needed + rounded(size * self.fees.taker) <= self.available

    def reserve(self, order: Order, plan: Plan) -> None:
        """Count the order's margin."""
        del plan
        if not order.ticket.reduce_only:
            self._interest[order.instrument.symbol].of(order.side)[order.number] = order

    def settle(self, order: Order, price: int, lots: int, *, maker: bool) -> Settled:
        """Change the position, earn or lose by what was closed, and pay the fee."""
        instrument = order.instrument
        position = self.positions[instrument.symbol]
        realized, closed = position.deal(order.side, price, lots)
        position.updated_us = order.updated_us
        if abs(position.lots) == lots - closed:
            position.opened_us = order.updated_us
        fee = rounded(worth(instrument, price * lots) * self.fees.rate(maker=maker))
        self.wallet += realized - fee
        return Settled(fee, instrument.quote, realized, closed)

    def release(self, order: Order) -> None:
        """Count the order's margin no more."""
        self._interest[order.instrument.symbol].of(order.side).pop(order.number, None)

    def set_leverage(self, symbol: str, leverage: int) -> None:
        """Change how much a position of one perpetual may be of its margin."""
        self.leverage[symbol] = leverage

    def pay(self, amount: Decimal) -> None:
        """Receive or, below zero, pay for funding."""
        self.wallet += amount

    def _margin(self, symbol: str, buying: Decimal, selling: Decimal) -> Decimal:
        """Return the margin of the larger of what the position may become by its buys and by its sells."""
        held, interest = self.positions[symbol].notional, self._interest[symbol]
        buys, sells = (sum((_waiting(one) for one in interest.of(side).values()), NOTHING) for side in Side)
        most = max(abs(held + buys + buying), abs(held - sells - selling))
        return rounded(most / self.leverage[symbol])


def _waiting(order: Order) -> Decimal:
    """Return the value of what an order has not dealt yet."""
    return worth(order.instrument, (order.ticket.price or 0) * order.left)
