-- What is to be cancelled is known by its row, so that no crash between the wish and the request forgets it.
ALTER TABLE orders ADD COLUMN cancel_us bigint;
COMMENT ON COLUMN orders.cancel_us IS 'When its cancel was asked for, tried until the order is final';
ALTER TABLE intents ADD COLUMN venue text;
COMMENT ON COLUMN intents.venue IS 'The one venue that it is about, where it names one';
