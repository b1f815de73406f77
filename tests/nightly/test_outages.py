"""What happens to processes on a bad day: kills without end, workers that come and go, a database that stands still."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Final

import psutil
import pytest

from simulator import faults, steering
from tapeline.cli.demo.kills import Killer
from tapeline.runtime.lifecycle import background
from tests.support.pipeline import BACK_WITHIN_S
from tests.support.trial import settings_for, trial

pytestmark = pytest.mark.nightly

COMES_EVERY_S: Final = 2.0
TIMES: Final = 10
STILL_S: Final = 15.0
WORKERS: Final = ("producers", "processors", "sinks", "gateway", "executor")


@pytest.mark.timeout(2_400)
async def test_random_kills(root: Path, seed: int, kills_s: float) -> None:
    settings = settings_for(root, seed=seed, faults=faults.SIMULATED)
    async with trial("random_kills", settings, seed=seed) as one:
        await steering.tell(one.pipeline.run.addresses.venues, "arm")
        killer = Killer(settings.data.dir, seed=seed)
        async with background("kills", killer.run()) as kills:
            await one.lasts(kills_s)
            killer.end()
            await asyncio.wait({kills}, timeout=BACK_WITHIN_S)
        await steering.tell(one.pipeline.run.addresses.venues, "calm")
        await one.recovers()


@pytest.mark.timeout(400)
async def test_workers_come_and_go(root: Path, seed: int) -> None:
    async with trial("workers_come_and_go", settings_for(root, seed=seed), seed=seed) as one:
        here: list[contextlib.ExitStack] = []
        commands = [("processors",), ("sinks", "clickhouse", "--name", "second")]
        for number in range(TIMES):
            coming = contextlib.ExitStack()
            coming.enter_context(one.pipeline.worker(*commands[number % 2]))
            here.append(coming)
            await one.lasts(COMES_EVERY_S)
            if len(here) > len(commands):
                await asyncio.to_thread(here.pop(0).close)
        for leaving in here:
            await asyncio.to_thread(leaving.close)
        await one.recovers()


@pytest.mark.timeout(400)
async def test_postgres_paused(root: Path, seed: int) -> None:
    async with trial("postgres_paused", settings_for(root, seed=seed), seed=seed) as one:
        master = psutil.Process(one.pipeline.process("postgres").pid)
        async with one.outage("postgres", "pause"):
            # The one that starts others first, so that none is missed.
            master.suspend()
            held = [master, *master.children(recursive=True)]
            try:
                for process in held[1:]:
                    process.suspend()
                await one.lasts(STILL_S)
            finally:
                for process in reversed(held):
                    with contextlib.suppress(psutil.NoSuchProcess):
                        process.resume()
        await one.recovers()


@pytest.mark.timeout(400)
async def test_registry_away(root: Path, seed: int) -> None:
    async with trial("registry_away", settings_for(root, seed=seed), seed=seed) as one:
        registry = psutil.Process(one.pipeline.process("registry").pid)
        killer = Killer(one.pipeline.folder, seed=seed)
        async with one.outage("registry", "pause"):
            registry.suspend()
            try:
                for name in WORKERS:
                    async with asyncio.timeout(BACK_WITHIN_S):
                        await killer.kill(one.pipeline.process(name))
            finally:
                registry.resume()
        await one.recovers()
