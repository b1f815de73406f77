-- What is to be recorded and traded, written by people, daemons only lease it. All rows of one exchange, market and pair,
-- of both tables, are leased together: whoever holds one of them holds all.
CREATE TABLE monitoring (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    exchange_id varchar(50) NOT NULL,
    exchange_name varchar(100),
    market_type varchar(20) NOT NULL CHECK (market_type IN ('spot', 'futures')),
    trade_pair_id integer,
    trade_pair varchar(50) NOT NULL,
    daemon_priority integer NOT NULL DEFAULT 0,
    enabled boolean NOT NULL DEFAULT true,
    orderbook_depth integer NOT NULL DEFAULT 20 CHECK (orderbook_depth >= 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    daemon_id varchar(100),
    lease_until timestamptz,
    UNIQUE (exchange_id, market_type, trade_pair),
    CHECK ((daemon_id IS NULL) = (lease_until IS NULL))
);
COMMENT ON TABLE monitoring IS 'Which pairs are recorded (C-10)';
COMMENT ON COLUMN monitoring.daemon_priority IS 'Higher is leased first';
COMMENT ON COLUMN monitoring.orderbook_depth IS 'Levels a side of the published book, 0: all';
COMMENT ON COLUMN monitoring.updated_at IS 'When a person changed it last, leases do not count';
COMMENT ON COLUMN monitoring.daemon_id IS 'Which daemon records it, NULL: nobody (K5)';
COMMENT ON COLUMN monitoring.lease_until IS 'By the clock of this database, later anybody may take it';
CREATE INDEX monitoring_place ON monitoring (exchange_id, market_type, enabled);
CREATE INDEX monitoring_priority ON monitoring (daemon_priority);

CREATE TABLE trade (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    exchange_id varchar(50) NOT NULL,
    exchange_name varchar(100),
    market_type varchar(20) NOT NULL CHECK (market_type IN ('spot', 'futures')),
    trade_pair_id integer,
    trade_pair varchar(50) NOT NULL,
    daemon_priority integer NOT NULL DEFAULT 0,
    enabled boolean NOT NULL DEFAULT true,
    strategy_id varchar(100),
    strategy_params jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    daemon_id varchar(100),
    lease_until timestamptz,
    CHECK ((daemon_id IS NULL) = (lease_until IS NULL))
);
COMMENT ON TABLE trade IS 'Which pairs are recorded because a strategy is to trade them (C-11)';
COMMENT ON COLUMN trade.daemon_priority IS 'Higher is leased first';
COMMENT ON COLUMN trade.strategy_id IS 'NULL: trader.default_strategy';
COMMENT ON COLUMN trade.updated_at IS 'When a person changed it last, leases do not count';
COMMENT ON COLUMN trade.daemon_id IS 'Which daemon records it, NULL: nobody (K5)';
COMMENT ON COLUMN trade.lease_until IS 'By the clock of this database, later anybody may take it';
CREATE UNIQUE INDEX trade_once ON trade (exchange_id, market_type, trade_pair, coalesce(strategy_id, ''));
CREATE INDEX trade_place ON trade (exchange_id, market_type, enabled);
CREATE INDEX trade_priority ON trade (daemon_priority);

CREATE FUNCTION keep_task() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    leased CONSTANT text[] := ARRAY['daemon_id', 'lease_until', 'updated_at'];
BEGIN
    NEW.updated_at := OLD.updated_at;
    IF to_jsonb(NEW) - leased IS DISTINCT FROM to_jsonb(OLD) - leased THEN
        NEW.updated_at := clock_timestamp();
    END IF;
    IF (NEW.exchange_id, NEW.market_type, NEW.trade_pair) <> (OLD.exchange_id, OLD.market_type, OLD.trade_pair) THEN
        -- It speaks of another pair now, which may be somebody else's.
        NEW.daemon_id := NULL;
        NEW.lease_until := NULL;
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION keep_task IS 'Keeps updated_at, and lets no lease go over to another pair';

-- A lease that is taken or renewed concerns nobody else: told of those, daemons would wake each other without an end.
CREATE FUNCTION tell_tasks() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('tasks', '');
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION tell_tasks IS 'Wakes the daemons: a person has changed tasks, or a lease was given up';

CREATE TRIGGER keep BEFORE UPDATE ON monitoring FOR EACH ROW EXECUTE FUNCTION keep_task();
CREATE TRIGGER keep BEFORE UPDATE ON trade FOR EACH ROW EXECUTE FUNCTION keep_task();
CREATE TRIGGER come_or_gone AFTER INSERT OR DELETE ON monitoring FOR EACH STATEMENT EXECUTE FUNCTION tell_tasks();
CREATE TRIGGER come_or_gone AFTER INSERT OR DELETE ON trade FOR EACH STATEMENT EXECUTE FUNCTION tell_tasks();
CREATE TRIGGER changed AFTER UPDATE ON monitoring FOR EACH ROW
    WHEN (new.updated_at <> old.updated_at OR (new.daemon_id IS NULL AND old.daemon_id IS NOT NULL))
    EXECUTE FUNCTION tell_tasks();
CREATE TRIGGER changed AFTER UPDATE ON trade FOR EACH ROW
    WHEN (new.updated_at <> old.updated_at OR (new.daemon_id IS NULL AND old.daemon_id IS NOT NULL))
    EXECUTE FUNCTION tell_tasks();

GRANT SELECT ON monitoring, trade TO tapeline_producer, tapeline_reader;
GRANT UPDATE (daemon_id, lease_until) ON monitoring, trade TO tapeline_producer;
GRANT SELECT, INSERT, UPDATE, DELETE ON monitoring, trade TO tapeline_gateway;
