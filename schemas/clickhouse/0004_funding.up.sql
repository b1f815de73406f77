-- What each perpetual says of its funding: rate, mark and index price, when it is paid next. ts is the venue's time, or
-- where it gives none, received_ts. A venue may tell the parts of one moment one by one, so the identity is the epoch,
-- the receipt, and what was said.
CREATE TABLE IF NOT EXISTS funding (
    ts DateTime64(6, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    exchange_id LowCardinality(String),
    market_type LowCardinality(String),
    pair LowCardinality(String),
    rate Float64 CODEC(ZSTD(1)) COMMENT 'that longs pay shorts at next_ts, as a fraction',
    mark_price Nullable(Float64) CODEC(ZSTD(1)),
    index_price Nullable(Float64) CODEC(ZSTD(1)),
    next_ts Nullable(DateTime64(6, 'UTC')) CODEC(ZSTD(1)),
    interval_us Nullable(Int64) CODEC(ZSTD(1)),
    epoch Int64 CODEC(DoubleDelta, ZSTD(1)),
    received_ts DateTime64(6, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    published_ts DateTime64(6, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    exact Map(LowCardinality(String), String) COMMENT 'numbers that no double holds, as the venue wrote them',
    send_by DateTime64(6, 'UTC') EPHEMERAL '2299-01-01 00:00:00',
    in_time Bool MATERIALIZED NOT throwIf(send_by < now64(6), 'this batch was sent too late')
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(ts)
ORDER BY (exchange_id, market_type, pair, ts, epoch, received_ts)
SETTINGS non_replicated_deduplication_window = 10000;
