-- What the sink writes from the topics: rows are only ever added, each once by its identity, also after a replay.
ALTER TABLE trade_history ADD COLUMN commission_currency varchar(50) NOT NULL;
COMMENT ON COLUMN trade_history.daemon_id IS 'The account: one executor at a time trades with its keys';
COMMENT ON COLUMN trade_history.order_id IS 'client_order_id of the order';
COMMENT ON COLUMN trade_history.commission IS 'Fee of this fill in commission_currency, negative is a rebate';
COMMENT ON COLUMN trade_history.status IS 'State of the order after this fill';

CREATE TABLE account_history (
    account varchar(100) NOT NULL,
    version bigint NOT NULL,
    usdt numeric(38, 18) NOT NULL,
    equity numeric(38, 18) NOT NULL,
    unrealized_pnl numeric(38, 18) NOT NULL,
    exposure numeric(38, 18) NOT NULL,
    margin numeric(38, 18) NOT NULL,
    reserved numeric(38, 18) NOT NULL,
    open_orders bigint NOT NULL,
    open_positions bigint NOT NULL,
    balances jsonb NOT NULL,
    source text NOT NULL,
    at_us bigint NOT NULL,
    changed_at timestamptz GENERATED ALWAYS AS (time_of(at_us)) STORED,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account, version)
);
COMMENT ON TABLE account_history IS 'Every version of an account as its topic told it, written by the sink';
COMMENT ON COLUMN account_history.balances IS 'Every asset that is not zero, amounts as text so that they stay exact';
CREATE INDEX account_history_time ON account_history (account, at_us);
