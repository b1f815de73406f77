"""Values in, values out: no I/O, no async, no clock, no randomness."""
