"""A two-leg trade from an intent to its orders, pure: both legs in the same parts, on steps that both venues take."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import msgspec

from executor.drafting import OPPOSITE, Wish, drafted, is_rest, sellable
from executor.reserving import claim, closing_only, minimum
from executor.terms import Instrument, Known, stepped
from tapeline.domain import risk
from tapeline.domain.account import AccountState
from tapeline.domain.account_records import Pair, PairLeg
from tapeline.domain.booking import Plan
from tapeline.domain.instruments import Side
from tapeline.domain.money import ZERO, minus, plus, times
from tapeline.domain.order_records import EnterPair, ExitPair, OrderIntent
from tapeline.domain.order_records import Place as PairPlace
from tapeline.domain.orders import OurOrder
from tapeline.domain.risk import Refused, Request, Reservation

BUSY = ("ENTERING", "POSITION_OPEN", "EXITING", "ERROR")


def enter(state: AccountState, intent: OrderIntent, command: EnterPair, known: Known) -> Plan | Refused:
    """Return both legs in parts; fewer parts where one would be below what a venue takes (D-06)."""
    busy = next((one for one in state.pairs if one.pair_id == command.pair_id and one.state in BUSY), None)
    if busy is not None:
        return Refused(code="pair_busy", reason=f"{command.pair_id} is {busy.state} in round {busy.round}")
    places: tuple[tuple[Side, PairPlace], ...] = (("buy", command.buy), ("sell", command.sell))
    wheres = [(place.venue, place.market, intent.symbol) for _, place in places]
    parts = split(command.quantity, command.parts, _step(known, wheres), _least(known, wheres, command))
    orders: list[OurOrder] = []
    for part, quantity in enumerate(parts, start=1):
        for side, place in places:
            wish = Wish(
                where=(place.venue, place.market, intent.symbol),
                side=side,
                quantity=quantity,
                price=place.limit_price,
                leverage=command.leverage if place.market == "futures" else None,
                leg=side,
                part=part,
                expires_us=intent.expires_us,
            )
            order = drafted(wish, intent, known, state.now_us)
            if isinstance(order, Refused):
                return order
            orders.append(order)
    verdict = _within_caps(state, intent, known, orders)
    if isinstance(verdict, Refused):
        return verdict
    return Plan(
        reservation=verdict, orders=tuple(orders), pair=_pair(state, intent, command, sum(parts, ZERO), len(parts))
    )


def leave(state: AccountState, intent: OrderIntent, command: ExitPair, known: Known) -> Plan | Refused:
    """Return closes of both legs in parts; all that is open of the round, at the limits or at the market."""
    pair = next((one for one in state.pairs if (one.pair_id, one.round) == (command.pair_id, command.round)), None)
    if pair is None or pair.state != "POSITION_OPEN" or pair.strategy != intent.strategy:
        return Refused(code="pair_not_open", reason=f"{command.pair_id} holds nothing in round {command.round}")
    wheres = [(leg.venue, leg.market, pair.symbol) for leg in pair.legs]
    limits = {"buy": command.sell_off_limit, "sell": command.buy_back_limit}
    orders: list[OurOrder] = []
    for leg in pair.legs:
        own = state.position(leg.venue, leg.market, pair.symbol)
        left = minus(leg.opened, leg.closed)
        if leg.market == "spot" and own is not None:
            left = min(left, sellable(own, known))
        limit = limits[leg.leg]
        where = (leg.venue, leg.market, pair.symbol)
        if is_rest(left, where, known):
            # It cannot be closed by any order; what the other leg holds more is closed all the same.
            continue
        for part, quantity in enumerate(split(left, command.parts, _step(known, wheres), ZERO), start=1):
            wish = Wish(
                where=where,
                side=OPPOSITE[leg.leg],
                quantity=quantity,
                price=limit,
                order_type="market" if limit is None else "limit",
                closing=True,
                leg=leg.leg,
                part=part,
                expires_us=intent.expires_us,
            )
            order = drafted(wish, intent, known, state.now_us)
            if isinstance(order, Refused):
                return order
            orders.append(order)
    leaving = replaced(pair, state="EXITING", event="exit", reason=intent.reason, intent_id=intent.intent_id, part=1)
    return closing_only(intent, tuple(orders), leaving)


def split(quantity: Decimal, parts: int, step: Decimal, least: Decimal) -> tuple[Decimal, ...]:
    """Return the sizes of the parts: equal whole steps with the rest in the first, fewer where they were too small."""
    whole = stepped(quantity, step)
    for count in range(max(1, parts), 0, -1):
        each = stepped(whole / count, step)
        if each > ZERO and (each >= least or count == 1):
            return (whole - each * (count - 1), *(each for _ in range(count - 1)))
    return (quantity,)


def replaced(pair: Pair, **changes: object) -> Pair:
    """Return a two-leg trade with some fields changed; the store sets version, time and what it was."""
    return msgspec.structs.replace(pair, **changes)


def _step(known: Known, wheres: Iterable[Instrument]) -> Decimal:
    # Steps are powers of ten, or multiples of one another: the largest is common to both.
    return max((known.rules[where].quantity_step for where in wheres if where in known.rules), default=ZERO)


def _least(known: Known, wheres: list[Instrument], command: EnterPair) -> Decimal:
    """Return the smallest part that both venues take."""
    price = min(command.buy.limit_price, command.sell.limit_price)
    least = ZERO
    for where in wheres:
        rules = known.rules.get(where)
        if rules is not None and price > ZERO:
            worth = max(minimum(known, where), known.limits.min_order_size)
            least = max(least, rules.min_quantity or ZERO, worth / price)
    return least


def _within_caps(
    state: AccountState, intent: OrderIntent, known: Known, orders: list[OurOrder]
) -> Reservation | Refused:
    values = [times(one.quantity, one.price or ZERO) for one in orders]
    claims = []
    for side in ("buy", "sell"):
        own = [(one, value) for one, value in zip(orders, values, strict=True) if one.side == side]
        claims.append(claim(own[0][0], plus(*(value for _, value in own))))
    wanted = Reservation(
        intent_id=intent.intent_id,
        strategy=intent.strategy,
        symbol=intent.symbol,
        claims=tuple(claims),
        orders=2,
        pairs=1,
    )
    least = max(minimum(known, (one.venue, one.market, one.symbol)) for one in orders)
    asked = Request(reservation=wanted, smallest_order=min(values), venue_minimum=least)
    verdict = risk.check(state.standing(), known.limits, asked)
    return verdict if isinstance(verdict, Refused) else verdict.reservation


def _pair(state: AccountState, intent: OrderIntent, command: EnterPair, quantity: Decimal, parts: int) -> Pair:
    legs: tuple[tuple[Side, PairPlace], ...] = (("buy", command.buy), ("sell", command.sell))
    return Pair(
        pair_id=command.pair_id,
        account=state.account,
        strategy=intent.strategy,
        symbol=intent.symbol,
        slot=intent.slot,
        round=intent.round,
        version=1,
        state="ENTERING",
        event="enter",
        reason=intent.reason,
        intent_id=intent.intent_id,
        parts=parts,
        part=1,
        legs=tuple(
            PairLeg(
                leg=leg, venue=place.venue, market=place.market, quantity=quantity, opened=ZERO, closed=ZERO, fees=ZERO
            )
            for leg, place in legs
        ),
        unrealized_pnl=ZERO,
        realized_pnl=ZERO,
        at_us=state.now_us,
    )
