"""The folder has one owner at a time, and one that lacks a part of itself is not filled up in silence."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from infra.embedded.clickhouse import folder
from tapeline.errors import Misconfigured
from tests.support.accepted import accepted


def test_a_new_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b"
    with folder.held(path):
        assert (path.stat().st_mode & 0o777, (path / folder.LOCK_NAME).read_text()) == (0o700, f"{os.getpid()}\n")


def test_a_folder_is_held_by_one_and_free_afterwards(tmp_path: Path) -> None:
    with folder.held(tmp_path), pytest.raises(Misconfigured) as caught, folder.held(tmp_path):
        pass
    assert f"{tmp_path} is in use by process {os.getpid()}" in str(caught.value)
    with folder.held(tmp_path):
        pass


def test_an_empty_and_a_whole_folder_are_fine(tmp_path: Path) -> None:
    with accepted():
        folder.check(tmp_path)
        folder.check(tmp_path / "not there")
    for name in ("metadata", "store"):
        (tmp_path / name).mkdir()
    with accepted():
        folder.check(tmp_path)


@pytest.mark.parametrize(("there", "reason"), [("metadata", "'store' is missing"), ("store", "'metadata' is missing")])
def test_half_a_folder_is_damaged(tmp_path: Path, there: str, reason: str) -> None:
    (tmp_path / there).mkdir()
    folder.check(tmp_path)  # killed while it was made: nothing is in it yet
    (tmp_path / there / "something").touch()
    with pytest.raises(Misconfigured) as caught:
        folder.check(tmp_path)
    assert str(caught.value).startswith(f"the ClickHouse data in {tmp_path} is damaged ({reason})")


def test_a_database_whose_tables_are_gone_is_damaged(tmp_path: Path) -> None:
    for name in ("metadata", "store"):
        (tmp_path / name).mkdir()
    (tmp_path / "store" / "abc").mkdir()
    (tmp_path / "metadata" / "crypto").symlink_to("../store/gone")
    with pytest.raises(Misconfigured, match="the tables of database 'crypto' are missing"):
        folder.check(tmp_path)
