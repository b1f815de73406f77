"""Exchange sockets to `md.*`: each record leaves with its epoch and sequence, and a hole is published as a gap."""
