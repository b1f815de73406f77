"""The changes of one transaction as one value: the database's function `book` writes it whole or not at all (E-20)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, TypeVar

import msgspec

from executor.ports import Lease
from executor.store.remembering import Told
from tapeline.domain.account import AccountState
from tapeline.domain.account_records import Pair
from tapeline.domain.changes import Changes, Entry, Outgoing, Place
from tapeline.domain.money import plus
from tapeline.domain.orders import OurOrder
from tapeline.domain.positions import OurPosition
from tapeline.runtime.transactions import Session

Row = dict[str, Any]
R = TypeVar("R")
_ENCODE: Final = msgspec.json.Encoder()
_SHOWN: Final = ("side", "quantity", "entry_price", "unrealized_pnl", "realized_pnl")
_BOOK: Final = "SELECT verdict, at_us, epoch_found AS epoch FROM book($1, $2, $3, $4, $5::jsonb)"
_AUDIT: Final = """
UPDATE accounts SET outbox_sequence = tell_audits(account, outbox_sequence, $2::jsonb) WHERE account = $1"""


async def book(
    session: Session, lease: Lease, before: AccountState, changes: Changes, places: tuple[Place, ...]
) -> Told:
    """Write everything with one question; raise Contended where a row was changed by another meanwhile."""
    row = await session.fetchrow(
        _BOOK,
        lease.account,
        lease.epoch,
        before.version,
        before.desired_version,
        _ENCODE.encode(_change(before, changes, places)).decode(),
    )
    return Told(**dict(row))


def _change(before: AccountState, changes: Changes, places: tuple[Place, ...]) -> Row:
    parts: Row = {
        "intents": _newest(changes.intents, "intent_id"),
        "orders": [_order(one) for one in _newest(changes.orders, "client_order_id")],
        "positions": [_position(one) for one in _newest(changes.positions, "instrument", "life")],
        "slots": _newest(changes.slots, "strategy", "symbol", "slot"),
        "memories": _newest(changes.memories, "strategy", "symbol"),
        "portfolios": _newest(changes.portfolios, "strategy", "symbol"),
        "pairs": [_pair(one) for one in _newest(changes.pairs, "pair_id", "round")],
        "blocks": changes.blocks,
        "unblocked": changes.unblocked,
        "fills": changes.fills,
        "payments": changes.payments,
        "outgoing": [_told(one) for one in changes.outgoing],
        "audits": changes.audits,
    }
    change = {name: rows for name, rows in parts.items() if rows}
    if places:
        change["offsets"] = [{"partition": one.partition, "next": one.offset + 1} for one in places]
    if changes != Changes():
        # Its presence says that there is more than offsets.
        told = changes.event_sequence
        change["event_sequence"] = before.event_sequence if told is None else told
    if changes.balances is not None:
        change["balances"] = changes.balances
    return change


def _newest(rows: Iterable[R], *key: str) -> list[R]:
    """Return each row once, as it stands last."""
    return list({tuple(getattr(one, part) for part in key): one for one in rows}.values())


async def audit(session: Session, account: str, entry: Entry) -> None:
    """Write an entry into audit_logs, and its mirror into the account's outbox."""
    await session.execute(_AUDIT, account, _ENCODE.encode((entry,)).decode())


def _told(one: Outgoing) -> Row:
    return {
        "topic": one.topic,
        "key": one.key,
        "symbol": one.symbol,
        "record": f"tapeline.{type(one.value).__name__}",
        "body": one.value,
        "trace_id": one.trace_id,
    }


def _order(order: OurOrder) -> Row:
    return {**msgspec.structs.asdict(order), "exchange_order_id": order.venue_order_id}


def _position(position: OurPosition) -> Row:
    return {**msgspec.structs.asdict(position), **{name: getattr(position, name) for name in _SHOWN}}


def _pair(pair: Pair) -> Row:
    legs = {leg.leg: leg for leg in pair.legs}
    buy, sell = legs.get("buy"), legs.get("sell")
    return {
        **msgspec.structs.asdict(pair),
        "body": pair,
        "buy_venue": None if buy is None else buy.venue,
        "sell_venue": None if sell is None else sell.venue,
        "qty": None if buy is None else buy.quantity,
        "buy_open_price": None if buy is None else buy.open_price,
        "sell_open_price": None if sell is None else sell.open_price,
        "buy_close_price": None if buy is None else buy.close_price,
        "sell_close_price": None if sell is None else sell.close_price,
        "fees": plus(*(leg.fees for leg in pair.legs)),
        "pnl": pair.realized_pnl,
    }
