"""What the executor wants closed of its own accord, pure: two-leg trades of before a start, at a stop all that is held.

Each wish is an intent like a strategy's own, with an id made of what it is about and the version it was seen in: asked
for twice it is done once, and what was left over by one that has ended is asked for anew. The kill switch holds for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from uuid import UUID

import msgspec

from executor.drafting import is_rest, sellable
from executor.terms import Known
from tapeline.domain.account import AccountState
from tapeline.domain.account_records import Pair
from tapeline.domain.booking import EXECUTOR
from tapeline.domain.ids import intent_id
from tapeline.domain.money import minus, text
from tapeline.domain.order_records import ExitPair, Flatten, OrderIntent
from tapeline.domain.positions import OurPosition

Name = tuple[str, int]
"""A two-leg trade: its pair's id and its round."""
ON_THE_WAY: Final = ("ENTERING", "EXITING")
_HELD: Final = (*ON_THE_WAY, "POSITION_OPEN")
_LIVE: Final = (*_HELD, "ERROR")


class Why(msgspec.Struct, frozen=True, kw_only=True):
    """Why something is closed, and how long its orders may be sent."""

    reason: str
    now_us: int
    until_us: int


def unfinished(state: AccountState) -> frozenset[Name]:
    """Return the two-leg trades that hold something or are about to; one in ERROR waits for a person."""
    return frozenset((one.pair_id, one.round) for one in state.pairs if one.state in _HELD)


def exits(state: AccountState, names: Iterable[Name], why: Why) -> tuple[OrderIntent, ...]:
    """Return what leaves those trades that stand open; what is on its way comes to its own end first."""
    wanted = frozenset(names)
    return tuple(
        _exit(one, state.slot(one.strategy, one.symbol, one.slot).round, why)
        for one in state.pairs
        if one.state == "POSITION_OPEN" and (one.pair_id, one.round) in wanted
    )


def flattens(state: AccountState, known: Known, why: Why) -> tuple[OrderIntent, ...]:
    """Return what closes all else that is held, once none of its orders is open any more."""
    held: dict[tuple[str, str], list[OurPosition]] = {}
    for one in _alone(state, known):
        held.setdefault((one.strategy, one.symbol), []).append(one)
    busy = {(one.strategy, one.symbol) for one in state.orders if not one.complete}
    busy |= {(one.strategy, one.symbol) for one in state.intents if one.status == "APPROVED"}
    return tuple(_flatten(tuple(lives), why) for of, lives in held.items() if of not in busy)


def moving(state: AccountState) -> bool:
    """Tell whether something is under way that has not come to its end."""
    approved = any(one.status == "APPROVED" for one in state.intents)
    return approved or any(not one.complete for one in state.orders) or any(_is_moving(one) for one in state.pairs)


def left(state: AccountState, known: Known) -> tuple[str, ...]:
    """Return what is still held and what is still open, in words."""
    pairs = [f"{one.pair_id} round {one.round} is {one.state}" for one in state.pairs if one.state in _LIVE]
    alone = [f"{one.strategy} holds {text(one.net)} at {':'.join(one.instrument)}" for one in _alone(state, known)]
    return (*pairs, *alone, *resting(state))


def resting(state: AccountState) -> tuple[str, ...]:
    """Return the orders that may still be dealt, in words."""
    return tuple(
        f"the order {one.client_order_id} at {one.venue}:{one.market}:{one.symbol} is {one.status}"
        for one in state.orders
        if one.is_open
    )


def trace_of(intent: OrderIntent) -> str:
    """Return the trace by which all that follows from a wish is found; no record led to it that had one."""
    return UUID(intent.intent_id).hex


def _is_moving(pair: Pair) -> bool:
    return pair.state in ON_THE_WAY


def _alone(state: AccountState, known: Known) -> tuple[OurPosition, ...]:
    """Return what is held outside of two-leg trades and can be closed by an order."""
    in_pairs = {(one.strategy, one.symbol) for one in state.pairs if one.state in _LIVE}
    return tuple(
        one
        for one in state.positions
        if one.quantity
        and (one.strategy, one.symbol) not in in_pairs
        and sellable(one, known)
        and not is_rest(sellable(one, known), one.instrument, known)
    )


def _exit(pair: Pair, round_: int, why: Why) -> OrderIntent:
    command = ExitPair(pair_id=pair.pair_id, round=pair.round, parts=pair.parts)
    # The trade's own round stands in the id, not the slot's, which goes on meanwhile.
    name = intent_id(
        pair.strategy, pair.symbol, pair.slot, pair.round, command, EXECUTOR, pair.account, str(pair.version)
    )
    return OrderIntent(
        intent_id=name,
        strategy=pair.strategy,
        account=pair.account,
        symbol=pair.symbol,
        slot=pair.slot,
        round=round_,
        command=command,
        cause=(),
        reason=why.reason,
        evidence={f"{leg.leg}_held": float(minus(leg.opened, leg.closed)) for leg in pair.legs},
        actor=EXECUTOR,
        decided_us=why.now_us,
        expires_us=why.until_us,
        published_us=why.now_us,
    )


def _flatten(lives: tuple[OurPosition, ...], why: Why) -> OrderIntent:
    one, command = lives[0], Flatten()
    seen = (":".join((*life.instrument, str(life.life), str(life.version))) for life in lives)
    return OrderIntent(
        intent_id=intent_id(one.strategy, one.symbol, 0, 0, command, EXECUTOR, one.account, *seen),
        strategy=one.strategy,
        account=one.account,
        symbol=one.symbol,
        slot=0,
        round=0,
        command=command,
        cause=(),
        reason=why.reason,
        evidence={":".join(life.instrument[:2]): float(life.net) for life in lives},
        actor=EXECUTOR,
        decided_us=why.now_us,
        expires_us=why.until_us,
        published_us=why.now_us,
    )
