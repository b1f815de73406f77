"""All that Postgres knows of one order: its intent, the answer, its siblings, fills and every entry of the audit."""

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
_STORY: Final = f"""
WITH one AS (SELECT * FROM orders WHERE client_order_id = $1)
SELECT jsonb_build_object(
    'order', (SELECT {AS_ORDER} FROM one o),
    'intent', (SELECT to_jsonb(i) FROM intents i JOIN one USING (intent_id)),
    'orders', (
        SELECT jsonb_agg({AS_ORDER} ORDER BY o.leg, o.venue, o.market, o.part, o.attempt, o.id)
        FROM orders o WHERE o.intent_id = (SELECT intent_id FROM one)
    ),
    'fills', (SELECT coalesce(jsonb_agg(to_jsonb(t) ORDER BY t.filled_us, t.id), '[]') FROM trades t
        WHERE t.client_order_id = $1),
    'audits', (
        SELECT coalesce(jsonb_agg(to_jsonb(a) ORDER BY a.sequence), '[]') FROM audit_logs a
        WHERE (a.entity_type, a.entity_id) IN (('order', $1), ('intent', (SELECT intent_id FROM one)))
    ),
    'pair', (
        -- A trade has the round of its entry; what leaves it names that round.
        SELECT t.body FROM arb_trades t JOIN (
            SELECT i.command AS kind, i.round, a.new_value::jsonb -> 'command' AS said
            FROM intents i JOIN one USING (intent_id)
            JOIN audit_logs a ON (a.entity_type, a.entity_id) = ('intent', i.intent_id)
            WHERE i.command IN ('EnterPair', 'ExitPair') AND a.action = 'INTENT_APPROVE'
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


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """An order and what led to it; `orders` are all of its intent, itself among them."""

    order: OurOrder
    intent: TakenIntent
    orders: tuple[OurOrder, ...]
    fills: tuple[OurFill, ...]
    audits: tuple[Audit, ...]
    pair: Pair | None


_READ: Final = msgspec.json.Decoder(Story)


async def named(session: Session, text: str) -> tuple[Named, ...]:
    """Return the orders whose client id or venue's id is this text; where none is, those whose id begins with it."""
    for query in (_EXACT, _PREFIX):
        rows = await session.fetch(query, text)
        if rows:
            return tuple(Named(**dict(row)) for row in rows)
    return ()


async def newest(session: Session) -> tuple[Named, ...]:
    """Return the newest orders by name."""
    return tuple(Named(**dict(row)) for row in await session.fetch(_NEWEST))


async def story(session: Session, client_order_id: str) -> Story:
    """Return the story of an order that `named` has found."""
    return _READ.decode(await session.fetchval(_STORY, client_order_id))
