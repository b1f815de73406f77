DROP FUNCTION book(text, bigint, bigint, bigint, jsonb);
DROP FUNCTION desired_version();
DROP FUNCTION all_written(text, integer, jsonb);
