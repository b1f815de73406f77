"""The disk of a service is full for a while and is freed: it comes back by itself, and nothing is lost in silence."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import psutil
import pytest

from infra.embedded import control
from tapeline.cli import reaching
from tapeline.runtime import clock, runfile
from tapeline.runtime.settings import Settings
from tests.support.disks import Disk, small_disk
from tests.support.eventually import eventually
from tests.support.running import settings_in
from tests.support.trial import settings_for, trial

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(400)]

FULL_S: Final = 12.0
_SIZES_MB: Final = {"kafka": 160, "postgres": 320, "clickhouse": 320}


def made(root: Path) -> None:
    """Make the data of all services, so that a folder of theirs can be moved to a disk of its own."""
    services = reaching.of_demo(settings_in(root))
    control.start(services, lambda _: None)
    control.stop(services)


def processes_of(settings: Settings, *names: str) -> list[psutil.Process]:
    """Return what runs under these names, with what they started."""
    run = runfile.read(settings.data.dir)
    records = {} if run is None else run.processes
    found = [runfile.living(record) for name, record in records.items() if not names or name in names]
    return [one for process in found if process is not None for one in (process, *process.children(recursive=True))]


async def full(disk: Disk) -> None:
    """Leave no room for a while, and give it back."""
    end_s = clock.monotonic_s() + FULL_S

    def over() -> bool:
        disk.fill()
        return clock.monotonic_s() >= end_s

    try:
        await eventually(over, within_s=FULL_S + 10)
    finally:
        disk.free()


@pytest.mark.parametrize(
    ("name", "service"),
    [("broker", "kafka"), ("postgres", "postgres"), ("clickhouse", "clickhouse")],
    ids=["disk_full_broker", "disk_full_postgres", "disk_full_clickhouse"],
)
async def test_disk(name: str, service: str, root: Path, seed: int) -> None:
    made(root)
    settings = settings_for(root, seed=seed)
    with small_disk(settings.data.dir / service, _SIZES_MB[service], lambda: processes_of(settings, service)) as disk:
        async with trial(f"disk_full_{name}", settings, seed=seed) as one:
            one.how = disk.how
            async with one.outage(service, "full"):
                await full(disk)
            print(f"{disk.how} of {service} full for {FULL_S:g} s: as before after {await one.recovers():.1f} s")  # noqa: T201 - the measure


async def test_disk_full_logs(root: Path, seed: int) -> None:
    settings = settings_for(root, seed=seed)
    settings.log.dir.mkdir(parents=True)
    with small_disk(settings.log.dir, 64, lambda: processes_of(settings)) as disk:
        async with trial("disk_full_logs", settings, seed=seed) as one:
            one.how = disk.how
            await full(disk)
            await one.recovers()
