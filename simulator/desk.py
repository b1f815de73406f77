"""Where clients trade: orders meet the market's own book, what rests waits for its next step, funding is paid.

Between two steps of the market an order takes from its book at once; what rests is dealt when a step comes to it. When
nobody trades nothing happens here, and the market is what the seed makes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Protocol

from simulator import chance, ledger
from simulator.agenda import Agenda, Deed
from simulator.booking import Booking, Venue
from simulator.deals import as_deals, at_most, parted, rests_on, takes_from, without
from simulator.instruments import QUOTE
from simulator.journal import AnyRecord
from simulator.ladder import BID
from simulator.lateness import Lateness
from simulator.market import Deal, Listing, Market, Step
from simulator.orders import ACCOUNT, REFUSALS, Order, Orders, Refusal, Status, Ticket
from simulator.terms import FUNDING_S, Key, Terms
from simulator.wallets import MarginAccount, Position, SpotAccount, rounded
from tapeline.domain.matching import End, Fill, Gone, Hits, Level, Matching, Plan, Side

LATE_US = 300_000
"""How long after its cancel was answered a late fill comes."""
_HALF = 2
_US_PER_MS = 1000


@dataclass(frozen=True, slots=True)
class Blow:
    """What a fault does to an order; `hold_s` is how long the client waits for an answer that never comes.

    `taken` says of a venue that calls a client id taken that it has taken this very order. With `late_us` all the world
    sees the order dealt at once, but order, fills, stream and account know it so much later, half of it where it may be
    `halved`.
    """

    name: str
    hold_s: float = 0.0
    visible_after_ms: int = 0
    taken: bool = False
    late_us: int = 0
    halved: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """The venue has the order; the blow is what became of its answer."""

    order: Order
    blow: Blow | None = None


class Strikes(Protocol):
    """The faults of orders."""

    def befall(self, ticket: Ticket, takes: int) -> Blow | None:
        """Return what happens to an order that would take so many lots at once."""

    def befall_cancel(self, order: Order) -> bool:
        """Tell whether an order is dealt although its cancel is answered."""


class Desk:
    """The trading side of one exchange, with its one account."""

    def __init__(
        self, market: Market, *, venue: str, kind: str, seed: int, terms: Terms, key: Key, funding_s: int = FUNDING_S
    ) -> None:
        """Open the account."""
        self.market = market
        self.terms = terms
        self.key = key
        self.orders = Orders()
        self.funding_ms = funding_s * 1000
        self.agenda = Agenda()
        self.halted = False
        self.resting = 0
        self.account: SpotAccount | MarginAccount
        if kind == "spot":
            self.account = SpotAccount((one.instrument for one in market.listings), terms.fees)
        else:
            self.account = MarginAccount(market.listings, terms.fees, terms.leverage, terms.maintenance)
        self._ids = terms.ids(chance.stream(seed, venue, kind, "orders"))
        self._count = 0
        self._late = Lateness(self.agenda)
        self._engines = {one.instrument.symbol: Matching() for one in market.listings}

    @property
    def coins(self) -> SpotAccount:
        """Return the account of a spot market."""
        if not isinstance(self.account, SpotAccount):
            raise TypeError("futures have no coins")
        return self.account

    @property
    def margin(self) -> MarginAccount:
        """Return the account of a futures market."""
        if not isinstance(self.account, MarginAccount):
            raise TypeError("spot has no margin")
        return self.account

    def bind(self, venue: Venue, strikes: Strikes, write: Callable[[AnyRecord], None]) -> None:
        """Learn where trades, events and records go, and what may go wrong."""
        self._venue, self._strikes, self._write = venue, strikes, write
        self._booking = Booking(self.account, self.orders, venue, write)

    # what clients ask

    def place(self, ticket: Ticket, now_us: int) -> Taken | Refusal:
        """Take an order, or say why not."""
        order = Order(
            number=self._count + 1,
            id=next(self._ids),
            ticket=ticket,
            at_us=now_us,
            updated_us=now_us,
            visible_us=now_us,
        )
        plan = self._plan(order)
        refusal, blow = self._refusal(order, plan), None
        if refusal is None:
            takes = sum(fill.lots for fill in plan.fills)
            blow = self._strikes.befall(ticket, takes)
            refusal = _refused_by(blow)
            if blow is not None and blow.name == "partial":
                plan = self._plan(order, takes // 2)
        if refusal is not None:
            self._booking.refused(ticket, refusal, now_us)
            return refusal
        if blow is not None:
            order.visible_us += blow.visible_after_ms * _US_PER_MS
        self._take(order, plan, blow, now_us)
        return Taken(order, blow)

    def broke_rule(self, listing: Listing, client_id: str, side: str, code: int, now_us: int) -> None:
        """Note an order that is none by the venue's rules, with the code by which it was refused."""
        self._write(ledger.refused(listing.instrument.symbol, client_id, side, f"code {code}", now_us))

    def cancel(self, order: Order, now_us: int) -> Refusal | None:
        """Take an open order off the book, or say why not."""
        if order.number in self._late and order.is_open:
            # It is dealt, only nobody has been told.
            return Refusal.FILLED
        if not order.is_open:
            return Refusal.FILLED if order.status is Status.FILLED else Refusal.CANCELLED
        left = self._engine(order).cancel(order.number)
        self.resting -= 1
        late = self._strikes.befall_cancel(order)
        if late:
            self._late.put(order.number, now_us + LATE_US, (partial(self._fill_late, order, left),))
        self._booking.cancelled(order, now_us, release=not late)
        return None

    def set_leverage(self, position: Position, leverage: int, now_us: int) -> None:
        """Change the leverage of one perpetual."""
        self.margin.set_leverage(position.listing.instrument.symbol, leverage)
        self._venue.leverage(position, now_us)

    def seq_of(self, symbol: str) -> int:
        """Return the number of the last fill of an instrument, -1 when there was none."""
        return self._booking.last.get(symbol, -1)

    def rests(self, order: Order) -> bool:
        """Tell whether an order waits in the book."""
        return self._engine(order).left(order.number) > 0

    # what the market does

    def open(self, now_us: int) -> None:
        """Write down what the account begins with."""
        self._write(ledger.balances(self.account, QUOTE, "start", now_us))
        if isinstance(self.account, MarginAccount):
            self.agenda.put(self._next_funding_us(now_us), self._pay_funding)

    def advance(self, step: Step, now_us: int) -> Step:
        """Let what rests meet a step of the market; return the step as the market then has made it."""
        engine, ladder = self._engines[step.listing.instrument.symbol], step.listing.ladder
        if not len(engine):
            return step
        deals: list[Deal] = []
        for deal in step.deals:
            hits = engine.hit(Side.BUY if deal.side == BID else Side.SELL, deal.price, sum(deal.fills))
            if hits.fills:
                ladder.give(deal.side, deal.price, hits.lots)
                self._made(step.listing, deal.side, hits, now_us)
            deals.extend(without(deal, hits.lots))
        for side in Side:
            hits = engine.meet(side, ladder.offers(takes_from(side)))
            if hits.fills:
                ladder.take(takes_from(side), hits.taken)
                self._made(step.listing, rests_on(side), hits, now_us)
        return Step(step.listing, tuple(deals))

    def halt(self, now_us: int) -> None:
        """Take no more orders; what was to come late comes now; write down what the account has."""
        self._late.hurry(now_us)
        self.halted = True
        for mid in ledger.mids(self.market, now_us):
            self._write(mid)
        self._write(ledger.balances(self.account, QUOTE, "halt", now_us))

    # inside

    def _refusal(self, order: Order, plan: Plan) -> Refusal | None:
        if self.halted:
            return Refusal.CLOSED
        if self.orders.known(order.client_id, ever=self.terms.once):
            return Refusal.DUPLICATE
        if plan.end in self.terms.refuses and not plan.fills:
            return REFUSALS[plan.end]
        return None if self.account.affords(order, plan) else Refusal.INSUFFICIENT

    def _take(self, order: Order, plan: Plan, blow: Blow | None, now_us: int) -> None:
        self._count += 1
        self.account.reserve(order, plan)
        gone = self._engine(order).accept(plan)
        self.resting += bool(plan.resting)
        self._booking.taken(order, now_us)
        self._expire((one for one in gone if one.end is End.OWN_ORDER), now_us)
        fills, at_once = plan.fills, None
        if blow is not None and blow.late_us:
            told, rest = parted(fills, sum(fill.lots for fill in fills) // _HALF if blow.halved else 0)
            fills, at_once = (*told, *rest), len(told)
        deeds = self._dealt(order, fills, plan, now_us)
        for deed in deeds[:at_once]:
            deed(now_us)
        if at_once is not None and blow is not None:
            self._late.put(order.number, now_us + blow.late_us, deeds[at_once:])
        self._expire((one for one in gone if one.end is not End.OWN_ORDER), now_us)

    def _dealt(self, order: Order, fills: tuple[Fill, ...], plan: Plan, now_us: int) -> list[Deed]:
        """Tell all the world what an order took at once; return what is to be booked of it, one after the other."""
        deeds: list[Deed] = []
        if fills:
            listing, side = order.ticket.listing, takes_from(order.side)
            listing.ladder.changes = []
            if plan.taken:
                listing.ladder.take(side, plan.taken)
            ids = self._venue.trade(listing, as_deals(side, fills), listing.ladder.changes, now_us)
            for number, (fill, trade_id) in enumerate(zip(fills, ids, strict=True), 1):
                if fill.maker is not None:
                    self._book_maker(fill, trade_id, now_us)
                ends = plan.end is End.FILLED and number == len(fills)
                deeds.append(partial(self._booking.dealt, order, fill, trade_id, maker=False, ends=ends))
        if plan.end is not None and plan.end is not End.FILLED:
            deeds.append(partial(self._booking.ended, order, plan.end))
        return deeds

    def _made(self, listing: Listing, side: int, hits: Hits, now_us: int) -> None:
        """Tell and book what resting orders dealt; the step itself tells what that changed in the book."""
        ids = self._venue.trade(listing, as_deals(side, hits.fills), [], now_us)
        for fill, trade_id in zip(hits.fills, ids, strict=True):
            self._book_maker(fill, trade_id, now_us)
        self._expire(hits.gone, now_us)

    def _book_maker(self, fill: Fill, trade_id: str, now_us: int) -> None:
        order = self.orders.numbered(fill.maker or 0)
        ends = fill.lots == order.left
        self.resting -= ends
        self._booking.dealt(order, fill, trade_id, now_us, maker=True, ends=ends)

    def _fill_late(self, order: Order, left: int, now_us: int) -> None:
        gone = self._engine(order).dealt(ACCOUNT, order.side, left)
        fill = Fill(order.ticket.price or 0, left, order.number, None)
        deals = as_deals(rests_on(order.side), (fill,))
        (trade_id,) = self._venue.trade(order.ticket.listing, deals, [], now_us)
        self._booking.dealt(order, fill, trade_id, now_us, maker=True, ends=True)
        self._expire(gone, now_us)

    def _expire(self, gone: Iterable[Gone], now_us: int) -> None:
        for one in gone:
            self.resting -= 1
            self._booking.ended(self.orders.numbered(one.id), one.end, now_us)

    def _pay_funding(self, now_us: int) -> None:
        self.agenda.put(self._next_funding_us(now_us), self._pay_funding)
        for position in self.margin.held():
            mark, rate = position.listing.mark_price, position.listing.funding_rate
            amount = -rounded(position.quantity * Decimal(mark) * Decimal(rate))
            self.margin.pay(amount)
            paid = ledger.funded(position, mark=mark, rate=rate, amount=amount, at_us=now_us)
            self._write(paid)
            self._venue.funding(paid, position, now_us)

    def _next_funding_us(self, now_us: int) -> int:
        every_us = self.funding_ms * _US_PER_MS
        return (now_us // every_us + 1) * every_us

    def _engine(self, order: Order) -> Matching:
        return self._engines[order.instrument.symbol]

    def _plan(self, order: Order, most: int | None = None) -> Plan:
        levels: Iterable[Level] = order.ticket.listing.ladder.offers(takes_from(order.side))
        return self._engine(order).plan(order.as_asked(), levels if most is None else at_most(levels, most))


def _refused_by(blow: Blow | None) -> Refusal | None:
    """Return the reason that a fault gives for not taking an order."""
    if blow is not None and blow.name in {"refuse", "leg-refused"}:
        return Refusal.INSUFFICIENT
    return Refusal.DUPLICATE if blow is not None and blow.name == "duplicate-id" and not blow.taken else None
