DROP TABLE trade;
DROP TABLE monitoring;
DROP FUNCTION tell_tasks;
DROP FUNCTION keep_task;
