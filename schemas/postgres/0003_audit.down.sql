DROP FUNCTION write_audit;
DROP TABLE audit_logs;
DROP TABLE audit_head;
DROP FUNCTION refuse_change;
DROP FUNCTION audit_text;
DROP TYPE audit_action;
