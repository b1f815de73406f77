"""What a client asked for, what became of it, and the list of all: an id names one order for ever."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from simulator.instruments import Instrument
from simulator.market import Listing
from tapeline.domain import matching
from tapeline.domain.matching import End, Force, Side

NOTHING = Decimal(0)
MOST_ENDED = 50_000
"""So many orders that have ended can still be asked for."""


class Status(StrEnum):
    """How far an order is."""

    NEW = "new"
    PARTLY = "partially_filled"
    FILLED = "filled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


OPEN = (Status.NEW, Status.PARTLY)


class Refusal(StrEnum):
    """Why an order or a cancel is not taken; each venue has its own words and numbers for it."""

    CLOSED = "market_closed"
    INSUFFICIENT = "insufficient_balance"
    DUPLICATE = "duplicate_client_id"
    UNKNOWN = "unknown_order"
    FILLED = "already_filled"
    CANCELLED = "already_cancelled"
    WOULD_TAKE = "would_take"
    NOT_WHOLE = "not_whole"
    NOT_REDUCING = "not_reducing"


REFUSALS = {
    End.WOULD_TAKE: Refusal.WOULD_TAKE,
    End.NOT_WHOLE: Refusal.NOT_WHOLE,
    End.NOT_REDUCING: Refusal.NOT_REDUCING,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """An order as a client asks for it, checked against the instrument's rules.

    `price` is the limit, None where it takes what there is; a market order may have one as a guard. `words` are the
    venue's own for what it is, as the client gave them.
    """

    listing: Listing
    side: Side
    client_id: str
    lots: int = 0
    budget: int | None = None
    price: int | None = None
    force: Force = Force.GTC
    is_market: bool = False
    reduce_only: bool = False
    words: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnFill:
    """A part of an order that was dealt; `realized` is what a futures position earned by it, before the fee."""

    id: str
    order: Order
    price: int
    lots: int
    maker: bool
    fee: Decimal
    asset: str
    realized: Decimal | None
    closed: int
    left: int
    at_us: int
    number: int


@dataclass(slots=True, eq=False, kw_only=True)
class Order:
    """An order that the venue has taken; `number` names it to the matching, `id` to the client.

    `cancel_id` is the client's own for the request that is to end it.
    """

    number: int
    id: str
    ticket: Ticket
    at_us: int
    updated_us: int
    visible_us: int
    status: Status = Status.NEW
    end: End | None = None
    cancel_id: str = ""
    filled: int = 0
    value: int = 0
    locked: Decimal = NOTHING
    fees: dict[str, Decimal] = field(default_factory=dict)
    fills: list[OwnFill] = field(default_factory=list)

    @property
    def instrument(self) -> Instrument:
        """Return what it trades."""
        return self.ticket.listing.instrument

    @property
    def client_id(self) -> str:
        """Return the client's own id."""
        return self.ticket.client_id

    @property
    def side(self) -> Side:
        """Return whether it buys or sells."""
        return self.ticket.side

    @property
    def is_open(self) -> bool:
        """Tell whether it may still be dealt."""
        return self.status in OPEN

    @property
    def lots(self) -> int:
        """Return how much it is for; with a budget, what it has come to."""
        return self.ticket.lots or self.filled

    @property
    def left(self) -> int:
        """Return how much is not dealt."""
        return self.lots - self.filled

    @property
    def worth(self) -> Decimal:
        """Return what was dealt, in the quote coin, exactly."""
        return worth(self.instrument, self.value)

    def average(self) -> Decimal | None:
        """Return the price over all fills, None without one."""
        return self.worth / self.instrument.lot.exact(self.filled) if self.filled else None

    def as_asked(self) -> matching.Order:
        """Return it in the words of the matching."""
        ticket = self.ticket
        return matching.Order(
            id=self.number,
            owner=ACCOUNT,
            side=ticket.side,
            lots=ticket.lots,
            price=ticket.price,
            force=ticket.force,
            reduce_only=ticket.reduce_only,
            budget=ticket.budget,
        )


ACCOUNT = "1"
"""The one account of an exchange, as the journal and the matching name it."""


def worth(instrument: Instrument, value: int) -> Decimal:
    """Return so many ticks times lots in the quote coin, exactly."""
    return instrument.tick.exact(1) * instrument.lot.exact(value)


class Orders:
    """The orders of an exchange, the newest last; of those that have ended the venue forgets the oldest."""

    def __init__(self) -> None:
        """Start with none."""
        self._all: dict[int, Order] = {}
        self._ended: deque[Order] = deque()
        self._by_id: dict[str, Order] = {}
        self._by_client_id: dict[str, Order] = {}
        self._open: dict[int, Order] = {}

    def add(self, order: Order) -> None:
        """Keep an order; a client id that is used again names the newest from now on, none is no name."""
        self._all[order.number] = order
        self._by_id[order.id] = order
        if order.client_id:
            self._by_client_id[order.client_id] = order
        self._open[order.number] = order

    def close(self, order: Order) -> None:
        """Take an order off the list of the open ones; harmless when it is off already."""
        if self._open.pop(order.number, None) is None:
            return
        self._ended.append(order)
        if len(self._ended) > MOST_ENDED:
            old = self._ended.popleft()
            del self._all[old.number], self._by_id[old.id]
            if self._by_client_id.get(old.client_id) is old:
                del self._by_client_id[old.client_id]

    def numbered(self, number: int) -> Order:
        """Return the order with the matching's id."""
        return self._all[number]

    def known(self, client_id: str, *, ever: bool) -> bool:
        """Tell whether a client id is taken, by an open order or by any there ever was."""
        found = self._by_client_id.get(client_id)
        return found is not None and (ever or found.is_open)

    def find(self, order_id: str, client_id: str, now_us: int) -> Order | None:
        """Return an order by its id or, without one, by the client's, once it is to be seen."""
        found = self._by_id.get(order_id) if order_id else self._by_client_id.get(client_id)
        return found if found is not None and found.visible_us <= now_us else None

    def open(self, now_us: int) -> list[Order]:
        """Return the open orders that are to be seen."""
        return [one for one in self._open.values() if one.visible_us <= now_us]

    def every(self, now_us: int) -> Iterator[Order]:
        """Yield all orders that are to be seen."""
        return (one for one in self._all.values() if one.visible_us <= now_us)
