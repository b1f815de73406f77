DROP TABLE account_history;
COMMENT ON COLUMN trade_history.status IS NULL;
COMMENT ON COLUMN trade_history.commission IS NULL;
COMMENT ON COLUMN trade_history.order_id IS NULL;
COMMENT ON COLUMN trade_history.daemon_id IS NULL;
ALTER TABLE trade_history DROP COLUMN commission_currency;
