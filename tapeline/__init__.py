"""Tapeline, the library: domain, venues, strategies, runtime and the command line."""
