"""Sets up what the services hold before anybody works with them: topics, schemas, tables; safe to run again each start."""

from __future__ import annotations

from infra.embedded import steps
from tapeline.runtime.runfile import RunFile
from tapeline.runtime.settings import Settings


async def run(settings: Settings, run: RunFile, report: steps.OnStep) -> dict[str, int]:
    """Make topics, register schemas, migrate both stores; return the ids of the schemas."""
    return {}
