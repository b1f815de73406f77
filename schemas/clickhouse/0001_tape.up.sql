-- Every statement bears being run twice: a kill between a statement and its record repeats it.
-- The tape: trades, books, changes of books, and the holes in all of them. Words of the requirements (exchange, pair,
-- amount) stay in the columns that C-16 and C-17 spell out. ts is the venue's time, or where it gives none, received_ts.
-- Identity is the trade id, or epoch and sequence. The sink drops what it has stored before it inserts, and the window
-- lets the server drop a batch that was sent twice. A sink says with send_by (never stored) until when it knew that the
-- partition was its own, and the server refuses what comes later: so a sink that was paused can never write behind the
-- window, in which fewer batches fit than can be written in that time.
CREATE TABLE IF NOT EXISTS trades (
    ts DateTime64(6, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    exchange_id LowCardinality(String),
    market_type LowCardinality(String),
    pair LowCardinality(String),
    trade_id String CODEC(ZSTD(1)),
    side Enum8('buy' = 1, 'sell' = 2),
    price Float64 CODEC(ZSTD(1)),
    amount Float64 CODEC(ZSTD(1)),
    epoch Int64 CODEC(DoubleDelta, ZSTD(1)),
    sequence_num Nullable(Int64) CODEC(ZSTD(1)),
    backfilled Bool,
    received_ts DateTime64(6, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    published_ts DateTime64(6, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    exact Map(LowCardinality(String), String) COMMENT 'numbers that no double holds, as the venue wrote them',
    send_by DateTime64(6, 'UTC') EPHEMERAL '2299-01-01 00:00:00',
    in_time Bool MATERIALIZED NOT throwIf(send_by < now64(6), 'this batch was sent too late')
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(ts)
ORDER BY (exchange_id, market_type, pair, ts, trade_id)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS orderbook_snapshots (
    ts DateTime64(6, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    exchange_id LowCardinality(String),
    market_type LowCardinality(String),
    pair LowCardinality(String),
    bids Array(Tuple(price Float64, amount Float64)) CODEC(ZSTD(1)),
    asks Array(Tuple(price Float64, amount Float64)) CODEC(ZSTD(1)),
    epoch Int64 CODEC(DoubleDelta, ZSTD(1)),
    sequence_num Int64 CODEC(DoubleDelta, ZSTD(1)),
    state Enum8('valid' = 1, 'stale' = 2),
    depth UInt32,
    received_ts DateTime64(6, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    published_ts DateTime64(6, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    exact Map(LowCardinality(String), String) COMMENT 'numbers that no double holds, as the venue wrote them',
    send_by DateTime64(6, 'UTC') EPHEMERAL '2299-01-01 00:00:00',
    in_time Bool MATERIALIZED NOT throwIf(send_by < now64(6), 'this batch was sent too late')
)
ENGINE = MergeTree
PARTITION BY toYYYYMMDD(ts)
ORDER BY (exchange_id, market_type, pair, ts, epoch, sequence_num)
SETTINGS non_replicated_deduplication_window = 10000;

-- One row per changed level. The column level counts the rows of one (epoch, sequence_num, kind) from 0, bids first, so
-- that a row has an identity and a snapshot its order.
CREATE TABLE IF NOT EXISTS orderbook_deltas (
    ts DateTime64(6, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    exchange_id LowCardinality(String),
    market_type LowCardinality(String),
    pair LowCardinality(String),
    kind Enum8('snapshot' = 1, 'change' = 2),
    side Enum8('bid' = 1, 'ask' = 2),
    price Float64 CODEC(ZSTD(1)),
    amount Float64 CODEC(ZSTD(1)),
    action Enum8('update' = 1, 'delete' = 2),
    epoch Int64 CODEC(DoubleDelta, ZSTD(1)),
    follows Nullable(Int64) CODEC(ZSTD(1)),
    sequence_num Int64 CODEC(DoubleDelta, ZSTD(1)),
    level UInt32 CODEC(DoubleDelta, ZSTD(1)),
    received_ts DateTime64(6, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    published_ts DateTime64(6, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    exact Map(LowCardinality(String), String) COMMENT 'numbers that no double holds, as the venue wrote them',
    send_by DateTime64(6, 'UTC') EPHEMERAL '2299-01-01 00:00:00',
    in_time Bool MATERIALIZED NOT throwIf(send_by < now64(6), 'this batch was sent too late')
)
ENGINE = MergeTree
PARTITION BY toYYYYMMDD(ts)
ORDER BY (exchange_id, market_type, pair, ts, epoch, sequence_num, kind, level)
SETTINGS non_replicated_deduplication_window = 10000;

-- A hole is written when it opens and again when it is closed or filled. The later record replaces the earlier one, so
-- read it with FINAL.
CREATE TABLE IF NOT EXISTS gaps (
    start_ts DateTime64(6, 'UTC'),
    end_ts Nullable(DateTime64(6, 'UTC')),
    exchange_id LowCardinality(String),
    market_type LowCardinality(String),
    pair LowCardinality(String),
    channel LowCardinality(String),
    epoch Int64,
    from_id Nullable(String),
    to_id Nullable(String),
    to_epoch Nullable(Int64),
    cause LowCardinality(String),
    backfilled Bool,
    detail Nullable(String),
    published_ts DateTime64(6, 'UTC'),
    send_by DateTime64(6, 'UTC') EPHEMERAL '2299-01-01 00:00:00',
    in_time Bool MATERIALIZED NOT throwIf(send_by < now64(6), 'this batch was sent too late')
)
ENGINE = ReplacingMergeTree(published_ts)
PARTITION BY toYYYYMM(start_ts)
ORDER BY (exchange_id, market_type, pair, start_ts, channel, epoch)
SETTINGS non_replicated_deduplication_window = 10000;
