"""Waits until everything is worked on and stored: asked of broker and Postgres, not of the workers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from typing import Final

from tapeline.errors import Unavailable
from tapeline.runtime import clickhouse, clock, desired_state, kafka
from tapeline.runtime.desired_state import EVERYTHING, Wish
from tapeline.runtime.endpoints import ClickHouseEndpoint, KafkaEndpoint, PostgresEndpoint
from tapeline.runtime.kafka import Admin, Partition
from tapeline.runtime.single_transaction import transaction

SPREADS: Final = ("spreads", ("md.book",))
SINK: Final = ("sink-clickhouse", ("md.trade", "md.book", "md.delta", "md.gap", "signal.spread", "order.event"))
HISTORY: Final = ("sink-postgres", ("order.event", "account"))
"""Groups with what they read, in the order of the flow."""
ON_THE_WAY_S: Final = 1.5
"""How long a last message may be on its way from a market into the broker."""
_LOOK_S: Final = 0.2
_ASKED_S: Final = 2.0
_MOVING: Final = """
SELECT (SELECT count(*) FROM orders
        WHERE status IN ('PENDING', 'PLACED', 'PARTIALLY_FILLED', 'UNKNOWN') OR filled < told_filled)
    + (SELECT count(*) FROM intents i WHERE i.status = 'APPROVED' AND NOT EXISTS (
        SELECT 1 FROM arb_trades t WHERE t.state = 'POSITION_OPEN'
            AND (t.account, t.strategy, t.symbol, t.round) = (i.account, i.strategy, i.symbol, i.round)))
    + (SELECT count(*) FROM outbox)"""


async def drained(endpoint: KafkaEndpoint, *, within_s: float) -> None:
    """Return when each group has committed all that stood in its topics; Unavailable when that takes too long."""
    await asyncio.sleep(ON_THE_WAY_S)
    deadline_s = clock.monotonic_s() + within_s
    async with kafka.admin(endpoint) as admin:
        for group, topics in (SPREADS, SINK, HISTORY):
            goals = await _ends(admin, topics)
            while behind := await _behind(admin, group, goals):
                if clock.monotonic_s() > deadline_s:
                    raise Unavailable(f"{group} is still {behind} records behind after {within_s:g} s")
                await asyncio.sleep(_LOOK_S)


async def stop_trading(endpoint: PostgresEndpoint, *, within_s: float) -> None:
    """Want everything halted, as `tapeline kill` does: what is under way comes to its end, nothing new begins.

    Unavailable when Postgres does not take it in that time.
    """
    wish = Wish(scope="system", target=EVERYTHING, desired="HALTED", actor="demo", reason="the demo is over")
    deadline_s = clock.monotonic_s() + within_s
    while True:
        try:
            async with asyncio.timeout(_ASKED_S), transaction(endpoint, writes=True) as session:
                _ = await desired_state.change(session, wish)
        except (Unavailable, TimeoutError) as error:
            if clock.monotonic_s() > deadline_s:
                raise Unavailable(f"Postgres did not take the wish to halt within {within_s:g} s: {error!r}") from error
            await asyncio.sleep(_LOOK_S)
        else:
            return


async def settled(endpoint: PostgresEndpoint, *, within_s: float) -> bool:
    """Return True as soon as the order path stands still, False when it does not in that time: the audit says what is.

    It stands still when no order is open, unknown or still to be told of fills, no intent waits but such of pairs that
    are held open, and all is published.
    """
    deadline_s = clock.monotonic_s() + within_s
    while True:
        with contextlib.suppress(Unavailable, TimeoutError):
            async with asyncio.timeout(_ASKED_S), transaction(endpoint) as session:
                if not await session.fetchval(_MOVING):
                    return True
        if clock.monotonic_s() > deadline_s:
            return False
        await asyncio.sleep(_LOOK_S)


async def open_gaps(endpoint: ClickHouseEndpoint) -> int:
    """Return how many holes were said and are not closed yet, as far as they are stored."""
    client = await clickhouse.connect(endpoint)
    try:
        found = await client.query("SELECT count() FROM gaps FINAL WHERE end_ts IS NULL")
    finally:
        await client.close()
    return int(found.result_rows[0][0])


async def _ends(admin: Admin, topics: Iterable[str]) -> dict[Partition, int]:
    known = await admin.topics(topics)
    return await admin.ends(part for topic in known.values() for part in topic.places())


async def _behind(admin: Admin, group: str, goals: dict[Partition, int]) -> int:
    """Return how many records a group has not committed up to the goals."""
    commits = await admin.commits(group)
    return sum(max(0, goal - (commits[part].offset if part in commits else 0)) for part, goal in goals.items())
