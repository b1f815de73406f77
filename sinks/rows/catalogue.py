"""The catalogue of tables that this sink fills: a topic is read when its table stands here."""

from __future__ import annotations

from typing import Final

from sinks.rows.deltas import DELTAS
from sinks.rows.funding import FUNDING
from sinks.rows.gaps import GAPS
from sinks.rows.orders import ORDERS
from sinks.rows.snapshots import SNAPSHOTS
from sinks.rows.spreads import SPREADS
from sinks.rows.table import Table
from sinks.rows.trades import TRADES

TABLES: Final[tuple[Table, ...]] = (TRADES, SNAPSHOTS, DELTAS, GAPS, FUNDING, SPREADS, ORDERS)

BY_TOPIC: Final = {table.topic: table for table in TABLES}
