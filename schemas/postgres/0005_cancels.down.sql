ALTER TABLE intents DROP COLUMN venue;
ALTER TABLE orders DROP COLUMN cancel_us;
