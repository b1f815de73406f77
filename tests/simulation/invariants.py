"""What must hold at the end of every story; each function yields what is wrong, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

from executor.terms import Terms
from tapeline.domain.funding import LATE_US, apart_us
from tests.simulation.actors import PAIRS
from tests.simulation.virtual import BEGIN_US
from tests.simulation.world import World

NAKED_US = 2_000_000


def wrong(world: World) -> tuple[str, ...]:
    """Return everything that is wrong."""
    return (
        *_crashed(world),
        *_doubled(world),
        *_orphaned(world),
        *_different(world),
        *_reserved(world),
        *_late(world),
        *_positions(world),
        *_funding(world),
        *_naked(world),
        *_left_open(world),
    )


def _crashed(world: World) -> Iterator[str]:
    for body in world.bodies:
        if body.failure is not None:
            yield f"executor {body.name} broke: {body.failure!r}"


def _doubled(world: World) -> Iterator[str]:
    """No client id is sent twice, and no two orders of one leg and part live at once."""
    for where, market in world.markets.items():
        sent = Counter(one.request.client_id for one in market.attempts)
        for name, times in sent.items():
            if times > 1:
                yield f"{where}: {name} was sent {times} times"
    rows = world.database.tables.orders
    chains: dict[tuple[object, ...], list[tuple[int, Decimal, Decimal]]] = {}
    for market in world.markets.values():
        for name, held in market.orders.items():
            row = rows.get((name,))
            if row is not None and not row.closing:
                key = (row.intent_id, row.leg, row.part)
                chains.setdefault(key, []).append((row.attempt, held.order.filled, row.quantity))
    for chain, orders in chains.items():
        filled = sum((one[1] for one in orders), Decimal(0))
        if filled > max(one[2] for one in orders):
            yield f"{chain} was dealt {filled} in {orders}"


def _orphaned(world: World) -> Iterator[str]:
    rows = world.database.tables.orders
    for where, market in world.markets.items():
        for name in market.orders:
            if (name,) not in rows:
                yield f"{where}: {name} is at the venue and in no row"


def _different(world: World) -> Iterator[str]:
    """Every row ends as its order ended at the venue, with the same fills."""
    for (name,), row in world.database.tables.orders.items():
        held = world.markets[row.venue, row.market].orders.get(str(name))
        if held is None:
            if row.status != "REJECTED" or row.filled:
                yield f"{name} was never at the venue, its row says {row.status} {row.filled}"
            continue
        booked = sorted(
            (one.fill_id, one.quantity)
            for one in world.database.tables.fills.values()
            if one.client_order_id == name and (one.venue, one.market) == (row.venue, row.market)
        )
        theirs = sorted((fill.fill_id, fill.quantity) for _, fill in held.fills)
        if (row.status, row.filled, booked) != (held.order.status, held.order.filled, theirs):
            yield (
                f"{name} {row.leg} {row.part}.{row.attempt} is {held.order.status} {held.order.filled} {theirs} there,"
                f" its row says {row.status} {row.filled} {booked}"
            )


def _reserved(world: World) -> Iterator[str]:
    for row in world.database.tables.intents.values():
        if row.status == "APPROVED" or row.reservation is not None:
            orders = [
                (one.leg, one.part, one.attempt, one.closing, one.status, str(one.filled), one.code)
                for one in world.database.tables.orders.values()
                if one.intent_id == row.intent_id
            ]
            pairs = [
                (one.state, one.event, one.reason)
                for one in world.database.tables.pairs.values()
                if (one.symbol, one.round) == (row.symbol, row.round)
            ]
            yield f"{row.command} {row.intent_id} {row.symbol} has not settled: {orders} {pairs}"


def _late(world: World) -> Iterator[str]:
    """Nothing is accepted after its order's time, after its request's end, or after its sender's lease."""
    for market in world.markets.values():
        for name, held in market.orders.items():
            row = world.database.tables.orders.get((name,))
            if row is not None and not row.closing and held.accepted_us > row.expires_us:
                yield f"{name} was accepted {held.accepted_us - row.expires_us} us after its time"
            if held.accepted_us > world.leases[held.sender]:
                yield f"{name} was accepted {held.accepted_us - world.leases[held.sender]} us after its sender's lease"


def _positions(world: World) -> Iterator[str]:
    for where, market in world.markets.items():
        for native, quantity in market.positions.items():
            rows = [one for one in world.database.tables.positions.values() if one.instrument == (*where, native)]
            newest = max(rows, key=lambda one: one.life, default=None)
            ours = Decimal(0) if newest is None else newest.net
            if ours != quantity:
                yield f"{where} {native} is {quantity} at the venue, {ours} in our rows"
    for pair in world.database.tables.pairs.values():
        if pair.state in ("ENTERING", "EXITING"):
            yield f"{pair.pair_id} round {pair.round} still is {pair.state} ({pair.event})"
        if pair.state in ("POSITION_OPEN", "READY"):
            left = {leg.leg: leg.opened - leg.closed for leg in pair.legs}
            if left["buy"] != left["sell"]:
                yield f"{pair.pair_id} round {pair.round} is {pair.state} with uneven legs {left}"


def _funding(world: World) -> Iterator[str]:
    """Every payment is booked once, on the life that was open then, and lives have nothing else."""
    tables = world.database.tables
    for where, market in world.markets.items():
        theirs = {(one.native, one.payment_id): (one.amount, one.paid_us) for _, one in market.payments}
        ours = [one for one in tables.payments.values() if (one.venue, one.market) == where]
        booked = {(one.symbol, one.payment_id): (one.amount, one.paid_us) for one in ours}
        if booked != theirs:
            yield f"{where} has paid {theirs}, noted is {booked}"
        for one in ours:
            lives = [life for life in tables.positions.values() if life.instrument == (*where, one.symbol)]
            apart = {life.life: apart_us(life, one.paid_us) for life in lives}
            # Fills that are told in another order than they were dealt in leave other times to a life's row.
            if apart.get(one.life or 0, LATE_US) > min(LATE_US, *apart.values()):
                yield f"{where} {one.symbol}: {one.payment_id} is on life {one.life}, which are so far from it: {apart}"
        for life in tables.positions.values():
            if (life.venue, life.market) == where:
                own = [one.amount for one in ours if (one.symbol, one.life) == (life.symbol, life.life)]
                if life.funding != sum(own):
                    yield f"{where} {life.symbol} life {life.life} has {life.funding} of funding, it was paid {own}"


def _naked(world: World) -> Iterator[str]:
    """One leg stands alone for 2 s at most before something is sent against it, where an executor could act at all."""
    for symbol, legs in PAIRS.items():
        markets = [world.markets[leg] for leg in legs]
        rows = world.database.tables.orders
        sent = [
            one.sent_us
            for market in markets
            for one in market.attempts
            if one.request.native == symbol
            and (row := rows.get((one.request.client_id,)))
            and (row.closing or row.attempt > 1)
        ]
        for begin_us, end_us in _alone(world, symbol):
            limit_us = begin_us + NAKED_US
            # Both legs are sent at once, and one of them may be on its way for as long as a request lives.
            acted = any(begin_us - Terms().window_us <= at_us <= limit_us for at_us in sent)
            # What came of an order cannot be known while the venue answers no look-up of it.
            silent = [at_us for one in markets for at_us, name in one.silent if name == symbol]
            blind = any(begin_us <= at_us <= limit_us for at_us in silent)
            if end_us > limit_us and not acted and not blind and not _disturbed(world, begin_us, limit_us):
                times = f"from {begin_us - BEGIN_US} to {end_us - BEGIN_US}"
                yield f"{symbol} stood alone {times} and nothing was sent against it"


def _left_open(world: World) -> Iterator[str]:
    """What was open at a start is closed, or waits for a person; it was left by one intent at a time (D-20)."""
    tables = world.database.tables
    for pair in tables.pairs.values():
        if (pair.pair_id, pair.round) in world.found() and pair.state not in ("READY", "ERROR"):
            yield f"{pair.pair_id} round {pair.round} was open at a start and still is {pair.state} ({pair.event})"
    for pair in tables.pairs.values():
        for leg in pair.legs:
            if leg.closed > leg.opened:
                yield f"{pair.pair_id} round {pair.round} has closed {leg.closed} of {leg.opened} on its {leg.leg} leg"


def _alone(world: World, symbol: str) -> Iterator[tuple[int, int]]:
    """Yield each time in which the two legs did not hold the same."""
    moves = sorted(
        (at_us, leg, quantity)
        for leg in PAIRS[symbol]
        for at_us, native, quantity in world.markets[leg].moves
        if native == symbol
    )
    held = dict.fromkeys(PAIRS[symbol], Decimal(0))
    since_us: int | None = None
    for at_us, leg, quantity in moves:
        held[leg] = quantity
        if sum(held.values()) == 0:
            if since_us is not None:
                yield since_us, at_us
            since_us = None
        elif since_us is None:
            since_us = at_us
    if since_us is not None:
        yield since_us, world.clock.now_us()


def _disturbed(world: World, begin_us: int, end_us: int) -> bool:
    begin_s, end_s = ((at_us - BEGIN_US) / 1_000_000 for at_us in (begin_us, end_us))
    return any(since_s <= end_s and until_s >= begin_s for since_s, until_s in world.disturbed)
