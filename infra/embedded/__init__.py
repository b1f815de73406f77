"""Real Kafka, registry, Postgres and ClickHouse on loopback without Docker, kept alive by one supervisor."""
