-- The roles stay: they belong to the server, logins may be members of them, and without grants they may do nothing.
REVOKE ALL ON ALL TABLES IN SCHEMA public
    FROM tapeline_executor, tapeline_sink, tapeline_gateway, tapeline_producer, tapeline_reader;
REVOKE ALL ON FUNCTION write_audit, write_audits FROM tapeline_executor, tapeline_gateway;
DROP FUNCTION tell_control;
DROP FUNCTION lock_audit;
