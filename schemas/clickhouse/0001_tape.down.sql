DROP TABLE IF EXISTS gaps;
DROP TABLE IF EXISTS orderbook_deltas;
DROP TABLE IF EXISTS orderbook_snapshots;
DROP TABLE IF EXISTS trades;
