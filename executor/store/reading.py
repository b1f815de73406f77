"""An account read in one statement under its lock: every row that is open, and those that were asked for."""

from __future__ import annotations

from typing import Final

import msgspec

from executor.store.steps import Wanted
from tapeline.domain.account import AccountState
from tapeline.domain.funding import LATE_US, RECENT_US, Exposed
from tapeline.domain.orders import OurFill
from tapeline.runtime.transactions import Session

# An executor that stands still in the middle of a transaction keeps its successor out for so long, never for ever.
LOCK: Final = """
SELECT epoch, holder, lease_until_us, now_us() AS now_us,
    set_config('idle_in_transaction_session_timeout', '3s', true) AS patience
FROM accounts WHERE account = $1 FOR UPDATE"""

_STATE: Final = """
WITH asked AS (
    SELECT strategy, symbol FROM orders WHERE client_order_id = ANY($2)
    UNION SELECT strategy, symbol FROM intents WHERE intent_id = ANY($3)
    UNION SELECT coalesce($4, strategy), symbol FROM slots WHERE account = $1 AND symbol = $5
    UNION SELECT $4, $5 WHERE $4 IS NOT NULL
), open_intents AS (
    SELECT * FROM intents
    WHERE account = $1 AND (status = 'APPROVED' OR intent_id = ANY($3))
), read_orders AS (
    SELECT * FROM orders
    WHERE account = $1 AND (
        status IN ('PENDING', 'PLACED', 'PARTIALLY_FILLED', 'UNKNOWN') OR filled < told_filled
        OR client_order_id = ANY($2) OR intent_id IN (SELECT intent_id FROM open_intents)
    )
), read_intents AS (
    SELECT * FROM open_intents
    UNION SELECT * FROM intents WHERE intent_id IN (SELECT intent_id FROM read_orders)
), read_positions AS (
    SELECT DISTINCT ON (venue, market, symbol) * FROM positions
    WHERE account = $1 AND (
        status <> 'CLOSED' OR symbol = $5 OR symbol IN (SELECT symbol FROM asked)
        OR symbol = ANY($6) OR $22
    )
    ORDER BY venue, market, symbol, life DESC
)
SELECT jsonb_build_object(
    'account', a.account, 'epoch', a.epoch, 'now_us', now_us(), 'version', a.version,
    'event_sequence', a.event_sequence, 'balances', a.balances,
    'intents', (SELECT coalesce(jsonb_agg(to_jsonb(i) ORDER BY i.taken_us, i.intent_id), '[]') FROM read_intents i),
    'orders', (
        SELECT coalesce(jsonb_agg(to_jsonb(o) || jsonb_build_object('venue_order_id', o.exchange_order_id)
            ORDER BY o.id), '[]') FROM read_orders o
    ),
    'positions', (SELECT coalesce(jsonb_agg(to_jsonb(p) ORDER BY p.id), '[]') FROM read_positions p),
    'lives', (
        SELECT coalesce(jsonb_agg(to_jsonb(l) ORDER BY l.life), '[]') FROM positions l
        WHERE l.account = $1 AND l.venue = $16 AND l.market::text = $17 AND l.symbol = $18
            AND l.opened_us <= $20::bigint + $21::bigint
            AND (l.closed_us IS NULL OR l.closed_us >= $20::bigint - $21::bigint)
    ),
    'payment', (
        SELECT to_jsonb(f) || jsonb_build_object(
            'life', (SELECT p.life FROM positions p WHERE p.id = f.position_id)
        ) FROM funding_payments f
        WHERE f.account = $1 AND f.venue = $16 AND f.market::text = $17 AND f.symbol = $18 AND f.payment_id = $19
    ),
    'pairs', (
        SELECT coalesce(jsonb_agg(t.body ORDER BY t.id), '[]') FROM (
            SELECT DISTINCT ON (pair_id) id, body FROM arb_trades
            WHERE account = $1 AND (state NOT IN ('PAUSED', 'READY') OR symbol = $5
                OR symbol IN (SELECT symbol FROM asked) OR $7)
            ORDER BY pair_id, round DESC
        ) t
    ),
    'slots', (
        SELECT coalesce(jsonb_agg(to_jsonb(s) ORDER BY s.strategy, s.symbol, s.slot), '[]') FROM slots s
        WHERE account = $1 AND ($7 OR (strategy, symbol) IN (SELECT * FROM asked))
    ),
    'memories', (
        SELECT coalesce(jsonb_agg(to_jsonb(m)), '[]') FROM memories m
        WHERE account = $1 AND ($7 OR (strategy, symbol) IN (SELECT * FROM asked))
    ),
    'portfolios', (
        SELECT coalesce(jsonb_agg(to_jsonb(f)), '[]') FROM portfolios f
        WHERE account = $1 AND ($7 OR symbol = $5 OR (strategy, symbol) IN (SELECT * FROM asked))
    ),
    'openings', (
        SELECT coalesce(jsonb_agg(intent_id), '[]') FROM intents
        WHERE opening AND status <> 'REFUSED'
            AND strategy = $8 AND symbol = $9 AND slot = $10 AND round = $11
    ),
    'controls', (SELECT coalesce(jsonb_agg(to_jsonb(c) ORDER BY c.scope, c.target), '[]') FROM desired_state c),
    'blocks', (
        SELECT coalesce(jsonb_agg(to_jsonb(b) ORDER BY b.venue, b.market, b.symbol), '[]') FROM blocks b
        WHERE account = $1
    ),
    'known_fills', (
        SELECT coalesce(jsonb_agg(t.fill_id), '[]') FROM trades t
        WHERE t.account = $1 AND (t.venue, t.market::text, t.symbol, t.fill_id) IN (
            SELECT * FROM unnest($12::text[], $13::text[], $14::text[], $15::text[])
        )
    )
)::text
FROM accounts a WHERE a.account = $1"""

STANDS: Final = """
SELECT epoch, version, desired_version() AS desired_version, now_us() AS now_us FROM accounts WHERE account = $1"""

_FILLS: Final = """
SELECT coalesce(jsonb_agg(to_jsonb(t) ORDER BY t.id), '[]')::text FROM trades t
WHERE t.account = $1 AND (
    t.client_order_id = ANY($2)
    OR (t.venue, t.market::text, t.symbol) IN (SELECT * FROM unnest($3::text[], $4::text[], $5::text[]))
)"""

_EXPOSED: Final = """
SELECT p.venue, p.market::text AS market, min(p.opened_us) AS opened_us,
    CASE WHEN NOT bool_or(p.status <> 'CLOSED') THEN max(p.closed_us) END AS closed_us,
    (
        SELECT max(f.paid_us) FROM funding_payments f
        WHERE (f.account, f.venue, f.market) = (p.account, p.venue, p.market) AND f.position_id IS NOT NULL
    ) AS paid_us
FROM positions p
WHERE p.account = $1 AND p.market = 'futures' AND p.opened_us IS NOT NULL
    AND (p.status <> 'CLOSED' OR p.updated_us > now_us() - $2::bigint)
GROUP BY p.account, p.venue, p.market ORDER BY p.venue"""

_READ: Final = msgspec.json.Decoder(AccountState)
_READ_FILLS: Final = msgspec.json.Decoder(tuple[OurFill, ...])


async def state(session: Session, account: str, wanted: Wanted) -> AccountState:
    """Return the account as it stands; LookupError when it was never opened."""
    strategy, symbol, slot, round_ = wanted.opening or (None, None, None, None)
    paid = wanted.payment
    text = await session.fetchval(
        _STATE,
        account,
        list(wanted.orders),
        list(wanted.intents),
        wanted.strategy,
        wanted.symbol,
        [fill.symbol for fill in wanted.fills],
        wanted.whole,
        strategy,
        symbol,
        slot,
        round_,
        [fill.venue for fill in wanted.fills],
        [fill.market for fill in wanted.fills],
        [fill.symbol for fill in wanted.fills],
        [fill.fill_id for fill in wanted.fills],
        *((paid.venue, paid.market, paid.symbol, paid.payment_id, paid.paid_us) if paid else (None,) * 5),
        LATE_US,
        wanted.lives,
    )
    if text is None:
        raise LookupError(f"there is no account {account!r} in the database")
    return _READ.decode(text)


async def exposed(session: Session, account: str) -> tuple[Exposed, ...]:
    """Return the markets on which futures are held, or were until lately."""
    return tuple(Exposed(**dict(row)) for row in await session.fetch(_EXPOSED, account, RECENT_US))


async def fills(session: Session, found: AccountState) -> tuple[OurFill, ...]:
    """Return the fills of an account's orders and of its instruments, in the order in which they were booked."""
    held = [one.instrument for one in found.positions]
    text = await session.fetchval(
        _FILLS,
        found.account,
        [one.client_order_id for one in found.orders],
        [one[0] for one in held],
        [one[1] for one in held],
        [one[2] for one in held],
    )
    return _READ_FILLS.decode(text)
