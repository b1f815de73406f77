"""Ours against theirs: a pure comparison whose repairs make the two agree; done again after them it finds nothing.

What does not carry our client id is never touched: it blocks its symbol and a person is told (K1, E-26).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec

from tapeline.domain import booking, positions
from tapeline.domain.account import AccountState, Block
from tapeline.domain.changes import Changes, Draft
from tapeline.domain.instruments import Market
from tapeline.domain.machines.order import OPEN, way
from tapeline.domain.money import ZERO, minus, plus, text, times
from tapeline.domain.orders import Answer, OurFill, OurOrder
from tapeline.domain.positions import OurPosition

Instrument = tuple[str, Market, str]


class TheirOrder(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An open order at the venue; `ours` where its client id has the shape of ours."""

    venue: str
    market: Market
    symbol: str
    client_order_id: str | None
    ours: bool
    answer: Answer


class Theirs(msgspec.Struct, frozen=True, kw_only=True):
    """What the venues said, of the markets that were read; what was not read proves nothing."""

    markets: frozenset[tuple[str, Market]]
    open_orders: tuple[TheirOrder, ...] = ()
    looked_up: Mapping[str, Answer]
    """Orders that were asked for by client id; one that never arrived is REJECTED."""
    fills: tuple[OurFill, ...] = ()
    """Fills of our client ids since our last one."""
    positions: Mapping[Instrument, Decimal]
    """What is held on futures, above zero long; a spot wallet does not say what of it was bought by us."""
    read_us: int
    """When reading began, in the database's time: what of ours has changed since then is left alone."""


class Booked(msgspec.Struct, frozen=True, kw_only=True):
    """All fills that we have booked of the orders and lives that are compared, oldest first."""

    fills: tuple[OurFill, ...] = ()


class Repairs(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done, in this order; nothing of it touches what is not ours."""

    restored_orders: tuple[OurOrder, ...] = ()
    """Rows whose amounts do not follow from their fills."""
    restored_positions: tuple[OurPosition, ...] = ()
    fills: tuple[OurFill, ...] = ()
    """Fills that we have missed."""
    answers: tuple[tuple[str, Answer], ...] = ()
    """States that we have missed, by client id."""
    look_ups: tuple[str, ...] = ()
    """Orders to be asked for by client id before anything more is known."""
    cancels: tuple[TheirOrder, ...] = ()
    """Open orders with an id of ours that no row knows: nobody would manage them, so they are cancelled."""
    blocks: tuple[Block, ...] = ()
    unblocked: tuple[Block, ...] = ()

    @property
    def none(self) -> bool:
        """Tell whether ours and theirs agree."""
        return self == Repairs()


def check(state: AccountState, booked: Booked, theirs: Theirs, bases: Mapping[str, str]) -> Repairs:
    """Return what makes ours agree with theirs; `bases` names the base currency of each symbol."""
    restored_orders = tuple(_restored_orders(state, booked, theirs))
    restored_positions = tuple(_restored_positions(state, booked, bases))
    known = {fill.identity for fill in booked.fills}
    ours = {order.client_order_id for order in state.orders}
    missed = tuple(
        {
            fill.identity: fill
            for fill in sorted(theirs.fills, key=lambda fill: (fill.filled_us, fill.identity))
            if fill.identity not in known and fill.client_order_id in ours
        }.values()
    )
    right = {order.client_order_id: order for order in restored_orders}
    answers, look_ups = _states([right.get(one.client_order_id, one) for one in state.orders], theirs)
    blocks, unblocked = _blocks(state, restored_positions, missed, theirs)
    return Repairs(
        restored_orders=restored_orders,
        restored_positions=restored_positions,
        fills=missed,
        answers=answers,
        look_ups=look_ups,
        cancels=tuple(one for one in theirs.open_orders if one.ours and one.client_order_id not in ours),
        blocks=blocks,
        unblocked=unblocked,
    )


def repaired(state: AccountState, repairs: Repairs, bases: Mapping[str, str]) -> Changes:
    """Return the changes that carry the repairs out, each with its audit entry; the shell looks up and cancels."""
    draft = Draft(state, booking.EXECUTOR)
    for order in repairs.restored_orders:
        before = draft.state.order(order.client_order_id)
        draft.order(order)
        draft.audit("ORDER_REPAIR", ("order", order.client_order_id), old=before, new=order, reason="its fills say so")
    for held in repairs.restored_positions:
        was = draft.state.position(*held.instrument)
        draft.position(held, held.trace_id)
        entity = ("position", ":".join((held.account, *held.instrument)))
        draft.audit("POSITION_REPAIR", entity, old=was, new=held, reason="its fills say so")
    for fill in repairs.fills:
        booking.book_fill(draft, fill, bases[fill.symbol])
    for client_order_id, answer in repairs.answers:
        found = draft.state.order(client_order_id)
        if found is not None:
            booking.book_answer(draft, found, answer)
    for block in repairs.blocks:
        draft.block(block)
        draft.audit("SYMBOL_BLOCK", ("symbol", block.symbol), new=block, reason=block.reason)
    for block in repairs.unblocked:
        draft.unblock(block)
        draft.audit("SYMBOL_UNBLOCK", ("symbol", block.symbol), old=block, reason="nothing foreign is there any more")
    return draft.done(state)


def _restored_orders(state: AccountState, booked: Booked, theirs: Theirs) -> Iterable[OurOrder]:
    alive = {one.client_order_id: one.answer.status for one in theirs.open_orders}
    # An order was looked up after the list was read, so that says more.
    alive |= {name: told.status for name, told in theirs.looked_up.items()}
    for order in state.orders:
        own = [fill for fill in booked.fills if fill.client_order_id == order.client_order_id]
        filled = plus(*(fill.quantity for fill in own))
        # A row that calls an order final which the venue lists as open is wrong, unless its fills prove the end.
        status = order.status
        if not order.is_open and order.updated_us < theirs.read_us and filled < order.quantity:
            told = alive.get(order.client_order_id, status)
            status = told if told in OPEN else status
        value = plus(*(times(fill.price, fill.quantity) for fill in own))
        commission = plus(*(fill.fee_quote for fill in own))
        right = (filled, value, commission, status)
        if (order.filled, order.filled_value, order.commission, order.status) != right:
            yield msgspec.structs.replace(
                order, status=status, filled=filled, filled_value=value, commission=commission,
                told_filled=max(filled, order.told_filled), updated_us=state.now_us, version=order.version + 1,
            )  # fmt: skip


def _restored_positions(state: AccountState, booked: Booked, bases: Mapping[str, str]) -> Iterable[OurPosition]:
    """Yield the newest life of each instrument, counted again from its fills, where its row says something else."""
    for held in state.positions:
        again: OurPosition | None = None
        own = [fill for fill in booked.fills if (fill.venue, fill.market, fill.symbol) == held.instrument]
        for fill in own:
            lives = positions.filled(
                again, fill, strategy=held.strategy, base=bases[held.symbol], at_us=held.updated_us
            )
            again = lives[-1]
        if again is None:
            continue
        status = held.status if held.status == "CLOSING" and again.net else again.status
        right = msgspec.structs.replace(
            held, bought=again.bought, bought_value=again.bought_value, sold=again.sold, sold_value=again.sold_value,
            fees=again.fees, base_fees=again.base_fees, status=status,
        )  # fmt: skip
        if right != held:
            yield msgspec.structs.replace(right, updated_us=state.now_us, version=held.version + 1)


def _states(orders: Iterable[OurOrder], theirs: Theirs) -> tuple[tuple[tuple[str, Answer], ...], tuple[str, ...]]:
    """Return what was missed of the state of our orders, and which of them must be looked up first."""
    there = {one.client_order_id: one for one in theirs.open_orders if one.client_order_id is not None}
    answers: list[tuple[str, Answer]] = []
    look_ups: list[str] = []
    for order in orders:
        if not order.is_open or (order.venue, order.market) not in theirs.markets:
            continue
        told = theirs.looked_up.get(order.client_order_id)
        if told is None and order.client_order_id in there:
            # An open order that the venue lists by its id has been looked up.
            told = msgspec.structs.replace(there[order.client_order_id].answer, looked_up=True)
        if told is None:
            look_ups.append(order.client_order_id)
        elif way(order.status, told.status, looked_up=told.looked_up):
            answers.append((order.client_order_id, told))
    return tuple(answers), tuple(look_ups)


def _blocks(
    state: AccountState, restored: Iterable[OurPosition], missed: Iterable[OurFill], theirs: Theirs
) -> tuple[tuple[Block, ...], tuple[Block, ...]]:
    """Return the instruments with something foreign on them, new ones and those that are clean again."""
    foreign: dict[Instrument, str] = {}
    for one in theirs.open_orders:
        if not one.ours:
            foreign[one.venue, one.market, one.symbol] = "an open order that is not ours"
    net = {held.instrument: held.net for held in state.positions}
    net |= {held.instrument: held.net for held in restored}
    for fill in missed:
        where = (fill.venue, fill.market, fill.symbol)
        changed = plus if fill.side == "buy" else minus
        net[where] = changed(net.get(where, ZERO), fill.quantity)
    moved = {held.instrument for held in state.positions if held.updated_us >= theirs.read_us}
    futures = {where for where in {*net, *theirs.positions} if where[1] == "futures"}
    for where in sorted(futures):
        if (where[0], where[1]) in theirs.markets and where not in moved:
            apart = minus(theirs.positions.get(where, ZERO), net.get(where, ZERO))
            if apart:
                foreign[where] = f"a position of {text(apart)} that is not ours"
    known = {(one.venue, one.market, one.symbol): one for one in state.blocks}
    fresh = tuple(
        Block(
            account=state.account, venue=where[0], market=where[1], symbol=where[2], reason=why, since_us=state.now_us
        )
        for where, why in sorted(foreign.items())
        if where not in known or known[where].reason != why
    )
    clean = tuple(
        one for where, one in known.items() if where not in foreign and (where[0], where[1]) in theirs.markets
    )
    return fresh, clean
