"""All that Postgres knows of one order or intent: the answer, all orders of it, fills and every entry of the audit."""

from __future__ import annotations

from typing import Final

import msgspec

from tapeline.domain.account import TakenIntent
from tapeline.domain.account_records import Audit, Pair
from tapeline.domain.orders import OurFill, OurOrder
from tapeline.runtime.trading_rows import AS_ORDER
from tapeline.runtime.transactions import Session

NEAREST_OF: Final = 5_000
"""So many of the newest orders are looked through for the id that was meant."""
_MOST: Final = 6
_NAMED: Final = "SELECT client_order_id, exchange_order_id, venue, market::text AS market, symbol FROM orders"
_EXACT: Final = f"{_NAMED} WHERE client_order_id = $1 OR exchange_order_id = $1 ORDER BY id DESC LIMIT {_MOST}"
_PREFIX: Final = (
    f"{_NAMED} WHERE starts_with(client_order_id, $1) OR starts_with(exchange_order_id, $1)"
    f" ORDER BY id DESC LIMIT {_MOST}"
)
_NEWEST: Final = f"{_NAMED} ORDER BY id DESC LIMIT {NEAREST_OF}"
_INTENTS: Final = "SELECT intent_id, strategy, symbol, command, status::text AS status FROM intents"
_EXACT_INTENT: Final = f"{_INTENTS} WHERE intent_id = $1"
_PREFIX_INTENT: Final = f"{_INTENTS} WHERE starts_with(intent_id, $1) ORDER BY taken_us DESC LIMIT {_MOST}"
_NEWEST_INTENTS: Final = f"{_INTENTS} ORDER BY taken_us DESC LIMIT {NEAREST_OF}"
_STORY: Final = f"""
WITH one AS (
    SELECT $1::text AS client_order_id,
        coalesce($2::text, (SELECT intent_id FROM orders WHERE client_order_id = $1)) AS intent_id
), shown AS (
    SELECT o.* FROM orders o JOIN one USING (intent_id)
    WHERE one.client_order_id IS NULL OR o.client_order_id = one.client_order_id
)
SELECT jsonb_build_object(
    'order', (SELECT {AS_ORDER} FROM shown o JOIN one USING (client_order_id)),
    'intent', (SELECT to_jsonb(i) FROM intents i JOIN one USING (intent_id)),
    'orders', (
        SELECT coalesce(jsonb_agg({AS_ORDER} ORDER BY o.leg, o.venue, o.market, o.part, o.attempt, o.id), '[]')
        FROM orders o JOIN one USING (intent_id)
    ),
    'fills', (SELECT coalesce(jsonb_agg(to_jsonb(t) ORDER BY t.filled_us, t.id), '[]') FROM trades t
        WHERE t.client_order_id IN (SELECT client_order_id FROM shown)),
    'audits', (
        SELECT coalesce(jsonb_agg(to_jsonb(a) ORDER BY a.sequence), '[]') FROM audit_logs a
        WHERE (a.entity_type, a.entity_id) IN (
            SELECT 'order', client_order_id FROM shown UNION ALL SELECT 'intent', intent_id FROM one
        )
    ),
    'pair', (
        -- A trade has the round of its entry; what leaves it names that round. A refused entry began none.
        SELECT t.body FROM arb_trades t JOIN (
            SELECT i.command AS kind, i.round, a.new_value::jsonb -> 'command' AS said
            FROM intents i JOIN one USING (intent_id)
            JOIN audit_logs a ON (a.entity_type, a.entity_id) = ('intent', i.intent_id)
            WHERE (i.command, a.action::text) IN (
                ('EnterPair', 'INTENT_APPROVE'), ('ExitPair', 'INTENT_APPROVE'), ('ExitPair', 'INTENT_REFUSE')
            )
        ) w ON t.pair_id = w.said ->> 'pair_id'
            AND t.round = CASE w.kind WHEN 'EnterPair' THEN w.round ELSE (w.said ->> 'round')::bigint END
        LIMIT 1
    )
)::text"""  # noqa: S608 - constants of these modules, never a caller's text


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """An order by its two ids and its place."""

    client_order_id: str
    exchange_order_id: str | None
    venue: str
    market: str
    symbol: str


class NamedIntent(msgspec.Struct, frozen=True, kw_only=True):
    """An intent by its id and what it is about."""

    intent_id: str
    strategy: str
    symbol: str
    command: str
    status: str


Names = tuple[Named | NamedIntent, ...]


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """An intent and what came of it, or one order and what led to it; `orders` are all of the intent.

    Fills and audits are those of the order, without one those of all orders.
    """

    order: OurOrder | None
    intent: TakenIntent
    orders: tuple[OurOrder, ...]
    fills: tuple[OurFill, ...]
    audits: tuple[Audit, ...]
    pair: Pair | None


_READ: Final = msgspec.json.Decoder(Story)


async def named(session: Session, text: str) -> Names:
    """Return what has this id: orders by ours or the venue's, or an intent; where none has, what begins with it."""
    for orders, intents in ((_EXACT, _EXACT_INTENT), (_PREFIX, _PREFIX_INTENT)):
        found: Names = (*await _orders(session, orders, text), *await _intents(session, intents, text))
        if found:
            return found
    return ()


async def newest(session: Session) -> Names:
    """Return the newest orders and intents by name."""
    return (*await _orders(session, _NEWEST), *await _intents(session, _NEWEST_INTENTS))


async def story(session: Session, client_order_id: str) -> Story:
    """Return the story of an order that `named` has found."""
    return _READ.decode(await session.fetchval(_STORY, client_order_id, None))


async def story_of_intent(session: Session, intent_id: str) -> Story:
    """Return the story of an intent that `named` has found, whether or not it has orders."""
    return _READ.decode(await session.fetchval(_STORY, None, intent_id))


async def _orders(session: Session, query: str, *text: str) -> tuple[Named, ...]:
    return tuple(Named(**dict(row)) for row in await session.fetch(query, *text))


async def _intents(session: Session, query: str, *text: str) -> tuple[NamedIntent, ...]:
    return tuple(NamedIntent(**dict(row)) for row in await session.fetch(query, *text))
