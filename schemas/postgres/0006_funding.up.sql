-- Funding of futures, each payment once by the venue's id, on the life of the position that was open when it was paid.
CREATE TABLE funding_payments (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    position_id bigint REFERENCES positions,
    account text NOT NULL REFERENCES accounts,
    venue text NOT NULL,
    market market_type NOT NULL,
    symbol text NOT NULL,
    payment_id text NOT NULL,
    amount numeric NOT NULL,
    currency text NOT NULL,
    paid_us bigint NOT NULL,
    paid_at timestamptz GENERATED ALWAYS AS (time_of(paid_us)) STORED,
    UNIQUE (account, venue, market, symbol, payment_id)
);
COMMENT ON TABLE funding_payments IS 'What funding brought in or cost, summed up in positions.funding';
COMMENT ON COLUMN funding_payments.position_id IS 'Null where no life of ours was open then: noted and counted nowhere';
COMMENT ON COLUMN funding_payments.amount IS 'In quote currency, received above zero, paid below';
COMMENT ON COLUMN funding_payments.currency IS 'What it was paid in';
CREATE INDEX funding_payments_time ON funding_payments (account, venue, market, paid_us);
