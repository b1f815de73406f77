"""What the simulated markets wrote down against what stands in ClickHouse, message by message: a second reading."""
