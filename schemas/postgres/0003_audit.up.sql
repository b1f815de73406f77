-- The audit: append-only, each row carries the hash of the one before it, written by write_audit alone in the
-- transaction of what it tells of (E-17, E-27, K24).
CREATE TYPE audit_action AS ENUM (
    'LEASE_TAKE', 'INTENT_APPROVE', 'INTENT_REFUSE', 'INTENT_SETTLE', 'ORDER_PLACE', 'ORDER_UPDATE', 'ORDER_FILL',
    'ORDER_REPAIR', 'POSITION_OPEN', 'POSITION_UPDATE', 'POSITION_CLOSE', 'POSITION_REPAIR', 'PAIR_CHANGE',
    'SYMBOL_BLOCK', 'SYMBOL_UNBLOCK', 'STATE_CHANGE'
);

CREATE TABLE audit_head (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    sequence bigint NOT NULL,
    hash text NOT NULL
);
COMMENT ON TABLE audit_head IS 'Number and hash of the newest row of audit_logs, its lock puts the writers in order';
INSERT INTO audit_head (sequence, hash) VALUES (0, repeat('0', 64));

CREATE TABLE audit_logs (
    sequence bigint PRIMARY KEY,
    action audit_action NOT NULL,
    entity_type text NOT NULL,
    entity_id text NOT NULL,
    old_value text,
    new_value text,
    reason text,
    trace_id text,
    success boolean NOT NULL,
    error_message text,
    context text,
    actor text NOT NULL,
    at_us bigint NOT NULL,
    previous_hash text NOT NULL,
    hash text NOT NULL,
    "timestamp" timestamptz GENERATED ALWAYS AS (time_of(at_us)) STORED
);
COMMENT ON TABLE audit_logs IS 'Who did what, when and why, of every action on capital: never changed, never deleted';
COMMENT ON COLUMN audit_logs.old_value IS 'JSON as it was written, text so that the hash can be computed again';
COMMENT ON COLUMN audit_logs.hash IS 'SHA-256 over previous_hash and the row, as audit_text spells it';
CREATE INDEX audit_logs_entity ON audit_logs (entity_type, entity_id, sequence);
CREATE INDEX audit_logs_trace ON audit_logs (trace_id);
CREATE INDEX audit_logs_failed ON audit_logs (at_us) WHERE NOT success;

CREATE FUNCTION audit_text(VARIADIC parts text[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
    SELECT string_agg(coalesce(octet_length(part) || ':' || part, '-'), ',' ORDER BY place)
    FROM unnest(parts) WITH ORDINALITY AS every(part, place)
);
COMMENT ON FUNCTION audit_text IS 'Parts with their lengths, a null is a dash: no two rows spell the same';

CREATE FUNCTION write_audit(entry jsonb) RETURNS audit_logs
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    head audit_head;
    made audit_logs;
BEGIN
    SELECT * INTO STRICT head FROM audit_head FOR UPDATE;
    made := jsonb_populate_record(NULL::audit_logs, entry);
    made.sequence := head.sequence + 1;
    made.previous_hash := head.hash;
    made.hash := encode(sha256(convert_to(audit_text(
        made.previous_hash, made.sequence::text, made.action::text, made.entity_type, made.entity_id, made.old_value,
        made.new_value, made.reason, made.trace_id, made.success::text, made.error_message, made.context, made.actor,
        made.at_us::text
    ), 'UTF8')), 'hex');
    INSERT INTO audit_logs (
        sequence, action, entity_type, entity_id, old_value, new_value, reason, trace_id, success, error_message,
        context, actor, at_us, previous_hash, hash
    ) VALUES (
        made.sequence, made.action, made.entity_type, made.entity_id, made.old_value, made.new_value, made.reason,
        made.trace_id, made.success, made.error_message, made.context, made.actor, made.at_us, made.previous_hash,
        made.hash
    );
    UPDATE audit_head SET sequence = made.sequence, hash = made.hash;
    RETURN made;
END
$$;
COMMENT ON FUNCTION write_audit IS 'The one way into audit_logs';

CREATE FUNCTION refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: the audit is append-only', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER audit_logs_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_logs
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON audit_logs, audit_head FROM PUBLIC;
REVOKE ALL ON FUNCTION write_audit FROM PUBLIC;
