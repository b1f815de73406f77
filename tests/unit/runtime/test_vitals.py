"""What a process shows of itself each second: its file, how late its loop is, the room on its disks; it never stops."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tapeline.runtime import clock, heartbeat_file, lifecycle, logs, metrics, vitals
from tapeline.runtime.health import Health
from tapeline.runtime.settings import Data, Log, Process, Settings
from tests.support.eventually import eventually


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    found = Settings(
        data=Data(dir=tmp_path), log=Log(dir=tmp_path / "logs"), process=Process(heartbeat_path=tmp_path / "heartbeat")
    )
    logs.configure("sinks", found.log)
    yield found
    logs.shutdown()


def value(name: str, **labels: str) -> float:
    return metrics.registry().get_sample_value(name, labels) or 0.0


async def test_the_file_tells_the_state_of_now(settings: Settings) -> None:
    health, path = Health("sinks"), settings.process.heartbeat_path
    assert path is not None

    def told() -> str | None:
        return heartbeat_file.problem(path, clock.monotonic_s())

    async with lifecycle.background("vitals", vitals.show(health, settings, every_s=0.01)):
        await eventually(lambda: told() == "sinks is starting")
        health.running()
        await eventually(lambda: told() is None)
        health.waiting("kafka", "refused")
        await eventually(lambda: told() == "sinks is waiting (kafka: refused)")
    assert json.loads(path.read_text())["good_for_s"] == 15.0


async def test_disks_and_lateness_are_measured(settings: Settings) -> None:
    before = value("tapeline_loop_late_seconds_count")
    async with lifecycle.background("vitals", vitals.show(Health("sinks"), settings, every_s=0.01)):
        await eventually(lambda: value("tapeline_loop_late_seconds_count") > before + 2)
    for folder in ("data", "log"):
        assert 0 < value("tapeline_disk_free_bytes", folder=folder) <= value("tapeline_disk_size_bytes", folder=folder)


async def test_a_file_that_cannot_be_written_stops_nothing_and_is_said_once(settings: Settings) -> None:
    gone = settings.process.model_copy(update={"heartbeat_path": settings.data.dir / "none" / "heartbeat"})
    found = settings.model_copy(update={"process": gone})
    before = value("tapeline_loop_late_seconds_count")
    async with lifecycle.background("vitals", vitals.show(Health("sinks"), found, every_s=0.01)):
        await eventually(lambda: value("tapeline_loop_late_seconds_count") > before + 4)
    lines = [
        json.loads(line) for file in settings.log.dir.glob("sinks_2*.log") for line in file.read_text().splitlines()
    ]
    assert [line["event"] for line in lines].count("HEARTBEAT_FILE_FAILED") == 1
