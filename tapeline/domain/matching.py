"""Orders against a market that moves by itself, in whole ticks and lots: price first, then time, and nothing rounds.

The market is a ladder of levels that somebody else moves. An order takes from it, the best level first. What is left
of it rests unseen: a trade that comes to its price deals with it before it deals with the market's own quantity, and a
market that moves through its price deals with it at that price. `plan` says what an order would do and changes
nothing; `accept` does it.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

Level = tuple[int, int]
"""price in ticks, lots."""


class Side(StrEnum):
    """Whether an order buys or sells."""

    BUY = "buy"
    SELL = "sell"

    @property
    def other(self) -> Side:
        """Return the side that it deals with."""
        return Side.SELL if self is Side.BUY else Side.BUY

    @property
    def sign(self) -> int:
        """Return 1 for what buying does to a position, -1 for what selling does."""
        return 1 if self is Side.BUY else -1

    def reaches(self, limit: int | None, price: int) -> bool:
        """Tell whether an order of this side with this limit may deal at a price."""
        return limit is None or (price <= limit if self is Side.BUY else price >= limit)


class Force(StrEnum):
    """What becomes of an order that cannot be dealt at once and in whole."""

    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"
    POST_ONLY = "post_only"


class End(StrEnum):
    """Why an order does not rest (any more)."""

    FILLED = "filled"
    UNFILLED = "unfilled"
    NOT_WHOLE = "not_whole"
    WOULD_TAKE = "would_take"
    NOT_REDUCING = "not_reducing"
    OWN_ORDER = "own_order"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a client wants; without a price it takes what there is and never rests.

    `budget` stands in for `lots`: how many ticks times lots a market order may come to.
    """

    id: int
    owner: str
    side: Side
    lots: int = 0
    price: int | None = None
    force: Force = Force.GTC
    reduce_only: bool = False
    budget: int | None = None

    def __post_init__(self) -> None:
        """Refuse what no venue would take."""
        if (self.lots < 1) == (self.budget is None) or (self.budget is not None and self.price is not None):
            raise ValueError("an order has lots, or is a market order with a budget")


@dataclass(frozen=True, slots=True)
class Fill:
    """Lots dealt at a price; an order is named by its id, the market by None."""

    price: int
    lots: int
    maker: int | None
    taker: int | None


@dataclass(frozen=True, slots=True)
class Gone:
    """A resting order that went without being filled, with the lots that it had left."""

    id: int
    lots: int
    end: End


@dataclass(frozen=True, slots=True)
class Plan:
    """What an order would do: deal, take others of the same owner out of its way, rest, or end."""

    order: Order
    fills: tuple[Fill, ...] = ()
    in_the_way: tuple[int, ...] = ()
    resting: int = 0
    end: End | None = None
    version: int = 0

    @property
    def taken(self) -> tuple[Level, ...]:
        """Return what the market loses: whole levels from the best on, and a part of the last."""
        return tuple((fill.price, fill.lots) for fill in self.fills if fill.maker is None)


@dataclass(frozen=True, slots=True)
class Hits:
    """What the market's own trades and moves did to resting orders; `taken` is what the market loses."""

    fills: tuple[Fill, ...] = ()
    taken: tuple[Level, ...] = ()
    gone: tuple[Gone, ...] = ()

    @property
    def lots(self) -> int:
        """Return how much was dealt."""
        return sum(fill.lots for fill in self.fills)


@dataclass(slots=True, eq=False)
class _Resting:
    order: Order
    price: int
    left: int
    rank: tuple[int, int]


@dataclass(slots=True)
class _Held:
    """The positions while a plan is made, so that reduce-only orders stop where there is nothing left to reduce."""

    lots: dict[str, int] = field(default_factory=dict)

    def room(self, order: Order) -> int | None:
        """Return how many lots a reduce-only order may deal; None where there is no such bound."""
        return max(0, -order.side.sign * self.lots.get(order.owner, 0)) if order.reduce_only else None

    def within(self, order: Order, lots: int) -> int:
        """Return the part of these lots that an order may deal."""
        room = self.room(order)
        return lots if room is None else min(lots, room)

    def deal(self, owner: str, side: Side, lots: int) -> None:
        """Count what an owner dealt."""
        self.lots[owner] = self.lots.get(owner, 0) + side.sign * lots


class Matching:
    """The resting orders of one instrument, and what each owner has bought less what it has sold."""

    def __init__(self) -> None:
        """Start with no orders and no positions."""
        self._resting: dict[Side, list[_Resting]] = {Side.BUY: [], Side.SELL: []}
        self._by_id: dict[int, _Resting] = {}
        self._held = _Held()
        self._count = 0
        self._version = 0

    def __len__(self) -> int:
        """Return how many orders rest."""
        return len(self._by_id)

    def left(self, order_id: int) -> int:
        """Return how many lots of an order rest."""
        found = self._by_id.get(order_id)
        return 0 if found is None else found.left

    def held(self, owner: str) -> int:
        """Return what an owner has bought less what it has sold, in lots."""
        return self._held.lots.get(owner, 0)

    def dealt(self, owner: str, side: Side, lots: int) -> tuple[Gone, ...]:
        """Count lots that an owner dealt elsewhere; return its orders that have nothing left to reduce."""
        self._version += 1
        self._held.deal(owner, side, lots)
        return self._without_purpose({owner})

    # an order that arrives

    def plan(self, order: Order, levels: Iterable[Level]) -> Plan:
        """Say what an order would do now; `levels` are those of the market that it deals with, best first."""
        held = _Held(dict(self._held.lots))
        if held.room(order) == 0:
            return self._end(order, End.NOT_REDUCING)
        offers = self._offers(order, levels)
        if order.force is Force.POST_ONLY:
            if next(offers, None) is not None:
                return self._end(order, End.WOULD_TAKE)
            return Plan(order, resting=order.lots, version=self._version)
        fills, in_the_way = self._take(order, offers, held)
        left = order.lots - sum(fill.lots for fill in fills)
        end: End | None = None
        if order.budget is not None:
            spent = sum(fill.price * fill.lots for fill in fills)
            # What is left buys not one lot more at the price of the last, and the next one is no better.
            used_up = bool(fills) and order.budget - spent < fills[-1].price
            end = End.FILLED if used_up else End.UNFILLED
        elif left == 0:
            end = End.FILLED
        elif order.force is Force.FOK:
            return self._end(order, End.NOT_WHOLE)
        elif held.room(order) == 0:
            end = End.NOT_REDUCING
        elif order.price is None or order.force is Force.IOC:
            end = End.UNFILLED
        return Plan(order, tuple(fills), tuple(in_the_way), left if end is None else 0, end, self._version)

    def accept(self, plan: Plan) -> tuple[Gone, ...]:
        """Do what a plan says; return the resting orders that went without being filled.

        Raises ValueError when something has changed since the plan was made.
        """
        if plan.version != self._version:
            raise ValueError("the plan is not of this state")
        self._version += 1
        order = plan.order
        gone = [self._remove(one, End.OWN_ORDER) for one in plan.in_the_way]
        owners = {order.owner}
        for fill in plan.fills:
            self._held.deal(order.owner, order.side, fill.lots)
            if fill.maker is not None:
                owners.add(self._dealt(fill.maker, fill.lots))
        if plan.resting and order.price is not None:
            self._rest(order, order.price, plan.resting)
        return (*gone, *self._without_purpose(owners))

    def cancel(self, order_id: int) -> int:
        """Take a resting order away; return the lots that it had left, 0 for one that does not rest."""
        self._version += 1
        if order_id not in self._by_id:
            return 0
        return self._remove(order_id, End.UNFILLED).lots

    # what the market does by itself

    def hit(self, side: Side, price: int, lots: int) -> Hits:
        """Let the market trade with the resting orders of a side, down (or up) to a price and at most so many lots."""
        fills: list[Fill] = []
        held = _Held(dict(self._held.lots))
        for one in self._resting[side]:
            part = held.within(one.order, min(one.left, lots))
            if lots == 0 or not side.reaches(one.price, price):
                break
            if part:
                fills.append(Fill(one.price, part, one.order.id, None))
                held.deal(one.order.owner, side, part)
                lots -= part
        return self._done(fills, ())

    def meet(self, side: Side, levels: Iterable[Level]) -> Hits:
        """Deal the resting orders of a side with the levels of the market that have come to their prices."""
        fills: list[Fill] = []
        taken: list[Level] = []
        held = _Held(dict(self._held.lots))
        source = iter(levels)
        price, there = next(source, (0, 0))
        for one in self._resting[side]:
            left = held.within(one.order, one.left)
            while left and there and side.reaches(one.price, price):
                part = min(left, there)
                fills.append(Fill(one.price, part, one.order.id, None))
                before = taken.pop()[1] if taken and taken[-1][0] == price else 0
                taken.append((price, before + part))
                held.deal(one.order.owner, side, part)
                left, there = left - part, there - part
                if there == 0:
                    price, there = next(source, (0, 0))
        return self._done(fills, taken)

    # inside

    def _end(self, order: Order, end: End) -> Plan:
        return Plan(order, end=end, version=self._version)

    def _offers(self, order: Order, levels: Iterable[Level]) -> Iterator[tuple[int, int, _Resting | None]]:
        """Yield what an order may deal with, best first: at one price resting orders, then the market."""
        resting = iter(self._resting[order.side.other])
        one = next(resting, None)
        for price, lots in levels:
            if not order.side.reaches(order.price, price):
                break
            while one is not None and order.side.reaches(price, one.price):
                yield one.price, one.left, one
                one = next(resting, None)
            yield price, lots, None
        while one is not None and order.side.reaches(order.price, one.price):
            yield one.price, one.left, one
            one = next(resting, None)

    @staticmethod
    def _take(
        order: Order, offers: Iterator[tuple[int, int, _Resting | None]], held: _Held
    ) -> tuple[list[Fill], list[int]]:
        fills: list[Fill] = []
        in_the_way: list[int] = []
        left, budget = order.lots, order.budget
        for price, lots, resting in offers:
            room = held.within(order, left if budget is None else budget // price)
            if room == 0:
                break
            if resting is not None and resting.order.owner == order.owner:
                in_the_way.append(resting.order.id)
                continue
            part = min(room, lots if resting is None else held.within(resting.order, lots))
            if part == 0:
                continue
            fills.append(Fill(price, part, None if resting is None else resting.order.id, order.id))
            held.deal(order.owner, order.side, part)
            if resting is not None:
                held.deal(resting.order.owner, resting.order.side, part)
            left -= part
            budget = None if budget is None else budget - price * part
            if part == room < lots:
                # What is left of a budget must not skip the rest of this price for a lower one.
                break
        return fills, in_the_way

    def _done(self, fills: list[Fill], taken: Iterable[Level]) -> Hits:
        if not fills:
            return Hits()
        self._version += 1
        owners = {self._dealt(fill.maker, fill.lots) for fill in fills if fill.maker is not None}
        return Hits(tuple(fills), tuple(taken), self._without_purpose(owners))

    def _rest(self, order: Order, price: int, lots: int) -> None:
        self._count += 1
        one = _Resting(order, price, lots, (-order.side.sign * price, self._count))
        insort(self._resting[order.side], one, key=lambda other: other.rank)
        self._by_id[order.id] = one

    def _dealt(self, order_id: int, lots: int) -> str:
        """Take lots off a resting order and return its owner."""
        one = self._by_id[order_id]
        one.left -= lots
        self._held.deal(one.order.owner, one.order.side, lots)
        if one.left == 0:
            self._remove(order_id, End.FILLED)
        return one.order.owner

    def _remove(self, order_id: int, end: End) -> Gone:
        one = self._by_id.pop(order_id)
        self._resting[one.order.side].remove(one)
        return Gone(order_id, one.left, end)

    def _without_purpose(self, owners: set[str]) -> tuple[Gone, ...]:
        """Remove the reduce-only orders of these owners that have nothing left to reduce."""
        idle = [
            one.order.id
            for one in self._by_id.values()
            if one.order.reduce_only and one.order.owner in owners and self._held.room(one.order) == 0
        ]
        return tuple(self._remove(one, End.NOT_REDUCING) for one in idle)
