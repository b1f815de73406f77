"""The ClickHouse process: composition root of folder, engine, front and telemetry; it listens on loopback only.

`python -m infra.embedded.clickhouse --port P --data DIR`. The password comes from TAPELINE_CLICKHOUSE__PASSWORD, else
from the run file; never from the command line, where every user of the machine could read it.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from infra.embedded.clickhouse import folder, front
from infra.embedded.clickhouse.engine import Engine
from infra.embedded.clickhouse.front import Front
from infra.embedded.clickhouse.request import Login
from tapeline.errors import Misconfigured
from tapeline.runtime import lifecycle, runfile, telemetry
from tapeline.runtime.lifecycle import Lifecycle
from tapeline.runtime.settings import Settings

SERVICE: Final = "clickhouse"
# Of the time a stop may take this share is for the statements that run; the engine ends its merges in the rest.
_DRAIN_SHARE: Final = 0.7
# The broker's client is a third of the time that the start takes, and no statement waits for a heartbeat.
_BEATS: Final = "infra.embedded.clickhouse.beats"


def login(settings: Settings) -> Login:
    """Return the one user and the password; raise Misconfigured when neither settings nor the run file have it."""
    named = settings.clickhouse.password
    if named is not None:
        return Login(settings.clickhouse.username, named.get_secret_value())
    run = runfile.read(settings.data.dir)
    if run is None:
        raise Misconfigured(
            "ClickHouse has no password",
            fix="run `tapeline up`, which makes one, or set TAPELINE_CLICKHOUSE__PASSWORD",
        )
    return Login(settings.clickhouse.username, run.secrets.clickhouse_password)


@asynccontextmanager
async def engine_over(path: Path) -> AsyncIterator[Engine]:
    """Hold the folder and run the engine over it while the block runs."""
    with folder.held(path):
        engine = await asyncio.to_thread(Engine, path)
        try:
            yield engine
        finally:
            await asyncio.to_thread(engine.close)


@asynccontextmanager
async def front_over(engine: Engine, user: Login, port: int, drain_s: float) -> AsyncIterator[None]:
    """Serve the engine while the block runs."""
    served = Front(engine, user)
    async with front.serving(served, telemetry.LOOPBACK, port, drain_s=drain_s):
        yield
    await asyncio.to_thread(served.close)


async def beat(life: Lifecycle) -> None:
    """Publish heartbeats until cancelled; their code is loaded beside the statements that are answered already."""
    beats = await asyncio.to_thread(importlib.import_module, _BEATS)
    await beats.beat(life)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the process and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m infra.embedded.clickhouse", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="where to listen on loopback")
    parser.add_argument("--data", type=Path, required=True, help="the folder of the data")
    given = parser.parse_args(arguments)
    path: Path = given.data.absolute()

    async def run(life: Lifecycle) -> None:
        settings = life.settings
        await life.start("telemetry", telemetry.serve(settings.process.metrics_port, life.health))
        engine = await life.start("engine", engine_over(path))
        drain_s = settings.process.drain_timeout_s * _DRAIN_SHARE
        await life.start("front", front_over(engine, login(settings), given.port, drain_s))
        _ = life.spawn("heartbeat", beat(life), essential=False)
        await life.stopping()

    return lifecycle.run(run, service=SERVICE)


if __name__ == "__main__":
    sys.exit(main())
