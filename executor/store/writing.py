"""The changes of one transaction as statements: a row goes one version up or the transaction has lost a race (E-20)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from tapeline.domain.account import AccountState, MemoryRow, PortfolioRow, SlotRow, TakenIntent
from tapeline.domain.account_records import Audit, Pair
from tapeline.domain.changes import Changes, Entry, Outgoing, Place
from tapeline.domain.orders import OurOrder
from tapeline.domain.positions import OurPosition
from tapeline.runtime.transactions import Contended, Session

Row = dict[str, Any]
_ENCODE: Final = msgspec.json.Encoder()


def _columns(struct: type[msgspec.Struct], *, more: Iterable[str] = (), renamed: dict[str, str] | None = None) -> str:
    names = [(renamed or {}).get(name, name) for name in struct.__struct_fields__]
    return ", ".join((*names, *more))


def _upsert(table: str, columns: str, key: str) -> str:
    """Return a statement that puts rows in, or one version above what stands."""
    changed = ", ".join(f"{name} = excluded.{name}" for name in columns.split(", ") if name not in key.split(", "))
    # The names are our own structs' fields, never a caller's text.
    return (
        f"INSERT INTO {table} ({columns}) SELECT {columns} FROM jsonb_populate_recordset(NULL::{table}, $1::jsonb)"  # noqa: S608 - see above
        f" ON CONFLICT ({key}) DO UPDATE SET {changed} WHERE {table}.version < excluded.version"
    )


_INTENTS: Final = _upsert("intents", _columns(TakenIntent), "intent_id")
_ORDERS: Final = _upsert(
    "orders",
    _columns(OurOrder, more=("signal_data",), renamed={"venue_order_id": "exchange_order_id"}),
    "client_order_id",
)
_SHOWN: Final = ("side", "quantity", "entry_price", "unrealized_pnl", "realized_pnl")
_POSITIONS: Final = _upsert(
    "positions", _columns(OurPosition, more=(*_SHOWN, "signal_data")), "account, venue, market, symbol, life"
)
_SLOTS: Final = _upsert("slots", _columns(SlotRow), "account, strategy, symbol, slot")
_MEMORIES: Final = _upsert("memories", _columns(MemoryRow), "account, strategy, symbol")
_PORTFOLIOS: Final = _upsert("portfolios", _columns(PortfolioRow), "account, strategy, symbol")
_PAIRS: Final = _upsert(
    "arb_trades",
    "pair_id, round, account, strategy, symbol, state, body, buy_venue, sell_venue, qty, buy_open_price,"
    " sell_open_price, buy_close_price, sell_close_price, fees, pnl, reason, opened_us, closed_us, version",
    "account, pair_id, round",
)
_TRADES: Final = """
INSERT INTO trades (
    order_id, position_id, account, venue, market, symbol, fill_id, client_order_id, side, price, quantity, fee,
    fee_currency, fee_quote, liquidity, cause, filled_us
) SELECT
    (SELECT o.id FROM orders o WHERE o.client_order_id = f.client_order_id),
    (SELECT p.id FROM positions p WHERE (p.account, p.venue, p.market, p.symbol) =
        (f.account, f.venue, f.market, f.symbol) ORDER BY p.life DESC LIMIT 1),
    f.account, f.venue, f.market, f.symbol, f.fill_id, f.client_order_id, f.side, f.price, f.quantity, f.fee,
    f.fee_currency, f.fee_quote, f.liquidity, f.cause, f.filled_us
FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS e(body, place),
    LATERAL jsonb_populate_record(NULL::trades, e.body) f ORDER BY e.place"""
_FUNDING: Final = """
INSERT INTO funding_payments (position_id, account, venue, market, symbol, payment_id, amount, currency, paid_us)
SELECT
    (SELECT p.id FROM positions p WHERE (p.account, p.venue, p.market, p.symbol, p.life) =
        (f.account, f.venue, f.market, f.symbol, (e.body ->> 'life')::bigint)),
    f.account, f.venue, f.market, f.symbol, f.payment_id, f.amount, f.currency, f.paid_us
FROM jsonb_array_elements($1::jsonb) e(body), LATERAL jsonb_populate_record(NULL::funding_payments, e.body) f
ON CONFLICT (account, venue, market, symbol, payment_id) DO UPDATE SET position_id = excluded.position_id
    WHERE funding_payments.position_id IS NULL"""
_BLOCKS: Final = """
INSERT INTO blocks (account, venue, market, symbol, reason, since_us)
SELECT account, venue, market, symbol, reason, since_us FROM jsonb_populate_recordset(NULL::blocks, $1::jsonb)
ON CONFLICT (account, venue, market, symbol) DO UPDATE SET reason = excluded.reason"""
_UNBLOCK: Final = """
DELETE FROM blocks b USING jsonb_populate_recordset(NULL::blocks, $1::jsonb) f
WHERE (b.account, b.venue, b.market, b.symbol) = (f.account, f.venue, f.market, f.symbol)"""
_AUDIT: Final = """
SELECT w.sequence, w.action::text, w.entity_type, w.entity_id, w.old_value, w.new_value, w.reason, w.trace_id,
    w.success, w.error_message, w.context, w.actor, w.at_us, w.previous_hash, w.hash
FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS e(body, place), LATERAL write_audit(e.body) w
ORDER BY e.place"""
_OUTBOX: Final = """
INSERT INTO outbox (stream, number, topic, key, symbol, record, body, trace_id)
SELECT stream, number, topic, key, symbol, record, body, trace_id
FROM jsonb_populate_recordset(NULL::outbox, $1::jsonb)"""
_ACCOUNT: Final = """
UPDATE accounts SET version = version + 1, outbox_sequence = $3, event_sequence = $4,
    balances = coalesce($5::jsonb, balances) WHERE account = $2"""
_TOLD: Final = f"WITH told AS ({_ACCOUNT}) {_OUTBOX}"
_OFFSET: Final = """
INSERT INTO intake_offsets (account, partition, next)
SELECT account, partition, next FROM jsonb_populate_recordset(NULL::intake_offsets, $1::jsonb)
ON CONFLICT (account, partition) DO UPDATE SET next = excluded.next WHERE intake_offsets.next < excluded.next"""
_TOGETHER: Final = (
    _INTENTS, _ORDERS, _POSITIONS, _SLOTS, _MEMORIES, _PORTFOLIOS, _PAIRS, _BLOCKS, _UNBLOCK, _OFFSET,
)  # fmt: skip
"""What is written by one statement, in which nothing reads what another part writes: a question less is a wait less."""


def _all(statements: Sequence[str]) -> str:
    """Return one statement of all, which tells how many rows each has written."""
    parts = [
        f"r{number} AS ({text.replace('$1', f'${number}')} RETURNING 1)" for number, text in enumerate(statements, 1)
    ]
    counts = [f"(SELECT count(*) FROM r{number})" for number in range(1, len(statements) + 1)]  # noqa: S608 - our own text
    return f"WITH {', '.join(parts)} SELECT ARRAY[{', '.join(counts)}]"


_ROWS: Final = _all(_TOGETHER)


async def write(session: Session, before: AccountState, changes: Changes, place: Place | None) -> None:
    """Write everything; raise Contended where a row was changed by another meanwhile."""
    newest = {(*one.instrument, one.life): one for one in changes.positions}
    pairs = {(one.pair_id, one.round): one for one in changes.pairs}
    rows: tuple[Sequence[object], ...] = (
        changes.intents,
        [_order(one) for one in changes.orders],
        [_position(one) for one in newest.values()],
        changes.slots,
        changes.memories,
        changes.portfolios,
        [_pair(one) for one in pairs.values()],
        changes.blocks,
        changes.unblocked,
        [] if place is None else [_offset(before.account, place)],
    )
    if any(rows):
        counts = await session.fetchval(_ROWS, *(_ENCODE.encode(part).decode() for part in rows))
        for text, part, count in zip(_TOGETHER, rows, counts, strict=True):
            # An offset that stands there already, or beyond, is none of another's doing.
            if len(part) != count and text is not _OFFSET:
                raise Contended(f"a row has changed meanwhile: {text.split()[2]}")
    # Fills name the life of a position that may have begun just now.
    await _put(session, _TRADES, changes.fills)
    await _put(session, _FUNDING, changes.payments)
    if changes == Changes():
        return
    outgoing = (*changes.outgoing, *await audit(session, changes.audits))
    balances = None if changes.balances is None else _ENCODE.encode(changes.balances).decode()
    events = before.event_sequence if changes.event_sequence is None else changes.event_sequence
    await session.execute(
        _TOLD,
        _waiting(before.account, before.outbox_sequence + 1, outgoing),
        before.account,
        before.outbox_sequence + len(outgoing),
        events,
        balances,
    )


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
    rows = [
        {
            "stream": stream,
            "number": number,
            "topic": one.topic,
            "key": one.key,
            "symbol": one.symbol,
            "record": f"tapeline.{type(one.value).__name__}",
            "body": one.value,
            "trace_id": one.trace_id,
        }
        for number, one in enumerate(outgoing, start=first)
    ]
    return _ENCODE.encode(rows).decode()


async def _put(session: Session, statement: str, rows: Sequence[msgspec.Struct] | Sequence[Row]) -> None:
    if rows:
        tag = await session.execute(statement, _ENCODE.encode(rows).decode())
        if int(tag.rpartition(" ")[2]) != len(rows):
            raise Contended(f"a row has changed meanwhile: {statement.split()[2]}")


def _offset(account: str, place: Place) -> Row:
    return {"account": account, "partition": place.partition, "next": place.offset + 1}


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
