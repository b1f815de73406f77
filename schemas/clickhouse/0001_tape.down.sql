DROP TABLE gaps;
DROP TABLE orderbook_deltas;
DROP TABLE orderbook_snapshots;
DROP TABLE trades;
