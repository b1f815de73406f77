"""Waits until everything that was published has been worked on and stored: asked of the broker, not of the workers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final

from tapeline.errors import Unavailable
from tapeline.runtime import clickhouse, clock, kafka
from tapeline.runtime.endpoints import ClickHouseEndpoint, KafkaEndpoint
from tapeline.runtime.kafka import Admin, Partition

SPREADS: Final = ("spreads", ("md.book",))
SINK: Final = ("sink-clickhouse", ("md.trade", "md.book", "md.delta", "md.gap", "signal.spread"))
"""Groups with what they read, in the order of the flow."""
ON_THE_WAY_S: Final = 1.5
"""How long a last message may be on its way from a market into the broker."""
_LOOK_S: Final = 0.2


async def drained(endpoint: KafkaEndpoint, *, within_s: float) -> None:
    """Return when each group has committed all that stood in its topics; Unavailable when that takes too long."""
    await asyncio.sleep(ON_THE_WAY_S)
    deadline_s = clock.monotonic_s() + within_s
    async with kafka.admin(endpoint) as admin:
        for group, topics in (SPREADS, SINK):
            goals = await _ends(admin, topics)
            while behind := await _behind(admin, group, goals):
                if clock.monotonic_s() > deadline_s:
                    raise Unavailable(f"{group} is still {behind} records behind after {within_s:g} s")
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
