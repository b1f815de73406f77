"""The only plumbing that touches the world; everything above it is pure or a thin shell."""
