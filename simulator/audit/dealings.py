"""What one market dealt with clients, from its journal: orders, refusals, fills, funding, wallets, prices at the halt.

Quantities are of the base coin and exact. An order that a ban kept away has reached the venue too, though no list of
the venue's has it: its client id stands with the fault that hit it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

import msgspec

from simulator.audit.exact import ZERO, plus, times
from simulator.audit.market import Played
from simulator.journal import (
    AnyRecord,
    Balances,
    FaultEnded,
    FaultHit,
    FaultStarted,
    Filled,
    Funded,
    Mid,
    OrderChanged,
    OrderRefused,
)

REFUSED: Final = "refused"
"""The status of an order that the venue did not take."""
_ENDS: Final = frozenset({"filled", "cancelled", "expired"})
_SHUT: Final = frozenset({"ban", "429"})
"""Faults under which a venue does nothing that it is asked."""
_ORDERS: Final = "order"


def base_of(symbol: str) -> str:
    """Return the base coin of a symbol."""
    return symbol.partition("/")[0]


def quote_of(symbol: str) -> str:
    """Return the quote coin of a symbol."""
    return symbol.partition("/")[2]


class Dealt(msgspec.Struct, frozen=True, kw_only=True):
    """One fill; a simulated venue takes its fee in the symbol's base or quote coin."""

    place: str
    symbol: str
    id: str
    order_id: str
    client_id: str
    side: str
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_coin: str
    at_us: int

    @property
    def fill_id(self) -> str:
        """Return the id by which Postgres knows it: where both sides of a trade are ours, they share the trade's."""
        return f"{self.id}:{self.order_id}"

    @property
    def fee_quote(self) -> Decimal:
        """Return the fee in quote coin, one in base coin at the price of this fill."""
        return self.fee if self.fee_coin == quote_of(self.symbol) else times(self.fee, self.price)


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One order as the venue has it: `status` is the last one, `order_id` is empty where it was refused.

    `ended_us` is when it was over for the first time; `late` tells that it was dealt after that.
    """

    place: str
    symbol: str
    client_id: str
    order_id: str
    side: str
    status: str
    begin_us: int
    ended_us: int | None = None
    late: bool = False
    filled: Decimal = ZERO
    value: Decimal = ZERO
    fills: tuple[Dealt, ...] = ()


class Away(msgspec.Struct, frozen=True, kw_only=True):
    """A time in which something could not act: a place that refused everything, or without a place all of them."""

    name: str
    begin_us: int
    end_us: int | None
    place: str | None = None


class Payment(msgspec.Struct, frozen=True, kw_only=True):
    """Funding that an account received or, below zero, paid."""

    symbol: str
    amount: Decimal
    coin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dealings:
    """All of one market; `realized` is what futures positions earned, by symbol, as the market booked it."""

    place: str
    seen: Sequence[Seen] = ()
    kept_away: Sequence[str] = ()
    fills: Sequence[Dealt] = ()
    payments: Sequence[Payment] = ()
    realized: Mapping[str, Decimal] = field(default_factory=dict)
    start: Balances | None = None
    halt: Balances | None = None
    mids: Mapping[str, Decimal] = field(default_factory=dict)
    shut: Sequence[Away] = ()
    halted_us: int | None = None
    last_us: int = 0
    """When something was written last of orders and accounts."""

    @property
    def end_us(self) -> int:
        """Return when the market was halted, else the last that is known of it."""
        return self.last_us if self.halted_us is None else self.halted_us

    @property
    def has_orders(self) -> bool:
        """Whether any order reached the venue."""
        return bool(self.seen or self.kept_away)


@dataclass(slots=True)
class _Ledger:
    """What was read so far."""

    place: str
    orders: dict[str, list[OrderChanged]] = field(default_factory=dict)
    refused: list[Seen] = field(default_factory=list)
    fills: list[Dealt] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)
    realized: dict[str, Decimal] = field(default_factory=dict)
    balances: dict[str, Balances] = field(default_factory=dict)
    mids: dict[str, Decimal] = field(default_factory=dict)
    last_us: int = 0

    def take(self, record: AnyRecord) -> None:
        """Take the next record."""
        self.last_us = max(self.last_us, record.at_us)
        if isinstance(record, OrderChanged):
            self.orders.setdefault(record.order_id, []).append(record)
        elif isinstance(record, OrderRefused):
            self.refused.append(
                Seen(
                    place=self.place, symbol=record.symbol, client_id=record.client_id, order_id="", side=record.side,
                    status=REFUSED, begin_us=record.at_us, ended_us=record.at_us,
                )
            )  # fmt: skip
        elif isinstance(record, Filled):
            self._filled(record)
        elif isinstance(record, Funded):
            self.payments.append(Payment(symbol=record.symbol, amount=Decimal(record.amount), coin=record.asset))
        elif isinstance(record, Balances):
            self.balances[record.moment] = record
        elif isinstance(record, Mid):
            self.mids[record.symbol] = Decimal(record.price)

    def _filled(self, record: Filled) -> None:
        if record.realized is not None:
            before = self.realized.get(record.symbol, ZERO)
            self.realized[record.symbol] = plus(before, Decimal(record.realized))
        self.fills.append(
            Dealt(
                place=self.place, symbol=record.symbol, id=record.trade_id, order_id=record.order_id,
                client_id=record.client_id, side=record.side, price=Decimal(record.price),
                quantity=Decimal(record.quantity), fee=Decimal(record.fee), fee_coin=record.fee_asset,
                at_us=record.at_us,
            )
        )  # fmt: skip


def dealings_of(played: Played) -> Dealings:
    """Return what a market dealt."""
    ledger = _Ledger(played.place)
    for record in played.own:
        ledger.take(record)
    fills: dict[str, list[Dealt]] = {}
    for one in ledger.fills:
        fills.setdefault(one.order_id, []).append(one)
    taken = [_seen(played.place, states, fills.get(name, ())) for name, states in ledger.orders.items()]
    return Dealings(
        place=played.place,
        seen=(*taken, *ledger.refused),
        kept_away=tuple(name for hit in _hits(played.events) if hit.action == REFUSED for name in hit.ids if name),
        fills=tuple(ledger.fills),
        payments=tuple(ledger.payments),
        realized=ledger.realized,
        start=ledger.balances.get("start"),
        halt=ledger.balances.get("halt"),
        mids=ledger.mids,
        shut=tuple(_shut(played)),
        halted_us=played.halted_us,
        last_us=ledger.last_us,
    )


def _seen(place: str, states: Sequence[OrderChanged], fills: Iterable[Dealt]) -> Seen:
    first, last = states[0], states[-1]
    ended = next((one for one in states if one.status in _ENDS), None)
    return Seen(
        place=place,
        symbol=first.symbol,
        client_id=first.client_id,
        order_id=first.order_id,
        side=first.side,
        status=last.status,
        begin_us=first.at_us,
        ended_us=None if ended is None else ended.at_us,
        late=ended is not None and ended.status != "filled" and last.status == "filled",
        filled=Decimal(last.filled),
        value=Decimal(last.value),
        fills=tuple(fills),
    )


def _hits(events: Iterable[AnyRecord]) -> Iterable[FaultHit]:
    return (one for one in events if isinstance(one, FaultHit) and one.channel == _ORDERS)


def _shut(played: Played) -> Iterable[Away]:
    ends = {one.fault_id: one.at_us for one in played.events if isinstance(one, FaultEnded)}
    for one in played.events:
        if isinstance(one, FaultStarted) and one.fault in _SHUT:
            yield Away(name=one.fault, begin_us=one.at_us, end_us=ends.get(one.fault_id), place=played.place)
