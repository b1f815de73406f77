"""The rows of `monitoring` and `trade` in Postgres, as people write them; leases are for the daemons alone."""

from __future__ import annotations

from typing import Final

import msgspec

from tapeline.domain.tasks import Pair, Table, Task
from tapeline.runtime.transactions import Session

CHANNEL: Final = "tasks"
"""Where Postgres tells that a person has changed a row, or that a lease was given up."""
_ROW: Final = """
SELECT '{table}' AS "table", id, exchange_id AS venue, exchange_name AS name, market_type AS market,
    trade_pair_id AS pair_id, trade_pair AS symbol, daemon_priority AS priority, enabled, {own}, daemon_id AS daemon,
    (extract(epoch FROM lease_until) * 1000000)::bigint AS until_us,
    (extract(epoch FROM created_at) * 1000000)::bigint AS created_us,
    (extract(epoch FROM updated_at) * 1000000)::bigint AS updated_us FROM {table}"""
_OWN: Final[dict[Table, str]] = {
    "monitoring": "orderbook_depth AS depth, NULL AS strategy, NULL AS parameters",
    "trade": "NULL AS depth, strategy_id AS strategy, strategy_params::text AS parameters",
}
_READ: Final = (
    " UNION ALL ".join(_ROW.format(table=table, own=own) for table, own in _OWN.items())
    + " ORDER BY priority DESC, venue, market, symbol, 1, id"
)
_COLUMNS: Final = {
    "name": "exchange_name",
    "pair_id": "trade_pair_id",
    "priority": "daemon_priority",
    "enabled": "enabled",
    "depth": "orderbook_depth",
    "strategy": "strategy_id",
    "parameters": "strategy_params",
}
_PAIR: Final = "exchange_id = $1 AND market_type = $2 AND trade_pair = $3"
Changes = dict[str, str | int | bool | None]
"""New values by the names that a Task has for them."""


async def read(session: Session) -> tuple[Task, ...]:
    """Return all rows of both tables, the most important first."""
    return tuple(msgspec.convert(dict(row), Task) for row in await session.fetch(_READ))


async def add(session: Session, table: Table, pair: Pair, changes: Changes) -> int:
    """Make a row and return its id; Contended where there is one already."""
    columns = ["exchange_id", "market_type", "trade_pair", *(_COLUMNS[name] for name in changes)]
    places = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
    made = await session.fetchval(
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places}) RETURNING id",  # noqa: S608 - names of ours
        *pair,
        *changes.values(),
    )
    return int(made)


async def change(session: Session, table: Table, pair: Pair, changes: Changes) -> int:
    """Change the rows of a pair in one table and return how many there are."""
    sets = ", ".join(f"{_COLUMNS[name]} = ${number}" for number, name in enumerate(changes, start=4))
    done = await session.execute(f"UPDATE {table} SET {sets} WHERE {_PAIR}", *pair, *changes.values())  # noqa: S608 - as above
    return int(done.rpartition(" ")[2])


async def remove(session: Session, table: Table, pair: Pair) -> int:
    """Take the rows of a pair out of one table and return how many there were."""
    done = await session.execute(f"DELETE FROM {table} WHERE {_PAIR}", *pair)  # noqa: S608 - as above
    return int(done.rpartition(" ")[2])
