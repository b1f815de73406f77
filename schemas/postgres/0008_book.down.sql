DROP FUNCTION book(text, bigint, bigint, bigint, jsonb);
DROP FUNCTION tell_audits(text, bigint, jsonb);
CREATE OR REPLACE FUNCTION write_audit(entry jsonb) RETURNS audit_logs
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
DROP FUNCTION write_audits(jsonb);
DROP FUNCTION desired_version();
DROP FUNCTION all_written(text, integer, jsonb);
