DROP TABLE sink_offsets;
