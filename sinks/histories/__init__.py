"""What the Postgres sink writes: one module a table, from a record to arrays of its columns."""
