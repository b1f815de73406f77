"""How a command finds the services: one try each, because the person in front of it can try again."""

from __future__ import annotations

from dataclasses import replace

from tapeline.runtime import endpoints, settings
from tapeline.runtime.endpoints import Endpoints
from tapeline.runtime.settings import Settings


def services(found: Settings | None = None) -> Endpoints:
    """Return where the services are, each to be tried once only."""
    return impatient(endpoints.resolve(found or settings.load()))


def impatient(known: Endpoints) -> Endpoints:
    """Return the same services with no further tries at start."""
    kafka, postgres, clickhouse = known.found_kafka, known.found_postgres, known.found_clickhouse
    return replace(
        known,
        found_kafka=None if kafka is None else replace(kafka, max_retries=0),
        found_postgres=None if postgres is None else replace(postgres, max_retries=0),
        found_clickhouse=None if clickhouse is None else replace(clickhouse, max_retries=0),
    )
