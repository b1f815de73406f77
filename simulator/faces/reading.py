"""What a face is whose venue is only read here: its market lives, and nobody trades with an account."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final, NoReturn

from simulator.booking import What
from simulator.chance import Chance
from simulator.frames import Kind
from simulator.journal import Funded
from simulator.ladder import Change
from simulator.market import Deal, Listing
from simulator.orders import Order, OwnFill
from simulator.terms import Terms
from simulator.wallets import Fees, Position

READ_ONLY: Final = "no order is ever taken at a venue that is only read"


class Reading:
    """The trading half of such a face: none of it can happen. Each message bears a number unless a face says so."""

    blind: tuple[Kind, ...] = ()
    away_s: float = 0.0

    def trade(self, listing: Listing, deals: tuple[Deal, ...], changes: list[Change], now_us: int) -> list[str]:
        """Refuse: clients deal nothing here."""
        _never(listing, deals, changes, now_us)

    def order(self, order: Order, what: What, fill: OwnFill | None, now_us: int) -> None:
        """Refuse: there are no orders."""
        _never(order, what, fill, now_us)

    def funding(self, paid: Funded, position: Position, now_us: int) -> None:
        """Refuse: nobody holds a position."""
        _never(paid, position, now_us)

    def leverage(self, position: Position, now_us: int) -> None:
        """Refuse: nobody holds a position."""
        _never(position, now_us)


def reading_terms(*, maker: str, taker: str) -> Terms:
    """Return the terms of a market that is only read: its fees."""
    return Terms(fees=Fees(maker=Decimal(maker), taker=Decimal(taker)), ids=_no_ids, refuses=frozenset())


def _no_ids(drawn: Chance) -> Iterator[str]:
    del drawn
    return iter(())


def _never(*_: object) -> NoReturn:
    raise RuntimeError(READ_ONLY)
