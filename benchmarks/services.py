"""Services of a benchmark's own: in a temporary directory, started before it measures, stopped whatever happens."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.embedded import control
from tapeline.runtime.endpoints import Endpoints, endpoints_from
from tapeline.runtime.runfile import RunFile
from tapeline.runtime.settings import Data, Log, Settings, load


@dataclass(frozen=True, slots=True)
class Services:
    """What runs, and where."""

    settings: Settings
    run: RunFile
    endpoints: Endpoints


@contextmanager
def started() -> Iterator[Services]:
    """Start broker, registry, Postgres and ClickHouse for the time of the block."""
    with tempfile.TemporaryDirectory() as folder:
        found = load(Path(folder))
        settings = found.model_copy(
            update={
                "data": Data(dir=Path(folder) / "data", cache_dir=found.data.cache_dir),
                "log": Log(dir=Path(folder) / "logs", level="error"),
            }
        )
        run = control.start(settings, lambda _: None)
        try:
            yield Services(settings, run, endpoints_from(settings, run))
        finally:
            control.stop(settings)
