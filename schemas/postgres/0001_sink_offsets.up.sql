-- How far each sink has written each partition. The row changes in the transaction that writes the rows, by
-- UPDATE .. SET next = new WHERE .. AND next = expected: a worker that lost its partition matches no row and is refused.
CREATE TABLE sink_offsets (
    consumer text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL CHECK (partition >= 0),
    next bigint NOT NULL CHECK (next >= 0),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, topic, partition)
);

COMMENT ON TABLE sink_offsets IS 'First offset of each partition that a sink has not written yet';
COMMENT ON COLUMN sink_offsets.consumer IS 'Name of the sink, one row per partition it writes';
COMMENT ON COLUMN sink_offsets.next IS 'First offset not written, raised in the same transaction as the rows';
