"""What follows when the matching has decided: money moves, the journal has it, then the owner hears of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

from simulator import ledger
from simulator.journal import AnyRecord, Funded
from simulator.ladder import Change
from simulator.market import Deal, Listing
from simulator.orders import NOTHING, Order, Orders, OwnFill, Refusal, Status, Ticket
from simulator.wallets import Account, Position
from tapeline.domain.matching import End, Fill

What = Literal["new", "trade", "cancelled", "expired"]


class Venue(Protocol):
    """The venue's face, as the trading side needs it."""

    def trade(self, listing: Listing, deals: tuple[Deal, ...], changes: list[Change], now_us: int) -> list[str]:
        """Tell all the world trades and what they changed in the book; return their ids, one for each fill."""

    def order(self, order: Order, what: What, fill: OwnFill | None, now_us: int) -> None:
        """Tell the owner of an order that has just changed."""

    def funding(self, paid: Funded, position: Position, now_us: int) -> None:
        """Tell the owner of a payment."""

    def leverage(self, position: Position, now_us: int) -> None:
        """Tell the owner of another leverage."""


class Booking:
    """Changes orders and the account that they belong to."""

    def __init__(self, account: Account, orders: Orders, venue: Venue, write: Callable[[AnyRecord], None]) -> None:
        """Book for one account."""
        self._account = account
        self._orders = orders
        self._venue = venue
        self._write = write
        self._fills = 0
        self.last: dict[str, int] = {}
        """symbol -> number of its last fill."""

    def refused(self, ticket: Ticket, refusal: Refusal, now_us: int) -> None:
        """Note an order that was not taken."""
        symbol, side = ticket.listing.instrument.symbol, ticket.side.value
        self._write(ledger.refused(symbol, ticket.client_id, side, refusal.value, now_us))

    def taken(self, order: Order, now_us: int) -> None:
        """Keep an order whose money is set aside."""
        self._orders.add(order)
        self._say(order, "new", None, now_us)

    def dealt(self, order: Order, fill: Fill, trade_id: str, now_us: int, *, maker: bool, ends: bool) -> None:
        """Book a fill; `ends` says that it was the last."""
        order.updated_us = now_us
        settled = self._account.settle(order, fill.price, fill.lots, maker=maker)
        self._fills += 1
        self.last[order.instrument.symbol] = self._fills
        order.filled += fill.lots
        order.value += fill.price * fill.lots
        order.fees[settled.asset] = order.fees.get(settled.asset, NOTHING) + settled.fee
        order.status = Status.FILLED if ends else Status.PARTLY
        own = OwnFill(
            id=trade_id,
            order=order,
            price=fill.price,
            lots=fill.lots,
            maker=maker,
            fee=settled.fee,
            asset=settled.asset,
            realized=settled.realized,
            closed=settled.closed,
            left=order.left,
            at_us=now_us,
            number=self._fills,
        )
        order.fills.append(own)
        if ends:
            order.end = End.FILLED
            self._close(order)
        self._write(ledger.filled(own))
        self._say(order, "trade", own, now_us)

    def ended(self, order: Order, end: End, now_us: int) -> None:
        """End an order that is not filled."""
        order.status, order.end, order.updated_us = Status.EXPIRED, end, now_us
        self._close(order)
        self._say(order, "expired", None, now_us)

    def cancelled(self, order: Order, now_us: int, *, release: bool) -> None:
        """End an order as its owner asked; its money may have to stay where it is for a while."""
        order.status, order.updated_us = Status.CANCELLED, now_us
        if release:
            self._close(order)
        else:
            self._orders.close(order)
        self._say(order, "cancelled", None, now_us)

    def _close(self, order: Order) -> None:
        self._account.release(order)
        self._orders.close(order)

    def _say(self, order: Order, what: What, fill: OwnFill | None, now_us: int) -> None:
        self._write(ledger.changed(order, now_us))
        self._venue.order(order, what, fill, now_us)
