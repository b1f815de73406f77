-- What the spreads agent saw, with the two books it computed each from. The identity is signal_id. ts is the newest
-- receipt among the inputs, first_received_ts the oldest.
CREATE TABLE IF NOT EXISTS spreads (
    ts DateTime64(6, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    pair LowCardinality(String),
    signal_id String CODEC(ZSTD(1)),
    amount Float64 CODEC(ZSTD(1)),
    buy_exchange_id LowCardinality(String),
    buy_market_type LowCardinality(String),
    buy_epoch Int64 CODEC(DoubleDelta, ZSTD(1)),
    buy_sequence_num Int64 CODEC(DoubleDelta, ZSTD(1)),
    buy_price Float64 CODEC(ZSTD(1)),
    sell_exchange_id LowCardinality(String),
    sell_market_type LowCardinality(String),
    sell_epoch Int64 CODEC(DoubleDelta, ZSTD(1)),
    sell_sequence_num Int64 CODEC(DoubleDelta, ZSTD(1)),
    sell_price Float64 CODEC(ZSTD(1)),
    gross Float64 CODEC(ZSTD(1)),
    fees Float64 CODEC(ZSTD(1)),
    net Float64 CODEC(ZSTD(1)),
    first_received_ts DateTime64(6, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    published_ts DateTime64(6, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    send_by DateTime64(6, 'UTC') EPHEMERAL '2299-01-01 00:00:00',
    in_time Bool MATERIALIZED NOT throwIf(send_by < now64(6), 'this batch was sent too late')
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(ts)
ORDER BY (pair, ts, signal_id)
SETTINGS non_replicated_deduplication_window = 10000;
