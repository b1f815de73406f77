"""The changes of one transaction as one value: the database's function `book` writes it whole or not at all (E-20)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from executor.ports import Lease
from executor.store.remembering import Told
from tapeline.domain.account import AccountState
from tapeline.domain.account_records import Audit, Pair
from tapeline.domain.changes import Changes, Entry, Outgoing, Place
from tapeline.domain.orders import OurOrder
from tapeline.domain.positions import OurPosition
from tapeline.runtime.transactions import Session

Row = dict[str, Any]
_ENCODE: Final = msgspec.json.Encoder()


_SHOWN: Final = ("side", "quantity", "entry_price", "unrealized_pnl", "realized_pnl")
_BOOK: Final = "SELECT verdict, at_us, epoch_found AS epoch FROM book($1, $2, $3, $4, $5::jsonb)"
_AUDIT: Final = """
SELECT w.sequence, w.action::text, w.entity_type, w.entity_id, w.old_value, w.new_value, w.reason, w.trace_id,
    w.success, w.error_message, w.context, w.actor, w.at_us, w.previous_hash, w.hash
FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS e(body, place), LATERAL write_audit(e.body) w
ORDER BY e.place"""
_OUTBOX: Final = """
INSERT INTO outbox (stream, number, topic, key, symbol, record, body, trace_id)
SELECT stream, number, topic, key, symbol, record, body, trace_id
FROM jsonb_populate_recordset(NULL::outbox, $1::jsonb)"""


async def book(session: Session, lease: Lease, before: AccountState, changes: Changes, place: Place | None) -> Told:
    """Write everything with one question; raise Contended where a row was changed by another meanwhile."""
    row = await session.fetchrow(
        _BOOK,
        lease.account,
        lease.epoch,
        before.version,
        before.desired_version,
        _ENCODE.encode(_change(before, changes, place)).decode(),
    )
    return Told(**dict(row))


def _change(before: AccountState, changes: Changes, place: Place | None) -> Row:
    newest = {(*one.instrument, one.life): one for one in changes.positions}
    pairs = {(one.pair_id, one.round): one for one in changes.pairs}
    parts: Row = {
        "intents": changes.intents,
        "orders": [_order(one) for one in changes.orders],
        "positions": [_position(one) for one in newest.values()],
        "slots": changes.slots,
        "memories": changes.memories,
        "portfolios": changes.portfolios,
        "pairs": [_pair(one) for one in pairs.values()],
        "blocks": changes.blocks,
        "unblocked": changes.unblocked,
        "fills": changes.fills,
        "payments": changes.payments,
        "outgoing": [_told(one) for one in changes.outgoing],
        "audits": changes.audits,
    }
    change = {name: rows for name, rows in parts.items() if rows}
    if place is not None:
        change["offset"] = {"partition": place.partition, "next": place.offset + 1}
    if changes != Changes():
        # Its presence says that there is more than an offset.
        told = changes.event_sequence
        change["event_sequence"] = before.event_sequence if told is None else told
    if changes.balances is not None:
        change["balances"] = changes.balances
    return change


async def audit(session: Session, entries: Sequence[Entry]) -> tuple[Outgoing, ...]:
    """Write entries into audit_logs and return their mirror for the topic."""
    if not entries:
        return ()
    rows = await session.fetch(_AUDIT, _ENCODE.encode(entries).decode())
    return tuple(mirrored(Audit(**dict(row))) for row in rows)


def mirrored(row: Audit) -> Outgoing:
    """Return a row of the audit as the topic carries it."""
    return Outgoing(topic="audit", key=row.key, symbol=None, value=row, trace_id=row.trace_id)


async def put_outbox(session: Session, stream: str, first: int, outgoing: Sequence[Outgoing]) -> None:
    """Put records in the outbox, numbered from `first` on."""
    if outgoing:
        await session.execute(_OUTBOX, _waiting(stream, first, outgoing))


def _waiting(stream: str, first: int, outgoing: Sequence[Outgoing]) -> str:
    rows = [{"stream": stream, "number": number, **_told(one)} for number, one in enumerate(outgoing, start=first)]
    return _ENCODE.encode(rows).decode()


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
        "fees": sum(leg.fees for leg in pair.legs),
        "pnl": pair.realized_pnl,
    }
