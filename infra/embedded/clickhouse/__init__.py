"""The ClickHouse engine behind HTTP in its own process: the one user of chdb."""
