"""The data directory: one supervisor, one layout, the same secrets; damage is named and nothing is deleted."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.embedded import datadir
from tapeline.errors import Misconfigured

SERVICES = frozenset({"kafka", "postgres", "clickhouse", "registry"})


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def healthy(folder: Path) -> Path:
    """Make a data directory like a first run leaves it."""
    with datadir.locked(folder):
        datadir.open_checked(folder, SERVICES)
    for name, text in {
        "kafka/data/meta.properties": "version=1\ncluster.id=x\nnode.id=1\n",
        "kafka/data/bootstrap.checkpoint": "x",
        "postgres/PG_VERSION": "18\n",
        "postgres/global/pg_control": "x",
        "clickhouse/x": "x",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_secrets_are_made_once_for_their_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with datadir.locked(folder):
        first = datadir.open_checked(folder, SERVICES)
    with datadir.locked(folder):
        second = datadir.open_checked(folder, SERVICES)
    assert first == second
    secrets = {first.postgres_password, first.clickhouse_password, first.gateway_token}
    assert (len(secrets), min(map(len, secrets)) >= 43) == (3, True)
    assert (mode(folder), mode(folder / "secrets.json")) == (0o700, 0o600)


def test_a_second_supervisor_is_told_who_the_first_is(tmp_path: Path) -> None:
    with datadir.locked(tmp_path):
        assert datadir.is_locked(tmp_path)
        with pytest.raises(Misconfigured) as caught, datadir.locked(tmp_path):
            pass
    assert str(caught.value) == (
        f"Tapeline is already running in {tmp_path} (process {os.getpid()}): see it with `tapeline status`, stop it "
        "with `tapeline down`"
    )
    assert not datadir.is_locked(tmp_path)


def test_a_folder_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x", "utf-8")
    with pytest.raises(Misconfigured) as caught, datadir.locked(file):
        pass
    assert str(caught.value) == (
        f"data.dir {file} cannot be used (File exists): set data.dir to a folder that can be written"
    )


def test_a_healthy_folder_opens(tmp_path: Path) -> None:
    folder = healthy(tmp_path / "data")
    before = content(folder)
    datadir.open_checked(folder, SERVICES)
    assert content(folder) == before


def without(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def holding(name: str, text: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / name).write_text(text, "utf-8")

    return write


DAMAGE = {
    "no marker": (without("layout.json"), "{f}/layout.json is missing although {f}/kafka is there", "{f}"),
    "marker broken": (
        holding("layout.json", "{"),
        "{f}/layout.json cannot be read (Input data was truncated)",
        "{f}",
    ),
    "no secrets": (
        without("secrets.json"),
        "{f}/secrets.json is missing, and the databases open only with its passwords",
        "{f}",
    ),
    "secrets broken": (
        holding("secrets.json", ""),
        "{f}/secrets.json cannot be read (Input data was truncated)",
        "{f}",
    ),
    "kafka has no identity": (
        without("kafka/data/meta.properties"),
        "{f}/kafka/data/meta.properties is missing",
        "{f}/kafka",
    ),
    "kafka is another broker": (
        holding("kafka/data/meta.properties", "version=1\ncluster.id=garbage\nnode.id=7\n"),
        "{f}/kafka/data is that of broker 7",
        "{f}/kafka",
    ),
    "postgres has no version": (
        without("postgres/PG_VERSION"),
        "{f}/postgres/PG_VERSION is missing or no number",
        "{f}/postgres",
    ),
    "postgres has no control file": (
        holding("postgres/global/pg_control", ""),
        "{f}/postgres/global/pg_control is missing or empty",
        "{f}/postgres",
    ),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_damage_is_one_sentence_and_nothing_is_touched(tmp_path: Path, case: str) -> None:
    folder = healthy(tmp_path / "data")
    break_it, what, aside = DAMAGE[case]
    break_it(folder)
    before = content(folder)
    with pytest.raises(Misconfigured) as caught:
        datadir.open_checked(folder, SERVICES)
    assert str(caught.value) == (
        f"the data directory is damaged: {what.format(f=folder)} (nothing was changed): put it back from a copy, or "
        f"move {aside.format(f=folder)} aside and run `tapeline up` again, which starts empty"
    )
    assert content(folder) == before


def test_a_service_that_does_not_run_here_is_not_checked(tmp_path: Path) -> None:
    folder = healthy(tmp_path / "data")
    (folder / "kafka/data/meta.properties").unlink()
    before = datadir.open_checked(healthy(tmp_path / "other"), SERVICES)
    assert datadir.open_checked(folder, frozenset({"postgres"})) != before


def test_another_layout_is_not_opened(tmp_path: Path) -> None:
    folder = healthy(tmp_path / "data")
    (folder / "layout.json").write_text('{"layout": 2}', "utf-8")
    with pytest.raises(Misconfigured) as caught:
        datadir.open_checked(folder, SERVICES)
    assert str(caught.value) == (
        f"the data directory {folder} has layout 2, and this version of Tapeline reads layout 1: run the version of "
        "Tapeline that wrote it, or set data.dir to another folder"
    )
