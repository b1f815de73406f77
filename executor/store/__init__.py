"""The store port on Postgres: what must survive a crash."""
