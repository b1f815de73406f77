"""What is measured about the front; every label value is one of a short fixed list."""

from __future__ import annotations

from tapeline.runtime.metrics import Counter, Gauge, Histogram

QUERIES = Counter("tapeline_clickhouse_queries_total", "statements that were answered", ("kind",))
ERRORS = Counter("tapeline_clickhouse_errors_total", "statements that were refused, by ClickHouse's code", ("code",))
ROWS = Counter("tapeline_clickhouse_rows_total", "rows by direction (read, written)", ("direction",))
QUEUE = Gauge("tapeline_clickhouse_queue", "statements that run or wait", ("lane",))
SECONDS = Histogram("tapeline_clickhouse_seconds", "from the whole request to the first bytes of its answer", ("kind",))
