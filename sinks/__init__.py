"""Topics to Postgres and ClickHouse: what was stored before a crash is not stored twice after it."""
