"""Identities made from what a thing is, never from chance or time: the same thing asked for twice has one id.

An opening is named by strategy, symbol, slot and round alone, so it happens once however often it is sent. What closes,
cancels or remembers adds its kind and target, so that closing is never blocked.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID, uuid5

import msgspec

from tapeline.domain.order_records import (
    CancelOrder,
    ClosePosition,
    Command,
    EnterPair,
    ExitPair,
    Flatten,
    PlaceOrder,
    Remember,
)

_NAMESPACE: Final = UUID("5d0f1a0e-52c7-5f43-8f0b-0b1c7f0a9b66")


def opens(command: Command) -> bool:
    """Tell whether a command can make larger what is held: it takes its slot's round, and every cap holds for it."""
    return isinstance(command, EnterPair) or (isinstance(command, PlaceOrder) and not command.reduce_only)


def target_of(command: Command) -> tuple[str, ...]:
    """Return kind and target that the id of a command adds to slot and round; nothing for an opening."""
    found: tuple[str, ...] = ()
    match command:
        case ExitPair(pair_id=pair_id, round=round_):
            found = ("exit", pair_id, str(round_))
        case PlaceOrder(reduce_only=True, venue=venue, market=market, side=side, tag=tag):
            found = ("reduce", venue, market, side, tag or "")
        case CancelOrder(client_order_id=client_order_id):
            found = ("cancel", client_order_id)
        case ClosePosition(venue=venue, market=market):
            found = ("close", venue, market)
        case Flatten(venue=venue):
            found = ("flatten", venue or "")
        case Remember(replaces=replaces):
            found = ("remember", str(replaces))
    return found


def intent_id(strategy: str, symbol: str, slot: int, round_: int, command: Command, *again: str) -> str:
    """Return the id of an intent.

    `again` lets what is no opening be asked for once more after an answer, as by the version of the portfolio that it
    was decided on; an opening is told by its round alone, so there it changes nothing.
    """
    target = target_of(command)
    return _named("intent", strategy, symbol, slot, round_, *target, *(again if target else ()))


def event_id(account: str, sequence: int) -> str:
    """Return the id of the event with this number in an account's outbox."""
    return _named("event", account, sequence)


def position_id(account: str, venue: str, market: str, symbol: str, life: int) -> str:
    """Return the id of one life of a position, from flat to flat."""
    return _named("position", account, venue, market, symbol, life)


def _named(*parts: str | int) -> str:
    # As JSON no part can be taken for two, whatever characters it holds.
    return str(uuid5(_NAMESPACE, msgspec.json.encode(parts).decode()))
