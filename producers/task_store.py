"""Tasks and their leases in Postgres: one statement takes and renews, the time is the database's, no row is waited for.

A pair is won where each of its rows, of both tables, is free, run out or the asker's own and nobody else is at it; rows
that are switched off count, so that switching one on again changes no owner.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from tapeline.domain.tasks import Pair, Task
from tapeline.runtime import task_rows
from tapeline.runtime.transactions import Transactions

_TAKEABLE: Final = """
    SELECT t.id, t.exchange_id, t.market_type, t.trade_pair FROM {table} t JOIN asked USING (exchange_id, market_type,
        trade_pair)
    WHERE t.daemon_id IS NULL OR t.daemon_id = $4 OR t.lease_until <= clock_timestamp()
    FOR UPDATE OF t SKIP LOCKED"""
_TAKE: Final = """
    UPDATE {table} t SET daemon_id = $4, lease_until = clock_timestamp() + $5 * interval '1 second'
    FROM {locked} l JOIN won USING (exchange_id, market_type, trade_pair) WHERE t.id = l.id"""
_CLAIM: Final = f"""
WITH asked AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) AS a (exchange_id, market_type, trade_pair)
), locked_monitoring AS ({_TAKEABLE.format(table="monitoring")}
), locked_trade AS ({_TAKEABLE.format(table="trade")}
), locked AS (
    SELECT exchange_id, market_type, trade_pair, count(*) AS many FROM (
        SELECT * FROM locked_monitoring UNION ALL SELECT * FROM locked_trade) l
    GROUP BY exchange_id, market_type, trade_pair
), there AS (
    SELECT exchange_id, market_type, trade_pair, count(*) AS many FROM (
        SELECT exchange_id, market_type, trade_pair FROM monitoring
        UNION ALL SELECT exchange_id, market_type, trade_pair FROM trade) t
    JOIN asked USING (exchange_id, market_type, trade_pair) GROUP BY exchange_id, market_type, trade_pair
), won AS (
    SELECT exchange_id, market_type, trade_pair FROM locked
    JOIN there USING (exchange_id, market_type, trade_pair, many)
), of_monitoring AS ({_TAKE.format(table="monitoring", locked="locked_monitoring")}
), of_trade AS ({_TAKE.format(table="trade", locked="locked_trade")}
)
SELECT exchange_id AS venue, market_type AS market, trade_pair AS symbol FROM won"""  # noqa: S608 - names of ours
_RELEASE: Final = """
UPDATE {table} SET daemon_id = NULL, lease_until = NULL FROM unnest($1::text[], $2::text[], $3::text[])
    AS a (exchange_id, market_type, trade_pair)
WHERE ({table}.exchange_id, {table}.market_type, {table}.trade_pair) = (a.exchange_id, a.market_type, a.trade_pair)
    AND daemon_id = $4"""


class Read(msgspec.Struct, frozen=True):
    """All tasks as they stood at this time of the database."""

    at_us: int
    tasks: tuple[Task, ...]


class TaskStore:
    """The tasks as a daemon sees them; raises Unavailable where the database is away."""

    def __init__(self, transactions: Transactions, me: str) -> None:
        """Take where they are and who asks."""
        self._transactions = transactions
        self._me = me

    async def read(self) -> Read:
        """Return all rows."""
        async with self._transactions.at_once() as session:
            return Read(int(await session.fetchval("SELECT now_us()")), await task_rows.read(session))

    async def claim(self, pairs: Iterable[Pair], *, for_s: float) -> frozenset[Pair]:
        """Take or renew leases for so long and return which pairs are ours now."""
        asked = tuple(dict.fromkeys(pairs))
        if not asked:
            return frozenset()
        async with self._transactions.at_once() as session:
            rows = await session.fetch(_CLAIM, *_columns(asked), self._me, for_s)
        return frozenset(msgspec.convert(tuple(row), Pair) for row in rows)

    async def release(self, pairs: Iterable[Pair]) -> None:
        """Give leases up, those that are ours; the other daemons are told."""
        asked = tuple(pairs)
        if not asked:
            return
        async with self._transactions.begin() as session:
            for table in ("monitoring", "trade"):
                await session.execute(_RELEASE.format(table=table), *_columns(asked), self._me)


def _columns(pairs: tuple[Pair, ...]) -> tuple[list[str], list[str], list[str]]:
    return [one.venue for one in pairs], [one.market for one in pairs], [one.symbol for one in pairs]
