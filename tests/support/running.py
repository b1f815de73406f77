"""A real Tapeline in a temporary folder, for tests that talk to real services; at its end no process may be left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from infra.embedded import control, orphans, steps
from tapeline.runtime import runfile
from tapeline.runtime.runfile import RunFile
from tapeline.runtime.settings import Data, Embedded, Log, Settings, load


def settings_in(root: Path, **embedded: Any) -> Settings:  # noqa: ANN401 - values of settings
    """Return settings with data and logs below `root` and the user's own cache, so that jars are fetched once."""
    found = load(root)
    return found.model_copy(
        update={
            "data": Data(dir=root / "data", cache_dir=found.data.cache_dir),
            "log": Log(dir=root / "logs"),
            "embedded": Embedded(**embedded),
        }
    )


@contextmanager
def running(settings: Settings) -> Iterator[RunFile]:
    """Run the services for the length of the block, then stop them and check that nothing is left."""
    seen: list[steps.Step] = []
    run = control.start(settings, seen.append)
    try:
        yield run
    finally:
        control.stop(settings)
        assert left_over(settings) == []


def left_over(settings: Settings) -> list[str]:
    """Return what still runs of a Tapeline that should be gone, in words."""
    found = [f"{process.pid} {_name(process)}" for process in orphans.find(settings.data.dir, None)]
    if runfile.path_in(settings.data.dir).exists():
        found.append("a run file")
    return found


def pid_of(settings: Settings, name: str) -> int:
    """Return the id of a process of a running Tapeline, as it is now."""
    run = runfile.read(settings.data.dir)
    assert run is not None
    pid = run.processes[name].pid
    assert pid is not None
    return pid


@pytest.fixture(scope="session")
def tapeline_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Return the settings of `tapeline_up`."""
    return settings_in(tmp_path_factory.mktemp("tapeline"))


@pytest.fixture(scope="session")
def tapeline_up(tapeline_settings: Settings) -> Iterator[RunFile]:
    """Run one real Tapeline for all tests that ask for it; they must not stop or break it."""
    with running(tapeline_settings) as run:
        yield run


def _name(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline()[:4])
    except psutil.Error:
        return "(gone)"
