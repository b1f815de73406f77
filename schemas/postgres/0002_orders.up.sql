-- What trading must remember. Rows of one account are changed only by the executor that holds its lease, under the lock
-- of its row in accounts. Time is bigint microseconds UTC (*_us), the *_at columns are made from them. Quantities and
-- prices are NUMERIC(38,18), a sum of products of two such numbers is numeric without a scale, so that it stays exact.
CREATE FUNCTION time_of(us bigint) RETURNS timestamptz
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN timestamptz 'epoch' + (us / 1000000) * interval '1 second' + (us % 1000000) * interval '1 microsecond';

CREATE FUNCTION now_us() RETURNS bigint
LANGUAGE sql VOLATILE PARALLEL SAFE
RETURN (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;

CREATE TYPE order_side AS ENUM ('buy', 'sell');
CREATE TYPE order_type AS ENUM ('limit', 'market', 'post_only');
CREATE TYPE time_in_force AS ENUM ('GTC', 'IOC', 'FOK');
CREATE TYPE market_type AS ENUM ('spot', 'futures');
CREATE TYPE order_status AS ENUM
    ('PENDING', 'PLACED', 'PARTIALLY_FILLED', 'FILLED', 'CANCELLED', 'REJECTED', 'EXPIRED', 'UNKNOWN');
CREATE TYPE position_status AS ENUM ('OPENING', 'OPEN', 'CLOSING', 'CLOSED');
CREATE TYPE pair_state AS ENUM ('ERROR', 'PAUSED', 'READY', 'ENTERING', 'POSITION_OPEN', 'EXITING');
CREATE TYPE desired_value AS ENUM ('RUNNING', 'REDUCING', 'HALTED');
CREATE TYPE intent_status AS ENUM ('APPROVED', 'REFUSED', 'SETTLED');

CREATE TABLE accounts (
    account text PRIMARY KEY,
    epoch bigint NOT NULL DEFAULT 0,
    holder text,
    lease_until_us bigint NOT NULL DEFAULT 0,
    version bigint NOT NULL DEFAULT 0,
    outbox_sequence bigint NOT NULL DEFAULT 0,
    event_sequence bigint NOT NULL DEFAULT 0,
    balances jsonb NOT NULL DEFAULT '[]'
);
COMMENT ON TABLE accounts IS 'Named sets of keys with the lease of their one executor, each transaction locks its row';
COMMENT ON COLUMN accounts.epoch IS 'Raised by each take-over, a writer with a lower one is fenced';
COMMENT ON COLUMN accounts.event_sequence IS 'Number of the last order.event, rising by one';

CREATE TABLE intake_offsets (
    account text NOT NULL REFERENCES accounts,
    partition integer NOT NULL CHECK (partition >= 0),
    next bigint NOT NULL CHECK (next >= 0),
    PRIMARY KEY (account, partition)
);
COMMENT ON TABLE intake_offsets IS 'First offset of order.intent that an account has not answered, by partition';

CREATE TABLE intents (
    intent_id text PRIMARY KEY,
    account text NOT NULL REFERENCES accounts,
    strategy text NOT NULL,
    symbol text NOT NULL,
    slot bigint NOT NULL,
    round bigint NOT NULL,
    command text NOT NULL,
    opening boolean NOT NULL,
    status intent_status NOT NULL,
    code text,
    reason text,
    wanted_because text NOT NULL,
    reservation jsonb,
    context text,
    actor text NOT NULL,
    trace_id text,
    first_received_us bigint,
    decided_us bigint NOT NULL,
    expires_us bigint NOT NULL,
    taken_us bigint NOT NULL,
    settled_us bigint,
    version bigint NOT NULL
);
COMMENT ON TABLE intents IS 'Every intent that was answered, approved or refused, for ever: its id is never done twice';
COMMENT ON COLUMN intents.reservation IS 'Room under the caps that it keeps until it settles';
COMMENT ON COLUMN intents.wanted_because IS 'The reason that the strategy or the person gave';
CREATE UNIQUE INDEX intents_one_opening ON intents (strategy, symbol, slot, round)
    WHERE opening AND status <> 'REFUSED';
COMMENT ON INDEX intents_one_opening IS 'One opening per strategy, symbol, slot and round';
CREATE INDEX intents_unsettled ON intents (account) WHERE status = 'APPROVED';
CREATE INDEX intents_trace ON intents (trace_id);

CREATE TABLE orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    client_order_id text NOT NULL UNIQUE,
    exchange_order_id text,
    account text NOT NULL REFERENCES accounts,
    intent_id text NOT NULL REFERENCES intents,
    strategy text NOT NULL,
    symbol text NOT NULL,
    venue text NOT NULL,
    market market_type NOT NULL,
    leg order_side,
    part bigint NOT NULL,
    attempt bigint NOT NULL,
    side order_side NOT NULL,
    order_type order_type NOT NULL,
    time_in_force time_in_force NOT NULL,
    quantity numeric(38, 18) NOT NULL CHECK (quantity > 0),
    price numeric(38, 18),
    reduce_only boolean NOT NULL,
    closing boolean NOT NULL,
    leverage numeric(38, 18),
    tag text,
    status order_status NOT NULL,
    filled numeric(38, 18) NOT NULL,
    filled_value numeric NOT NULL,
    told_filled numeric(38, 18) NOT NULL,
    commission numeric NOT NULL,
    code text,
    reason text,
    signal_data jsonb,
    trace_id text,
    expires_us bigint NOT NULL,
    created_us bigint NOT NULL,
    sent_us bigint,
    answered_us bigint,
    venue_us bigint,
    updated_us bigint NOT NULL,
    version bigint NOT NULL,
    created_at timestamptz GENERATED ALWAYS AS (time_of(created_us)) STORED,
    updated_at timestamptz GENERATED ALWAYS AS (time_of(updated_us)) STORED
);
COMMENT ON TABLE orders IS 'Every order, stored as PENDING before its request goes out (E-14)';
COMMENT ON COLUMN orders.told_filled IS 'Filled as the venue says, fills that it has not told one by one are still to come';
COMMENT ON COLUMN orders.closing IS 'Makes a position smaller, no cap holds for it';
CREATE INDEX orders_open ON orders (account)
    WHERE status IN ('PENDING', 'PLACED', 'PARTIALLY_FILLED', 'UNKNOWN') OR filled < told_filled;
CREATE INDEX orders_of_intent ON orders (intent_id);
CREATE INDEX orders_symbol ON orders (venue, market, symbol, created_us);
CREATE INDEX orders_trace ON orders (trace_id);

CREATE TABLE positions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account text NOT NULL REFERENCES accounts,
    venue text NOT NULL,
    market market_type NOT NULL,
    symbol text NOT NULL,
    life bigint NOT NULL,
    strategy text NOT NULL,
    side text NOT NULL CHECK (side IN ('flat', 'long', 'short')),
    quantity numeric(38, 18) NOT NULL CHECK (quantity >= 0),
    entry_price numeric(38, 18),
    status position_status NOT NULL,
    unrealized_pnl numeric NOT NULL,
    realized_pnl numeric NOT NULL,
    bought numeric(38, 18) NOT NULL,
    bought_value numeric NOT NULL,
    sold numeric(38, 18) NOT NULL,
    sold_value numeric NOT NULL,
    fees numeric NOT NULL,
    base_fees numeric NOT NULL,
    funding numeric NOT NULL,
    mark_price numeric(38, 18),
    leverage numeric(38, 18),
    margin numeric(38, 18),
    liquidation_price numeric(38, 18),
    entry_reason text,
    exit_reason text,
    signal_data jsonb,
    opened_us bigint,
    closed_us bigint,
    trace_id text,
    updated_us bigint NOT NULL,
    version bigint NOT NULL,
    opened_at timestamptz GENERATED ALWAYS AS (time_of(opened_us)) STORED,
    closed_at timestamptz GENERATED ALWAYS AS (time_of(closed_us)) STORED,
    UNIQUE (account, venue, market, symbol, life)
);
COMMENT ON TABLE positions IS 'What is or was held: one row per life, from flat to flat, owned by one strategy (E-15, K25)';
COMMENT ON COLUMN positions.bought_value IS 'Exact sum of price times quantity, the entry price is only shown';
COMMENT ON COLUMN positions.base_fees IS 'Fees taken in base currency: on spot so much less can be sold';
CREATE UNIQUE INDEX positions_one_open ON positions (account, venue, market, symbol) WHERE status <> 'CLOSED';
CREATE INDEX positions_best ON positions (realized_pnl DESC) WHERE status = 'CLOSED';

CREATE TABLE trades (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id bigint REFERENCES orders,
    position_id bigint REFERENCES positions,
    account text NOT NULL REFERENCES accounts,
    venue text NOT NULL,
    market market_type NOT NULL,
    symbol text NOT NULL,
    fill_id text NOT NULL,
    client_order_id text,
    side order_side NOT NULL,
    price numeric(38, 18) NOT NULL,
    quantity numeric(38, 18) NOT NULL CHECK (quantity > 0),
    fee numeric(38, 18) NOT NULL,
    fee_currency text NOT NULL,
    fee_quote numeric NOT NULL,
    liquidity text NOT NULL,
    cause text NOT NULL,
    filled_us bigint NOT NULL,
    executed_at timestamptz GENERATED ALWAYS AS (time_of(filled_us)) STORED,
    UNIQUE (venue, market, symbol, fill_id)
);
COMMENT ON TABLE trades IS 'Our fills, each once per id of the venue (E-16)';
COMMENT ON COLUMN trades.order_id IS 'Null for what the venue did by itself, as a liquidation';
COMMENT ON COLUMN trades.position_id IS 'The newest life it belongs to. A fill through zero also ended the one before, which bears its fee';
COMMENT ON COLUMN trades.fee_quote IS 'The fee in quote currency at the price of this fill';
CREATE INDEX trades_of_order ON trades (client_order_id);
CREATE INDEX trades_time ON trades (account, symbol, filled_us);

CREATE TABLE slots (
    account text NOT NULL REFERENCES accounts,
    strategy text NOT NULL,
    symbol text NOT NULL,
    slot bigint NOT NULL,
    round bigint NOT NULL,
    intent_id text REFERENCES intents,
    version bigint NOT NULL,
    PRIMARY KEY (account, strategy, symbol, slot)
);
COMMENT ON TABLE slots IS 'Places for one opening at a time, the round is raised when the opening settles';

CREATE TABLE memories (
    account text NOT NULL REFERENCES accounts,
    strategy text NOT NULL,
    symbol text NOT NULL,
    version bigint NOT NULL,
    kind text NOT NULL,
    body text NOT NULL,
    PRIMARY KEY (account, strategy, symbol)
);
COMMENT ON TABLE memories IS 'What a strategy wrote into its last intent, stored in the same transaction';

CREATE TABLE portfolios (
    account text NOT NULL REFERENCES accounts,
    strategy text NOT NULL,
    symbol text NOT NULL,
    closed_pnl numeric NOT NULL,
    taken_offset bigint,
    version bigint NOT NULL,
    PRIMARY KEY (account, strategy, symbol)
);
COMMENT ON TABLE portfolios IS 'What of the topic portfolio stands in no other table';

CREATE TABLE pairs (
    id text PRIMARY KEY,
    symbol text NOT NULL,
    venues jsonb NOT NULL,
    size numeric(38, 18) NOT NULL CHECK (size > 0),
    parts integer NOT NULL CHECK (parts > 0),
    entry_spread numeric(38, 18) NOT NULL,
    target_profit numeric(38, 18) NOT NULL,
    stop_loss numeric(38, 18) NOT NULL,
    leverage numeric(38, 18) NOT NULL DEFAULT 1,
    enabled boolean NOT NULL DEFAULT true,
    version bigint NOT NULL DEFAULT 1
);
COMMENT ON TABLE pairs IS 'Configured two-leg trades (D-16, K12)';

CREATE TABLE arb_trades (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pair_id text NOT NULL,
    round bigint NOT NULL,
    account text NOT NULL REFERENCES accounts,
    strategy text NOT NULL,
    symbol text NOT NULL,
    state pair_state NOT NULL,
    body jsonb NOT NULL,
    buy_venue text,
    sell_venue text,
    qty numeric(38, 18),
    buy_open_price numeric(38, 18),
    sell_open_price numeric(38, 18),
    buy_close_price numeric(38, 18),
    sell_close_price numeric(38, 18),
    fees numeric(38, 18),
    pnl numeric(38, 18),
    reason text,
    opened_us bigint,
    closed_us bigint,
    version bigint NOT NULL,
    opened_at timestamptz GENERATED ALWAYS AS (time_of(opened_us)) STORED,
    closed_at timestamptz GENERATED ALWAYS AS (time_of(closed_us)) STORED,
    UNIQUE (pair_id, round)
);
COMMENT ON TABLE arb_trades IS 'One row per two-leg trade and round (K12)';
COMMENT ON COLUMN arb_trades.body IS 'The record of the topic pair as it stands';
CREATE INDEX arb_trades_running ON arb_trades (account) WHERE state NOT IN ('PAUSED', 'READY');

CREATE TABLE blocks (
    account text NOT NULL REFERENCES accounts,
    venue text NOT NULL,
    market market_type NOT NULL,
    symbol text NOT NULL,
    reason text NOT NULL,
    since_us bigint NOT NULL,
    PRIMARY KEY (account, venue, market, symbol)
);
COMMENT ON TABLE blocks IS 'Instruments with something on them that is not ours: nothing is opened on their symbols (K1)';

CREATE TABLE desired_state (
    scope text NOT NULL CHECK (scope IN ('system', 'account', 'strategy', 'pair')),
    target text NOT NULL,
    version bigint NOT NULL,
    desired desired_value NOT NULL,
    parameters text,
    actor text NOT NULL,
    reason text,
    at_us bigint NOT NULL,
    PRIMARY KEY (scope, target)
);
COMMENT ON TABLE desired_state IS 'What is wanted, the topic control and the state file are copies';

CREATE TABLE outbox (
    stream text NOT NULL,
    number bigint NOT NULL,
    topic text NOT NULL,
    key text NOT NULL,
    symbol text,
    record text NOT NULL,
    body jsonb NOT NULL,
    trace_id text,
    created_us bigint NOT NULL DEFAULT now_us(),
    PRIMARY KEY (stream, number)
);
COMMENT ON TABLE outbox IS 'Records that the broker does not have yet, written in the transaction that they tell of';
COMMENT ON COLUMN outbox.stream IS 'An account, or control: each stream is published in the order of its numbers';

CREATE SEQUENCE control_numbers;
COMMENT ON SEQUENCE control_numbers IS 'Numbers of the outbox stream control';

CREATE TABLE idempotency_cache (
    key text PRIMARY KEY,
    operation text NOT NULL,
    result text NOT NULL,
    expires_us bigint NOT NULL,
    expires_at timestamptz GENERATED ALWAYS AS (time_of(expires_us)) STORED
);
COMMENT ON TABLE idempotency_cache IS 'Results of operations for as long as they may be asked for again (E-12, E-18)';
CREATE INDEX idempotency_cache_expiry ON idempotency_cache (expires_us);

CREATE TABLE leverage_cache (
    exchange text NOT NULL,
    symbol text NOT NULL,
    account text NOT NULL,
    leverage numeric(38, 18) NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account, exchange, symbol)
);
COMMENT ON TABLE leverage_cache IS 'Leverage that a venue has confirmed, a hit needs no request (D-13)';

CREATE TABLE trade_history (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    daemon_id varchar(100),
    exchange_id varchar(50) NOT NULL,
    trade_pair varchar(50) NOT NULL,
    order_id varchar(100) NOT NULL,
    fill_id text NOT NULL,
    market_type market_type NOT NULL,
    side order_side NOT NULL,
    price numeric(38, 18) NOT NULL,
    amount numeric(38, 18) NOT NULL,
    commission numeric(38, 18) NOT NULL,
    status varchar(50) NOT NULL,
    executed_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (exchange_id, market_type, trade_pair, fill_id)
);
COMMENT ON TABLE trade_history IS 'One row per fill, written by the sink from order.event, also after a replay (C-12)';
CREATE INDEX trade_history_place ON trade_history (exchange_id, trade_pair, executed_at);
