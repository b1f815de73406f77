"""`tapeline prepare`: topics, schemas and tables in services that somebody else started; again it changes nothing."""

from __future__ import annotations

import asyncio

from infra.embedded import bootstrap
from tapeline.cli import progress
from tapeline.cli.failure import OK
from tapeline.cli.render import Output
from tapeline.cli.view import Cell, line, span
from tapeline.runtime import clock, endpoints, settings


def prepare(out: Output) -> int:
    """Set up what the services hold and return; each is tried for as long as its `max_retries` say."""
    known = endpoints.resolve(settings.load())
    # All are asked for first, so that what is missing is one sentence before anything is changed.
    services = (known.kafka, known.registry, known.postgres, known.clickhouse)
    began_s = clock.monotonic_s()
    with progress.watch(out) as show:
        ids = asyncio.run(bootstrap.run(known, _answers, show))
    took_s = round(clock.monotonic_s() - began_s, 3)
    text = f" {len(services)} services with {len(ids)} schemas in {span(took_s)}"
    out.show({"prepared": True, "schemas": len(ids), "took_s": took_s}, lambda: (line(Cell("✓", "good"), text),))
    return OK


async def _answers(service: str) -> None:
    """Wait for nothing: each client waits for its own service."""
    del service
