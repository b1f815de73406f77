-- One group role per kind of process, with what its process does to each table and nothing else. schemas/roles.py says
-- the same in one table, and a test compares the two whole. A login of the server's own is made a member of one of them.
-- Roles belong to the server, so that another database of it may have made them already.
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY[
        'tapeline_executor', 'tapeline_sink', 'tapeline_gateway', 'tapeline_producer', 'tapeline_reader'
    ] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
            EXCEPTION
                WHEN duplicate_object OR unique_violation THEN
                    -- Another database of this server was migrated at the same moment.
                    NULL;
                WHEN insufficient_privilege THEN
                    RAISE EXCEPTION 'the role % is missing, and % may not make it. As an administrator run: CREATE ROLE %',
                        wanted, current_user, wanted USING ERRCODE = 'insufficient_privilege';
            END;
        END IF;
    END LOOP;
END
$$;

-- Before Postgres 15 everybody may make tables and functions there, which a function of the owner would then find.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;

-- What changes desired state needs of the audit and of the outbox, without being able to write into either.
CREATE FUNCTION lock_audit() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM 1 FROM audit_head FOR UPDATE;
END
$$;
COMMENT ON FUNCTION lock_audit IS 'Puts transactions in the order in which their entries will stand in the audit';

CREATE FUNCTION tell_control(of_topic text, of_key text, of_record text, of_body jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF of_topic NOT IN ('control', 'audit') THEN
        RAISE EXCEPTION 'the stream control has no records of %', of_topic USING ERRCODE = 'insufficient_privilege';
    END IF;
    INSERT INTO outbox (stream, number, topic, key, record, body)
    VALUES ('control', nextval('control_numbers'), of_topic, of_key, of_record, of_body);
END
$$;
COMMENT ON FUNCTION tell_control IS 'The way into the stream control of the outbox for who writes no other stream';

REVOKE ALL ON FUNCTION lock_audit, tell_control FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lock_audit, tell_control, write_audit TO tapeline_executor, tapeline_gateway;
GRANT EXECUTE ON FUNCTION write_audits TO tapeline_executor;

GRANT SELECT ON desired_state, pairs TO tapeline_executor;
GRANT INSERT, UPDATE ON desired_state TO tapeline_executor;
GRANT SELECT, INSERT, UPDATE ON
    accounts, intake_offsets, intents, orders, positions, slots, memories, portfolios, arb_trades, funding_payments,
    leverage_cache
    TO tapeline_executor;
GRANT SELECT, INSERT ON trades TO tapeline_executor;
GRANT SELECT, INSERT, UPDATE, DELETE ON blocks TO tapeline_executor;
GRANT SELECT, INSERT, DELETE ON outbox, idempotency_cache TO tapeline_executor;

GRANT SELECT, INSERT, UPDATE ON sink_offsets TO tapeline_sink;
GRANT SELECT, INSERT ON trade_history, account_history TO tapeline_sink;

GRANT SELECT ON
    accounts, intake_offsets, intents, orders, positions, trades, slots, memories, portfolios, pairs, arb_trades, blocks,
    desired_state, outbox, funding_payments, leverage_cache, trade_history, account_history, sink_offsets, audit_logs,
    schema_migrations
    TO tapeline_reader, tapeline_gateway;
GRANT INSERT, UPDATE ON desired_state TO tapeline_gateway;
GRANT INSERT, UPDATE, DELETE ON pairs TO tapeline_gateway;
