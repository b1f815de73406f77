"""An account's state after changes of its own, as it would be read again: whoever alone writes need not read."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

import msgspec

from tapeline.domain.account import AccountState, Block
from tapeline.domain.account_records import Pair
from tapeline.domain.changes import Changes
from tapeline.domain.positions import OurPosition

R = TypeVar("R", bound=msgspec.Struct)


def after(before: AccountState, changes: Changes) -> AccountState:
    """Return all that is open after the changes, and the newest life of each instrument that was known."""
    intents = _put(before.intents, changes.intents, lambda one: one.intent_id)
    orders = _put(before.orders, changes.orders, lambda one: one.client_order_id)
    open_intents = {one.intent_id for one in intents if one.status == "APPROVED"}
    orders = tuple(one for one in orders if not one.complete or one.intent_id in open_intents)
    named = open_intents | {one.intent_id for one in orders}
    freed = {_place(one) for one in changes.unblocked}
    return msgspec.structs.replace(
        before,
        version=before.version + (changes != Changes()),
        event_sequence=before.event_sequence if changes.event_sequence is None else changes.event_sequence,
        intents=tuple(
            sorted((one for one in intents if one.intent_id in named), key=lambda one: (one.taken_us, one.intent_id))
        ),
        orders=orders,
        known_fills=(),
        positions=_put(before.positions, changes.positions, lambda one: one.instrument, newer=_later_life),
        lives=(),
        payment=None,
        pairs=_put(before.pairs, changes.pairs, lambda one: one.pair_id, newer=_later_round),
        slots=_put(before.slots, changes.slots, lambda one: (one.strategy, one.symbol, one.slot)),
        memories=_put(before.memories, changes.memories, lambda one: (one.strategy, one.symbol)),
        portfolios=_put(before.portfolios, changes.portfolios, lambda one: (one.strategy, one.symbol)),
        openings=(),
        blocks=tuple(one for one in _put(before.blocks, changes.blocks, _place) if _place(one) not in freed),
        balances=before.balances if changes.balances is None else changes.balances,
    )


def _put(
    rows: Iterable[R],
    changed: Iterable[R],
    key: Callable[[R], Hashable],
    *,
    newer: Callable[[R, R], bool] | None = None,
) -> tuple[R, ...]:
    found = {key(one): one for one in rows}
    for one in changed:
        name = key(one)
        if newer is None or name not in found or newer(one, found[name]):
            found[name] = one
    return tuple(found.values())


def _later_life(one: OurPosition, known: OurPosition) -> bool:
    return one.life >= known.life


def _later_round(one: Pair, known: Pair) -> bool:
    return one.round >= known.round


def _place(block: Block) -> tuple[str, str, str]:
    return (block.venue, block.market, block.symbol)
